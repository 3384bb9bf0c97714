/**
 * A disk in chunks, wherever they are kept, over nothing or over a store that is never written (copy on
 * write). Writes stay in memory until a flush, or until there are many.
 *
 * Invariant: a commit holds everything that is dirty at one instant, in one batch, and commits follow one
 * another. So what is kept is always the disk as it was at some instant, never before the last flush, and
 * no crash can leave half of anything.
 */
import { type BlockStore, type MaybePromise, StorageError } from './block-store.ts';
import { type Chunk, SECTOR_BYTES } from './chunk.ts';
import type { ChunkBatches } from './chunk-batches.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ChunkMemory } from './chunk-memory.ts';
import { CHUNK_BYTES } from './chunk-size.ts';
import { allOf, type Piece, piecesOf } from './pieces.ts';
import type { Durability } from './record-store.ts';

/** Dirty bytes at which a commit begins by itself, and at which writes wait for it. */
const WRITE_BACK_BYTES = 16 << 20;
const DIRTY_LIMIT_BYTES = 48 << 20;
/** What is fetched, or there, beyond what a sequential reader asked for. */
const READ_AHEAD_BYTES = 2 << 20;

/** Hides what is below: zeros. */
const TOMBSTONE = new Uint8Array(0);

export interface ChunkedStoreOptions {
  /** A multiple of 512. */
  readonly size: number;
  readonly readOnly?: boolean;
  /** What shows where nothing was written. */
  readonly below?: BlockStore;
  /** So many bytes of what is below show; zeros follow. */
  readonly belowBytes?: number;
  readonly chunkBytes?: number;
  readonly cache?: ChunkCache;
  readonly readAheadBytes?: number;
  readonly writeBackBytes?: number;
  readonly dirtyLimitBytes?: number;
  /** `relaxed` only for what can be fetched again. */
  readonly durability?: Durability;
}

export class ChunkedStore implements BlockStore {
  readonly readOnly: boolean;
  private currentSize: number;
  private readonly chunks: ChunkBatches;
  private readonly below: BlockStore | undefined;
  private readonly belowBytes: number;
  private readonly chunkBytes: number;
  private readonly readAheadBytes: number;
  private readonly writeBackBytes: number;
  private readonly dirtyLimitBytes: number;
  private readonly durability: Durability;

  private readonly memory: ChunkMemory;
  private readonly dirty = new Set<Chunk>();
  private dirtyBytes = 0;
  /** What the commit under way is writing. */
  private committing: ReadonlySet<Chunk> = new Set();
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  /** While a commit gathers what partly written chunks lack, writes are held up, so that it comes to an end. */
  private isGathering = false;
  /** The last commit failed: from now on every change waits for one. */
  private hasFailed = false;
  /** Where the last read ended. */
  private lastEnd = -1;

  constructor(chunks: ChunkBatches, options: ChunkedStoreOptions) {
    this.chunks = chunks;
    this.currentSize = options.size;
    this.readOnly = options.readOnly ?? false;
    const { below, cache = new ChunkCache(), chunkBytes = CHUNK_BYTES } = options;
    const belowBytes = Math.min(options.belowBytes ?? Number.POSITIVE_INFINITY, below?.size ?? 0);
    this.below = below;
    this.belowBytes = belowBytes;
    this.chunkBytes = chunkBytes;
    const isNeeded = (chunk: Chunk): boolean => this.dirty.has(chunk) || this.committing.has(chunk);
    this.memory = new ChunkMemory({ chunks, below, belowBytes, chunkBytes }, cache, isNeeded);
    this.readAheadBytes = options.readAheadBytes ?? READ_AHEAD_BYTES;
    this.writeBackBytes = options.writeBackBytes ?? WRITE_BACK_BYTES;
    this.dirtyLimitBytes = options.dirtyLimitBytes ?? DIRTY_LIMIT_BYTES;
    this.durability = options.durability ?? 'strict';
  }

  get size(): number {
    return this.currentSize;
  }

  /** Whether there are writes that a crash would lose. */
  get isDirty(): boolean {
    return this.dirty.size > 0 || this.running !== undefined;
  }

  /** More room behind the end; it reads as zeros. */
  grow(size: number): void {
    this.currentSize = Math.max(this.currentSize, size);
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    this.check(offset, target.length);
    const waits: Promise<void>[] = [];
    const wanted: Piece[] = [];
    // Neighbouring chunks that were never written are one read of the store below.
    let runFrom = 0;
    let runTo = 0;
    const endRun = (): void => {
      const result =
        runTo > runFrom && this.memory.readBelow(offset + runFrom, target.subarray(runFrom, runTo));
      if (result) waits.push(result);
    };
    for (const piece of piecesOf(offset, target.length, this.chunkBytes)) {
      const { block: number, from, to, at } = piece;
      const end = at + to - from;
      const chunk = this.memory.get(number);
      if (!chunk && !this.chunks.has(number)) {
        runTo = end;
        continue;
      }
      endRun();
      runFrom = runTo = end;
      if (chunk?.has(from, to)) this.use(chunk).read(from, target.subarray(at, end));
      else if (chunk || !this.chunks.read) wanted.push(piece);
      else {
        const result = this.chunks.read(number, from, target.subarray(at, end));
        if (result) waits.push(result);
      }
    }
    endRun();
    if (wanted.length > 0) waits.push(this.readWanted(wanted, target));
    if (!this.chunks.read) this.readAhead(offset, target.length);
    return allOf(waits);
  }

  write(offset: number, source: Uint8Array): MaybePromise<void> {
    return this.change(offset, source.length, (chunk, { from, to, at }) =>
      chunk.write(from, source.subarray(at, at + to - from)),
    );
  }

