/** A raw image: the file is the disk. */
import type { MaybePromise } from '../block-store.ts';
import type { ByteRange, ImageReader, RandomAccessSource } from './random-access.ts';

export class RawImage implements ImageReader {
  readonly size: number;
  readonly format: string;
  private readonly source: RandomAccessSource;

  constructor(source: RandomAccessSource, format = 'raw') {
    this.source = source;
    this.size = source.size;
    this.format = format;
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    return this.source.read(offset, target);
  }

  async *ranges(): AsyncGenerator<ByteRange> {
    if (this.size > 0) yield { offset: 0, length: this.size };
  }
}
