/** Where a layer's chunks are, by its record: in a file, or among the records. */
import type { LayerChunks } from './chunk-batches.ts';
import type { ChunkFiles } from './chunk-files.ts';
import { DiskError } from './disk-error.ts';
import type { LayerRecord } from './disk-records.ts';
import { FiledChunks } from './filed-chunks.ts';
import { HOLE, PlaceTables, packPrefix, placePrefix } from './place-tables.ts';
import type { RecordKey, RecordStore } from './record-store.ts';
import { chunkPrefix, holePrefix, RecordedChunks, recordedNumbers } from './recorded-chunks.ts';

export interface ChunkPorts {
  readonly records: RecordStore;
  /** Absent where the host has none. */
  readonly files?: ChunkFiles | undefined;
}

export type LayerPlace = Pick<LayerRecord, 'id' | 'chunkBytes' | 'isFiled' | 'pack'>;

export function isInFile({ isFiled, pack }: LayerPlace): boolean {
  return isFiled === true || pack !== undefined;
}

/** Below these are the records of a layer's chunks, whatever its kind. */
export function contentPrefixes(layer: string): RecordKey[] {
  return [chunkPrefix, holePrefix, placePrefix, packPrefix].map((prefix) => prefix(layer));
}

/** @param mode `write` for a layer that nobody else has open */
export async function openChunks(
  { records, files }: ChunkPorts,
  layer: LayerPlace,
  mode: 'read' | 'write',
): Promise<LayerChunks> {
  if (!isInFile(layer)) return RecordedChunks.open(records, layer.id);
  if (!files) {
    throw new DiskError(
      'unavailable',
      'This disk is in files that the browser keeps for this page, and it does not give them now: a private ' +
        'window, or an address without https, would explain it.',
    );
  }
  const open = mode === 'write' ? FiledChunks.openToWrite : FiledChunks.openToRead;
  return open({ records, files }, layer);
}

/** Numbers of the chunks and of the holes that a layer has. */
export async function storedNumbers(
  records: RecordStore,
  layer: LayerPlace,
): Promise<{ readonly chunks: readonly number[]; readonly holes: readonly number[] }> {
  if (!isInFile(layer)) return recordedNumbers(records, layer.id);
  const chunks: number[] = [];
  const holes: number[] = [];
  for (const [number, entry] of (await PlaceTables.read(records, layer.id)).entries())
    (entry === HOLE ? holes : chunks).push(number);
  return { chunks, holes };
}

/** What a layer's chunks take. */
export async function usedBytes(records: RecordStore, layer: LayerPlace): Promise<number> {
  const count = isInFile(layer)
    ? (await storedNumbers(records, layer)).chunks.length
    : await records.countBelow(chunkPrefix(layer.id));
  return count * layer.chunkBytes;
}
