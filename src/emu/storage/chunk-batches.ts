/**
 * A layer's chunks, wherever they are kept: the narrow side that a ChunkedStore works on, and how changes of
 * several layers become one batch of records.
 */
import type { MaybePromise } from './block-store.ts';
import { type Durability, joinedBatch, type RecordBatch, type RecordStore } from './record-store.ts';

export interface ChunkBatch {
  /** Whole chunks; an empty one stands for zeros that hide what is below, a *hole*. */
  readonly puts: ReadonlyMap<number, Uint8Array>;
  readonly deletes: Iterable<number>;
}

/** Chunks by number, with the promises of RecordStore. */
export interface ChunkBatches {
  /** Whether the chunk is stored, holes included. */
  has(number: number): boolean;
  /** Contents of chunks, which are the caller's; empty ones of holes. */
  getMany(numbers: readonly number[]): Promise<(Uint8Array | undefined)[]>;
  /** Reads a part of a stored chunk; absent where a part costs as much as the whole. */
  read?(number: number, from: number, target: Uint8Array): MaybePromise<void>;
  /**
   * Takes the chunks before it returns; one commit at a time.
   * @param also goes into the same batch, so that what it says is true exactly when the chunks are there
   */
  commit(batch: ChunkBatch, durability: Durability, also?: RecordBatch): Promise<void>;
  /** Whether a commit would give room back, even of an empty batch. */
  readonly holdsSpareRoom?: boolean;
  /** Nobody writes them from here on, and others may read them. */
  share(): void;
  /** Lets go of them, as often as it is called. */
  close(): void;
}

/** A change of chunks that takes effect with a batch of records; `done` or `failed` is called at its end. */
export interface PreparedBatch {
  readonly records: RecordBatch;
  done(): void;
  failed(failure: unknown): void;
}

/** All of a layer's chunks, for whoever handles layers. */
export interface LayerChunks extends ChunkBatches {
  /** Numbers of all chunks that are stored, holes among them. */
  numbers(): number[];
  /** Does what has to be done before the records may say it; one at a time. */
  prepare(batch: ChunkBatch): PreparedBatch;
}

/** Keeps changes of several layers, and what `also` says, as one. */
export async function keepTogether(
  records: RecordStore,
  changes: readonly PreparedBatch[],
  durability: Durability,
  also: RecordBatch = {},
): Promise<void> {
  try {
    await records.commit(joinedBatch([...changes.map((change) => change.records), also]), durability);
  } catch (failure) {
    for (const change of changes) change.failed(failure);
    throw failure;
  }
  for (const change of changes) change.done();
}
