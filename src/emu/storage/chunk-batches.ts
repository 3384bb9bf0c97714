/** One layer's chunks among the records: the narrow side of RecordStore that a ChunkedStore works on. */
import type { Durability, RecordBatch, RecordKey, RecordStore } from './record-store.ts';

/** The first part of every chunk's key; then come the layer's name and the chunk's number. */
export const CHUNK = 'chunk';

export interface ChunkBatch {
  /** Whole chunks; an empty one stands for zeros that hide what is below. */
  readonly puts: ReadonlyMap<number, Uint8Array>;
  readonly deletes: readonly number[];
}

/** Chunks by number, with the promises of RecordStore. */
export interface ChunkBatches {
  /** Numbers of all chunks that are stored. */
  stored(): Promise<number[]>;
  getMany(numbers: readonly number[]): Promise<(Uint8Array | undefined)[]>;
  commit(batch: ChunkBatch, durability: Durability): Promise<void>;
}

export function chunkPrefix(layer: string): RecordKey {
  return [CHUNK, layer];
}

/** @param also goes into every batch, so that what it says is true exactly when the chunks are there */
export function chunksOf(
  records: RecordStore,
  layer: string,
  also: () => RecordBatch['puts'] = () => undefined,
): ChunkBatches {
  const key = (number: number): RecordKey => [CHUNK, layer, number];
  return {
    async stored() {
      const keys = await records.keysBelow(chunkPrefix(layer));
      return keys.map((found) => Number(found.at(-1)));
    },
    async getMany(numbers) {
      return (await records.getMany(numbers.map(key))) as (Uint8Array | undefined)[];
    },
    commit({ puts, deletes }, durability) {
      const chunks = Array.from(puts, ([number, bytes]) => [key(number), bytes] as const);
      return records.commit({ puts: [...chunks, ...(also() ?? [])], deletes: deletes.map(key) }, durability);
    },
  };
}
