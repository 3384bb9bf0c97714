/** The machine's disks in the line at its foot: how many, whether writes are kept, and each by name. */
import { html, nothing, type TemplateResult } from 'lit';
import { icon } from '../shell/icons.ts';
import { diskSummary, WRITES_WORDS } from './machine-disks.ts';
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
