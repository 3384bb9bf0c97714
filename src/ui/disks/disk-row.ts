/** A disk of the library as a row: what it is, what it costs, who uses it, and everything one can do with it. */
import { html, nothing, type TemplateResult } from 'lit';
import type { DiskInfo, DiskOrigin } from '../../embed/disk-library.ts';
import { formatAgo, formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import type { MenuItem } from '../shell/menu.ts';
import { originWords, sharingWords } from './disk-words.ts';
import '../shell/menu.ts';

export interface DiskActions {
  readonly boot: (disk: DiskInfo) => void;
  readonly chooseBoot: (disk: DiskInfo) => void;
  readonly bootWithoutSaving: (disk: DiskInfo) => void;
  readonly attach: (disk: DiskInfo) => void;
  readonly beginRename: (disk: DiskInfo) => void;
  readonly rename: (disk: DiskInfo, name: string) => void;
  readonly cancelRename: () => void;
  readonly clone: (disk: DiskInfo) => void;
  readonly resize: (disk: DiskInfo) => void;
  readonly files: (disk: DiskInfo) => void;
  readonly export: (disk: DiskInfo) => void;
  readonly reset: (disk: DiskInfo) => void;
  readonly delete: (disk: DiskInfo) => void;
}

export interface RowState {
  readonly isRenaming: boolean;
  /** Whether this is a place to boot from. */
  readonly isBootable: boolean;
  readonly nowMs: number;
}

const PERCENT = 100;
/** Why a disk that a machine writes has to wait: it would be copied or changed in the middle of a write. */
const BUSY_NOTES: Readonly<Record<Exclude<DiskInfo['inUse'], 'no'>, string>> = {
  'this-tab': 'When its machine is off',
  'other-tab': 'When its machine in the other tab is off',
};

export function diskRow(disk: DiskInfo, state: RowState, actions: DiskActions): TemplateResult {
  const isFree = disk.inUse === 'no';
  return html`<li class="disk-row" data-disk=${disk.id}>
    <span class="disk-mark">${icon('disk')}</span>
    <div class="disk-what">
      <div class="disk-name">
        ${state.isRenaming ? nameField(disk, actions) : html`<h3>${disk.name}</h3>`}
        ${isFree ? nothing : html`<span class="chip in-use">${icon('lock')}${useWords(disk, state)}</span>`}
      </div>
      <p class="disk-facts">${facts(disk, state.nowMs)}</p>
      ${details(disk)}
    </div>
    ${usage(disk)}
    <div class="disk-actions">
      <button
        type="button"
        class="button"
        aria-label="Boot ${disk.name}"
        ?hidden=${!isFree || !state.isBootable}
        @click=${() => actions.boot(disk)}
      >
        ${icon('play')}Boot
      </button>
      <bramble-menu label="Actions for ${disk.name}" .icon=${'more'} .items=${menuItems(disk, state, actions)}></bramble-menu>
    </div>
  </li>`;
}

function facts(disk: DiskInfo, nowMs: number): string {
  const used =
    disk.lastUsedMs === undefined
      ? `added ${formatAgo(disk.createdMs, nowMs)}`
      : `used ${formatAgo(disk.lastUsedMs, nowMs)}`;
  return [formatBytes(disk.sizeBytes), disk.format ?? '', originWords(disk.origin), used]
    .filter((fact) => fact)
    .join(' · ');
}

function useWords({ inUse }: DiskInfo, { isBootable }: RowState): string {
  if (inUse === 'other-tab') return 'In use in another tab';
  // On the first page no machine runs any more: it is keeping what its guest wrote.
  return isBootable ? 'Saving…' : 'In use by this machine';
}

function nameField(disk: DiskInfo, actions: DiskActions): TemplateResult {
  let isSettled = false;
  const settle = (end: () => void): void => {
    // Enter takes the field away, which blurs it: only the first end counts.
    if (isSettled) return;
    isSettled = true;
    end();
  };
  const save = (event: Event): void => {
    const name = (event.target as HTMLInputElement).value.trim();
    settle(() => (name === '' || name === disk.name ? actions.cancelRename() : actions.rename(disk, name)));
  };
  return html`<input
    class="input rename"
    aria-label="New name of ${disk.name}"
    autocomplete="off"
    spellcheck="false"
    .value=${disk.name}
    @keydown=${(event: KeyboardEvent) => {
      // The key must not press the button as well that gets the focus next.
      if (event.key === 'Enter' || event.key === 'Escape') event.preventDefault();
      if (event.key === 'Enter') save(event);
      if (event.key === 'Escape') settle(actions.cancelRename);
    }}
    @blur=${save}
  />`;
}

/** How much of the disk's size is stored: its base, which may be shared, and its own. */
function usage(disk: DiskInfo): TemplateResult {
  const share = (bytes: number): string => `${Math.min(PERCENT, (bytes / disk.sizeBytes) * PERCENT)}%`;
  const sharing = sharingWords(disk);
  return html`<div class="disk-usage">
    <span class="usage-bar" aria-hidden="true"
      ><span class="shared" style="width:${share(disk.sharedBytes)}"></span
      ><span class="own" ?hidden=${disk.ownBytes === 0} style="width:${share(disk.ownBytes)}"></span
    ></span>
    <span class="usage-own">${formatBytes(disk.ownBytes)} stored</span>
    ${sharing ? html`<span class="usage-shared">${sharing}</span>` : nothing}
  </div>`;
}

function details(disk: DiskInfo): TemplateResult {
  const rows: readonly (readonly [string, TemplateResult | string | undefined])[] = [
    ['Came from', originDetail(disk.origin)],
    ['SHA-256 of the file', disk.sha256 && html`<code>${disk.sha256}</code>`],
    ['Changed since', formatBytes(disk.changedBytes)],
    ['Base shared with', disk.sharesBaseWith.join(', ') || undefined],
    ['Added', new Date(disk.createdMs).toLocaleString()],
  ];
  return html`<details class="contents">
    <summary>Details</summary>
    <dl class="disk-details">
      ${rows.map(([label, value]) => (value ? html`<dt>${label}</dt><dd>${value}</dd>` : nothing))}
    </dl>
  </details>`;
}

/** In full, where the line of facts is short. */
function originDetail(origin: DiskOrigin): string {
  if (origin.kind === 'url') return origin.url;
  return origin.kind === 'file' ? origin.fileName : originWords(origin);
}

function menuItems(disk: DiskInfo, { isBootable }: RowState, actions: DiskActions): readonly MenuItem[] {
  const unchanged = disk.changedBytes === 0;
  /** For what needs the disk to itself. */
  const alone: Pick<MenuItem, 'disabled' | 'note'> =
    disk.inUse === 'no' ? {} : { disabled: true, note: BUSY_NOTES[disk.inUse] };
  const boots: readonly MenuItem[] = [
    {
      label: 'Boot without saving',
      note: 'What the guest writes is dropped at the end',
      icon: 'play',
      ...alone,
      action: () => actions.bootWithoutSaving(disk),
    },
    {
      label: 'Choose how it boots…',
      icon: 'sliders',
      disabled: disk.inUse !== 'no',
      action: () => actions.chooseBoot(disk),
    },
    {
      label: 'Add to your own machine',
      note: 'As one of its disks, below',
      icon: 'plus',
      action: () => actions.attach(disk),
    },
  ];
  return [
    ...(isBootable ? boots : []),
    { label: 'Rename', icon: 'pencil', separated: isBootable, action: () => actions.beginRename(disk) },
    { label: 'Files…', icon: 'folder', ...alone, action: () => actions.files(disk) },
    // Under its own running guest a disk can be cloned, and grow.
    {
      label: 'Clone…',
      icon: 'copy',
      ...(disk.inUse === 'this-tab' ? { note: 'As it is now; a clone can be exported' } : alone),
      action: () => actions.clone(disk),
    },
    {
      label: 'Resize…',
      icon: 'resize',
      ...(disk.inUse === 'this-tab' ? { note: 'Larger now; smaller when its machine is off' } : alone),
      action: () => actions.resize(disk),
    },
    { label: 'Export…', icon: 'save', ...alone, action: () => actions.export(disk) },
    {
      label: 'Reset…',
      note: unchanged ? 'Nothing has changed' : `Drops changes, frees ${formatBytes(disk.changedBytes)}`,
      icon: 'reset',
      separated: true,
      disabled: unchanged,
      ...alone,
      action: () => actions.reset(disk),
    },
    { label: 'Delete…', icon: 'trash', danger: true, ...alone, action: () => actions.delete(disk) },
  ];
}
