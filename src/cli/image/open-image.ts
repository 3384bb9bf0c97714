/** Opens a disk image of the host as a block store: raw files for reading and writing, other formats for reading. */
import type { BlockStore } from '../../emu/storage/block-store.ts';
import { isRaw, openDisk } from '../disk-file.ts';

export interface OpenImage {
  readonly store: BlockStore;
  close(): Promise<void>;
}

/** @throws {Error} in words when the file cannot be opened so */
export async function openImage(path: string, access: 'read' | 'write'): Promise<OpenImage> {
  if (access === 'write' && !(await isRaw(path))) {
    throw new Error(
      `${path}: only raw images can be changed; convert it first: npm run --silent image -- convert ${path} disk.img`,
    );
  }
  return openDisk({ path, mode: access === 'read' ? 'readonly' : 'write' });
}
