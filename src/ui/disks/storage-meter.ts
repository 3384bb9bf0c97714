/** How full the browser's storage for this page is, and whether the browser will keep it. */
import { html, nothing, type TemplateResult } from 'lit';
import type { StorageMeter } from '../../embed/disk-library.ts';
import { formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';

const PERCENT = 100;
/** From here on a word about room is due. */
const NEARLY_FULL = 0.9;

/** What the browser said when it was asked to keep the data. */
export type PersistenceAnswer = 'unasked' | 'asking' | 'refused';

export function storageMeter(
  { usedBytes, quotaBytes, isPersistent }: StorageMeter,
  answer: PersistenceAnswer,
  askToKeep: () => void,
): TemplateResult {
  const fraction = quotaBytes ? usedBytes / quotaBytes : undefined;
  const isNearlyFull = fraction !== undefined && fraction >= NEARLY_FULL;
  return html`<div class="storage">
    <div class="storage-use">
      ${
        fraction === undefined
          ? nothing
          : html`<meter
              class=${isNearlyFull ? 'nearly-full' : ''}
              aria-label="Storage in use"
              max=${PERCENT}
              value=${Math.min(PERCENT, fraction * PERCENT)}
            ></meter>`
      }
      <span
        ><strong>${formatBytes(usedBytes)}</strong> ${
          quotaBytes ? html`of ${formatBytes(quotaBytes)} that this browser allows` : 'in use'
        }</span
      >
      ${isNearlyFull ? html`<span class="storage-warning">${icon('alert')}Nearly full</span>` : nothing}
    </div>
    ${persistence(isPersistent, answer, askToKeep)}
  </div>`;
}

function persistence(
  isPersistent: boolean,
  answer: PersistenceAnswer,
  askToKeep: () => void,
): TemplateResult {
  if (isPersistent) {
    return html`<p class="storage-promise kept">${icon('check')}This browser has promised to keep your disks.</p>`;
  }
  if (answer === 'refused') {
    return html`<p class="storage-promise" role="status">
      ${icon('info')}The browser made no promise: it may clear them when your computer runs short of space. Export what
      matters. A bookmark for this page, or installing it, often changes the answer.
    </p>`;
  }
  return html`<button type="button" class="button" ?disabled=${answer === 'asking'} @click=${askToKeep}>
    ${icon('lock')}Keep my disks
  </button>`;
}
