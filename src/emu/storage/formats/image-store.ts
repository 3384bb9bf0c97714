/** Any image as a read-only disk, so that a guest boots from it without conversion. */
import { type BlockStore, type MaybePromise, StorageError } from '../block-store.ts';
import { ImageError } from './image-error.ts';
import type { ImageReader } from './random-access.ts';

const SECTOR_BYTES = 512;

export class ImageStore implements BlockStore {
  /** An image that ends within a sector is extended by zeros. */
  readonly size: number;
  readonly readOnly = true;
  private readonly image: ImageReader;

  constructor(image: ImageReader) {
    this.image = image;
    this.size = Math.ceil(image.size / SECTOR_BYTES) * SECTOR_BYTES;
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + target.length > this.size) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + target.length} of ${this.size}`);
    }
    const present = Math.max(0, Math.min(target.length, this.image.size - offset));
    target.fill(0, present);
    if (present === 0) return undefined;
    try {
      return this.image.read(offset, target.subarray(0, present))?.catch(asStorageError);
    } catch (failure) {
      return asStorageError(failure);
    }
  }

  write(): never {
    throw new StorageError('read-only', 'the disk is read-only');
  }

  flush(): void {}

  discard(): never {
    throw new StorageError('read-only', 'the disk is read-only');
  }
}

/** The guest sees damage in the file as an error of the disk. */
function asStorageError(failure: unknown): never {
  throw failure instanceof ImageError ? new StorageError('io', failure.message) : failure;
}
