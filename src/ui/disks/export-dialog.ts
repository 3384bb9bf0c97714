/** Asks in which format a disk leaves the library, with how large the file may become. */
import { html, nothing } from 'lit';
import type { DiskInfo, ExportFormat } from '../../embed/disk-library.ts';
import { ask } from '../shell/dialogs.ts';
import { formatBytes } from '../shell/format.ts';
import { icon } from '../shell/icons.ts';
import { isUnwiseDownload } from './save-stream.ts';

interface FormatRow {
  readonly format: ExportFormat;
  readonly label: string;
  readonly about: string;
  readonly ending: string;
  /** How large the file may become. */
  readonly largestBytes: (disk: DiskInfo) => number;
}

const FORMATS: readonly FormatRow[] = [
  {
    format: 'raw-gzip',
    label: 'Raw, compressed',
    about: 'gzip; what most programs unpack by themselves',
    ending: '.img.gz',
    largestBytes: (disk) => disk.ownBytes + disk.sharedBytes,
  },
  {
    format: 'raw',
    label: 'Raw',
    about: 'as large as the disk; for memory cards and QEMU',
    ending: '.img',
    largestBytes: (disk) => disk.sizeBytes,
  },
  {
    format: 'qcow2',
    label: 'qcow2',
    about: 'without the parts that were never written; for QEMU',
    ending: '.qcow2',
    largestBytes: (disk) => disk.ownBytes + disk.sharedBytes,
  },
  {
    format: 'overlay',
    label: 'Changes only',
    about: 'what was written since the import; needs the same image again',
    ending: '-changes.qcow2',
    largestBytes: (disk) => disk.sinceImportBytes,
  },
];

export interface ExportChoice {
  readonly format: ExportFormat;
  readonly fileName: string;
}

export async function askExport(disk: DiskInfo): Promise<ExportChoice | undefined> {
  const rows = FORMATS.filter(({ format }) => format !== 'overlay' || disk.format !== undefined);
  let chosen = rows[0]!;
  const answer = await ask({
    title: `Export ${disk.name}`,
    body: () => html`
      <fieldset class="radio-list">
        <legend class="visually-hidden">Format</legend>
        ${rows.map(
          (row) => html`<label class="radio-row">
            <input type="radio" name="format" .checked=${row === chosen} @input=${() => (chosen = row)} />
            <span><strong>${row.label}</strong><small>${row.about}</small></span>
            <span class="amount">up to ${formatBytes(row.largestBytes(disk))}</span>
          </label>`,
        )}
      </fieldset>
      ${
        isUnwiseDownload(chosen.largestBytes(disk))
          ? html`<div class="notice">
              ${icon('alert')}
              <div>
                This browser cannot write to a file bit by bit: the whole image is put together first, and may not fit.
                Chrome and Edge can; compressed images are smaller.
              </div>
            </div>`
          : nothing
      }
    `,
    choices: [
      { value: 'no', label: 'Cancel' },
      { value: 'export', label: 'Export…', style: 'primary' },
    ],
  });
  return answer === 'export' ? { format: chosen.format, fileName: disk.name + chosen.ending } : undefined;
}
