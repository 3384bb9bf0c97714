/** Dropped files, sorted by what they are: parts of a machine for the form, disk images for the library. */
import { html } from 'lit';
import { guessRole } from '../home/file-kind.ts';
import type { LaunchOptions } from '../home/launch-options.ts';
import { ask } from '../shell/dialogs.ts';
import { formatBytes } from '../shell/format.ts';

export interface SortedFiles {
  readonly parts: readonly { readonly file: File; readonly role: 'kernel' | 'initrd' | 'dtb' }[];
  readonly disks: readonly File[];
}

export async function sortFiles(files: readonly File[]): Promise<SortedFiles> {
  const sorted = await Promise.all(files.map(async (file) => ({ file, role: await guessRole(file) })));
  return {
    parts: sorted.flatMap(({ file, role }) => (role === 'disk' ? [] : [{ file, role }])),
    disks: sorted.filter(({ role }) => role === 'disk').map(({ file }) => file),
  };
}

export function withParts(options: LaunchOptions, parts: SortedFiles['parts']): LaunchOptions {
  return { ...options, ...Object.fromEntries(parts.map(({ file, role }) => [role, file])) };
}

/** Whether disk images are kept or used once; undefined for neither. */
export function askAboutDisks(files: readonly File[]): Promise<'import' | 'once' | undefined> {
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
  const isOne = files.length === 1;
  return ask({
    title: isOne ? `Import ${files[0]!.name}?` : `Import ${files.length} disk images?`,
    body: html`<p>
        Imported, ${isOne ? 'it becomes a disk' : 'they become disks'} of this browser: what a guest writes stays.
        Used once, nothing is copied, and what the guest writes is dropped at the end.
      </p>
      <p>
        ${formatBytes(totalBytes)}${isOne ? '' : `: ${files.map(({ name }) => name).join(', ')}`}. Nothing leaves your
        computer.
      </p>`,
    choices: [
      { value: 'once', label: 'Use once' },
      { value: 'import', label: 'Import', style: 'primary' },
    ],
  });
}
