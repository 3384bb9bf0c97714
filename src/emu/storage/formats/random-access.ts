/**
 * Files as the readers of formats see them: a size, and reads of ranges inside it. A BlockStore is one.
 * Invariant: readers reach their file through CheckedSource, so that no number in a hostile file makes a
 * read outside it.
 */
import type { MaybePromise } from '../block-store.ts';
import { ImageError } from './image-error.ts';

export interface RandomAccessSource {
  /** In bytes. */
  readonly size: number;
  /** Fills `target` with the bytes at `offset`; the range lies inside the file. */
  read(offset: number, target: Uint8Array): MaybePromise<void>;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** The contents of a disk image, whatever its format. Reads may overlap. */
export interface ImageReader extends RandomAccessSource {
  /** Size of the disk that the image holds, in bytes; not always a multiple of 512. */
  readonly size: number;
  /** What it is, in words: `qcow2 version 3`. */
  readonly format: string;
  /**
   * Where the image has contents, in ascending order and without overlap; everything else reads as
   * zeros. Contents may be zeros, too.
   */
  ranges(): AsyncIterable<ByteRange>;
}

/** A file whose reads are checked against its size. */
export class CheckedSource implements RandomAccessSource {
  readonly size: number;
  private readonly source: RandomAccessSource;

  constructor(source: RandomAccessSource) {
    this.source = source;
    this.size = source.size;
  }

  /** @throws {ImageError} when the range is not inside the file */
  read(offset: number, target: Uint8Array): MaybePromise<void> {
    if (!isInside(offset, target.length, this.size)) {
      throw new ImageError('truncated', `bytes ${offset} to ${offset + target.length} of ${this.size}`);
    }
    return this.source.read(offset, target);
  }

  /** @param what names the structure in the message @throws {ImageError} when it is not inside the file */
  async bytes(offset: number, length: number, what: string): Promise<Uint8Array<ArrayBuffer>> {
    this.check(offset, length, what);
    const target = new Uint8Array(length);
    await this.source.read(offset, target);
    return target;
  }

  /** @throws {ImageError} when the range is not inside the file */
  check(offset: number, length: number, what: string): void {
    if (isInside(offset, length, this.size)) return;
    throw new ImageError(
      'truncated',
      `${what} should be at bytes ${offset} to ${offset + length}, but the file has only ${this.size} bytes`,
    );
  }
}

function isInside(offset: number, length: number, size: number): boolean {
  return Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= size;
}

/** A file that is in memory. */
export class BytesSource implements RandomAccessSource {
  readonly size: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = bytes.length;
  }

  read(offset: number, target: Uint8Array): void {
    target.set(this.bytes.subarray(offset, offset + target.length));
  }
}

/** A part of a file, as a file. */
export class SourceSlice implements RandomAccessSource {
  readonly size: number;
  private readonly source: RandomAccessSource;
  private readonly start: number;

  constructor(source: RandomAccessSource, { offset, length }: ByteRange) {
    this.source = source;
    this.start = offset;
    this.size = length;
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    return this.source.read(this.start + offset, target);
  }
}

const CHUNK_BYTES = 1 << 18;

/** The file from `offset` on, in pieces, for the decoders of streams. */
export async function* streamOf(source: RandomAccessSource, offset = 0): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < source.size; at += CHUNK_BYTES) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, source.size - at));
    await source.read(at, chunk);
    yield chunk;
  }
}
