/** The files of a disk, over the list of disks. */
import { html, render } from 'lit';
import type { DiskFiles } from '../../embed/disk-files.ts';
import './files-browser.ts';

/** Resolves when the dialog is closed. */
export function showFiles(diskName: string, files: DiskFiles): Promise<void> {
  const dialog = document.createElement('dialog');
  dialog.className = 'files-dialog';
  dialog.setAttribute('aria-labelledby', 'files-title');
  render(
    html`<div class="dialog-body">
      <h2 id="files-title">Files on ${diskName}</h2>
      <bramble-disk-files .files=${files}></bramble-disk-files>
      <div class="dialog-actions">
        <button type="button" class="button primary" autofocus @click=${() => dialog.close()}>Close</button>
      </div>
    </div>`,
    dialog,
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve();
    });
  });
}
