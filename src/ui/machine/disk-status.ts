/** The machine's disks in the line at its foot: how many, whether writes are kept, and each by name. */
import { html, nothing, type TemplateResult } from 'lit';
import { icon } from '../shell/icons.ts';
import { type MachineDisk, WRITES_WORDS } from './machine-disks.ts';
import type { MachineSession } from './session.ts';

export function diskStatus(
  { disks, writesAreKept }: Pick<MachineSession, 'disks' | 'writesAreKept'>,
  manage: () => void,
): TemplateResult | typeof nothing {
  if (disks.length === 0) return nothing;
  return html`<button type="button" class="status-button" popovertarget="disk-info" title="The disks of this machine">
      ${icon('disk')}${diskSummary(disks, writesAreKept)}
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

/** What matters at a glance: whether anything would be lost. */
export function diskSummary(disks: readonly MachineDisk[], writesAreKept: boolean): string {
  const noun = disks.length === 1 ? 'Disk' : `${disks.length} disks`;
  const count = (writes: MachineDisk['writes']): number =>
    disks.filter((disk) => disk.writes === writes).length;
  const dropped = count('dropped');
  if (dropped === disks.length) return `${noun}, not saved`;
  if (dropped > 0) return `${noun}, ${dropped} not saved`;
  if (count('refused') === disks.length) return `${noun}, read-only`;
  return `${noun}, ${writesAreKept ? 'saved' : 'saving…'}`;
}
