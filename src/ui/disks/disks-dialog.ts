/** The user's disks over a running machine: to make room, or to look. */
import { html, render } from 'lit';
import type { DiskShelf } from './disk-shelf.ts';
import './disk-manager.ts';

/** Resolves when the dialog is closed. */
export function showDisks(shelf: DiskShelf): Promise<void> {
  const dialog = document.createElement('dialog');
  dialog.className = 'disks-dialog';
  dialog.setAttribute('aria-labelledby', 'disks-title');
  // No form around it: the list has fields of its own, in which Enter means something else.
  render(
    html`<div class="dialog-body">
      <bramble-disks .shelf=${shelf} .bootable=${false}></bramble-disks>
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
