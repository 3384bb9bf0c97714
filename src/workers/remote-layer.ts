/** Layers whose contents are an image on a server: raw, qcow2, VHD, or xz in blocks. */
import type { BlockStore } from '../emu/storage/block-store.ts';
import type { ChunkCache } from '../emu/storage/chunk-cache.ts';
import { CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
import type { DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import { checkedName, wholeSectors } from '../emu/storage/disk-layers.ts';
import type { DiskRecord, LayerRecord, RemoteImage } from '../emu/storage/disk-records.ts';
import { FetchedStore, type KeptChunks } from '../emu/storage/fetched-store.ts';
import { ImageStore } from '../emu/storage/formats/image-store.ts';
import { openImage } from '../emu/storage/formats/open-image.ts';
import type { ImageReader } from '../emu/storage/formats/random-access.ts';
import type { RecordStore } from '../emu/storage/record-store.ts';
import { RecordedChunks } from '../emu/storage/recorded-chunks.ts';
import { HttpRanges, probeRanges } from './http-ranges.ts';
import type { UrlContext } from './import-source.ts';

type Network = Omit<UrlContext, 'signal'>;

/** Keeps nothing: a look at a file that may turn out to be no image leaves nothing behind. */
const UNKEPT: KeptChunks = {
  has: () => false,
  getMany: async (numbers) => numbers.map(() => undefined),
  commit: async () => {},
};

function imageIn(file: FetchedStore, { sizeBytes }: RemoteImage): Promise<ImageReader> {
  return openImage({ size: sizeBytes, read: (offset, target) => file.read(offset, target) });
}

export async function openRemoteLayer(
  { id, remote }: LayerRecord,
  records: RecordStore,
  cache: ChunkCache,
  network: Network,
): Promise<BlockStore> {
  if (!remote) throw new DiskError('io', 'The layer is not on a server.');
  const chunks = await RecordedChunks.open(records, id);
  const file = new FetchedStore(new HttpRanges(remote, network), chunks, cache);
  return new ImageStore(await imageIn(file, remote));
}

export interface OnDemandPorts {
  readonly catalogue: DiskCatalogue;
  readonly cache: ChunkCache;
  readonly network: Network;
  readonly nowMs: () => number;
  readonly newId: () => string;
}

/** A disk over an image that stays on its server. @throws {DiskError} */
export async function importOnDemand(
  request: { readonly name: string; readonly url: string; readonly diskBytes?: number },
  { catalogue, cache, network, nowMs, newId }: OnDemandPorts,
): Promise<string> {
  const name = checkedName(request.name);
  const remote = await probeRanges(request.url, network);
  const file = new FetchedStore(new HttpRanges(remote, network), UNKEPT, cache);
  const image = await imageIn(file, remote);
  const { size } = new ImageStore(image);
  const base: LayerRecord = { id: newId(), sizeBytes: size, chunkBytes: CHUNK_BYTES, remote };
  const disk: Omit<DiskRecord, 'id' | 'layer'> = {
    name,
    sizeBytes: wholeSectors(Math.max(size, request.diskBytes ?? 0)),
    origin: { kind: 'url', url: request.url },
    format: `${image.format}, fetched on demand`,
    createdMs: nowMs(),
  };
  return catalogue.adopt(disk, base);
}
