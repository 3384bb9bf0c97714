/**
 * The layers that an import fills: files where the browser has them for the page, chunks among the records
 * elsewhere, and for imports that began so. How they are written and read, and how leftovers are cleared away.
 */
import { CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
import { ChunkedStore } from '../emu/storage/chunked-store.ts';
import { wholeSectors } from '../emu/storage/disk-layers.ts';
import type { DiskLocks } from '../emu/storage/disk-locks.ts';
import { LibraryState } from '../emu/storage/disk-records.ts';
import {
  type ChunkPorts,
  contentPrefixes,
  type LayerPlace,
  openChunks,
} from '../emu/storage/layer-chunks.ts';
import type { RecordBatch } from '../emu/storage/record-store.ts';
import { IMPORT, type ImportRecord, importKey } from './import-record.ts';

/** Takes a layer's chunks, in batches that are kept whole or not at all. */
export interface LayerSink {
  /** Takes the chunks before it returns; resolves when they are durable, and what `also` says with them. */
  append(chunks: ReadonlyMap<number, Uint8Array>, also: RecordBatch['puts']): Promise<void>;
  close(): void;
}

/** Where the image goes that is copied out of the file in `layer`: known beforehand, to be cleared away. */
export function copyLayer(layer: string): string {
  return `${layer}-copy`;
}

const placeOfImport = (id: string, isFiled: boolean): LayerPlace => ({
  id,
  isFiled,
  chunkBytes: CHUNK_BYTES,
});

/** @param goesOn what is there already counts; without it the layer begins anew */
export async function openSink(
  ports: ChunkPorts,
  {
    layer,
    isPacked,
    goesOn,
  }: { readonly layer: string; readonly isPacked: boolean; readonly goesOn: boolean },
): Promise<LayerSink> {
  if (!goesOn) await ports.records.commit({ deletesBelow: contentPrefixes(layer) }, 'relaxed');
  const chunks = await openChunks(ports, placeOfImport(layer, isPacked), 'write');
  return {
    append: (puts, also = []) => chunks.commit({ puts, deletes: [] }, 'strict', { puts: also }),
    close: () => chunks.close(),
  };
}

/** What a sink has taken and closed. */
export async function readWritten(
  ports: ChunkPorts,
  layer: string,
  isPacked: boolean,
  sizeBytes: number,
): Promise<ChunkedStore> {
  const chunks = await openChunks(ports, placeOfImport(layer, isPacked), 'read');
  return new ChunkedStore(chunks, { size: wholeSectors(sizeBytes), readOnly: true });
}

/** Clears away what an import brought. */
export async function discardImport({ id, layer }: ImportRecord, ports: ChunkPorts): Promise<void> {
  const layers = [layer, copyLayer(layer)];
  const deletesBelow = layers.flatMap(contentPrefixes);
  await ports.records.commit({ deletes: [importKey(id)], deletesBelow }, 'strict');
  // A file that is left behind here is found by the next sweep.
  await Promise.allSettled(layers.map((each) => ports.files?.delete(each)));
}

/** Deletes the files that no layer and no import names: a crash came between the record's end and theirs. */
export async function sweepFiles({ records, files }: ChunkPorts, locks: DiskLocks): Promise<void> {
  if (!files) return;
  await locks.exclusively(async () => {
    // In this order: an import is noted before its file is made, and becomes a layer in one batch.
    const names = await files.names();
    const imports = (await records.valuesBelow([IMPORT])) as ImportRecord[];
    const { layers } = await LibraryState.read(records);
    const needed = new Set(imports.flatMap(({ layer }) => [layer, copyLayer(layer)]));
    const orphans = names.filter((name) => !needed.has(name) && !layers.has(name));
    await Promise.allSettled(orphans.map((name) => files.delete(name)));
  });
}
