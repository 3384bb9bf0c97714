/**
 * The chunks of one disk that are in memory, and how they come there: from where they are kept, or from the
 * store below. Those that somebody needs stay; the others are left to the cache.
 */
import { type BlockStore, type MaybePromise, StorageError } from './block-store.ts';
import { Chunk } from './chunk.ts';
import type { ChunkBatches } from './chunk-batches.ts';
import type { ChunkCache } from './chunk-cache.ts';

export interface ChunkSources {
  readonly chunks: ChunkBatches;
  readonly chunkBytes: number;
  readonly below: BlockStore | undefined;
  /** So much of what is below shows; zeros follow. */
  readonly belowBytes: number;
}

export class ChunkMemory {
  private readonly sources: ChunkSources;
  private readonly cache: ChunkCache;
  private readonly isNeeded: (chunk: Chunk) => boolean;
  private readonly resident = new Map<number, Chunk>();
  private readonly loading = new Map<Chunk, Promise<void>>();

  /** @param isNeeded whether a chunk may not be dropped, because what it holds is nowhere else */
  constructor(sources: ChunkSources, cache: ChunkCache, isNeeded: (chunk: Chunk) => boolean) {
    this.sources = sources;
    this.cache = cache;
    this.isNeeded = isNeeded;
  }

  get(number: number): Chunk | undefined {
    return this.resident.get(number);
  }

  /** The chunk, blank when it was not there; the cache cannot drop it until it is released. */
  hold(number: number): Chunk {
    let chunk = this.resident.get(number);
    if (!chunk) {
      chunk = new Chunk(number, this.sources.chunkBytes, () => this.resident.delete(number));
      this.resident.set(number, chunk);
    }
    this.cache.take(chunk);
    return chunk;
  }

  /** Leaves the chunk to the cache, as the last one used, unless it is still needed. */
  release(chunk: Chunk): void {
    if (this.isNeeded(chunk) || this.loading.has(chunk)) return;
    if (chunk.isComplete) this.cache.offer(chunk);
    else if (chunk.isBlank) this.resident.delete(chunk.number);
  }

  /** Completes chunks from what is stored or below, with one batch for all that is not on its way yet. */
  load(chunks: readonly Chunk[]): Promise<void> {
    const waits: Promise<void>[] = [];
    const fresh: Chunk[] = [];
    for (const chunk of chunks) {
      const underWay = this.loading.get(chunk);
      if (underWay) waits.push(underWay);
      else if (!chunk.isComplete) fresh.push(chunk);
    }
    if (fresh.length > 0) {
      const work = this.fetch(fresh).finally(() => {
        for (const chunk of fresh) {
          this.loading.delete(chunk);
          this.release(chunk);
        }
      });
      for (const chunk of fresh) this.loading.set(chunk, work);
      waits.push(work);
    }
    return Promise.all(waits).then(() => {});
  }

  /** Begins to bring those that are stored, from `first` to `last`; whoever needs one meets a failure again. */
  loadStored(first: number, last: number): void {
    const ahead: Chunk[] = [];
    for (let number = first; number <= last; number++) {
      if (this.sources.chunks.has(number) && !this.resident.has(number)) ahead.push(this.hold(number));
    }
    if (ahead.length > 0) this.load(ahead).catch(() => {});
  }

  /** What is below; zeros beyond what shows of it. */
  readBelow(offset: number, target: Uint8Array): MaybePromise<void> {
    const { below, belowBytes } = this.sources;
    const length = Math.max(0, Math.min(target.length, belowBytes - offset));
    target.fill(0, length);
    return length === 0 ? undefined : below?.read(offset, target.subarray(0, length));
  }

  private async fetch(wanted: readonly Chunk[]): Promise<void> {
    const { chunks, chunkBytes } = this.sources;
    const own = wanted.filter(({ number }) => chunks.has(number));
    const others = wanted.filter(({ number }) => !chunks.has(number));
    const fromBelow = others.map(async (chunk) => {
      const bytes = new Uint8Array(chunkBytes);
      await this.readBelow(chunk.number * chunkBytes, bytes);
      chunk.complete(bytes);
    });
    const values = own.length > 0 ? await chunks.getMany(own.map(({ number }) => number)) : [];
    for (const [index, chunk] of own.entries()) {
      const value = values[index];
      if (!value) throw new StorageError('io', `chunk ${chunk.number} of the disk is gone from the storage`);
      chunk.complete(value);
    }
    await Promise.all(fromBelow);
  }
}
