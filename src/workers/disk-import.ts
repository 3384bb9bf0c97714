/**
 * Brings an image in: reads a file from its start to its end, sums it, decodes it, and stores what is not
 * zero. A qcow2 or VHD file, which has to be read in any order, is stored as it is and then copied out of
 * that. Memory does not depend on the size of either.
 *
 * Invariant: each batch of chunks says in the import's record how far it goes, and the disk appears in the
 * batch that ends the import; so a crash leaves an import that can go on, or be cleared away whole.
 */
import { chunkPrefix } from '../emu/storage/chunk-batches.ts';
import { CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
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
import type { ImageReader, RandomAccessSource } from '../emu/storage/formats/random-access.ts';
import { packPrefix } from '../emu/storage/pack.ts';
import { Sha256 } from '../emu/storage/sha256.ts';
import { peek, summed } from './byte-streams.ts';
import { asDiskError } from './disk-failure.ts';
import {
  copyLayer,
  discardImport,
  type LayerPorts,
  type LayerSink,
  openSink,
  readWritten,
} from './import-layers.ts';
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

export interface ImportPorts extends LayerPorts {
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
    isPacked: ports.packs !== undefined,
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

interface WrittenLayer {
  readonly id: string;
  readonly pack: LayerRecord['pack'];
}

/** A file that is stored as it is. */
interface StoredFile {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly pack: LayerRecord['pack'];
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
      if (HOPELESS.has(error.kind) || !(await this.#canGoOn()))
        await discardImport(this.#record, this.#ports);
      throw error;
    } finally {
      release();
    }
  }

  /** Whether there is anything that does not have to be stored again. */
  async #canGoOn(): Promise<boolean> {
    const [noted] = (await this.#ports.records.getMany([importKey(this.#record.id)])) as (
      | ImportRecord
      | undefined
    )[];
    return noted !== undefined && noted.storedBytes > 0;
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
    const { format, text } = identity;
    if (!isStreamFormat(format)) return this.#finish(await this.#storeRaw(0, sum, stream));
    const { position, pack } = await this.#filling(this.#record.layer, storedBytes > 0, async (sink) => {
      const writer = new LayerWriter(sink, (end) => this.#note(end), { skipBytes: storedBytes });
      const xzThreads = format === 'xz' ? this.#ports.openXzThreads?.() : undefined;
      try {
        for await (const bytes of decodeStream(format, summed(stream, sum), { xzThreads })) {
          await appendAll(writer, bytes);
          // The writer has its own copy.
          xzThreads?.recycle(bytes);
        }
      } finally {
        xzThreads?.close();
      }
      return writer;
    });
    const base = { id: this.#record.layer, pack };
    return this.#adopt(base, position, `raw, ${text}`, this.#verified(sum));
  }

  /** Lets `fill` write a layer to its end. */
  async #filling(
    layer: string,
    goesOn: boolean,
    fill: (sink: LayerSink) => Promise<LayerWriter>,
  ): Promise<{ readonly position: number; readonly pack: LayerRecord['pack'] }> {
    const { isPacked = false, id } = this.#record;
    // The file of a pack is made after the note that it belongs to an import.
    if (isPacked && !goesOn)
      await this.#ports.records.commit({ puts: [[importKey(id), this.#record]] }, 'relaxed');
    const sink = await openSink(this.#ports, { layer, isPacked, goesOn });
    try {
      const writer = await fill(sink);
      await writer.finish();
      return { position: writer.position, pack: sink.pack };
    } finally {
      sink.close();
    }
  }

  async #storeRaw(
    offset: number,
    sum: Sha256,
    stream: AsyncIterable<Uint8Array> = this.#reading(offset),
  ): Promise<StoredFile> {
    const { position, pack } = await this.#filling(this.#record.layer, offset > 0, async (sink) => {
      const writer = new LayerWriter(sink, (end) => this.#note(end, sum), { startBytes: offset });
      for await (const bytes of stream) {
        await appendAll(writer, bytes, (part) => sum.update(part));
        checkDiskSize(writer.position);
      }
      return writer;
    });
    return { sizeBytes: position, pack, sha256: this.#verified(sum) };
  }

  /** The file is stored as it is: a raw image, or one that is copied out of it. */
  async #finish({ sizeBytes, sha256, pack }: StoredFile): Promise<string> {
    const { layer, isPacked = false } = this.#record;
    const written = await readWritten(this.#ports, layer, isPacked, sizeBytes);
    let copied: { readonly base: WrittenLayer; readonly image: ImageReader } | undefined;
    try {
      const file: RandomAccessSource = {
        size: sizeBytes,
        read: (offset, target) => written.store.read(offset, target),
      };
      const { format } = await identifySource(file);
      if (format !== 'raw') copied = await this.#copyOut(await openImage(file));
    } finally {
      written.close();
    }
    if (!copied) return this.#adopt({ id: layer, pack }, sizeBytes, 'raw', sha256);
    return this.#adopt(copied.base, copied.image.size, copied.image.format, sha256);
  }

  /** Makes a layer of what the stored file is an image of. */
  async #copyOut(image: ImageReader) {
    const id = copyLayer(this.#record.layer);
    const { pack } = await this.#filling(id, false, async (sink) => {
      const writer = new LayerWriter(sink);
      for await (const { offset, length } of image.ranges()) {
        await writer.skipTo(offset);
        await this.#copy(image, writer, offset + length);
      }
      await writer.skipTo(image.size);
      return writer;
    });
    return { base: { id, pack }, image };
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
  async #adopt(
    { id: layer, pack }: WrittenLayer,
    sizeBytes: number,
    format: string,
    sha256: string,
  ): Promise<string> {
    const { id, name, origin, diskBytes = 0, layer: fileLayer } = this.#record;
    if (sizeBytes === 0) throw new DiskError('bad-image', 'The file is empty.');
    const base: LayerRecord = {
      id: layer,
      sizeBytes: wholeSectors(sizeBytes),
      chunkBytes: CHUNK_BYTES,
      ...(pack && { pack }),
    };
    const disk: Omit<DiskRecord, 'id' | 'layer'> = {
      name,
      sizeBytes: wholeSectors(Math.max(sizeBytes, diskBytes)),
      origin,
      format,
      sha256,
      createdMs: this.#ports.nowMs(),
    };
    const isCopy = layer !== fileLayer;
    const adopted = await this.#ports.catalogue.adopt(disk, base, {
      deletes: [importKey(id)],
      deletesBelow: isCopy ? [chunkPrefix(fileLayer), packPrefix(fileLayer)] : [],
    });
    // Should this fail, the next sweep finds the file.
    if (isCopy) await this.#ports.packs?.delete(fileLayer).catch(() => {});
    return adopted;
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
