/** Brings a disk out as a file, in pieces that somebody pulls; holes cost nothing where the format has them. */
import type { BlockStore } from '../emu/storage/block-store.ts';
import { chunksOf } from '../emu/storage/chunk-batches.ts';
import { CHUNK_BYTES, ChunkedStore } from '../emu/storage/chunked-store.ts';
import type { DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import type { Release } from '../emu/storage/disk-locks.ts';
import { allocationOf, ClusterMap, qcow2FileBytes, writeQcow2 } from '../emu/storage/formats/qcow2-writer.ts';
import type { ByteRange, ImageReader } from '../emu/storage/formats/random-access.ts';
import { gzipStream, writeRaw } from '../emu/storage/formats/raw-stream.ts';
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
  const { disk, store, release } = await catalogue.open(id, 'read');
  try {
    const fileName = disk.name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, '-') + ENDINGS[format];
    const image = new StoredImage(store, await catalogue.allocatedChunks(id));
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
        const changes = await openChanges(disk.layer, disk.sizeBytes, records);
        const map = clustersOf(changes);
        return {
          fileName,
          totalBytes: qcow2FileBytes(map),
          stream: releasing(writeQcow2(changes, map), release),
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

/** The top layer alone: also chunks of zeros, which hide what is below them. */
async function openChanges(layer: string, size: number, records: RecordStore): Promise<StoredImage> {
  const chunks = chunksOf(records, layer);
  const own = await chunks.stored();
  return new StoredImage(await ChunkedStore.open(chunks, { size, readOnly: true }), own);
}

function clustersOf(image: StoredImage): ClusterMap {
  const map = new ClusterMap(image.size);
  for (const { offset, length } of image.chunkRanges()) {
    for (let at = offset; at < offset + length; at += QCOW2_CLUSTER_BYTES) map.add(at / QCOW2_CLUSTER_BYTES);
  }
  return map;
}

/** A disk as the writers of formats see it: chunks, and holes between them. */
class StoredImage implements ImageReader {
  readonly size: number;
  readonly format = 'raw';
  readonly #store: BlockStore;
  readonly #chunks: readonly number[];

  constructor(store: BlockStore, chunks: Iterable<number>) {
    this.size = store.size;
    this.#store = store;
    this.#chunks = [...chunks].filter((chunk) => chunk * CHUNK_BYTES < store.size).sort((a, b) => a - b);
  }

  read(offset: number, target: Uint8Array): void | Promise<void> {
    return this.#store.read(offset, target);
  }

  async *ranges(): AsyncGenerator<ByteRange> {
    yield* this.chunkRanges();
  }

  *chunkRanges(): Generator<ByteRange> {
    for (const chunk of this.#chunks) {
      const offset = chunk * CHUNK_BYTES;
      yield { offset, length: Math.min(CHUNK_BYTES, this.size - offset) };
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
