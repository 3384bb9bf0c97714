/** The files of a disk, over the list of disks. */
import { html } from 'lit';
import type { DiskFiles } from '../../embed/disk-files.ts';
import { showPanel } from '../shell/dialogs.ts';
import './files-browser.ts';

/** Resolves when the dialog is closed. */
export function showFiles(diskName: string, files: DiskFiles): Promise<void> {
  const title = `Files on ${diskName}`;
  return showPanel(
    title,
    'files-dialog',
    html`<h2>${title}</h2>
      <bramble-disk-files .files=${files}></bramble-disk-files>`,
  );
}
