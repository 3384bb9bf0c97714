/**
 * The layers that an import fills: packs where the browser has files for the page, chunks among the records
 * elsewhere, and for imports that began so. What they have in common, and how leftovers are cleared away.
 */
import type { BlockStore } from '../emu/storage/block-store.ts';
import { chunkPrefix, chunksOf } from '../emu/storage/chunk-batches.ts';
import { ChunkedStore } from '../emu/storage/chunked-store.ts';
import { wholeSectors } from '../emu/storage/disk-layers.ts';
import type { DiskLocks } from '../emu/storage/disk-locks.ts';
import { type LayerRecord, LibraryState } from '../emu/storage/disk-records.ts';
import { PackAppender, type PackFiles, PackStore, packPrefix } from '../emu/storage/pack.ts';
import type { RecordBatch, RecordStore } from '../emu/storage/record-store.ts';
import { IMPORT, type ImportRecord, importKey } from './import-record.ts';

export interface LayerPorts {
  readonly records: RecordStore;
  readonly packs?: PackFiles | undefined;
}

/** Takes a layer's chunks, in batches that are kept whole or not at all. */
export interface LayerSink {
  /** Takes the chunks before it returns; resolves when they are durable, and what `also` says with them. */
  append(chunks: ReadonlyMap<number, Uint8Array>, also: RecordBatch['puts']): Promise<void>;
  /** For the layer's record, where it is a pack. */
  readonly pack?: NonNullable<LayerRecord['pack']>;
  close(): void;
}

/** Where the image goes that is copied out of the file in `layer`: known beforehand, to be cleared away. */
export function copyLayer(layer: string): string {
  return `${layer}-copy`;
}

/** @param goesOn what is there already counts */
export async function openSink(
  { records, packs }: LayerPorts,
  {
    layer,
    isPacked,
    goesOn,
  }: { readonly layer: string; readonly isPacked: boolean; readonly goesOn: boolean },
): Promise<LayerSink> {
  if (isPacked && packs) {
    const appender = await PackAppender.open(records, packs, layer, goesOn);
    return {
      append: (chunks, also) => appender.append(chunks, also),
      get pack() {
        return { chunks: appender.count };
      },
      close: () => appender.close(),
    };
  }
  return {
    append: (puts, also) =>
      chunksOf(records, layer, () => ({ puts: also ?? [] })).commit({ puts, deletes: [] }, 'strict'),
    close() {},
  };
}

/** What a sink has taken and closed. */
export async function readWritten(
  { records, packs }: LayerPorts,
  layer: string,
  isPacked: boolean,
  sizeBytes: number,
): Promise<{ readonly store: BlockStore; close(): void }> {
  const size = wholeSectors(sizeBytes);
  if (isPacked && packs) {
    const store = await PackStore.open(records, packs, { id: layer, sizeBytes: size });
    return { store, close: () => store.close() };
  }
  const store = await ChunkedStore.open(chunksOf(records, layer), { size, readOnly: true });
  return { store, close() {} };
}

/** Clears away what an import brought. */
export async function discardImport({ id, layer }: ImportRecord, ports: LayerPorts): Promise<void> {
  const layers = [layer, copyLayer(layer)];
  const deletesBelow = layers.flatMap((each) => [chunkPrefix(each), packPrefix(each)]);
  await ports.records.commit({ deletes: [importKey(id)], deletesBelow }, 'strict');
  // A file that is left behind here is found by the next sweep.
  await Promise.allSettled(layers.map((each) => ports.packs?.delete(each)));
}

/** Deletes the files that no layer and no import names: a crash came between the record's end and theirs. */
export async function sweepPacks({ records, packs }: LayerPorts, locks: DiskLocks): Promise<void> {
  if (!packs) return;
  await locks.exclusively(async () => {
    // In this order: an import is noted before its file is made, and becomes a layer in one batch.
    const names = await packs.names();
    const imports = (await records.valuesBelow([IMPORT])) as ImportRecord[];
    const { layers } = await LibraryState.read(records);
    const needed = new Set(imports.flatMap(({ layer }) => [layer, copyLayer(layer)]));
    const orphans = names.filter((name) => !needed.has(name) && !layers.has(name));
    await Promise.allSettled(orphans.map((name) => packs.delete(name)));
  });
}
