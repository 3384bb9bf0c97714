/** The disks of a machine of one's own: from the library, kept or not, and files or addresses used once. */
import { html, nothing, type TemplateResult } from 'lit';
import type { DiskInfo } from '../../embed/disk-library.ts';
import { formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import type { MenuItem } from '../shell/menu.ts';
import type { GuestFile } from './guest-catalog.ts';
import { type DiskChoice, isLibraryDisk, type LaunchOptions, type LibraryDisk } from './launch-options.ts';
import '../shell/menu.ts';

export interface OwnDisks {
  readonly options: LaunchOptions;
  /** The disk that the chosen guest brings. */
  readonly guestDisk: GuestFile | undefined;
  readonly library: readonly DiskInfo[];
  readonly change: (part: Pick<LaunchOptions, 'disks'>) => void;
  readonly dropRootDisk: () => void;
  readonly changeRootDisk: (disk: LibraryDisk) => void;
  readonly enterAddress: () => void;
  readonly pick: (input: HTMLInputElement) => void;
}

export function ownDisks(own: OwnDisks): TemplateResult {
  const { options, guestDisk } = own;
  const isEmpty = options.disks.length === 0 && !options.rootDisk && !guestDisk;
  return html`<li class="slot wide">
    <span class="slot-icon">${icon('disk')}</span>
    <div class="slot-what">
      <strong id="slot-disk">Disks</strong>
      ${
        options.rootDisk
          ? libraryDisk(options.rootDisk, own.library, own.changeRootDisk, own.dropRootDisk)
          : guestDisk
            ? html`<span class="slot-file">${guestDisk.url.split('/').at(-1)} <em>from the guest</em></span>`
            : nothing
      }
      ${options.disks.map((disk, index) => chosenDisk(disk, index, own))}
      ${
        isEmpty
          ? html`<span class="hint">yours, saved as the guest writes; or raw images, used once</span>`
          : nothing
      }
    </div>
    <div class="slot-ways">
      ${
        own.library.length > 0
          ? html`<bramble-menu label="Your disks" showLabel .icon=${'disk'} .items=${libraryItems(own)}></bramble-menu>`
          : nothing
      }
      <button
        type="button"
        class="button ghost icon-only"
        aria-label="Use an address for Disks"
        title="Use an address"
        @click=${own.enterAddress}
      >
        ${icon('link')}
      </button>
      <label class="button">
        Add…<span class="visually-hidden">Disks</span>
        <input
          type="file"
          class="visually-hidden"
          data-role="disk"
          multiple
          @change=${(event: Event) => own.pick(event.target as HTMLInputElement)}
        />
      </label>
    </div>
  </li>`;
}

function chosenDisk(disk: DiskChoice, index: number, { options, library, change }: OwnDisks): TemplateResult {
  const without = (): readonly DiskChoice[] => options.disks.filter((_, at) => at !== index);
  const remove = (): void => change({ disks: without() });
  if (isLibraryDisk(disk)) {
    const replace = (other: LibraryDisk): void => change({ disks: options.disks.with(index, other) });
    return libraryDisk(disk, library, replace, remove);
  }
  const name = disk instanceof File ? disk.name : disk;
  return html`<span class="slot-file">
    <span class="slot-name">${name}</span>
    <em>${disk instanceof File ? `${formatBytes(disk.size)}, ` : ''}used once</em>
    ${removeButton(name, remove)}
  </span>`;
}

const MODES: readonly { readonly mode: LibraryDisk['mode']; readonly label: string }[] = [
  { mode: 'write', label: 'Save changes' },
  { mode: 'snapshot', label: 'Drop changes at the end' },
];

function libraryDisk(
  disk: LibraryDisk,
  library: readonly DiskInfo[],
  change: (disk: LibraryDisk) => void,
  remove: () => void,
): TemplateResult {
  const info = library.find(({ id }) => id === disk.library);
  const name = info?.name ?? 'A disk that is not in this browser';
  return html`<span class="slot-file">
    <span class="slot-name">${name}</span>
    ${info ? html`<em>${formatBytes(info.sizeBytes)}</em>` : nothing}
    <select
      class="input slim"
      aria-label="Changes on ${name}"
      @change=${(event: Event) =>
        change({ ...disk, mode: (event.target as HTMLSelectElement).value as LibraryDisk['mode'] })}
    >
      ${MODES.map(
        ({ mode, label }) => html`<option value=${mode} ?selected=${mode === disk.mode}>${label}</option>`,
      )}
    </select>
    ${removeButton(name, remove)}
  </span>`;
}

function removeButton(name: string, remove: () => void): TemplateResult {
  return html`<button
    type="button"
    class="button ghost icon-only small"
    aria-label="Remove ${name}"
    title="Remove"
    @click=${remove}
  >
    ${icon('close')}
  </button>`;
}

/** Those that are not attached yet. */
function libraryItems({ options, library, change }: OwnDisks): readonly MenuItem[] {
  const attached = new Set(
    [options.rootDisk, ...options.disks.filter(isLibraryDisk)].map((disk) => disk?.library),
  );
  const free = library.filter(({ id }) => !attached.has(id));
  if (free.length === 0) return [{ label: 'All of them are attached', disabled: true, action: () => {} }];
  return free.map(({ id, name, sizeBytes, inUse }) => ({
    label: name,
    note: inUse === 'no' ? formatBytes(sizeBytes) : 'In use now',
    icon: 'disk',
    disabled: inUse !== 'no',
    action: () => change({ disks: [...options.disks, { library: id, mode: 'write' }] }),
  }));
}
