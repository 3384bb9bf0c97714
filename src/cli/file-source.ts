/** A file of the host as the readers of image formats see it: its exact size, read in any order. */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import { ImageError } from '../emu/storage/formats/image-error.ts';
import type { RandomAccessSource } from '../emu/storage/formats/random-access.ts';

const STREAM_CHUNK_BYTES = 1 << 18;

export class FileSource implements RandomAccessSource {
  readonly path: string;
  readonly size: number;
  readonly #file: number;

  /** @throws {Error} in words */
  constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, 'r');
    const stat = fstatSync(this.#file);
    this.size = stat.size;
    if (stat.isFile()) return;
    this.close();
    throw new Error('is not a file');
  }

  read(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.#file, target, done, target.length - done, offset + done);
      if (count === 0) throw new ImageError('truncated', 'the file has become shorter', offset + done);
      done += count;
    }
  }

  /** The whole file from its start. */
  stream(): AsyncIterable<Uint8Array> {
    return createReadStream(this.path, { highWaterMark: STREAM_CHUNK_BYTES });
  }

  close(): void {
    closeSync(this.#file);
  }
}
