/** One machine on the screen: controls above, terminal, cards over it, keys for phones, status below. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { showHelp } from '../app/help.ts';
import { themeMenu } from '../app/theme-menu.ts';
import type { DiskShelf } from '../disks/disk-shelf.ts';
import { showDisks } from '../disks/disks-dialog.ts';
import { logo } from '../shell/art.ts';
import { copyText, saveText, toast } from '../shell/clipboard.ts';
import { confirm } from '../shell/dialogs.ts';
import { icon } from '../shell/icons.ts';
import { clampFontSize, type SettingsStore } from '../shell/settings.ts';
import type { Theme } from '../shell/theme.ts';
import { currentPhase, loadCard, phaseAnnouncement, phaseStrip } from './boot-progress.ts';
import { type EndActions, endCard } from './end-cards.ts';
import { errorReport } from './error-report.ts';
import type { MachineSession } from './session.ts';
import { statusBar } from './status-bar.ts';
import type { BrambleTerminal } from './terminal.ts';
import { type ToolbarActions, toolbar } from './toolbar.ts';
import './key-bar.ts';
import './terminal.ts';
import './machine.css';
import './cards.css';
import './console.css';

/** How often clocks move while something is under way. */
const TICK_MS = 200;
/** How long a guest may take to shut down before a word about it. */
const POWER_KEY_PATIENCE_MS = 12_000;
/** How long the finished phases stay to be read. */
const PHASES_LINGER_MS = 4000;
/** A guest that says nothing for so long has no phases: bare metal, or no Linux. */
const PHASES_PATIENCE_MS = 60_000;

