/** A block store over a file of the host; durable after flush, which is fsync. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { type BlockStore, StorageError } from '../emu/storage/block-store.ts';

const SECTOR_BYTES = 512;
const ZEROS = new Uint8Array(1 << 16);

export class FileStore implements BlockStore {
  readonly size: number;
  readonly readOnly: boolean;
  readonly #file: number;

  /** @throws {Error} when the file cannot be opened, or is not a whole number of sectors and is writable. */
  constructor(path: string, readOnly: boolean) {
    this.#file = openSync(path, readOnly ? 'r' : 'r+');
    this.readOnly = readOnly;
    const stat = fstatSync(this.#file);
    // A read-only image that ends within a sector is extended by zeros.
    this.size = Math.ceil(stat.size / SECTOR_BYTES) * SECTOR_BYTES;
    const problem = !stat.isFile()
      ? 'is not a file'
      : stat.size === 0
        ? 'is empty'
        : this.size !== stat.size && !readOnly
          ? `is not a whole number of ${SECTOR_BYTES}-byte sectors; use ,snapshot or ,readonly`
          : undefined;
    if (problem === undefined) return;
    this.close();
    throw new Error(problem);
  }

  read(offset: number, target: Uint8Array): void {
    this.#check(offset, target.length);
    let done = 0;
    while (done < target.length) {
      const count = this.#attempt(() =>
        readSync(this.#file, target, done, target.length - done, offset + done),
      );
      if (count === 0) break;
      done += count;
    }
    target.fill(0, done);
  }

  write(offset: number, source: Uint8Array): void {
    this.#check(offset, source.length);
    if (this.readOnly) throw new StorageError('read-only', 'the disk is read-only');
    for (let done = 0; done < source.length; ) {
      done += this.#attempt(() => writeSync(this.#file, source, done, source.length - done, offset + done));
    }
  }

  flush(): void {
    if (!this.readOnly) this.#attempt(() => fsyncSync(this.#file));
  }

  discard(offset: number, length: number): void {
    for (let done = 0; done < length; done += ZEROS.length) {
      this.write(offset + done, ZEROS.subarray(0, Math.min(ZEROS.length, length - done)));
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + length} of ${this.size}`);
    }
  }

  #attempt<T>(operation: () => T): T {
    try {
      return operation();
    } catch (failure) {
      const isFull = failure instanceof Error && 'code' in failure && failure.code === 'ENOSPC';
      throw new StorageError(isFull ? 'quota' : 'io', String(failure));
    }
  }
}
