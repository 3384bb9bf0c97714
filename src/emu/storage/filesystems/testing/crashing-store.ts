/**
 * A disk that remembers its writes and flushes, to ask afterwards what it would hold had the power failed in
 * between: all that came before the last flush, and of what came after it any part, sector by sector.
 */
import type { BlockStore } from '../../block-store.ts';
import type { SeededRandom } from './seeded-random.ts';

const SECTOR_BYTES = 512;

type Step = 'flush' | { readonly offset: number; readonly bytes: Uint8Array };

export class CrashingStore implements BlockStore {
  readonly size: number;
  readonly readOnly = false;
  readonly contents: Uint8Array;
  private readonly before: Uint8Array;
  private readonly steps: Step[] = [];

  constructor(image: Uint8Array) {
    this.size = image.length;
    // Copies: a Node buffer's slice would share its bytes.
    this.before = new Uint8Array(image);
    this.contents = new Uint8Array(image);
  }

  /** Number of writes and flushes so far. */
  get length(): number {
    return this.steps.length;
  }

  read(offset: number, target: Uint8Array): void {
    target.set(this.contents.subarray(offset, offset + target.length));
  }

  write(offset: number, source: Uint8Array): void {
    if (offset % SECTOR_BYTES !== 0 || source.length % SECTOR_BYTES !== 0)
      throw new Error(`bytes ${offset} to ${offset + source.length} are not whole sectors`);
    this.steps.push({ offset, bytes: new Uint8Array(source) });
    this.contents.set(source, offset);
  }

  flush(): void {
    this.steps.push('flush');
  }

  discard(): void {
    throw new Error('nothing here discards');
  }

  /** The disk when the power fails before step `cut`. */
  afterCrash(cut: number, random: SeededRandom): Uint8Array {
    const image = this.before.slice();
    const done = this.steps.slice(0, cut);
    const durable = done.lastIndexOf('flush');
    for (const [index, step] of done.entries()) {
      if (step === 'flush') continue;
      for (let at = 0; at < step.bytes.length; at += SECTOR_BYTES) {
        const isKept = index < durable || random.below(2) === 0;
        if (isKept) image.set(step.bytes.subarray(at, at + SECTOR_BYTES), step.offset + at);
      }
    }
    return image;
  }
}
