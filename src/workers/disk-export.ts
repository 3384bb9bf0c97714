/** Brings a disk out as a file, in pieces that somebody pulls; holes cost nothing where the format has them. */
import type { BlockStore } from '../emu/storage/block-store.ts';
import { WRITTEN_CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
import type { DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import { layersOfChanges } from '../emu/storage/disk-layers.ts';
import type { Release } from '../emu/storage/disk-locks.ts';
import type { LayerRecord } from '../emu/storage/disk-records.ts';
import { allocationOf, ClusterMap, qcow2FileBytes, writeQcow2 } from '../emu/storage/formats/qcow2-writer.ts';
import type { ByteRange, ImageReader } from '../emu/storage/formats/random-access.ts';
import { gzipStream, writeRaw } from '../emu/storage/formats/raw-stream.ts';
import { storedNumbers } from '../emu/storage/layer-chunks.ts';
import type { RecordStore } from '../emu/storage/record-store.ts';
import type { DiskExportFormat } from './storage-protocol.ts';

const QCOW2_CLUSTER_BYTES = 1 << 16;

export interface DiskFile {
  readonly fileName: string;
  /** Absent when it is only known at the end. */
  readonly totalBytes?: number;
  readonly stream: AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

/** File name endings by format. */
const ENDINGS: Readonly<Record<DiskExportFormat, string>> = {
  raw: '.img',
  'raw-gzip': '.img.gz',
  qcow2: '.qcow2',
  overlay: '-changes.qcow2',
};

/** Nobody may write the disk until the stream has ended. @throws {DiskError} */
export async function exportDisk(
  id: string,
  format: DiskExportFormat,
  catalogue: DiskCatalogue,
  records: RecordStore,
): Promise<DiskFile> {
  const { disk, chain, store, release } = await catalogue.open(id, 'read');
  try {
    const fileName = disk.name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, '-') + ENDINGS[format];
    const image = new StoredImage(store, await catalogue.allocatedParts(id));
    switch (format) {
      case 'raw':
        return { fileName, totalBytes: image.size, stream: releasing(writeRaw(image), release) };
      case 'raw-gzip':
        return { fileName, stream: releasing(gzipStream(writeRaw(image)), release) };
      case 'qcow2': {
        const map = await allocationOf(image);
        return {
          fileName,
          totalBytes: qcow2FileBytes(map),
          stream: releasing(writeQcow2(image, map), release),
        };
      }
      case 'overlay': {
        const map = await changedClusters(layersOfChanges(disk, chain), store, records);
        return {
          fileName,
          totalBytes: qcow2FileBytes(map),
          stream: releasing(writeQcow2(image, map), release),
        };
      }
      default:
        return format satisfies never;
    }
  } catch (failure) {
    release();
    throw failure;
  }
}

/**
 * The clusters of which some layer has something, zeros that hide what is below among them. A cluster is
 * larger than a chunk, and a file of changes hides what is below whole clusters: the rest of it is written too.
 */
async function changedClusters(layers: readonly LayerRecord[], disk: BlockStore, records: RecordStore) {
  const map = new ClusterMap(disk.size);
  for (const layer of layers) {
    const { chunkBytes } = layer;
    const { chunks, holes } = await storedNumbers(records, layer);
    for (const chunk of [...chunks, ...holes]) {
      const end = Math.min((chunk + 1) * chunkBytes, disk.size);
      const first = Math.floor((chunk * chunkBytes) / QCOW2_CLUSTER_BYTES);
      for (let cluster = first; cluster * QCOW2_CLUSTER_BYTES < end; cluster++) map.add(cluster);
    }
  }
  return map;
}

/** A disk as the writers of formats see it: parts that may be in use, and holes between them. */
class StoredImage implements ImageReader {
  readonly size: number;
  readonly format = 'raw';
  readonly #store: BlockStore;
  /** Numbers, in order, of parts of WRITTEN_CHUNK_BYTES. */
  readonly #parts: readonly number[];

  constructor(store: BlockStore, parts: Iterable<number>) {
    this.size = store.size;
    this.#store = store;
    this.#parts = [...parts].filter((part) => part * WRITTEN_CHUNK_BYTES < store.size).sort((a, b) => a - b);
  }

  read(offset: number, target: Uint8Array): void | Promise<void> {
    return this.#store.read(offset, target);
  }

  /** Neighbours are one range. */
  async *ranges(): AsyncGenerator<ByteRange> {
    const parts = this.#parts;
    for (let first = 0; first < parts.length; ) {
      let end = first + 1;
      while (parts[end] === parts[end - 1]! + 1) end++;
      const offset = parts[first]! * WRITTEN_CHUNK_BYTES;
      const bytes = (end - first) * WRITTEN_CHUNK_BYTES;
      yield { offset, length: Math.min(bytes, this.size - offset) };
      first = end;
    }
  }
}

async function* releasing<T>(stream: AsyncGenerator<T>, release: Release): AsyncGenerator<T> {
  try {
    yield* stream;
  } finally {
    release();
  }
}