export class BrambleMachineView extends LitElement {
  static override properties = {
    session: { attribute: false },
    settings: { attribute: false },
    theme: { attribute: false },
    shelf: { attribute: false },
  };
  declare session: MachineSession;
  declare settings: SettingsStore;
  declare theme: Theme;
  declare shelf: DiskShelf;
  readonly #endings: (() => void)[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const update = (): void => this.requestUpdate();
    this.#endings.push(
      this.session.subscribe(update),
      this.settings.subscribe(update),
      this.theme.subscribe(update),
    );
    this.addEventListener('bramble-leave-terminal', () => this.#focusToolbar());
    this.#timer = setInterval(() => {
      if (this.#isBooting()) this.requestUpdate();
    }, TICK_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    for (const end of this.#endings) end();
  }

  protected override async firstUpdated(): Promise<void> {
    await this.#terminal.updateComplete;
    this.#terminal.focus();
  }

  protected override render(): TemplateResult {
    const { session } = this;
    const settings = this.settings.current;
    return html`<div class="machine ${session.state}">
      <header class="machine-bar">
        <button type="button" class="button ghost back" aria-label="Back to start" title="Back to start" @click=${this.#leave}>
          ${icon('back')}${logo(20)}
        </button>
        <h1>${session.title}</h1>
        ${this.#showsPhases() ? phaseStrip(session) : nothing}
        ${toolbar(session, settings.screenReader, this.#toolbarActions)}
        <span class="divider wide-only"></span>
        <span class="wide-only">${themeMenu(this.settings)}</span>
        <button type="button" class="button ghost icon-only wide-only" aria-label="Help" title="Help (?)" @click=${showHelp}>
          ${icon('help')}
        </button>
      </header>
      <main class="stage">
        <section class="console" aria-label="Console">
          <bramble-terminal .session=${session} .settings=${settings} .scheme=${this.theme.scheme}></bramble-terminal>
          <p class="way-out">Leave with <kbd>Shift+F6</kbd></p>
        </section>
        ${session.state === 'loading' && !session.error ? loadCard(session, this.#leave) : nothing}
        ${endCard(session, this.#endActions)}
      </main>
      <bramble-key-bar
        ?hidden=${session.state === 'off' || session.state === 'failed'}
        .session=${session}
        .machineState=${session.state}
      ></bramble-key-bar>
      ${statusBar(session, this.#manageDisks)}
      <p class="visually-hidden" role="status">${this.#announcement()}</p>
    </div>`;
  }

  get #terminal(): BrambleTerminal {
    return this.querySelector('bramble-terminal')!;
  }

  /** The library without leaving the machine: to make room, or to look. */
  readonly #manageDisks = (): void => void showDisks(this.shelf);

  readonly #leave = (): void => {
    this.dispatchEvent(new CustomEvent('bramble-leave', { bubbles: true }));
  };

  readonly #bootAgain = (): void => {
    this.#terminal.clear();
    void this.session.bootAgain();
    this.#terminal.focus();
  };

  readonly #saveLog = (): void => {
    saveText(`${this.#terminal.text}\n`, `${this.session.title.toLowerCase().replaceAll(/\W+/g, '-')}.log`);
  };

  readonly #endActions: EndActions = {
    resume: () => this.#togglePause(),
    bootAgain: this.#bootAgain,
    leave: this.#leave,
    dismiss: () => this.session.dismissError(),
    saveLog: this.#saveLog,
    makeRoom: this.#manageDisks,
    copyReport: () => void copyText(this.#report(), 'Report copied.'),
  };

  readonly #toolbarActions: ToolbarActions = {
    togglePause: () => this.#togglePause(),
    reset: () => void this.#reset(),
    pressPowerKey: () => void this.#pressPowerKey(),
    pullPlug: () => void this.session.pullPlug(),
    send: (bytes) => {
      this.session.type(bytes);
      this.#terminal.focus();
    },
    find: () => void this.#terminal.openSearch(),
    copySelection: () => void this.#terminal.copySelection(),
    copyAll: () => void copyText(this.#terminal.text, 'The console’s text was copied.'),
    paste: () => void this.#terminal.pasteFromClipboard(),
    clear: () => this.#terminal.clear(),
    saveLog: this.#saveLog,
    resizeFont: (stepPx) =>
      this.settings.change({ fontSizePx: clampFontSize(this.settings.current.fontSizePx + stepPx) }),
    toggleScreenReader: () => this.settings.change({ screenReader: !this.settings.current.screenReader }),
    toggleFullScreen: () => void toggleFullScreen(),
    help: () => void showHelp(),
  };

  #togglePause(): void {
    void this.session.togglePause();
    this.#terminal.focus();
  }

  async #pressPowerKey(): Promise<void> {
    const { session } = this;
    await session.pressPowerKey();
    setTimeout(() => {
      if (session.state === 'running' && this.isConnected) {
        toast('The guest has not shut down yet. The Power menu can pull the plug.');
      }
    }, POWER_KEY_PATIENCE_MS);
  }

  async #reset(): Promise<void> {
    const text = 'It starts over with empty memory, as if the reset button had been pressed.';
    if (await confirm('Reset the machine?', text, 'Reset')) await this.session.reset();
  }

  #focusToolbar(): void {
    this.querySelector<HTMLElement>('.toolbar button:not(:disabled)')?.focus();
  }

  #isBooting(): boolean {
    const { state } = this.session;
    return state === 'loading' || (state === 'running' && this.#showsPhases());
  }

  /** Until a moment after the guest is ready, or until it seems that it will never say so. */
  #showsPhases(): boolean {
    const { phases, state, elapsedMs } = this.session;
    const ready = phases.find(({ phase }) => phase === 'ready');
    if (ready !== undefined) return elapsedMs < ready.elapsedMs + PHASES_LINGER_MS;
    const lastMs = phases.at(-1)?.elapsedMs ?? 0;
    return (
      (state === 'running' && elapsedMs < lastMs + PHASES_PATIENCE_MS) ||
      (state === 'failed' && phases.length > 1)
    );
  }

  #announcement(): string {
    const { state, error } = this.session;
    if (state === 'paused') return error?.code === 'disk-full' ? 'Paused: storage is full.' : 'Paused.';
    if (state === 'off') return 'The machine is off.';
    // Errors announce themselves: their card is an alert.
    return state === 'failed' ? '' : phaseAnnouncement(currentPhase(this.session) ?? 'load');
  }

  #report(): string {
    const { title, error, options, stats, log } = this.session;
    return errorReport({
      title,
      error,
      options,
      stats,
      log,
      isolated: globalThis.crossOriginIsolated,
      userAgent: navigator.userAgent,
      consoleTail: this.#terminal.text,
    });
  }
}

async function toggleFullScreen(): Promise<void> {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await document.documentElement.requestFullscreen();
}

customElements.define('bramble-machine-view', BrambleMachineView);
