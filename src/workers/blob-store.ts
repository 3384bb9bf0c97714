/** A read-only block store over a Blob or File of the page: sectors are read when the guest asks. */
import { type BlockStore, StorageError } from '../emu/storage/block-store.ts';

const SECTOR_BYTES = 512;

export class BlobStore implements BlockStore {
  /** An image that ends within a sector is extended by zeros. */
  readonly size: number;
  readonly readOnly = true;
  readonly #blob: Blob;

  constructor(blob: Blob) {
    this.#blob = blob;
    this.size = Math.ceil(blob.size / SECTOR_BYTES) * SECTOR_BYTES;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    if (offset < 0 || offset + target.length > this.size) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + target.length} of ${this.size}`);
    }
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await this.#blob.slice(offset, offset + target.length).arrayBuffer());
    } catch (failure) {
      // A file that was changed or removed after it was picked cannot be read any more (File API 6.1).
      throw new StorageError('io', `the image file could not be read: ${String(failure)}`);
    }
    target.set(bytes);
    target.fill(0, bytes.length);
  }

  write(): never {
    throw new StorageError('read-only', 'the image is read-only');
  }

  flush(): void {}

  discard(): never {
    throw new StorageError('read-only', 'the image is read-only');
  }
}
