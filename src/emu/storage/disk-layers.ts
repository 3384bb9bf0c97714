/** What follows from the records of a disk: new ones, how its layers are opened, and what is told about it. */
import type { BlockStore } from './block-store.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { WRITTEN_CHUNK_BYTES } from './chunk-size.ts';
import type { ChunkedStoreOptions } from './chunked-store.ts';
import { DiskError } from './disk-error.ts';
import type { DiskDescription } from './disk-info.ts';
import type { DiskRecord, LayerRecord, LibraryState } from './disk-records.ts';

const SECTOR_BYTES = 512;
/** What a guest's file system can be expected to use. */
const SMALLEST_DISK_BYTES = 1 << 20;
/** Far beyond every quota, and well inside what numbers here can count. */
const LARGEST_DISK_BYTES = 2 ** 44;

/** An empty layer that can be written, over another one if there is any. */
export function emptyLayer(
  id: string,
  { sizeBytes, isFiled, base }: Pick<LayerRecord, 'sizeBytes' | 'isFiled'> & { readonly base?: LayerRecord },
): LayerRecord {
  return {
    id,
    sizeBytes,
    chunkBytes: WRITTEN_CHUNK_BYTES,
    ...(isFiled && { isFiled }),
    ...(base && { below: { layer: base.id, bytes: Math.min(base.sizeBytes, sizeBytes) } }),
  };
}

/** The numbers, in parts of WRITTEN_CHUNK_BYTES, of what a chunk covers. */
export function* partsOf(chunk: number, chunkBytes: number): Generator<number> {
  const count = chunkBytes / WRITTEN_CHUNK_BYTES;
  for (let part = chunk * count; part < (chunk + 1) * count; part++) yield part;
}

export function layerOptions(
  layer: LayerRecord,
  below: BlockStore | undefined,
  cache: ChunkCache,
): ChunkedStoreOptions {
  return {
    size: layer.sizeBytes,
    chunkBytes: layer.chunkBytes,
    cache,
    ...(below && { below }),
    ...(layer.below && { belowBytes: layer.below.bytes }),
  };
}

/** The layers over the image that was imported; all of a disk that began empty. @param chain top first */
export function layersOfChanges(disk: DiskRecord, chain: readonly LayerRecord[]): readonly LayerRecord[] {
  return disk.format === undefined ? chain : chain.slice(0, -1);
}

/** @param used bytes that each layer's chunks take */
export function describe(
  disk: DiskRecord,
  state: LibraryState,
  used: ReadonlyMap<string, number>,
): DiskDescription {
  let ownBytes = 0;
  let sharedBytes = 0;
  const sharers = new Set<string>();
  const chain = state.chain(disk);
  for (const { id } of chain) {
    const others = state.usersOf(id).filter((user) => user.id !== disk.id);
    for (const other of others) sharers.add(other.name);
    if (others.length > 0) sharedBytes += used.get(id) ?? 0;
    else ownBytes += used.get(id) ?? 0;
  }
  const { layer: _, ...told } = disk;
  return {
    ...told,
    ownBytes,
    sharedBytes,
    sharesBaseWith: [...sharers],
    changedBytes: used.get(disk.layer) ?? 0,
    sinceImportBytes: layersOfChanges(disk, chain).reduce((sum, { id }) => sum + (used.get(id) ?? 0), 0),
  };
}

export function checkedName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '') throw new DiskError('io', 'A disk needs a name.');
  return trimmed;
}

/** @throws {DiskError} for a size that no disk can have */
export function wholeSize(sizeBytes: number): number {
  if (!Number.isFinite(sizeBytes) || sizeBytes < SMALLEST_DISK_BYTES || sizeBytes > LARGEST_DISK_BYTES) {
    throw new DiskError('io', `A disk has 1 MB to 16 TB, not ${sizeBytes} bytes.`);
  }
  return wholeSectors(sizeBytes);
}

export function wholeSectors(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}
