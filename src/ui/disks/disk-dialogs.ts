/** The questions that actions on disks ask first. Each resolves with what to do, or undefined for nothing. */
import { html, nothing, type TemplateResult } from 'lit';
import { ifDefined } from 'lit/directives/if-defined.js';
import { live } from 'lit/directives/live.js';
import type { DiskInfo } from '../../embed/disk-library.ts';
import { ask, type Choice } from '../shell/dialogs.ts';
import { formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import { asEntered, type EnteredSize, enteredBytes, type SizeUnit, UNIT_BYTES } from './disk-size.ts';
import { deletionLoss, diskNameFor, freeName, urlFileName } from './disk-words.ts';

const CANCEL: Choice<'no'> = { value: 'no', label: 'Cancel' };
const NEW_DISK: EnteredSize = { text: '4', unit: 'GiB' };
const SHA256_PATTERN = '\\s*[0-9A-Fa-f]{64}\\s*';

const ON_DEMAND_TEXT =
  'Ready at once. Needs the connection later, a server that sends ranges, and raw, qcow2, VHD, or xz in blocks.';

interface TextField {
  readonly label: string;
  readonly value: string;
  readonly set: (text: string) => void;
  readonly type?: 'url';
  readonly placeholder?: string;
  readonly hint?: string;
  readonly pattern?: string;
  /** Said by the browser when the pattern does not match. */
  readonly title?: string;
  readonly optional?: boolean;
  readonly autofocus?: boolean;
}

function textField(field: TextField): TemplateResult {
  return html`<label class="field"
    ><span class="label">${field.label}${field.optional ? html` <em>optional</em>` : nothing}</span>
    <input
      class="input"
      type=${field.type ?? 'text'}
      autocomplete="off"
      spellcheck="false"
      placeholder=${ifDefined(field.placeholder)}
      pattern=${ifDefined(field.pattern)}
      title=${ifDefined(field.title)}
      ?required=${!field.optional}
      ?autofocus=${field.autofocus}
      .value=${live(field.value)}
      @input=${(event: Event) => field.set((event.target as HTMLInputElement).value)}
    />
    ${field.hint ? html`<span class="hint">${field.hint}</span>` : nothing}
  </label>`;
}

function sizeField(size: EnteredSize, set: (size: EnteredSize) => void): TemplateResult {
  const isWrong = enteredBytes(size) === undefined;
  return html`<div class="field">
    <span class="label" id="size-label">Size</span>
    <div class="size-field">
      <input
        class="input"
        inputmode="decimal"
        autocomplete="off"
        required
        autofocus
        aria-labelledby="size-label"
        aria-invalid=${isWrong}
        .value=${live(size.text)}
        @input=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          set({ ...size, text: input.value });
          const wrong = enteredBytes({ ...size, text: input.value }) === undefined;
          input.setCustomValidity(wrong ? 'A number, from 1 MiB to 2048 GiB.' : '');
        }}
      />
      <select
        class="input"
        aria-label="Unit"
        @change=${(event: Event) => set({ ...size, unit: (event.target as HTMLSelectElement).value as SizeUnit })}
      >
        ${Object.keys(UNIT_BYTES).map((unit) => html`<option ?selected=${unit === size.unit}>${unit}</option>`)}
      </select>
    </div>
  </div>`;
}

export interface UrlImport {
  readonly url: string;
  readonly name: string;
  readonly sha256?: string;
  readonly onDemand: boolean;
}

export async function askUrlImport(takenNames: readonly string[]): Promise<UrlImport | undefined> {
  let url = '';
  let name = '';
  let sha256 = '';
  let onDemand = false;
  const suggested = (): string => freeName(diskNameFor(urlFileName(url)), takenNames);
  const answer = await ask({
    title: 'Import from an address',
    body: () => html`
      ${textField({
        label: 'Address of the image',
        value: url,
        type: 'url',
        placeholder: 'https://',
        autofocus: true,
        hint: 'The other site must allow this page to read it (CORS).',
        set: (text) => (url = text),
      })}
      ${textField({
        label: 'Name',
        value: name,
        placeholder: url === '' ? '' : suggested(),
        optional: true,
        set: (text) => (name = text),
      })}
      ${textField({
        label: 'SHA-256 of the file',
        value: sha256,
        optional: true,
        pattern: SHA256_PATTERN,
        title: '64 hexadecimal digits',
        hint: 'A file with another sum is refused.',
        set: (text) => (sha256 = text),
      })}
      <label class="check"
        ><input
          type="checkbox"
          .checked=${live(onDemand && sha256 === '')}
          ?disabled=${sha256 !== ''}
          @input=${(event: Event) => (onDemand = (event.target as HTMLInputElement).checked)}
        /><span
          ><strong>Fetch only what the guest reads</strong
          ><small>${sha256 === '' ? ON_DEMAND_TEXT : 'Not with a sum: it is of the whole file.'}</small></span
        ></label
      >
    `,
    choices: [CANCEL, { value: 'import', label: 'Import', style: 'primary' }],
  });
  if (answer !== 'import') return undefined;
  const sum = sha256.trim().toLowerCase();
  const how = sum ? { sha256: sum, onDemand: false } : { onDemand };
  return { url: url.trim(), name: name.trim() || suggested(), ...how };
}

export async function askEmptyDisk(
  takenNames: readonly string[],
): Promise<{ name: string; sizeBytes: number } | undefined> {
  let name = freeName('New disk', takenNames);
  let size = NEW_DISK;
  const answer = await ask({
    title: 'New empty disk',
    body: () => html`
      ${sizeField(size, (entered) => (size = entered))}
      ${textField({ label: 'Name', value: name, set: (text) => (name = text) })}
      <p class="hint">It takes room only for what a guest writes. The guest makes its own file system on it.</p>
    `,
    choices: [CANCEL, { value: 'create', label: 'Create', style: 'primary' }],
  });
  const sizeBytes = enteredBytes(size);
  if (answer !== 'create' || sizeBytes === undefined) return undefined;
  return { name: name.trim() || 'New disk', sizeBytes };
}

export async function askCloneName(
  disk: DiskInfo,
  takenNames: readonly string[],
): Promise<string | undefined> {
  let name = freeName(`${disk.name} copy`, takenNames);
  const answer = await ask({
    title: `Clone ${disk.name}`,
    body: () => html`
      <p>Made at once: both disks share what they have now, and each keeps its own changes from here on.</p>
      ${
        disk.inUse === 'no'
          ? nothing
          : html`<p class="hint">
              A machine uses it. The clone is what a loss of power would leave now: to have everything in it, let the
              guest <code>sync</code> first.
            </p>`
      }
      ${textField({ label: 'Name of the clone', value: name, autofocus: true, set: (text) => (name = text) })}
    `,
    choices: [CANCEL, { value: 'clone', label: 'Clone', style: 'primary' }],
  });
  return answer === 'clone' && name.trim() !== '' ? name.trim() : undefined;
}

export async function askNewSize(disk: DiskInfo): Promise<number | undefined> {
  let size = asEntered(disk.sizeBytes);
  const answer = await ask({
    title: `Resize ${disk.name}`,
    body: () => html`
      <p>It is ${formatBytes(disk.sizeBytes)} now.</p>
      ${sizeField(size, (entered) => (size = entered))} ${resizeEffect(disk, enteredBytes(size))}
    `,
    choices: [CANCEL, { value: 'resize', label: 'Resize', style: 'primary' }],
  });
  return answer === 'resize' ? enteredBytes(size) : undefined;
}

function resizeEffect(disk: DiskInfo, sizeBytes: number | undefined): TemplateResult | typeof nothing {
  if (sizeBytes === undefined || sizeBytes === disk.sizeBytes) return nothing;
  if (sizeBytes > disk.sizeBytes) {
    return html`<p class="hint">
      ${formatBytes(sizeBytes - disk.sizeBytes)} more, at once. Partitions and file systems stay as they are until the
      guest grows them (resize2fs, growpart).
    </p>`;
  }
  return html`<div class="notice danger" role="alert">
    ${icon('alert')}
    <div>
      <strong>The last ${formatBytes(disk.sizeBytes - sizeBytes)} of the disk are dropped for good.</strong>
      A file system that reaches there is damaged, unless the guest has made it smaller before.
      <label class="check"><input type="checkbox" required /><span>Nothing I need lies there</span></label>
    </div>
  </div>`;
}

export async function confirmReset(disk: DiskInfo): Promise<boolean> {
  const answer = await ask({
    title: `Reset ${disk.name}?`,
    body: `Everything written since it came, or since it was last cloned, is dropped for good. This frees ${formatBytes(disk.changedBytes)}.`,
    choices: [CANCEL, { value: 'reset', label: 'Reset', style: 'danger' }],
  });
  return answer === 'reset';
}

export async function confirmDelete(disk: DiskInfo): Promise<boolean> {
  const answer = await ask({
    title: `Delete ${disk.name}?`,
    body: html`<p>${deletionLoss(disk)} This cannot be undone.</p>
      <p>
        This frees ${formatBytes(disk.ownBytes)}.
        ${
          disk.sharedBytes > 0 && disk.sharesBaseWith.length > 0
            ? html`The ${formatBytes(disk.sharedBytes)} that it shares with ${disk.sharesBaseWith.join(', ')} stay.`
            : nothing
        }
      </p>`,
    choices: [CANCEL, { value: 'delete', label: 'Delete', style: 'danger' }],
  });
  return answer === 'delete';
}
