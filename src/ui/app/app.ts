/**
 * The application: the first page or one machine, what both share (theme, help, dropped files, the guard
 * against closing the tab), and the way between them.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { CreateMachine } from '../../embed/api.ts';
import { guessRole } from '../home/file-kind.ts';
import { type Catalog, loadCatalog } from '../home/guest-catalog.ts';
import type { LaunchEvent, OptionsEvent } from '../home/home-view.ts';
import { type LaunchOptions, machineTitle, parseQuery, toMachineOptions } from '../home/launch-options.ts';
import { MachineSession } from '../machine/session.ts';
import { logo } from '../shell/art.ts';
import { toast } from '../shell/clipboard.ts';
import { confirm } from '../shell/dialogs.ts';
import { icon } from '../shell/icons.ts';
import type { SettingsStore } from '../shell/settings.ts';
import type { Theme } from '../shell/theme.ts';
import { showHelp } from './help.ts';
import { themeMenu } from './theme-menu.ts';
import '../home/home-view.ts';

const HOME_TITLE = 'Bramble: an Arm computer in a tab';

export class BrambleApp extends LitElement {
  static override properties = {
    catalog: { state: true },
    options: { state: true },
    problems: { state: true },
    session: { state: true },
    dragging: { state: true },
  };
  declare catalog: Catalog | undefined;
  declare options: LaunchOptions;
  declare problems: readonly string[];
  declare session: MachineSession | undefined;
  declare dragging: boolean;
  readonly #settings: SettingsStore;
  readonly #theme: Theme;
  readonly #createMachine: CreateMachine;
  #launching = false;

  constructor(settings: SettingsStore, theme: Theme, createMachine: CreateMachine) {
    super();
    this.#settings = settings;
    this.#theme = theme;
    this.#createMachine = createMachine;
    const { options, problems } = parseQuery(new URLSearchParams(location.search));
    this.catalog = undefined;
    this.options = options;
    this.problems = problems;
    this.session = undefined;
    this.dragging = false;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#settings.subscribe(() => this.requestUpdate());
    this.addEventListener('bramble-launch', (event) => void this.#launch((event as LaunchEvent).detail));
    this.addEventListener('bramble-options', (event) => {
      this.options = (event as OptionsEvent).detail;
    });
    this.addEventListener('bramble-leave', () => void this.#leave());
    window.addEventListener('beforeunload', (event) => {
      if (this.session?.alive) event.preventDefault();
    });
    window.addEventListener('keydown', (event) => this.#key(event));
    this.#listenForFiles();
    void this.#loadCatalog().then(loadMachineView);
  }

  protected override render(): TemplateResult {
    document.title = this.session ? `${this.session.title} · Bramble` : HOME_TITLE;
    const { session } = this;
    if (session) {
      return html`<bramble-machine-view
        .session=${session}
        .settings=${this.#settings}
        .theme=${this.#theme}
      ></bramble-machine-view>`;
    }
    return html`<header class="site-header">
        <span class="brand">${logo(26)} Bramble</span>
        ${themeMenu(this.#settings)}
        <button type="button" class="button ghost icon-only" aria-label="Help" title="Help (?)" @click=${showHelp}>
          ${icon('help')}
        </button>
      </header>
      <bramble-home .catalog=${this.catalog} .options=${this.options} .problems=${this.problems}></bramble-home>
      <footer class="site-footer">
        Bramble is free software. The guests it boots are built from Debian packages and have licences of their own.
      </footer>
      ${
        this.dragging
          ? html`<div class="drop-veil">${icon('drop')}Drop to use these files<span class="hint">They stay in your browser.</span></div>`
          : nothing
      }`;
  }

  async #loadCatalog(): Promise<void> {
    this.catalog = await loadCatalog();
    if (this.options.autostart) await this.#launch(this.options);
  }

  async #launch(options: LaunchOptions): Promise<void> {
    const catalog = this.catalog;
    const machineOptions = catalog && toMachineOptions(options, catalog);
    if (catalog === undefined || machineOptions === undefined || this.#launching) return;
    this.#launching = true;
    const title = machineTitle(options, catalog);
    const session = new MachineSession(title, machineOptions, this.#createMachine, () => performance.now());
    void session.open();
    if (await loadMachineView()) this.session = session;
    else await session.close();
    this.#launching = false;
  }

  async #leave(): Promise<void> {
    const session = this.session;
    if (session === undefined) return;
    if (session.alive && !(await confirm('Leave this machine?', LEAVE_TEXT, 'Leave'))) return;
    this.session = undefined;
    this.options = { ...this.options, autostart: false };
    await session.close();
    await this.updateComplete;
    this.querySelector<HTMLElement>('#content')?.focus();
  }

  /** `?` is help wherever it is not text for something. */
  #key(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const isText = target.matches('input, textarea, select, [contenteditable]');
    if (event.key !== '?' || isText || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    void showHelp();
  }

  #listenForFiles(): void {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    window.addEventListener('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.dragging = this.session === undefined;
    });
    window.addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) this.dragging = false;
    });
    window.addEventListener('drop', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.dragging = false;
      if (this.session) toast('Leave this machine first to boot other files.');
      else void this.#take([...(event.dataTransfer?.files ?? [])]);
    });
  }

  async #take(files: readonly File[]): Promise<void> {
    let options = this.options;
    const told: string[] = [];
    for (const file of files) {
      const role = await guessRole(file);
      options =
        role === 'disk' ? { ...options, disks: [...options.disks, file] } : { ...options, [role]: file };
      told.push(`${file.name} as ${role}`);
    }
    this.options = options;
    await this.updateComplete;
    this.querySelector('bramble-own-machine')?.scrollIntoView({ block: 'start' });
    toast(`Took ${told.join(', ')}.`);
  }
}

/** The machine's view with its terminal is most of the page's code; the first page does not wait for it. */
async function loadMachineView(): Promise<boolean> {
  try {
    await import('../machine/machine-view.ts');
    return true;
  } catch {
    toast('A part of this page could not be loaded. Check the connection and reload.');
    return false;
  }
}

const LEAVE_TEXT = 'Its memory is dropped, and with it everything that was not saved elsewhere.';

customElements.define('bramble-app', BrambleApp);
