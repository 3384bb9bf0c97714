/** A disk's layers as stores over each other, and where they have something. */
import type { BlockStore } from './block-store.ts';
import { chunkPrefix, chunksOf, holePrefix } from './chunk-batches.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { WRITTEN_CHUNK_BYTES } from './chunk-size.ts';
import { ChunkedStore } from './chunked-store.ts';
import { DiskError } from './disk-error.ts';
import { layerOptions, partsOf } from './disk-layers.ts';
import type { LayerRecord } from './disk-records.ts';
import { type PackFiles, PackStore, readPackIndex } from './pack.ts';
import type { RecordKey, RecordStore } from './record-store.ts';

export interface LayerPorts {
  readonly records: RecordStore;
  /** Files for layers that are packs; absent where the host has none. */
  readonly packs?: PackFiles | undefined;
  /** Opens the image behind a layer whose contents are on a server. */
  readonly openRemote?: (layer: LayerRecord, cache: ChunkCache) => Promise<BlockStore>;
}

export interface LayerStack {
  /** Top first, which is the one that writes go to. */
  readonly chain: readonly LayerRecord[];
  readonly store: ChunkedStore;
  /** Lets go of the files of packs. */
  close(): void;
}

/** @param chain top first */
export async function openStack(
  ports: LayerPorts,
  chain: readonly LayerRecord[],
  {
    size,
    readOnly,
    cache,
  }: { readonly size: number; readonly readOnly: boolean; readonly cache: ChunkCache },
): Promise<LayerStack> {
  const [top, ...lower] = chain;
  if (!top) throw new DiskError('io', 'The contents of the disk are gone from the browser’s storage.');
  const packs: PackStore[] = [];
  const close = (): void => {
    for (const pack of packs.splice(0)) pack.close();
  };
  try {
    let below: BlockStore | undefined;
    for (const layer of lower.reverse()) {
      below = await openLayer(ports, layer, below, cache);
      if (below instanceof PackStore) packs.push(below);
    }
    const options = { ...layerOptions(top, below, cache), size, readOnly };
    return { chain, store: await ChunkedStore.open(chunksOf(ports.records, top.id), options), close };
  } catch (failure) {
    close();
    throw failure;
  }
}

async function openLayer(
  { records, packs, openRemote }: LayerPorts,
  layer: LayerRecord,
  below: BlockStore | undefined,
  cache: ChunkCache,
): Promise<BlockStore> {
  if (layer.pack) {
    if (packs) return PackStore.open(records, packs, layer);
    throw new DiskError(
      'unavailable',
      'This disk is in files that the browser keeps for this page, and it does not give them now: a private ' +
        'window, or an address without https, would explain it.',
    );
  }
  if (!layer.remote) {
    const options = { ...layerOptions(layer, below, cache), readOnly: true };
    return ChunkedStore.open(chunksOf(records, layer.id), options);
  }
  if (!openRemote) throw new DiskError('unavailable', 'disks on servers cannot be opened here');
  return openRemote(layer, cache);
}

/**
 * Numbers of the parts of WRITTEN_CHUNK_BYTES where a disk may have something else than zeros.
 * @param chain top first
 */
export async function allocatedParts(
  records: RecordStore,
  chain: readonly LayerRecord[],
): Promise<Set<number>> {
  const parts = new Set<number>();
  for (const { id, below, remote, pack, sizeBytes, chunkBytes } of [...chain].reverse()) {
    for (const part of parts) if (part * WRITTEN_CHUNK_BYTES >= (below?.bytes ?? 0)) parts.delete(part);
    const [own, holes] = await Promise.all([numbersBelow(chunkPrefix(id)), numbersBelow(holePrefix(id))]);
    for (const hole of holes) for (const part of partsOf(hole, chunkBytes)) parts.delete(part);
    const packed = pack ? (await readPackIndex(records, id)).keys() : own;
    const chunks = remote ? Array(Math.ceil(sizeBytes / chunkBytes)).keys() : packed;
    for (const chunk of chunks) for (const part of partsOf(chunk, chunkBytes)) parts.add(part);
  }
  return parts;

  async function numbersBelow(prefix: RecordKey): Promise<number[]> {
    return (await records.keysBelow(prefix)).map((key) => Number(key.at(-1)));
  }
}
