/**
 * A disk whose writes stay in memory: over nothing, over bytes, or over another store, which is never
 * written ("snapshot"). Only blocks that were written or cleared take memory.
 *
 * Invariant: a block in `written` is complete and wins over what is below; with a store below, a first
 * partial write waits for the block's old contents, and every later access to that block waits behind it.
 */
import { type BlockStore, type MaybePromise, StorageError } from './block-store.ts';
import { allOf, type Piece, piecesOf } from './pieces.ts';

const BLOCK_BYTES = 4096;
const SECTOR_BYTES = 512;

/** A block that was cleared: it reads as zeros and takes no memory. */
const CLEARED = new Uint8Array(0);

export interface MemoryStoreOptions {
  readonly readOnly?: boolean;
  /** Size when it is larger than what is below, or when nothing is. */
  readonly size?: number;
}

export class MemoryStore implements BlockStore {
  readonly size: number;
  readonly readOnly: boolean;
  private readonly below: Uint8Array | BlockStore | undefined;
  private readonly belowSize: number;
  private readonly written = new Map<number, Uint8Array>();
  /** Blocks whose old contents are being fetched for a partial write, and what comes after that. */
  private readonly busy = new Map<number, Promise<void>>();

  constructor(below?: Uint8Array | BlockStore, { readOnly = false, size }: MemoryStoreOptions = {}) {
    this.below = below;
    this.belowSize = below instanceof Uint8Array ? below.length : (below?.size ?? 0);
    const least = Math.ceil(this.belowSize / SECTOR_BYTES) * SECTOR_BYTES;
    this.size = Math.max(least, Math.ceil((size ?? 0) / SECTOR_BYTES) * SECTOR_BYTES);
    this.readOnly = readOnly;
  }

  /** Memory that written blocks take. */
  get writtenBytes(): number {
    let total = 0;
    for (const block of this.written.values()) total += block.length;
    return total;
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    this.check(offset, target.length);
    const waits: Promise<void>[] = [];
    const note = (result: MaybePromise<void>): void => {
      if (result) waits.push(result);
    };
    // Neighbouring blocks that were never written are one read of the store below.
    let runFrom = 0;
    let runTo = 0;
    const endRun = (): void => {
      if (runTo > runFrom) note(this.readBelow(offset + runFrom, target.subarray(runFrom, runTo)));
    };
    for (const piece of piecesOf(offset, target.length, BLOCK_BYTES)) {
      const end = piece.at + piece.to - piece.from;
      const turn = this.busy.get(piece.block);
      if (!turn && !this.written.has(piece.block)) {
        runTo = end;
        continue;
      }
      endRun();
      runFrom = end;
      runTo = end;
      note(
        turn ? turn.catch(() => {}).then(() => this.readPiece(piece, target)) : this.readPiece(piece, target),
      );
    }
    endRun();
    return allOf(waits);
  }

  write(offset: number, source: Uint8Array): MaybePromise<void> {
    // Copied when it has to wait: the caller may use its buffer again, and later writes must not show.
    let own: Uint8Array | undefined;
    return this.change(offset, source.length, (piece, contents, isLater) => {
      if (isLater) own ??= source.slice();
      const { from, to, at } = piece;
      return () => contents().set((own ?? source).subarray(at, at + to - from), from);
    });
  }

  flush(): MaybePromise<void> {
    return allOf([...this.busy.values()]);
  }

  discard(offset: number, length: number): MaybePromise<void> {
    return this.change(offset, length, ({ block, from, to }, contents) => () => {
      if (to - from === this.blockLength(block)) this.written.set(block, CLEARED);
      else contents().fill(0, from, to);
    });
  }

  private check(offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > this.size) {
      throw new StorageError(
        'out-of-range',
        `bytes ${offset} to ${offset + length} of a disk of ${this.size}`,
      );
    }
  }

  private blockLength(block: number): number {
    return Math.min(BLOCK_BYTES, this.size - block * BLOCK_BYTES);
  }

  /**
   * Changes a range piece by piece. `prepare` is called at once and gives the change, which runs when the
   * block's turn has come and its old contents are there if it needs them.
   */
  private change(
    offset: number,
    length: number,
    prepare: (piece: Piece, contents: () => Uint8Array, isLater: boolean) => () => void,
  ): MaybePromise<void> {
    this.check(offset, length);
    if (this.readOnly) throw new StorageError('read-only', 'the disk is read-only');
    const waits: Promise<void>[] = [];
    for (const piece of piecesOf(offset, length, BLOCK_BYTES)) {
      const { block } = piece;
      const turn = this.busy.get(block);
      const isLater = turn !== undefined || this.needsOldContents(piece);
      const apply = prepare(piece, () => this.writable(block), isLater);
      const attempt = (): MaybePromise<void> => {
        const fetching = this.needsOldContents(piece) ? this.fetch(block) : undefined;
        return fetching ? fetching.then(apply) : apply();
      };
      const result = turn ? turn.catch(() => {}).then(attempt) : attempt();
      if (result) waits.push(this.occupy(block, result));
    }
    return allOf(waits);
  }

  /** Makes `work` the last thing that a block waits for. */
  private occupy(block: number, work: Promise<void>): Promise<void> {
    this.busy.set(block, work);
    const release = (): void => {
      if (this.busy.get(block) === work) this.busy.delete(block);
    };
    work.then(release, release);
    return work;
  }

  private readPiece({ block, from, to, at }: Piece, target: Uint8Array): MaybePromise<void> {
    const part = target.subarray(at, at + to - from);
    const contents = this.written.get(block);
    if (contents === CLEARED) part.fill(0);
    else if (contents) part.set(contents.subarray(from, to));
    else return this.readBelow(block * BLOCK_BYTES + from, part);
    return undefined;
  }

  /** What is below; zeros beyond its end. */
  private readBelow(offset: number, target: Uint8Array): MaybePromise<void> {
    const length = Math.max(0, Math.min(target.length, this.belowSize - offset));
    target.fill(0, length);
    if (length === 0 || !this.below) return undefined;
    if (!(this.below instanceof Uint8Array)) return this.below.read(offset, target.subarray(0, length));
    target.set(this.below.subarray(offset, offset + length));
    return undefined;
  }

  /** Whether a piece is part of a block whose rest is still in an asynchronous store. */
  private needsOldContents({ block, from, to }: Piece): boolean {
    const isWhole = to - from === this.blockLength(block);
    return (
      !isWhole && !this.written.has(block) && this.below !== undefined && !(this.below instanceof Uint8Array)
    );
  }

  /** The block's own bytes, made when it was not written before; not for blocks that need old contents. */
  private writable(block: number): Uint8Array {
    const known = this.written.get(block);
    if (known && known !== CLEARED) return known;
    const contents = new Uint8Array(this.blockLength(block));
    if (!known && this.below instanceof Uint8Array) void this.readBelow(block * BLOCK_BYTES, contents);
    this.written.set(block, contents);
    return contents;
  }

  /** Brings an unwritten block's old contents up from the store below. */
  private fetch(block: number): MaybePromise<void> {
    const contents = new Uint8Array(this.blockLength(block));
    const keep = (): void => void this.written.set(block, contents);
    const reading = this.readBelow(block * BLOCK_BYTES, contents);
    return reading ? reading.then(keep) : keep();
  }
}
