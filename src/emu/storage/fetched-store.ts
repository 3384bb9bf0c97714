/**
 * A file that is far away, read-only: what is read is fetched in whole chunks and kept, so that it is fetched
 * once. Keeping is an economy, not a promise: what does not fit into the storage is fetched again.
 */
import { type BlockStore, type MaybePromise, StorageError } from './block-store.ts';
import type { ChunkBatches } from './chunk-batches.ts';
import type { CachedChunk, ChunkCache } from './chunk-cache.ts';
import { CHUNK_BYTES } from './chunk-size.ts';

/** A file, and how to read a range inside it. */
export interface FarFile {
  /** In bytes. */
  readonly size: number;
  read(offset: number, target: Uint8Array): MaybePromise<void>;
}

/** Where chunks are kept that have come. */
export type KeptChunks = Pick<ChunkBatches, 'has' | 'getMany' | 'commit'>;

const SECTOR_BYTES = 512;
/** Chunks that one fetch brings at most. */
const FETCH_CHUNKS = 8;
/** Chunks fetched beyond those that a sequential reader asked for. */
const READ_AHEAD_CHUNKS = 4;

class HeldChunk implements CachedChunk {
  readonly heldBytes = CHUNK_BYTES;
  readonly bytes: Uint8Array;
  readonly drop: () => void;
  constructor(bytes: Uint8Array, drop: () => void) {
    this.bytes = bytes;
    this.drop = drop;
  }
}

export class FetchedStore implements BlockStore {
  /** Of the file, in whole sectors; zeros follow its end. */
  readonly size: number;
  readonly readOnly = true;
  private readonly file: FarFile;
  private readonly chunks: KeptChunks;
  private readonly cache: ChunkCache;
  private readonly held = new Map<number, HeldChunk>();
  private readonly coming = new Map<number, Promise<Uint8Array>>();
  private unkept = new Map<number, Uint8Array>();
  private keeping: Promise<void> | undefined;
  /** Nobody has read yet. */
  private nextSequential = -1;

  constructor(file: FarFile, chunks: KeptChunks, cache: ChunkCache) {
    this.file = file;
    this.size = Math.ceil(file.size / SECTOR_BYTES) * SECTOR_BYTES;
    this.chunks = chunks;
    this.cache = cache;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + target.length > this.size) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + target.length} of ${this.size}`);
    }
    if (target.length === 0) return;
    const first = Math.floor(offset / CHUNK_BYTES);
    const last = Math.floor((offset + target.length - 1) / CHUNK_BYTES);
    const isSequential = first === this.nextSequential || first + 1 === this.nextSequential;
    this.nextSequential = last + 1;
    this.bring(first, last);
    if (isSequential) this.bring(last + 1, Math.min(last + READ_AHEAD_CHUNKS, this.lastChunk));
    const copies: Promise<void>[] = [];
    for (let number = first; number <= last; number++) {
      const at = number * CHUNK_BYTES;
      const from = Math.max(offset, at);
      const to = Math.min(offset + target.length, at + CHUNK_BYTES);
      const copy = (bytes: Uint8Array): void => target.set(bytes.subarray(from - at, to - at), from - offset);
      const held = this.held.get(number);
      if (held) copy(this.use(held).bytes);
      else copies.push(this.coming.get(number)!.then(copy));
    }
    await Promise.all(copies);
  }

  write(): never {
    throw new StorageError('read-only', 'the image is read-only');
  }

  /** Resolves when what was fetched is kept, as far as there is room. */
  async flush(): Promise<void> {
    while (this.keeping) await this.keeping;
  }

  discard(): never {
    throw new StorageError('read-only', 'the image is read-only');
  }

  private get lastChunk(): number {
    return Math.ceil(this.size / CHUNK_BYTES) - 1;
  }

  /** Begins to get the chunks from `first` to `last` that are neither there nor on their way. */
  private bring(first: number, last: number): void {
    const wanted: number[] = [];
    for (let number = first; number <= last; number++) {
      if (!this.held.has(number) && !this.coming.has(number)) wanted.push(number);
    }
    const kept = wanted.filter((number) => this.chunks.has(number));
    if (kept.length > 0) this.expect(kept, this.fromStorage(kept));
    let run: number[] = [];
    for (const number of wanted.filter((each) => !this.chunks.has(each))) {
      if (run.length === FETCH_CHUNKS || (run.length > 0 && run.at(-1) !== number - 1)) {
        this.expect(run, this.fromFile(run));
        run = [];
      }
      run.push(number);
    }
    if (run.length > 0) this.expect(run, this.fromFile(run));
  }

  private expect(numbers: readonly number[], work: Promise<Uint8Array[]>): void {
    for (const [index, number] of numbers.entries()) {
      const one = work.then((all) => {
        const chunk = new HeldChunk(all[index]!, () => this.held.delete(number));
        this.held.set(number, chunk);
        return this.use(chunk).bytes;
      });
      this.coming.set(number, one);
      const gone = (): void => void this.coming.delete(number);
      // Whoever reads it meets the failure, and the next reader tries again.
      one.then(gone, gone);
    }
  }

  private async fromStorage(numbers: readonly number[]): Promise<Uint8Array[]> {
    const values = await this.chunks.getMany(numbers);
    return values.map((value) => (value && value.length > 0 ? value : new Uint8Array(CHUNK_BYTES)));
  }

  private async fromFile(numbers: readonly number[]): Promise<Uint8Array[]> {
    const offset = numbers[0]! * CHUNK_BYTES;
    const bytes = new Uint8Array(numbers.length * CHUNK_BYTES);
    const length = Math.min(bytes.length, this.file.size - offset);
    await this.file.read(offset, bytes.subarray(0, length));
    const parts = numbers.map((_, index) => bytes.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES));
    for (const [index, number] of numbers.entries()) this.unkept.set(number, parts[index]!);
    this.keeping ??= this.keep();
    return parts;
  }

  private async keep(): Promise<void> {
    while (this.unkept.size > 0) {
      const puts = this.unkept;
      this.unkept = new Map();
      try {
        await this.chunks.commit({ puts, deletes: [] }, 'relaxed');
      } catch {
        // No room: these will be fetched again.
      }
    }
    this.keeping = undefined;
  }

  private use(chunk: HeldChunk): HeldChunk {
    this.cache.offer(chunk);
    return chunk;
  }
}
