/** Chunks that are records of their own: where the host has no files, and disks from before it had. */
import { type ChunkBatch, keepTogether, type LayerChunks, type PreparedBatch } from './chunk-batches.ts';
import type { Durability, RecordBatch, RecordKey, RecordStore } from './record-store.ts';

/** The first part of every chunk's key; then come the layer's name and the chunk's number. */
const CHUNK = 'chunk';
/** The same for chunks of zeros, apart so that they do not count as used space. */
const HOLE = 'hole';
const NOTHING = new Uint8Array(0);

export const chunkPrefix = (layer: string): RecordKey => [CHUNK, layer];
export const holePrefix = (layer: string): RecordKey => [HOLE, layer];

export interface RecordedNumbers {
  readonly chunks: readonly number[];
  readonly holes: readonly number[];
}

export async function recordedNumbers(records: RecordStore, layer: string): Promise<RecordedNumbers> {
  const below = async (prefix: RecordKey): Promise<number[]> =>
    (await records.keysBelow(prefix)).map((key) => Number(key.at(-1)));
  const [chunks, holes] = await Promise.all([below(chunkPrefix(layer)), below(holePrefix(layer))]);
  return { chunks, holes };
}

export class RecordedChunks implements LayerChunks {
  private readonly records: RecordStore;
  private readonly layer: string;
  private readonly chunks: Set<number>;
  private readonly holes: Set<number>;

  static async open(records: RecordStore, layer: string): Promise<RecordedChunks> {
    return new RecordedChunks(records, layer, await recordedNumbers(records, layer));
  }

  private constructor(records: RecordStore, layer: string, { chunks, holes }: RecordedNumbers) {
    this.records = records;
    this.layer = layer;
    this.chunks = new Set(chunks);
    this.holes = new Set(holes);
  }

  has(number: number): boolean {
    return this.chunks.has(number) || this.holes.has(number);
  }

  numbers(): number[] {
    return [...this.chunks, ...this.holes];
  }

  async getMany(numbers: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const wanted = numbers.filter((number) => !this.holes.has(number));
    const values = wanted.length > 0 ? await this.records.getMany(wanted.map(this.chunkKey)) : [];
    const found = new Map(wanted.map((number, index) => [number, values[index] as Uint8Array | undefined]));
    return numbers.map((number) => (this.holes.has(number) ? NOTHING : found.get(number)));
  }

  async commit(batch: ChunkBatch, durability: Durability, also?: RecordBatch): Promise<void> {
    await keepTogether(this.records, [this.prepare(batch)], durability, also);
  }

  prepare({ puts, deletes }: ChunkBatch): PreparedBatch {
    const full = [...puts].filter(([, bytes]) => bytes.length > 0);
    const empty = [...puts].filter(([, bytes]) => bytes.length === 0).map(([number]) => number);
    const dropped = [...deletes];
    const shown = [...full.map(([number]) => number), ...dropped];
    return {
      records: {
        puts: [
          ...full.map(([number, bytes]) => [this.chunkKey(number), bytes] as const),
          ...empty.map((number) => [this.holeKey(number), true] as const),
        ],
        deletes: [
          ...[...dropped, ...empty].map(this.chunkKey),
          ...shown.filter((number) => this.holes.has(number)).map(this.holeKey),
        ],
      },
      done: () => {
        for (const number of shown) this.holes.delete(number);
        for (const [number] of full) this.chunks.add(number);
        for (const number of [...dropped, ...empty]) this.chunks.delete(number);
        for (const number of empty) this.holes.add(number);
      },
      failed() {},
    };
  }

  /** Records have no writer to make way. */
  share(): void {}

  close(): void {}

  private readonly chunkKey = (number: number): RecordKey => [...chunkPrefix(this.layer), number];
  private readonly holeKey = (number: number): RecordKey => [...holePrefix(this.layer), number];
}
