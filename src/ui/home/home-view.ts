/** The first page: one primary action, the catalogue, the user's disks, and a machine of one's own. */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { guestCopy, runningImport } from '../disks/disk-boot.ts';
import type { DiskShelf } from '../disks/disk-shelf.ts';
import { caneArt } from '../shell/art.ts';
import { formatAgo, formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import { guestCard, unbuiltCard } from './guest-card.ts';
import { type Catalog, defaultGuest, downloadBytes, type Guest } from './guest-catalog.ts';
import {
  isDefaultLaunch,
  type LaunchOptions,
  libraryDisks,
  machineTitle,
  NO_OPTIONS,
  parseQuery,
  toMachineOptions,
} from './launch-options.ts';
import type { RecentMachine } from './recent-machines.ts';
import './own-machine.ts';
import './home.css';

/** Asks the application to boot; the detail says what. */
export type LaunchEvent = CustomEvent<LaunchOptions>;
/** Tells the application how the user edited the machine of their own. */
export type OptionsEvent = CustomEvent<LaunchOptions>;

/** Its code comes after the first page. */
const DISKS_TAG = 'bramble-disks';

export class BrambleHome extends LitElement {
  static override properties = {
    catalog: { attribute: false },
    options: { attribute: false },
    problems: { attribute: false },
    shelf: { attribute: false },
    recent: { attribute: false },
  };
  /** Undefined while it is being fetched. */
  declare catalog: Catalog | undefined;
  declare options: LaunchOptions;
  declare problems: readonly string[];
  declare shelf: DiskShelf;
  /** What was booted last, newest first. */
  declare recent: readonly RecentMachine[];
  #unsubscribe: (() => void) | undefined;

  constructor() {
    super();
    this.catalog = undefined;
    this.options = NO_OPTIONS;
    this.problems = [];
    this.recent = [];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#unsubscribe = this.shelf.subscribe(() => this.requestUpdate());
    void customElements.whenDefined(DISKS_TAG).then(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe?.();
  }

  protected override createRenderRoot(): this {
    return this;
  }

  protected override render(): TemplateResult {
    return html`<main class="home" id="content" tabindex="-1">
      ${this.#hero()} ${this.#problems()} ${this.#recent()} ${this.#catalogue()}
      ${customElements.get(DISKS_TAG) ? html`<bramble-disks .shelf=${this.shelf}></bramble-disks>` : nothing}
      <bramble-own-machine
        .catalog=${this.catalog}
        .options=${this.options}
        .disks=${this.shelf.disks}
      ></bramble-own-machine>
    </main>`;
  }

  #hero(): TemplateResult {
    return html`<section class="hero" aria-labelledby="headline">
      <div class="hero-text">
        <h1 id="headline">A 64-bit Arm computer, growing in this tab.</h1>
        <p class="lede">
          Bramble boots Debian’s own Linux kernel, unmodified, on a machine that lives in your browser. Nothing
          to install, and nothing you do in it leaves the tab.
        </p>
        ${this.catalog === undefined ? this.#primary('Boot Linux', undefined) : this.#action(this.catalog)}
      </div>
      ${caneArt()}
    </section>`;
  }

  /** What the primary button offers: what a link asked for, else the default guest. */
  #action(catalog: Catalog): TemplateResult {
    const asked = toMachineOptions(this.options, catalog);
    if (asked === undefined) return missingImages(catalog);
    const guest = defaultGuest(catalog);
    if (guest === undefined || !isDefaultLaunch(this.options))
      return this.#primary(`Boot ${this.#title(catalog)}`, undefined);
    return this.#primary(guest.name === 'hello' ? `Boot ${guest.title}` : 'Boot Linux', guest);
  }

  #title(catalog: Catalog): string {
    return machineTitle(this.options, catalog, (id) => this.shelf.diskById(id)?.name);
  }

  #primary(label: string, guest: Guest | undefined): TemplateResult {
    return html`<div class="hero-action">
      <button
        type="button"
        class="button primary hero-button"
        ?disabled=${this.catalog === undefined}
        @click=${() => this.#launch(this.options)}
      >
        ${icon('play')}${label}
      </button>
      ${
        guest === undefined
          ? nothing
          : html`<p class="hero-cost">
              <strong>${formatBytes(downloadBytes(guest))}</strong> to load<br />${guest.title}
            </p>`
      }
    </div>`;
  }

  #problems(): TemplateResult | typeof nothing {
    if (this.problems.length === 0) return nothing;
    return html`<div class="notice" role="alert">
      ${icon('alert')}
      <div>
        <strong>Part of this link was not understood.</strong>
        ${this.problems.map((problem) => html`<br />${problem}`)}
      </div>
    </div>`;
  }

  #recent(): TemplateResult | typeof nothing {
    const machines = this.recent
      .map((machine) => ({ ...machine, options: parseQuery(new URLSearchParams(machine.query)).options }))
      .filter(({ options }) => this.#isThere(options));
    if (this.catalog === undefined || machines.length === 0) return nothing;
    return html`<section class="recent" aria-labelledby="recent">
      <h2 id="recent">${icon('clock')}Last booted</h2>
      <ul>
        ${machines.map(
          ({ title, bootedMs, options }) => html`<li>
            <button type="button" class="button recent-machine" @click=${() => this.#launch(options)}>
              ${title} <small>${formatAgo(bootedMs, Date.now())}</small>
            </button>
          </li>`,
        )}
      </ul>
    </section>`;
  }

  /** Whether everything that the options name still exists here. */
  #isThere(options: LaunchOptions): boolean {
    const { catalog } = this;
    return (
      catalog !== undefined &&
      toMachineOptions(options, catalog) !== undefined &&
      libraryDisks(options).every(({ library }) => this.shelf.diskById(library) !== undefined)
    );
  }

  #catalogue(): TemplateResult | typeof nothing {
    const guests = this.catalog?.guests ?? [];
    if (guests.length === 0) return nothing;
    return html`<section class="section" aria-labelledby="catalogue">
      <h2 id="catalogue">Ready to boot</h2>
      <ul class="cards">
        ${guests.map((guest) =>
          guestCard(guest, () => this.#launch({ ...NO_OPTIONS, guest: guest.name }), {
            importing: runningImport(guest, this.shelf),
            copy: this.catalog && guestCopy(guest, this.catalog, this.shelf, location.href),
          }),
        )}
        ${this.catalog?.notBuilt?.map(unbuiltCard)}
      </ul>
    </section>`;
  }

  #launch(options: LaunchOptions): void {
    this.dispatchEvent(new CustomEvent('bramble-launch', { detail: options, bubbles: true }));
  }
}

function missingImages(catalog: Catalog): TemplateResult {
  return html`<div class="notice" role="status">
    ${icon('info')}
    <div>
      <strong>${catalog.problem?.message ?? 'The guest that this link names is not offered here.'}</strong><br />
      ${catalog.problem?.hint ?? 'Choose one of those below, or boot your own files.'}
    </div>
  </div>`;
}

customElements.define('bramble-home', BrambleHome);
