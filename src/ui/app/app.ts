/**
 * The application: the first page or one machine, what both share (theme, help, dropped files, the guard
 * against closing the tab), and the way between them.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { CreateMachine } from '../../embed/api.ts';
import { askBoot } from '../disks/boot-dialog.ts';
import { bootOptions, knownBoot, withGuestDisk } from '../disks/disk-boot.ts';
import type { BrambleDisks, DiskUse, DiskUseEvent } from '../disks/disk-manager.ts';
import type { DiskShelf } from '../disks/disk-shelf.ts';
import { type Catalog, loadCatalog } from '../home/guest-catalog.ts';
import type { LaunchEvent, OptionsEvent } from '../home/home-view.ts';
import {
  hasLocalFiles,
  type LaunchOptions,
  libraryDisks,
  machineTitle,
  parseQuery,
  toMachineOptions,
  toQuery,
} from '../home/launch-options.ts';
import type { RecentMachines } from '../home/recent-machines.ts';
import { machineDisks } from '../machine/machine-disks.ts';
import { MachineSession } from '../machine/session.ts';
import { logo } from '../shell/art.ts';
import { toast } from '../shell/clipboard.ts';
import { confirm } from '../shell/dialogs.ts';
import { icon } from '../shell/icons.ts';
import type { SettingsStore } from '../shell/settings.ts';
import type { Theme } from '../shell/theme.ts';
import { askAboutDisks, sortFiles, withParts } from './dropped-files.ts';
import { showHelp } from './help.ts';
import { themeMenu } from './theme-menu.ts';
import '../home/home-view.ts';

const HOME_TITLE = 'Bramble: an Arm computer in a tab';

export interface AppParts {
  readonly settings: SettingsStore;
  readonly theme: Theme;
  readonly createMachine: CreateMachine;
  readonly shelf: DiskShelf;
  readonly recent: RecentMachines;
}

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
  readonly #shelf: DiskShelf;
  readonly #recent: RecentMachines;
  #launching = false;

  constructor(parts: AppParts) {
    super();
    this.#settings = parts.settings;
    this.#theme = parts.theme;
    this.#createMachine = parts.createMachine;
    this.#shelf = parts.shelf;
    this.#recent = parts.recent;
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
    this.addEventListener('bramble-disk', (event) => void this.#useDisk((event as DiskUseEvent).detail));
    this.addEventListener('bramble-leave', () => void this.#leave());
    window.addEventListener('beforeunload', (event) => {
      if (this.session?.alive || this.#shelf.isBusy) event.preventDefault();
    });
    window.addEventListener('keydown', (event) => this.#key(event));
    this.#listenForFiles();
    void loadDiskManager();
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
        .shelf=${this.#shelf}
      ></bramble-machine-view>`;
    }
    return html`<header class="site-header">
        <span class="brand">${logo(26)} Bramble</span>
        <a class="button ghost" href="#disks">${icon('disk')}Disks</a>
        ${themeMenu(this.#settings)}
        <button type="button" class="button ghost icon-only" aria-label="Help" title="Help (?)" @click=${showHelp}>
          ${icon('help')}
        </button>
      </header>
      <bramble-home
        .catalog=${this.catalog}
        .options=${this.options}
        .problems=${this.problems}
        .shelf=${this.#shelf}
        .recent=${this.#recent.list}
      ></bramble-home>
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

  async #launch(asked: LaunchOptions): Promise<void> {
    const catalog = this.catalog;
    if (catalog === undefined) return;
    const options = await withGuestDisk(asked, catalog, this.#shelf, location.href);
    if (options === undefined) {
      if (this.#shelf.jobs.some((job) => job.problem)) this.#showDisks();
      return;
    }
    // An import takes a while, in which the user may have booted something else.
    if (this.#launching || this.session !== undefined) return;
    this.#launching = true;
    await this.#boot(options, catalog);
    this.#launching = false;
  }

  async #boot(options: LaunchOptions, catalog: Catalog): Promise<void> {
    const machineOptions = toMachineOptions(options, catalog);
    if (machineOptions === undefined) return;
    const diskName = (id: string): string | undefined => this.#shelf.diskById(id)?.name;
    const title = machineTitle(options, catalog, diskName);
    const session = new MachineSession(title, machineOptions, this.#createMachine, () => performance.now(), {
      disks: machineDisks(machineOptions, diskName),
    });
    void session.open();
    if (!(await loadMachineView())) return await session.close();
    this.session = session;
    if (hasLocalFiles(options)) return;
    const query = toQuery({ ...options, autostart: false }).toString();
    this.#recent.add({ title, query, bootedMs: Date.now() });
  }

  async #useDisk({ disk, how }: DiskUse): Promise<void> {
    const catalog = this.catalog;
    if (how === 'attach') {
      const isAttached = libraryDisks(this.options).some(({ library }) => library === disk.id);
      const added = isAttached ? [] : [{ library: disk.id, mode: 'write' } as const];
      await this.#show({ ...this.options, disks: [...this.options.disks, ...added] });
      return toast(`${disk.name} is added to your own machine.`);
    }
    if (catalog === undefined) return;
    const known = knownBoot(disk, catalog, this.#shelf.boots, location.href);
    const boot = known && how !== 'choose' ? known : await askBoot(disk, catalog, known);
    if (boot === undefined) return;
    this.#shelf.boots.set(disk.id, boot);
    await this.#launch(bootOptions(disk, boot, how === 'boot-snapshot' ? 'snapshot' : 'write'));
  }

  #showDisks(): void {
    this.querySelector('bramble-disks')?.scrollIntoView({ block: 'start' });
  }

  /** Fills in the form and brings it into view. */
  async #show(options: LaunchOptions): Promise<void> {
    this.options = options;
    await this.updateComplete;
    this.querySelector('bramble-own-machine')?.scrollIntoView({ block: 'start' });
  }

  async #leave(): Promise<void> {
    const session = this.session;
    if (session === undefined) return;
    if (session.alive && !(await confirm('Leave this machine?', leaveText(session), 'Leave'))) return;
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
    const { parts, disks } = await sortFiles(files);
    if (parts.length > 0) {
      await this.#show(withParts(this.options, parts));
      toast(`Took ${parts.map(({ file, role }) => `${file.name} as ${role}`).join(', ')}.`);
    }
    if (disks.length === 0) return;
    await this.#shelf.open();
    const answer = this.#shelf.state === 'open' ? await askAboutDisks(disks) : 'once';
    if (answer === 'once') {
      await this.#show({ ...this.options, disks: [...this.options.disks, ...disks] });
      toast(
        `Took ${disks.map(({ name }) => name).join(', ')} as ${disks.length === 1 ? 'a disk' : 'disks'}.`,
      );
    } else if (answer === 'import' && (await loadDiskManager())) {
      this.querySelector<BrambleDisks>('bramble-disks')?.importFiles(disks);
      this.#showDisks();
    }
  }
}

/** The machine's view with its terminal is most of the page's code; the first page does not wait for it. */
function loadMachineView(): Promise<boolean> {
  return loaded(import('../machine/machine-view.ts'));
}

/** Stands below what one sees first. */
function loadDiskManager(): Promise<boolean> {
  return loaded(import('../disks/disk-manager.ts'));
}

async function loaded(part: Promise<unknown>): Promise<boolean> {
  try {
    await part;
    return true;
  } catch {
    toast('A part of this page could not be loaded. Check the connection and reload.');
    return false;
  }
}

function leaveText({ disks }: MachineSession): string {
  return disks.some(({ writes }) => writes === 'saved')
    ? 'What the guest has written to its disk stays; its memory is dropped. To be sure that it has written everything, shut it down first.'
    : 'Its memory is dropped, and with it everything that was not saved elsewhere.';
}

customElements.define('bramble-app', BrambleApp);
