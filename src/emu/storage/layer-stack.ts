/** A disk's layers as stores over each other, and where they have something. */
import type { BlockStore } from './block-store.ts';
import type { LayerChunks } from './chunk-batches.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { WRITTEN_CHUNK_BYTES } from './chunk-size.ts';
import { ChunkedStore } from './chunked-store.ts';
import { DiskError } from './disk-error.ts';
import { layerOptions, partsOf } from './disk-layers.ts';
import type { LayerRecord } from './disk-records.ts';
import { type ChunkPorts, openChunks, storedNumbers } from './layer-chunks.ts';
import type { RecordStore } from './record-store.ts';

export interface LayerPorts extends ChunkPorts {
  /** Opens the image behind a layer whose contents are on a server. */
  readonly openRemote?: (layer: LayerRecord, cache: ChunkCache) => Promise<BlockStore>;
}

export interface LayerStack {
  /** Top first, which is the one that writes go to. */
  readonly chain: readonly LayerRecord[];
  readonly store: ChunkedStore;
  /** Of the top layer. */
  readonly chunks: LayerChunks;
}

interface StackOptions {
  readonly size: number;
  readonly readOnly: boolean;
  readonly cache: ChunkCache;
}

/** @param chain top first */
export async function openStack(
  ports: LayerPorts,
  chain: readonly LayerRecord[],
  { size, readOnly, cache }: StackOptions,
): Promise<LayerStack> {
  const [top, ...lower] = chain;
  if (!top) throw new DiskError('io', 'The contents of the disk are gone from the browser’s storage.');
  let below: BlockStore | undefined;
  try {
    for (const layer of lower.reverse()) below = await openLayer(ports, layer, below, cache);
    const chunks = await openChunks(ports, top, readOnly ? 'read' : 'write');
    const store = new ChunkedStore(chunks, { ...layerOptions(top, below, cache), size, readOnly });
    return { chain, store, chunks };
  } catch (failure) {
    below?.close?.();
    throw failure;
  }
}

async function openLayer(
  ports: LayerPorts,
  layer: LayerRecord,
  below: BlockStore | undefined,
  cache: ChunkCache,
): Promise<BlockStore> {
  if (layer.remote) {
    if (ports.openRemote) return ports.openRemote(layer, cache);
    throw new DiskError('unavailable', 'disks on servers cannot be opened here');
  }
  const options = { ...layerOptions(layer, below, cache), readOnly: true };
  return new ChunkedStore(await openChunks(ports, layer, 'read'), options);
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
  for (const layer of [...chain].reverse()) {
    const { below, remote, sizeBytes, chunkBytes } = layer;
    for (const part of parts) if (part * WRITTEN_CHUNK_BYTES >= (below?.bytes ?? 0)) parts.delete(part);
    const { chunks: own, holes } = await storedNumbers(records, layer);
    for (const hole of holes) for (const part of partsOf(hole, chunkBytes)) parts.delete(part);
    const chunks = remote ? Array(Math.ceil(sizeBytes / chunkBytes)).keys() : own;
    for (const chunk of chunks) for (const part of partsOf(chunk, chunkBytes)) parts.add(part);
  }
  return parts;
}
