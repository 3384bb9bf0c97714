/** The user's disks over a running machine: to make room, or to look. */
import { html } from 'lit';
import { showPanel } from '../shell/dialogs.ts';
import type { DiskShelf } from './disk-shelf.ts';
import './disk-manager.ts';

/** Resolves when it is closed. */
export function showDisks(shelf: DiskShelf): Promise<void> {
  return showPanel(
    'Your disks',
    'disks-dialog',
    html`<bramble-disks .shelf=${shelf} .bootable=${false}></bramble-disks>`,
  );
}
