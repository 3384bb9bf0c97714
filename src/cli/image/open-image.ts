/** Opens a disk image of the host as a block store. */
import type { BlockStore } from '../../emu/storage/block-store.ts';
import { FileStore } from '../file-store.ts';

export interface OpenImage {
  readonly store: BlockStore;
  close(): void;
}

/** @throws {Error} in words when the file cannot be opened so */
export function openImage(path: string, access: 'read' | 'write'): OpenImage {
  try {
    const store = new FileStore(path, access === 'read');
    return { store, close: () => store.close() };
  } catch (failure) {
    throw new Error(`${path}: ${failure instanceof Error ? failure.message : String(failure)}`);
  }
}
