/**
 * Packs: the chunks of a layer one after another in a file of their own, in the order in which they came; the
 * records say which chunk is where. A pack is written once and never changed, so any number of threads may
 * read it, straight from the file and without a copy in memory.
 *
 * Invariant: the records name only what the file had durably before. What lies behind that belongs to nobody.
 */
import { type BlockStore, type MaybePromise, StorageError } from './block-store.ts';
import { CHUNK_BYTES } from './chunk-size.ts';
import { allOf, piecesOf } from './pieces.ts';
import type { RecordBatch, RecordKey, RecordStore } from './record-store.ts';

const PACK = 'pack';

/** Records of a layer's pack: the numbers of the chunks from a slot on, under that slot's number. */
export const packPrefix = (layer: string): RecordKey => [PACK, layer];

/** A file that may be read by many at a time. */
export interface PackFile {
  /** Fills `target`. Rejects with a StorageError. */
  read(offset: number, target: Uint8Array): MaybePromise<void>;
  close(): void;
}

/** A file that nobody else has open. Its methods throw a StorageError, of kind `quota` without room. */
export interface PackWriter {
  write(offset: number, bytes: Uint8Array): void;
  /** What was written before is durable afterwards. */
  flush(): void;
  close(): void;
}

/** Files by the names of layers. */
export interface PackFiles {
  open(name: string): Promise<PackFile>;
  /** Makes the file where there is none. */
  write(name: string): Promise<PackWriter>;
  /** Nothing happens when there is none. */
  delete(name: string): Promise<void>;
  names(): Promise<string[]>;
}

/** Each stored chunk's slot. */
export async function readPackIndex(records: RecordStore, layer: string): Promise<Map<number, number>> {
  const [keys, values] = await Promise.all([
    records.keysBelow(packPrefix(layer)),
    records.valuesBelow(packPrefix(layer)),
  ]);
  const slots = new Map<number, number>();
  for (const [index, key] of keys.entries()) {
    const first = Number(key.at(-1));
    for (const [step, number] of (values[index] as Uint32Array).entries()) slots.set(number, first + step);
  }
  return slots;
}

/** Adds chunks at the end of a pack. */
export class PackAppender {
  private readonly records: RecordStore;
  private readonly layer: string;
  private readonly file: PackWriter;
  private slots: number;

  /** @param goesOn what an earlier writer left counts; without it the pack begins anew */
  static async open(
    records: RecordStore,
    files: PackFiles,
    layer: string,
    goesOn: boolean,
  ): Promise<PackAppender> {
    if (!goesOn) await records.commit({ deletesBelow: [packPrefix(layer)] }, 'relaxed');
    const slots = goesOn ? (await readPackIndex(records, layer)).size : 0;
    return new PackAppender(records, layer, await files.write(layer), slots);
  }

  private constructor(records: RecordStore, layer: string, file: PackWriter, slots: number) {
    this.records = records;
    this.layer = layer;
    this.file = file;
    this.slots = slots;
  }

  /** Chunks so far. */
  get count(): number {
    return this.slots;
  }

  /** Takes the chunks before it returns; resolves when they are durable, and what `also` says with them. */
  append(chunks: ReadonlyMap<number, Uint8Array>, also: RecordBatch['puts'] = []): Promise<void> {
    const first = this.slots;
    try {
      for (const bytes of chunks.values()) this.file.write(this.slots++ * CHUNK_BYTES, bytes);
      if (chunks.size > 0) this.file.flush();
    } catch (failure) {
      return Promise.reject(failure);
    }
    const entry = [[...packPrefix(this.layer), first], Uint32Array.from(chunks.keys())] as const;
    return this.records.commit({ puts: [...(chunks.size > 0 ? [entry] : []), ...also] }, 'strict');
  }

  close(): void {
    this.file.close();
  }
}

/** A layer that is a pack; chunks that it does not have are zeros. */
export class PackStore implements BlockStore {
  readonly size: number;
  readonly readOnly = true;
  private readonly file: PackFile;
  private readonly slots: ReadonlyMap<number, number>;

  static async open(
    records: RecordStore,
    files: PackFiles,
    { id, sizeBytes }: { readonly id: string; readonly sizeBytes: number },
  ): Promise<PackStore> {
    const slots = await readPackIndex(records, id);
    return new PackStore(await files.open(id), slots, sizeBytes);
  }

  private constructor(file: PackFile, slots: ReadonlyMap<number, number>, size: number) {
    this.file = file;
    this.slots = slots;
    this.size = size;
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + target.length > this.size) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + target.length} of ${this.size}`);
    }
    const waits: Promise<void>[] = [];
    // Neighbours in the file are one read of it, as most are.
    let run: { readonly at: number; readonly place: number; length: number } | undefined;
    const endRun = (): void => {
      const result = run && this.file.read(run.place, target.subarray(run.at, run.at + run.length));
      if (result) waits.push(result);
      run = undefined;
    };
    for (const { block, from, to, at } of piecesOf(offset, target.length, CHUNK_BYTES)) {
      const slot = this.slots.get(block);
      const place = slot === undefined ? undefined : slot * CHUNK_BYTES + from;
      if (run && run.place + run.length === place) {
        run.length += to - from;
        continue;
      }
      endRun();
      if (place === undefined) target.fill(0, at, at + to - from);
      else run = { at, place, length: to - from };
    }
    endRun();
    return allOf(waits);
  }

  write(): never {
    throw new StorageError('read-only', 'the layer is shared');
  }

  flush(): void {}

  discard(): never {
    throw new StorageError('read-only', 'the layer is shared');
  }

  close(): void {
    this.file.close();
  }
}
