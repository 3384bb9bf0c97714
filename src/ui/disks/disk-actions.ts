/** What the user does with disks: the question first, then the library's work, then a word about it. */
import type { DiskInfo } from '../../embed/disk-library.ts';
import { toast } from '../shell/clipboard.ts';
import {
  askCloneName,
  askEmptyDisk,
  askNewSize,
  askUrlImport,
  confirmDelete,
  confirmReset,
} from './disk-dialogs.ts';
import type { DiskShelf } from './disk-shelf.ts';
import { diskNameFor, freeName } from './disk-words.ts';
import { askExport } from './export-dialog.ts';
import { showFiles } from './files-dialog.ts';
import { chooseTarget } from './save-stream.ts';

/** Also of imports that were cut off: a second one of the same name could not be told from it. */
function takenNames({ disks, jobs, unfinished }: DiskShelf): readonly string[] {
  return [...disks, ...jobs, ...unfinished].map(({ name }) => name);
}

export function importFiles(shelf: DiskShelf, files: readonly File[]): void {
  for (const file of files) {
    const name = freeName(diskNameFor(file.name), takenNames(shelf));
    void shelf.import({ source: file, name });
  }
}

export async function importFromUrl(shelf: DiskShelf): Promise<void> {
  const asked = await askUrlImport(takenNames(shelf));
  if (asked === undefined) return;
  const { url, ...rest } = asked;
  void shelf.import({ source: new URL(url, location.href).href, ...rest });
}

export async function createEmptyDisk(shelf: DiskShelf): Promise<void> {
  const asked = await askEmptyDisk(takenNames(shelf));
  if (asked) await shelf.act((library) => library.createEmpty(asked));
}

export async function cloneDisk(shelf: DiskShelf, disk: DiskInfo): Promise<void> {
  const name = await askCloneName(disk, takenNames(shelf));
  if (name === undefined) return;
  const clone = await shelf.act((library) => library.clone(disk.id, name));
  if (clone === undefined) return;
  shelf.boots.copy(disk.id, clone.id);
  toast(`${name} is ready.`);
}

export async function resizeDisk(shelf: DiskShelf, disk: DiskInfo): Promise<void> {
  const sizeBytes = await askNewSize(disk);
  if (sizeBytes === undefined || sizeBytes === disk.sizeBytes) return;
  await shelf.act((library) => library.resize(disk.id, sizeBytes));
}

export async function showDiskFiles(shelf: DiskShelf, disk: DiskInfo): Promise<void> {
  const files = await shelf.act(async (library) => library.files(disk.id));
  if (files) await showFiles(disk.name, files);
}

export async function exportDisk(shelf: DiskShelf, disk: DiskInfo): Promise<void> {
  const choice = await askExport(disk);
  if (choice === undefined) return;
  const target = await chooseTarget(choice.fileName);
  if (target && (await shelf.export(disk, choice.format, target))) toast(`${disk.name} is exported.`);
}

export async function resetDisk(shelf: DiskShelf, disk: DiskInfo): Promise<void> {
  if (!(await confirmReset(disk))) return;
  await shelf.act((library) => library.reset(disk.id));
}

/** Resolves with whether the disk is gone. */
export async function deleteDisk(shelf: DiskShelf, disk: DiskInfo): Promise<boolean> {
  if (!(await confirmDelete(disk))) return false;
  const isGone = await shelf.act(async (library) => {
    await library.delete(disk.id);
    return true;
  });
  if (!isGone) return false;
  shelf.boots.forget(disk.id);
  toast(`${disk.name} is deleted.`);
  return true;
}
