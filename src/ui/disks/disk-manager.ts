/**
 * The user's disks on the first page: bringing images in, the list, what one can do with each, and the room
 * they take. What to boot is asked of the application by events.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { DiskInfo } from '../../embed/disk-library.ts';
import { icon } from '../shell/icons.ts';
import {
  cloneDisk,
  createEmptyDisk,
  deleteDisk,
  exportDisk,
  importFiles,
  importFromUrl,
  resetDisk,
  resizeDisk,
  showDiskFiles,
} from './disk-actions.ts';
import type { DiskJob } from './disk-job.ts';
import { type DiskActions, diskRow } from './disk-row.ts';
import type { DiskShelf } from './disk-shelf.ts';
import type { DiskProblem } from './disk-words.ts';
import { emptyState } from './empty-state.ts';
import { type JobActions, jobCard, unfinishedCard } from './job-card.ts';
import { problemNotice, unavailableNote } from './problem-notice.ts';
import { type PersistenceAnswer, storageMeter } from './storage-meter.ts';
import './disks.css';

/** What the user wants to do with a disk, outside this list. */
export interface DiskUse {
  readonly disk: DiskInfo;
  /** `choose` asks how it boots even when that is known. */
  readonly how: 'boot' | 'boot-snapshot' | 'choose' | 'attach';
}
export type DiskUseEvent = CustomEvent<DiskUse>;

/** How often rates move while a job is under way. */
const TICK_MS = 500;
/** A tab that is closed with its machine says nothing: whether disks are in use has to be looked at. */
const USE_CHECK_MS = 3000;

