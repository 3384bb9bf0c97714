/**
 * A machine of one's own: what it starts from, the files that replace or extend it, memory, command line
 * and engine. Holds no state: every edit goes up as new options.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import type { CpuName, EngineMode } from '../../embed/api.ts';
import type { DiskInfo } from '../../embed/disk-library.ts';
import { copyText, toast } from '../shell/clipboard.ts';
import { askText } from '../shell/dialogs.ts';
import { formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import { type Catalog, fileOf, type Guest } from './guest-catalog.ts';
import {
  baseGuest,
  CPUS,
  hasLocalFiles,
  isMemorySize,
  type LaunchOptions,
  libraryDisks,
  MEMORY_MIB,
  NO_GUEST,
  NO_OPTIONS,
  type SourceChoice,
  toMachineOptions,
  toQuery,
  USUAL_CPU,
} from './launch-options.ts';
import { ownDisks } from './own-disks.ts';

type SingleRole = 'kernel' | 'initrd' | 'dtb';

interface Slot {
  readonly role: SingleRole;
  readonly label: string;
  readonly about: string;
}

const SLOTS: readonly Slot[] = [
  { role: 'kernel', label: 'Kernel', about: 'an arm64 Linux Image, plain or gzip, or a bare-metal binary' },
  { role: 'initrd', label: 'Initrd', about: 'a cpio archive, the first root file system' },
  { role: 'dtb', label: 'Device tree', about: 'replaces the one Bramble makes' },
];

const ADDRESS_LABEL = 'URL; another site must allow reading it (CORS)';

const ENGINES: readonly { readonly mode: EngineMode; readonly label: string; readonly about: string }[] = [
  { mode: 'normal', label: 'Normal', about: 'chooses what is fastest' },
  { mode: 'interpret', label: 'Interpret', about: 'never translates to WebAssembly' },
  { mode: 'translate', label: 'Translate', about: 'translates all it can at once' },
];

export class BrambleOwnMachine extends LitElement {
  static override properties = {
    catalog: { attribute: false },
    options: { attribute: false },
    disks: { attribute: false },
    memoryText: { state: true },
  };
  declare catalog: Catalog | undefined;
  declare options: LaunchOptions;
  /** The user's library. */
  declare disks: readonly DiskInfo[];
  /** What stands in the memory field while it is no valid size. */
  declare memoryText: string | undefined;

  constructor() {
    super();
    this.catalog = undefined;
    this.options = NO_OPTIONS;
    this.disks = [];
    this.memoryText = undefined;
  }

  protected override createRenderRoot(): this {
    return this;
  }

  get #guest(): Guest | undefined {
    return this.catalog && baseGuest(this.options, this.catalog);
  }

  protected override render(): TemplateResult {
    return html`<section class="section" aria-labelledby="own-machine">
      <h2 id="own-machine">Your own machine</h2>
      <p class="section-lede">
        ${icon('lock')} Choose files or drop them anywhere on this page. Your files stay in your browser.
      </p>
      <form class="card own-form" @submit=${this.#submit}>
        ${this.#startFrom()}
        <ul class="slots">
          ${SLOTS.map((slot) => this.#slot(slot))} ${this.#disks()}
        </ul>
        ${this.#advanced()} ${this.#actions()}
      </form>
    </section>`;
  }

  #startFrom(): TemplateResult | typeof nothing {
    const guests = this.catalog?.guests ?? [];
    if (guests.length === 0) return nothing;
    const chosen = this.#guest?.name ?? NO_GUEST;
    return html`<div class="field start-from">
      <label for="start-from">Start from</label>
      <select class="input" id="start-from" @change=${this.#changeGuest}>
        ${guests.map(
          ({ name, title }) => html`<option value=${name} ?selected=${name === chosen}>${title}</option>`,
        )}
        <option value=${NO_GUEST} ?selected=${chosen === NO_GUEST}>Only my own files</option>
      </select>
    </div>`;
  }

  #slot(slot: Slot): TemplateResult {
    const own = this.options[slot.role];
    const guestFile = this.#guest && fileOf(this.#guest, slot.role);
    return html`<li class="slot">
      <span class="slot-icon">${icon('file')}</span>
      <div class="slot-what">
        <strong id="slot-${slot.role}">${slot.label}</strong>
        ${
          own !== undefined
            ? this.#chosen(slot, own)
            : guestFile
              ? html`<span class="slot-file">${guestFile.url.split('/').at(-1)} <em>from the guest</em></span>`
              : html`<span class="hint">${slot.about}</span>`
        }
      </div>
      <button
        type="button"
        class="button ghost icon-only"
        aria-label="Use an address for ${slot.label}"
        title="Use an address"
        @click=${() => this.#enterAddress(slot)}
      >
        ${icon('link')}
      </button>
      <label class="button">
        ${own === undefined ? 'Choose…' : 'Replace…'}
        <span class="visually-hidden">${slot.label}</span>
        <input
          type="file"
          class="visually-hidden"
          data-role=${slot.role}
          @change=${(event: Event) => this.#pick(slot, event.target as HTMLInputElement)}
        />
      </label>
    </li>`;
  }

  #chosen(slot: Slot, source: SourceChoice): TemplateResult {
    const name = source instanceof File ? source.name : source;
    return html`<span class="slot-file">
      <span class="slot-name">${name}</span>
      ${source instanceof File ? html`<em>${formatBytes(source.size)}</em>` : nothing}
      <button
        type="button"
        class="button ghost icon-only small"
        aria-label="Remove ${name}"
        title="Remove"
        @click=${() => this.#remove(slot)}
      >
        ${icon('close')}
      </button>
    </span>`;
  }

  #disks(): TemplateResult {
    const { options } = this;
    return ownDisks({
      options,
      guestDisk: this.#guest && fileOf(this.#guest, 'disk'),
      library: this.disks,
      change: (part) => this.#edit({ ...options, ...part }),
      changeRootDisk: (rootDisk) => this.#edit({ ...options, rootDisk }),
      dropRootDisk: () => {
        const { rootDisk: _, ...rest } = options;
        this.#edit(rest);
      },
      enterAddress: async () => {
        const address = await askText('Address of the disk', ADDRESS_LABEL, 'Use it');
        if (address !== undefined) this.#edit({ ...this.options, disks: [...this.options.disks, address] });
      },
      pick: (input) => {
        const files = [...(input.files ?? [])];
        input.value = '';
        this.#edit({ ...this.options, disks: [...this.options.disks, ...files] });
      },
    });
  }

  #advanced(): TemplateResult {
    const { memoryMiB, commandLine, cpu = USUAL_CPU, engine } = this.options;
    const usual = cpu === USUAL_CPU && engine === NO_OPTIONS.engine;
    const open = memoryMiB !== undefined || commandLine !== undefined || !usual;
    const usualMiB = this.#guest?.memoryMiB ?? MEMORY_MIB.normal;
    return html`<details class="advanced" ?open=${open}>
      <summary>${icon('sliders')} Advanced</summary>
      <div class="advanced-fields">
        <div class="field">
          <label for="memory">Memory in MiB</label>
          <input
            class="input"
            id="memory"
            inputmode="numeric"
            autocomplete="off"
            placeholder=${usualMiB}
            .value=${this.memoryText ?? memoryMiB?.toString() ?? ''}
            aria-invalid=${this.memoryText !== undefined}
            aria-describedby="memory-hint"
            @input=${this.#changeMemory}
          />
          <span class="hint" id="memory-hint">${MEMORY_MIB.smallest} to ${MEMORY_MIB.largest}; ${usualMiB} when empty</span>
        </div>
        <div class="field">
          <label for="cpu">Processor</label>
          <select class="input" id="cpu" @change=${this.#changeCpu}>
            ${CPUS.map(([name, title]) => html`<option value=${name} ?selected=${name === cpu}>${title}</option>`)}
          </select>
        </div>
        <div class="field wide">
          <label for="append">Kernel command line</label>
          <input
            class="input mono"
            id="append"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            placeholder=${this.#guest?.commandLine ?? 'console=ttyAMA0'}
            .value=${commandLine ?? ''}
            @input=${(event: Event) => this.#set('commandLine', (event.target as HTMLInputElement).value)}
          />
        </div>
        <fieldset class="field wide engines">
          <legend>Engine</legend>
          <div class="engine-row">
            ${ENGINES.map(
              ({ mode, label, about }) => html`<label class="engine">
                <input
                  type="radio"
                  name="engine"
                  value=${mode}
                  .checked=${engine === mode}
                  @change=${() => this.#edit({ ...this.options, engine: mode })}
                />
                <span><strong>${label}</strong><small>${about}</small></span>
              </label>`,
            )}
          </div>
        </fieldset>
      </div>
    </details>`;
  }

  #actions(): TemplateResult {
    const bootable = this.catalog !== undefined && toMachineOptions(this.options, this.catalog) !== undefined;
    const ready = bootable && this.memoryText === undefined;
    return html`<div class="own-actions">
      <button class="button primary" ?disabled=${!ready}>${icon('play')}Boot this machine</button>
      <button type="button" class="button" @click=${this.#copyLink}>${icon('link')}Copy link</button>
      ${bootable ? nothing : html`<span class="hint">Choose a kernel first.</span>`}
    </div>`;
  }

  #changeCpu(event: Event): void {
    const chosen = (event.target as HTMLSelectElement).value as CpuName;
    const { cpu: _, ...rest } = this.options;
    this.#edit(chosen === USUAL_CPU ? rest : { ...rest, cpu: chosen });
  }

  #submit(event: Event): void {
    event.preventDefault();
    this.dispatchEvent(new CustomEvent('bramble-launch', { detail: this.options, bubbles: true }));
  }

  #changeGuest(event: Event): void {
    const name = (event.target as HTMLSelectElement).value;
    const { rootDisk: _, ...rest } = this.options;
    this.#edit({ ...rest, guest: name });
  }

  #pick(slot: Slot, input: HTMLInputElement): void {
    const file = input.files?.[0];
    input.value = '';
    if (file) this.#edit({ ...this.options, [slot.role]: file });
  }

  async #enterAddress(slot: Slot): Promise<void> {
    const address = await askText(`Address of the ${slot.label.toLowerCase()}`, ADDRESS_LABEL, 'Use it');
    if (address !== undefined) this.#edit({ ...this.options, [slot.role]: address });
  }

  #remove(slot: Slot): void {
    const { [slot.role]: _, ...rest } = this.options;
    this.#edit(rest);
  }

  #changeMemory(event: Event): void {
    const text = (event.target as HTMLInputElement).value.trim();
    const mib = Number(text);
    const valid = text === '' || isMemorySize(mib);
    this.memoryText = valid ? undefined : text;
    const { memoryMiB: _, ...rest } = this.options;
    if (valid) this.#edit(text === '' ? rest : { ...rest, memoryMiB: mib });
  }

  #set(key: 'commandLine', text: string): void {
    const { [key]: _, ...rest } = this.options;
    this.#edit(text === '' ? rest : { ...rest, [key]: text });
  }

  async #copyLink(): Promise<void> {
    const url = new URL(location.pathname, location.href);
    url.search = toQuery(this.options).toString();
    await copyText(url.href, 'Link copied.');
    if (hasLocalFiles(this.options)) toast('Link copied, without your own files: they stay here.');
    else if (libraryDisks(this.options).length > 0)
      toast('Link copied. It works in this browser only: your disks are here.');
  }

  #edit(options: LaunchOptions): void {
    this.dispatchEvent(new CustomEvent('bramble-options', { detail: options, bubbles: true }));
  }
}

customElements.define('bramble-own-machine', BrambleOwnMachine);
