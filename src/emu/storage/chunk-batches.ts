/** One layer's chunks among the records: the narrow side of RecordStore that a ChunkedStore works on. */
import type { Durability, RecordBatch, RecordKey, RecordStore } from './record-store.ts';

/** The first part of every chunk's key; then come the layer's name and the chunk's number. */
const CHUNK = 'chunk';
/** The same for chunks of zeros. */
const HOLE = 'hole';
const NOTHING = new Uint8Array(0);

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

/** Where a layer's chunks are, and the numbers of those that are known to be zeros; counted apart. */
export const chunkPrefix = (layer: string): RecordKey => [CHUNK, layer];
export const holePrefix = (layer: string): RecordKey => [HOLE, layer];

/** @param also goes into every batch, so that what it says is true exactly when the chunks are there; no prefixes */
export function chunksOf(
  records: RecordStore,
  layer: string,
  also: () => RecordBatch = () => ({}),
): ChunkBatches {
  const chunkKey = (number: number): RecordKey => [...chunkPrefix(layer), number];
  const holeKey = (number: number): RecordKey => [...holePrefix(layer), number];
  let holes = new Set<number>();
  return {
    async stored() {
      const numbers = async (prefix: RecordKey): Promise<number[]> =>
        (await records.keysBelow(prefix)).map((key) => Number(key.at(-1)));
      const [chunks, found] = await Promise.all([numbers(chunkPrefix(layer)), numbers(holePrefix(layer))]);
      holes = new Set(found);
      return [...chunks, ...found];
    },
    async getMany(numbers) {
      const wanted = numbers.filter((number) => !holes.has(number));
      const values = wanted.length > 0 ? await records.getMany(wanted.map(chunkKey)) : [];
      const found = new Map(wanted.map((number, index) => [number, values[index] as Uint8Array | undefined]));
      return numbers.map((number) => (holes.has(number) ? NOTHING : found.get(number)));
    },
    async commit(batch, durability) {
      await records.commit(batchOf(batch), durability);
      for (const [number, bytes] of batch.puts) {
        if (bytes.length === 0) holes.add(number);
        else holes.delete(number);
      }
      for (const number of batch.deletes) holes.delete(number);
    },
  };

  function batchOf({ puts, deletes }: ChunkBatch): RecordBatch {
    const more = also();
    const all = [...puts];
    const full = all.filter(([, bytes]) => bytes.length > 0);
    const empty = all.filter(([, bytes]) => bytes.length === 0);
    return {
      puts: [
        ...full.map(([number, bytes]) => [chunkKey(number), bytes] as const),
        ...empty.map(([number]) => [holeKey(number), true] as const),
        ...(more.puts ?? []),
      ],
      deletes: [
        ...(more.deletes ?? []),
        ...deletes.map(chunkKey),
        ...empty.map(([number]) => chunkKey(number)),
        ...[...full.map(([number]) => number), ...deletes].filter((n) => holes.has(n)).map(holeKey),
      ],
    };
  }
}