  flush(): MaybePromise<void> {
    if (this.dirty.size > 0) return this.commitSoon();
    return this.next ?? this.running;
  }

  discard(offset: number, length: number): MaybePromise<void> {
    return this.change(
      offset,
      length,
      (chunk, { from, to }) => chunk.clear(from, to),
      ({ block }) => this.isKnown(block) || this.showsBelow(block),
    );
  }

  /** Gives back some of the room that is free, in a moment in which nobody writes. */
  tidy(): MaybePromise<void> {
    return this.chunks.holdsSpareRoom && !this.isDirty ? this.commitSoon() : undefined;
  }

  /** What was flushed stays as it is, and others may read it. */
  share(): void {
    this.chunks.share();
  }

  close(): void {
    this.chunks.close();
    this.below?.close?.();
  }

  private check(offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > this.size) {
      throw new StorageError(
        'out-of-range',
        `bytes ${offset} to ${offset + length} of a disk of ${this.size}`,
      );
    }
  }

  private isKnown(number: number): boolean {
    return this.memory.get(number) !== undefined || this.chunks.has(number);
  }

  private showsBelow(number: number): boolean {
    return number * this.chunkBytes < this.belowBytes;
  }

  /** Changes the pieces of a range that are `relevant`, at once, whatever the result waits for. */
  private change(
    offset: number,
    length: number,
    apply: (chunk: Chunk, piece: Piece) => void,
    relevant: (piece: Piece) => boolean = () => true,
  ): MaybePromise<void> {
    this.check(offset, length);
    if (this.readOnly) throw new StorageError('read-only', 'the disk is read-only');
    if (offset % SECTOR_BYTES !== 0 || length % SECTOR_BYTES !== 0) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + length} are not whole sectors`);
    }
    for (const piece of piecesOf(offset, length, this.chunkBytes)) {
      if (!relevant(piece)) continue;
      const chunk = this.memory.hold(piece.block);
      const before = this.dirty.has(chunk) ? chunk.heldBytes : 0;
      apply(chunk, piece);
      this.dirty.add(chunk);
      this.dirtyBytes += chunk.heldBytes - before;
    }
    return this.relieve();
  }

  /** Begins a commit when much is dirty, and lets the writer wait when it is too much. */
  private relieve(): MaybePromise<void> {
    // After a failure every writer is told, so that a guest stops before it has written much.
    const isTooMuch = this.dirtyBytes >= this.dirtyLimitBytes;
    if (isTooMuch || this.isGathering || this.hasFailed) return this.commitSoon();
    if (this.dirtyBytes >= this.writeBackBytes && !this.running) {
      // Nobody waits for it; what fails stays dirty, and the next change or flush tells.
      this.commitSoon().catch(() => {});
    }
    return undefined;
  }

  /** The commit that holds everything that is dirty now; one is under way at a time. */
  private commitSoon(): Promise<void> {
    if (this.running && !this.isGathering) {
      this.next ??= this.running.catch(() => {}).then(() => this.begin());
      return this.next;
    }
    return this.running ?? this.begin();
  }

  private begin(): Promise<void> {
    this.next = undefined;
    const running = this.commit().finally(() => {
      if (this.running === running) this.running = undefined;
    });
    this.running = running;
    return running;
  }

  private async commit(): Promise<void> {
    this.isGathering = true;
    try {
      for (let partial = this.partlyWritten(); partial.length > 0; partial = this.partlyWritten()) {
        await this.memory.load(partial);
      }
      // From here to the batch nothing is awaited: this is the instant that is kept.
      this.isGathering = false;
      this.committing = new Set(this.dirty);
      this.dirty.clear();
      this.dirtyBytes = 0;
      await this.store(this.committing);
      this.hasFailed = false;
    } catch (failure) {
      for (const chunk of this.committing) {
        if (!this.dirty.has(chunk)) this.dirtyBytes += chunk.heldBytes;
        this.dirty.add(chunk);
      }
      this.hasFailed = true;
      throw failure;
    } finally {
      this.isGathering = false;
      const done = this.committing;
      this.committing = new Set();
      for (const chunk of done) this.memory.release(chunk);
    }
  }

  private partlyWritten(): Chunk[] {
    return [...this.dirty].filter((chunk) => !chunk.isComplete);
  }

  private async store(batch: ReadonlySet<Chunk>): Promise<void> {
    if (batch.size === 0 && !this.chunks.holdsSpareRoom) return;
    const puts = new Map<number, Uint8Array>();
    const deletes: number[] = [];
    for (const chunk of batch) {
      const contents = chunk.contents();
      if (contents) puts.set(chunk.number, contents);
      else if (this.showsBelow(chunk.number)) puts.set(chunk.number, TOMBSTONE);
      else deletes.push(chunk.number);
    }
    await this.chunks.commit({ puts, deletes }, this.durability);
  }

  private async readWanted(pieces: readonly Piece[], target: Uint8Array): Promise<void> {
    const chunks = pieces.map(({ block }) => this.memory.hold(block));
    await this.memory.load(chunks);
    for (const [index, { from, to, at }] of pieces.entries()) {
      chunks[index]!.read(from, target.subarray(at, at + to - from));
    }
  }

  /** Whoever reads on where the last read ended will want what comes next. */
  private readAhead(offset: number, length: number): void {
    const isSequential = offset === this.lastEnd;
    this.lastEnd = offset + length;
    if (!isSequential || length === 0) return;
    const last = Math.floor((this.lastEnd - 1) / this.chunkBytes);
    this.memory.loadStored(last + 1, last + this.readAheadBytes / this.chunkBytes);
  }

  /** As the last one used. */
  private use(chunk: Chunk): Chunk {
    this.memory.release(chunk);
    return chunk;
  }
}
