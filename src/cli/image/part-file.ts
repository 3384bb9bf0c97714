/** A file that comes into being as a whole or not at all: written under another name, and renamed at the end. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { isZeros } from '../../emu/storage/formats/raw-stream.ts';

/** Runs of zeros of this size, at a multiple of it, become holes. */
const HOLE_BYTES = 1 << 16;

export class PartFile {
  readonly path: string;
  readonly #target: string;
  readonly #file: number;
  /** Bytes that came so far, holes included. */
  size = 0;
  readonly #remove = (): void => {
    if (existsSync(this.path)) unlinkSync(this.path);
  };

  /** @throws {Error} in words when the target exists and may not be replaced */
  constructor(target: string, { force = false, suffix = '.part' } = {}) {
    if (existsSync(target) && !force) throw new Error(`${target} exists; --force replaces it`);
    this.#target = target;
    this.path = target + suffix;
    this.#file = openSync(this.path, 'w');
    // Also when a signal ends the process.
    process.on('exit', this.#remove);
  }

  /** Appends; nothing is written where there are zeros. */
  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = bytes.subarray(done, done + HOLE_BYTES - (this.size % HOLE_BYTES));
      if (!isZeros(part)) writeAll(this.#file, part, this.size);
      this.size += part.length;
      done += part.length;
    }
  }

  appendZeros(length: number): void {
    this.size += length;
  }

  /** Everything is there: the file gets its name once it is durable. */
  finish(): void {
    this.sync();
    closeSync(this.#file);
    renameSync(this.path, this.#target);
    process.off('exit', this.#remove);
  }

  /** Makes the file as long as it should be, and durable. */
  sync(): void {
    ftruncateSync(this.#file, this.size);
    fsyncSync(this.#file);
  }

  discard(): void {
    closeSync(this.#file);
    this.#remove();
    process.off('exit', this.#remove);
  }
}

function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
}
