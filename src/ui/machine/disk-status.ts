/** The machine's disks in the line at its foot: how many, whether writes are kept, and each by name. */
import { html, nothing, type TemplateResult } from 'lit';
import { icon } from '../shell/icons.ts';
import { type MachineDisk, WRITES_WORDS } from './machine-disks.ts';

export function diskStatus(
  disks: readonly MachineDisk[],
  manage: () => void,
): TemplateResult | typeof nothing {
  if (disks.length === 0) return nothing;
  return html`<button type="button" class="status-button" popovertarget="disk-info" title="The disks of this machine">
      ${icon('disk')}${diskSummary(disks)}
    </button>
    <div class="menu status-popover disk-info" popover id="disk-info" role="dialog" aria-label="Disks of this machine">
      <dl>
        ${disks.map(
          ({ device, name, writes }) => html`<dt>${name}</dt>
            <dd><code>${device}</code>, ${WRITES_WORDS[writes]}</dd>`,
        )}
      </dl>
      <button type="button" class="button" popovertarget="disk-info" popovertargetaction="hide" @click=${manage}>
        ${icon('disk')}All your disks…
      </button>
    </div>`;
}

/** What matters at a glance: whether anything will be lost. */
export function diskSummary(disks: readonly MachineDisk[]): string {
  const noun = disks.length === 1 ? 'Disk' : `${disks.length} disks`;
  const dropped = disks.filter(({ writes }) => writes === 'dropped').length;
  if (dropped === 0)
    return disks.every(({ writes }) => writes === 'refused') ? `${noun}, read-only` : `${noun}, saved`;
  return dropped === disks.length ? `${noun}, not saved` : `${noun}, ${dropped} not saved`;
}