export class BrambleDisks extends LitElement {
  static override properties = {
    shelf: { attribute: false },
    bootable: { type: Boolean },
    renaming: { state: true },
    persistence: { state: true },
  };
  declare shelf: DiskShelf;
  /** Whether disks can be booted from here; not while a machine of this page runs. */
  declare bootable: boolean;
  declare renaming: string | undefined;
  declare persistence: PersistenceAnswer;
  #shownProblem: DiskProblem | undefined;
  #unsubscribe: (() => void) | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.bootable = true;
    this.renaming = undefined;
    this.persistence = 'unasked';
  }

  protected override createRenderRoot(): this {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#unsubscribe = this.shelf.subscribe(() => this.requestUpdate());
    this.#timer = setInterval(() => {
      if (this.shelf.isBusy) this.requestUpdate();
    }, TICK_MS);
    this.#watch = setInterval(() => {
      if (this.shelf.disks.some(({ inUse }) => inUse !== 'no')) void this.shelf.refresh();
    }, USE_CHECK_MS);
    // A list that was read before may be old: other tabs begin and end to use disks without a word.
    void (this.shelf.state === 'open' ? this.shelf.refresh() : this.shelf.open());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe?.();
    clearInterval(this.#timer);
    clearInterval(this.#watch);
  }

  /** A link to the disks is followed once they are there. */
  protected override firstUpdated(): void {
    if (location.hash === '#disks') this.scrollIntoView({ block: 'start' });
  }

  /** What went wrong must be seen, wherever in the list it was asked for. */
  protected override updated(): void {
    const { problem } = this.shelf;
    if (problem !== undefined && problem !== this.#shownProblem)
      this.querySelector('[role=alert]')?.scrollIntoView({ block: 'nearest' });
    this.#shownProblem = problem;
  }

  protected override render(): TemplateResult {
    const { state } = this.shelf;
    return html`<section class="section disks" id="disks" aria-labelledby="disks-title" tabindex="-1">
      <div class="section-head">
        <h2 id="disks-title">Your disks</h2>
        ${state === 'open' && this.#hasAny() ? this.#ways() : nothing}
      </div>
      ${state === 'unavailable' ? this.#unavailable() : this.#content()}
      <p class="visually-hidden" role="status">${this.shelf.announcement}</p>
    </section>`;
  }

  #unavailable(): TemplateResult {
    if (this.shelf.problem === undefined) return unavailableNote();
    return html`${this.#problem()}
      <div class="ways">
        <button type="button" class="button" @click=${() => void this.shelf.retry()}>Try again</button>
      </div>`;
  }

  #content(): TemplateResult {
    const { shelf } = this;
    return html`<p class="section-lede">
        ${icon('lock')}<span
          >Images that this browser keeps. What a guest writes stays, also when the tab is closed.</span
        >
      </p>
      ${this.#problem()}
      ${
        shelf.jobs.length + shelf.unfinished.length === 0
          ? nothing
          : html`<ul class="cards jobs">
              ${shelf.jobs.map((job) => jobCard(job, this.#jobActions))}
              ${shelf.unfinished.map((one) =>
                unfinishedCard(
                  one,
                  (file) => void shelf.resume(one, file),
                  () => void shelf.act((library) => library.discardImport(one.id)),
                ),
              )}
            </ul>`
      }
      ${this.#list()}`;
  }

  #list(): TemplateResult | typeof nothing {
    const { shelf } = this;
    if (shelf.state === 'opening')
      return html`<div class="card disk-list placeholder"><p class="hint">Opening your disks…</p></div>`;
    if (!this.#hasAny()) return emptyState(this.#ways());
    const { meter } = shelf;
    return html`<div class="card disk-list">
      <ul aria-label="Disks">
        ${repeat(
          shelf.disks,
          ({ id }) => id,
          (disk) =>
            diskRow(
              disk,
              { isRenaming: disk.id === this.renaming, isBootable: this.bootable, nowMs: Date.now() },
              this.#actions,
            ),
        )}
      </ul>
      ${meter ? storageMeter(meter, this.persistence, () => void this.#askToKeep()) : nothing}
    </div>`;
  }

  /** The three ways to a new disk. */
  #ways(): TemplateResult {
    return html`<div class="ways">
      <label class="button ${this.#hasAny() ? '' : 'primary'}"
        >${icon('drop')}Import an image…
        <input
          type="file"
          class="visually-hidden"
          multiple
          data-role="disk-image"
          @change=${(event: Event) => this.#pick(event.target as HTMLInputElement)}
        />
      </label>
      <button type="button" class="button" @click=${() => importFromUrl(this.shelf)}>${icon('link')}From an address…</button>
      <button type="button" class="button" @click=${() => createEmptyDisk(this.shelf)}>${icon('plus')}New empty disk…</button>
    </div>`;
  }

  #problem(): TemplateResult | typeof nothing {
    const { problem } = this.shelf;
    if (problem === undefined) return nothing;
    return problemNotice(problem, () => this.shelf.dismissProblem());
  }

  #hasAny(): boolean {
    const { disks, jobs, unfinished } = this.shelf;
    return disks.length + jobs.length + unfinished.length > 0;
  }

  #pick(input: HTMLInputElement): void {
    const files = [...(input.files ?? [])];
    input.value = '';
    this.importFiles(files);
  }

  importFiles(files: readonly File[]): void {
    importFiles(this.shelf, files);
  }

  readonly #actions: DiskActions = {
    boot: (disk) => this.#use({ disk, how: 'boot' }),
    bootWithoutSaving: (disk) => this.#use({ disk, how: 'boot-snapshot' }),
    chooseBoot: (disk) => this.#use({ disk, how: 'choose' }),
    attach: (disk) => this.#use({ disk, how: 'attach' }),
    beginRename: (disk) => void this.#beginRename(disk),
    rename: (disk, name) => void this.#endRename(disk, name),
    cancelRename: () => void this.#endRename(undefined, ''),
    clone: (disk) => void cloneDisk(this.shelf, disk),
    resize: (disk) => void resizeDisk(this.shelf, disk),
    files: (disk) => void showDiskFiles(this.shelf, disk),
    export: (disk) => void exportDisk(this.shelf, disk),
    reset: (disk) => void resetDisk(this.shelf, disk),
    delete: (disk) => void this.#delete(disk),
  };

  readonly #jobActions: JobActions = {
    cancel: (job) => job.cancel(),
    dismiss: (job) => this.shelf.dismissJob(job),
    wayOut: (job) => this.#wayOut(job),
  };

  /** What helps where the same once more would not. */
  #wayOut(job: DiskJob): ReturnType<JobActions['wayOut']> {
    if (job.problem?.kind !== 'cross-origin') return undefined;
    const action = (): void => {
      this.shelf.dismissJob(job);
      this.querySelector<HTMLInputElement>('input[data-role=disk-image]')?.click();
    };
    return { label: 'Choose the downloaded file…', action };
  }

  #use(use: DiskUse): void {
    this.dispatchEvent(new CustomEvent('bramble-disk', { detail: use, bubbles: true }));
  }

  async #beginRename(disk: DiskInfo): Promise<void> {
    this.renaming = disk.id;
    await this.updateComplete;
    const field = this.querySelector<HTMLInputElement>('.rename');
    field?.focus();
    field?.select();
  }

  async #endRename(disk: DiskInfo | undefined, name: string): Promise<void> {
    const id = this.renaming;
    this.renaming = undefined;
    if (disk) await this.shelf.act((library) => library.rename(disk.id, name));
    await this.updateComplete;
    if (id !== undefined && this.#focusIsLost()) this.#menuButton(id)?.focus();
  }

  async #delete(disk: DiskInfo): Promise<void> {
    if (!(await deleteDisk(this.shelf, disk))) return;
    await this.updateComplete;
    if (this.#focusIsLost()) this.querySelector<HTMLElement>('#disks')?.focus();
  }

  async #askToKeep(): Promise<void> {
    this.persistence = 'asking';
    const granted = await this.shelf.act((library) => library.requestPersistence());
    this.persistence = granted ? 'unasked' : 'refused';
  }

  /** Whether what had the focus is gone. */
  #focusIsLost(): boolean {
    return document.activeElement === null || document.activeElement === document.body;
  }

  #menuButton(id: string): HTMLElement | null {
    return this.querySelector<HTMLElement>(`[data-disk="${CSS.escape(id)}"] bramble-menu > button`);
  }
}

customElements.define('bramble-disks', BrambleDisks);
