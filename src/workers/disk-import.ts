/**
 * Brings an image in: reads a file from its start to its end, sums it, decodes it, and stores what is not
 * zero. A qcow2 or VHD file, which has to be read in any order, is stored as it is and then copied out of
 * that. Memory does not depend on the size of either.
 *
 * Invariant: each batch of chunks says in the import's record how far it goes, and the disk appears in the
 * batch that ends the import; so a crash leaves an import that can go on, or be cleared away whole.
 */
import { chunkPrefix, chunksOf } from '../emu/storage/chunk-batches.ts';
import { CHUNK_BYTES, ChunkedStore } from '../emu/storage/chunked-store.ts';
import type { DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import { DiskError, type DiskErrorKind } from '../emu/storage/disk-error.ts';
import type { DiskProgress } from '../emu/storage/disk-info.ts';
import { checkedName, wholeSectors } from '../emu/storage/disk-layers.ts';
import type { DiskLocks } from '../emu/storage/disk-locks.ts';
import type { DiskOrigin, DiskRecord, LayerRecord } from '../emu/storage/disk-records.ts';
import { decodeStream, isStreamFormat } from '../emu/storage/formats/decode-stream.ts';
import { HEAD_BYTES, identifyImage } from '../emu/storage/formats/identify.ts';
import { checkDiskSize } from '../emu/storage/formats/limits.ts';
import { identifySource, openImage } from '../emu/storage/formats/open-image.ts';
import type { RandomAccessSource } from '../emu/storage/formats/random-access.ts';
import type { RecordStore } from '../emu/storage/record-store.ts';
import { Sha256 } from '../emu/storage/sha256.ts';
import { peek, summed } from './byte-streams.ts';
import { asDiskError } from './disk-failure.ts';
import { type ImportRecord, importKey, isSameFile } from './import-record.ts';
import type { ImportSource } from './import-source.ts';
import { LayerWriter } from './layer-writer.ts';
import { createSha256Blocks } from './sha256-module.ts';
import type { XzThreadPool } from './xz-threads.ts';

/** Steps in which an image is copied out of its file. */
const COPY_BYTES = CHUNK_BYTES;

/** What trying again would not change. */
const HOPELESS: ReadonlySet<DiskErrorKind> = new Set([
  'bad-image',
  'wrong-checksum',
  'cancelled',
  'quota',
  'no-ranges',
]);

export interface ImportPorts {
  readonly records: RecordStore;
  readonly locks: DiskLocks;
  readonly catalogue: DiskCatalogue;
  readonly nowMs: () => number;
  readonly newId: () => string;
  /** Threads that share the work of a .xz file; without them it is decoded here. */
  readonly openXzThreads?: () => XzThreadPool;
}

export interface ImportRequest {
  readonly name: string;
  readonly origin: DiskOrigin;
  readonly expectedSha256?: string;
  readonly diskBytes?: number;
}

/** What an import tells while it runs, and how it is told to stop. */
export interface ImportWatch {
  readonly signal: AbortSignal;
  progress(progress: DiskProgress): void;
}

/** A new import. @throws {DiskError} after clearing away what it brought, unless it can go on later */
export function importImage(
  request: ImportRequest,
  source: ImportSource,
  ports: ImportPorts,
  watch: ImportWatch,
): Promise<string> {
  const { name, origin, expectedSha256, diskBytes } = request;
  const record: ImportRecord = {
    name: checkedName(name),
    origin,
    ...(diskBytes !== undefined && { diskBytes }),
    ...(expectedSha256 !== undefined && { expectedSha256: expectedSha256.toLowerCase() }),
    id: ports.newId(),
    layer: ports.newId(),
    identity: source.identity,
    startedMs: ports.nowMs(),
    storedBytes: 0,
    readBytes: 0,
  };
  return new Import(record, source, ports, watch).run();
}

/** An import that was cut off. @throws {DiskError} as above */
export async function resumeImport(
  record: ImportRecord,
  source: ImportSource,
  ports: ImportPorts,
  watch: ImportWatch,
): Promise<string> {
  if (!isSameFile(record.identity, source.identity)) {
    throw new DiskError('io', 'This is not the file whose import was cut off: discard that import first.');
  }
  return new Import(record, source, ports, watch).run();
}

/** Clears away what an import brought. */
export function discardImport(record: ImportRecord, records: RecordStore): Promise<void> {
  const { id, layer } = record;
  const deletesBelow = [layer, copyLayer(layer)].map(chunkPrefix);
  return records.commit({ deletes: [importKey(id)], deletesBelow }, 'strict');
}

/** Where the image goes that is copied out of the file in `layer`: known beforehand, to be cleared away. */
function copyLayer(layer: string): string {
  return `${layer}-copy`;
}

class Import {
  readonly #record: ImportRecord;
  readonly #source: ImportSource;
  readonly #ports: ImportPorts;
  readonly #watch: ImportWatch;
  readonly #sha256Blocks = createSha256Blocks();
  #readBytes = 0;

  constructor(record: ImportRecord, source: ImportSource, ports: ImportPorts, watch: ImportWatch) {
    this.#record = record;
    this.#source = source;
    this.#ports = ports;
    this.#watch = watch;
  }

  async run(): Promise<string> {
    const release = await this.#ports.locks.tryHold(this.#record.id, 'write');
    if (!release) throw new DiskError('in-use', 'This import is going on, here or in another tab.');
    try {
      return await this.#store();
    } catch (failure) {
      const error = this.#watch.signal.aborted
        ? new DiskError('cancelled', 'The import was cancelled; nothing was kept.')
        : asDiskError(failure);
      // A connection or a file that was lost, perhaps with the tab, may come back: the import can go on then.
      if (HOPELESS.has(error.kind)) await discardImport(this.#record, this.#ports.records);
      throw error;
    } finally {
      release();
    }
  }

  async #store(): Promise<string> {
    // Where the file is the contents, both stop and go on at the same byte.
    const { sum: sumSoFar, storedBytes } = this.#record;
    if (sumSoFar)
      return this.#finish(
        await this.#storeRaw(sumSoFar.lengthBytes, new Sha256(sumSoFar, this.#sha256Blocks)),
      );
    const sum = new Sha256(undefined, this.#sha256Blocks);
    const { head, stream } = await peek(this.#reading(0), HEAD_BYTES);
    const identity = identifyImage(head);
    if (identity.format === 'foreign') {
      throw new DiskError('bad-image', `This is ${identity.text}: ${identity.advice}.`);
    }
    if (!isStreamFormat(identity.format)) return this.#finish(await this.#storeRaw(0, sum, stream));
    const writer = new LayerWriter(
      this.#ports.records,
      this.#record.layer,
      (position) => this.#note(position),
      { skipBytes: storedBytes },
    );
    const xzThreads = identity.format === 'xz' ? this.#ports.openXzThreads?.() : undefined;
    try {
      for await (const bytes of decodeStream(identity.format, summed(stream, sum), { xzThreads })) {
        await appendAll(writer, bytes);
      }
    } finally {
      xzThreads?.close();
    }
    await writer.finish();
    return this.#adopt(this.#record.layer, writer.position, `raw, ${identity.text}`, this.#verified(sum));
  }

  async #storeRaw(
    offset: number,
    sum: Sha256,
    stream: AsyncIterable<Uint8Array> = this.#reading(offset),
  ): Promise<{ readonly sizeBytes: number; readonly sha256: string }> {
    const writer = new LayerWriter(
      this.#ports.records,
      this.#record.layer,
      (position) => this.#note(position, sum),
      { startBytes: offset },
    );
    for await (const bytes of stream) {
      await appendAll(writer, bytes, (part) => sum.update(part));
      checkDiskSize(writer.position);
    }
    await writer.finish();
    return { sizeBytes: writer.position, sha256: this.#verified(sum) };
  }

  /** The file is stored as it is: a raw image, or one that is copied out of it. */
  async #finish({
    sizeBytes,
    sha256,
  }: {
    readonly sizeBytes: number;
    readonly sha256: string;
  }): Promise<string> {
    const { records } = this.#ports;
    const { layer } = this.#record;
    const store = await ChunkedStore.open(chunksOf(records, layer), {
      size: wholeSectors(sizeBytes),
      readOnly: true,
    });
    const file: RandomAccessSource = {
      size: sizeBytes,
      read: (offset, target) => store.read(offset, target),
    };
    const { format } = await identifySource(file);
    if (format === 'raw') return this.#adopt(layer, sizeBytes, 'raw', sha256);
    const image = await openImage(file);
    const target = copyLayer(layer);
    const writer = new LayerWriter(records, target);
    for await (const { offset, length } of image.ranges()) {
      await writer.skipTo(offset);
      await this.#copy(image, writer, offset + length);
    }
    await writer.skipTo(image.size);
    await writer.finish();
    return this.#adopt(target, image.size, image.format, sha256);
  }

  async #copy(
    image: RandomAccessSource & { readonly size: number },
    writer: LayerWriter,
    end: number,
  ): Promise<void> {
    while (writer.position < end) {
      this.#watch.signal.throwIfAborted();
      const bytes = new Uint8Array(Math.min(writer.roomInChunk, COPY_BYTES, end - writer.position));
      await image.read(writer.position, bytes);
      await writer.append(bytes);
      this.#watch.progress({ stage: 'store', doneBytes: writer.position, totalBytes: image.size });
    }
  }

  /** The disk appears, the import is over, and what only it needed goes. */
  #adopt(layer: string, sizeBytes: number, format: string, sha256: string): Promise<string> {
    const { id, name, origin, diskBytes = 0, layer: fileLayer } = this.#record;
    if (sizeBytes === 0) throw new DiskError('bad-image', 'The file is empty.');
    const base: LayerRecord = { id: layer, sizeBytes: wholeSectors(sizeBytes), chunkBytes: CHUNK_BYTES };
    const disk: Omit<DiskRecord, 'id' | 'layer'> = {
      name,
      sizeBytes: wholeSectors(Math.max(sizeBytes, diskBytes)),
      origin,
      format,
      sha256,
      createdMs: this.#ports.nowMs(),
    };
    return this.#ports.catalogue.adopt(disk, base, {
      deletes: [importKey(id)],
      deletesBelow: layer === fileLayer ? [] : [chunkPrefix(fileLayer)],
    });
  }

  #verified(sum: Sha256): string {
    const found = sum.hex();
    const { expectedSha256 = found } = this.#record;
    if (found === expectedSha256) return found;
    throw new DiskError(
      'wrong-checksum',
      `The file’s SHA-256 is ${found}, not ${expectedSha256}: it is damaged, or another file. Nothing was kept.`,
    );
  }

  #note(position: number, sum?: Sha256) {
    if (position % CHUNK_BYTES !== 0) return undefined;
    const state = sum?.snapshot();
    const record: ImportRecord = {
      ...this.#record,
      storedBytes: position,
      readBytes: this.#readBytes,
      ...(state && { sum: state }),
    };
    return [[importKey(record.id), record] as const];
  }

  /** The file from `offset` on, with progress. */
  async *#reading(offset: number): AsyncGenerator<Uint8Array> {
    const { identity } = this.#source;
    const stage = this.#record.origin.kind === 'url' ? 'fetch' : 'store';
    this.#readBytes = offset;
    for await (const bytes of this.#source.stream(offset)) {
      this.#watch.signal.throwIfAborted();
      yield bytes;
      this.#readBytes += bytes.length;
      this.#watch.progress({
        stage,
        doneBytes: this.#readBytes,
        ...(identity.sizeBytes !== undefined && { totalBytes: identity.sizeBytes }),
      });
    }
  }
}

/** Cut so that what was noted before each chunk's end is in step with it. */
async function appendAll(
  writer: LayerWriter,
  bytes: Uint8Array,
  before: (part: Uint8Array) => void = () => {},
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const part = bytes.subarray(at, at + writer.roomInChunk);
    before(part);
    await writer.append(part);
    at += part.length;
  }
}
