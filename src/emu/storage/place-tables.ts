/**
 * Where each chunk of a layer lies in the layer's file, and which are holes: tables of as many entries as make
 * a small record, so that a flush of one chunk writes little and a large disk is opened with few of them.
 */
import type { RecordBatch, RecordKey, RecordStore } from './record-store.ts';

const PLACE = 'place';
/** Of images that are older than tables: numbers of the chunks from a place on, in their order. */
const PACK = 'pack';

const TABLE_CHUNKS = 256;
/** Entries. What is larger is the number of a place in the file, counted from FIRST_PLACE. */
export const ABSENT = 0;
export const HOLE = 1;
const FIRST_PLACE = 2;

export const placePrefix = (layer: string): RecordKey => [PLACE, layer];
export const packPrefix = (layer: string): RecordKey => [PACK, layer];

/** Undefined for an entry that is none. */
export function placeOf(entry: number): number | undefined {
  return entry < FIRST_PLACE ? undefined : entry - FIRST_PLACE;
}

export function entryOf(place: number): number {
  return place + FIRST_PLACE;
}

export class PlaceTables {
  private readonly layer: string;
  private readonly tables = new Map<number, Uint32Array>();

  static async read(records: RecordStore, layer: string): Promise<PlaceTables> {
    const places = new PlaceTables(layer);
    const [packs, tables] = await Promise.all([
      records.entriesBelow(packPrefix(layer)),
      records.entriesBelow(placePrefix(layer)),
    ]);
    for (const [key, numbers] of packs) {
      const first = Number(key.at(-1));
      for (const [step, number] of (numbers as Uint32Array).entries())
        places.set(number, entryOf(first + step));
    }
    // An import that began with the one went on with the other, whose tables are whole.
    for (const [key, table] of tables) places.tables.set(Number(key.at(-1)), table as Uint32Array);
    return places;
  }

  private constructor(layer: string) {
    this.layer = layer;
  }

  entry(number: number): number {
    return this.tables.get(Math.floor(number / TABLE_CHUNKS))?.[number % TABLE_CHUNKS] ?? ABSENT;
  }

  set(number: number, entry: number): void {
    const index = Math.floor(number / TABLE_CHUNKS);
    const table = this.tables.get(index) ?? new Uint32Array(TABLE_CHUNKS);
    table[number % TABLE_CHUNKS] = entry;
    this.tables.set(index, table);
  }

  /** All that are not absent: numbers of chunks and their entries. */
  *entries(): Generator<readonly [number, number]> {
    for (const [index, table] of this.tables) {
      for (let step = 0; step < TABLE_CHUNKS; step++) {
        const entry = table[step]!;
        if (entry !== ABSENT) yield [index * TABLE_CHUNKS + step, entry];
      }
    }
  }

  /** What the records say once these entries are set. */
  recordsWith(changes: ReadonlyMap<number, number>): RecordBatch {
    const tables = new Map<number, Uint32Array>();
    for (const [number, entry] of changes) {
      const index = Math.floor(number / TABLE_CHUNKS);
      const table = tables.get(index) ?? this.tables.get(index)?.slice() ?? new Uint32Array(TABLE_CHUNKS);
      table[number % TABLE_CHUNKS] = entry;
      tables.set(index, table);
    }
    const keyOf = (index: number): RecordKey => [...placePrefix(this.layer), index];
    const isEmpty = (table: Uint32Array): boolean => table.every((entry) => entry === ABSENT);
    const all = [...tables];
    return {
      puts: all.filter(([, table]) => !isEmpty(table)).map(([index, table]) => [keyOf(index), table]),
      deletes: all.filter(([, table]) => isEmpty(table)).map(([index]) => keyOf(index)),
    };
  }
}
