/**
 * How a file becomes a layer: it is read from its start to its end, summed, decoded, and what is not zero is stored.
 * A qcow2 or VHD file, which has to be read in any order, is stored as it is and then copied out of that. Memory
 * does not depend on the size of either.
 *
 * Invariant: each batch of chunks says in the import's record how far it goes.
 */
import { CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import type { DiskProgress } from '../emu/storage/disk-info.ts';
import { decodeStream, isStreamFormat } from '../emu/storage/formats/decode-stream.ts';
import { HEAD_BYTES, identifyImage } from '../emu/storage/formats/identify.ts';
import { checkDiskSize } from '../emu/storage/formats/limits.ts';
import { identifySource, openImage } from '../emu/storage/formats/open-image.ts';
import type { ImageReader, RandomAccessSource } from '../emu/storage/formats/random-access.ts';
import type { ChunkPorts } from '../emu/storage/layer-chunks.ts';
import { Sha256 } from '../emu/storage/sha256.ts';
import { peek, summed } from './byte-streams.ts';
import { copyLayer, type LayerSink, openSink, readWritten } from './import-layers.ts';
import { type ImportRecord, importKey } from './import-record.ts';
import type { ImportSource } from './import-source.ts';
import { LayerWriter } from './layer-writer.ts';
import { createSha256Blocks } from './sha256-module.ts';
import type { XzThreadPool } from './xz-threads.ts';

/** Steps in which an image is copied out of its file. */
const COPY_BYTES = CHUNK_BYTES;

export interface IntakePorts extends ChunkPorts {
  /** Threads that share the work of a .xz file; without them it is decoded here. */
  readonly openXzThreads?: () => XzThreadPool;
}

/** What an import tells while it runs, and how it is told to stop. */
export interface ImportWatch {
  readonly signal: AbortSignal;
  progress(progress: DiskProgress): void;
}

/** What a finished file is. */
export interface StoredImage {
  /** Where its chunks are. */
  readonly layer: string;
  readonly sizeBytes: number;
  readonly format: string;
  readonly sha256: string;
}

/** A file that is stored as it is. */
interface StoredFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

export class ImageIntake {
  readonly #record: ImportRecord;
  readonly #source: ImportSource;
  readonly #ports: IntakePorts;
  readonly #watch: ImportWatch;
  readonly #sha256Blocks = createSha256Blocks();
  #readBytes = 0;

  constructor(record: ImportRecord, source: ImportSource, ports: IntakePorts, watch: ImportWatch) {
    this.#record = record;
    this.#source = source;
    this.#ports = ports;
    this.#watch = watch;
  }

  /** Stores the file’s contents, from where it was cut off. @throws {DiskError} and what reading and decoding throw */
  async store(): Promise<StoredImage> {
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
    const { layer } = this.#record;
    const position = await this.#filling(layer, storedBytes > 0, async (sink) => {
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
    return { layer, sizeBytes: position, format: `raw, ${text}`, sha256: this.#verified(sum) };
  }

  /** Lets `fill` write a layer, and tells where it ended. */
  async #filling(
    layer: string,
    goesOn: boolean,
    fill: (sink: LayerSink) => Promise<LayerWriter>,
  ): Promise<number> {
    const { isPacked = false, id } = this.#record;
    // The file is made after the note that it belongs to an import.
    if (isPacked && !goesOn)
      await this.#ports.records.commit({ puts: [[importKey(id), this.#record]] }, 'relaxed');
    const sink = await openSink(this.#ports, { layer, isPacked, goesOn });
    try {
      const writer = await fill(sink);
      await writer.finish();
      return writer.position;
    } finally {
      sink.close();
    }
  }

  async #storeRaw(
    offset: number,
    sum: Sha256,
    stream: AsyncIterable<Uint8Array> = this.#reading(offset),
  ): Promise<StoredFile> {
    const sizeBytes = await this.#filling(this.#record.layer, offset > 0, async (sink) => {
      const writer = new LayerWriter(sink, (end) => this.#note(end, sum), { startBytes: offset });
      for await (const bytes of stream) {
        await appendAll(writer, bytes, (part) => sum.update(part));
        checkDiskSize(writer.position);
      }
      return writer;
    });
    return { sizeBytes, sha256: this.#verified(sum) };
  }

  /** The file is stored as it is: a raw image, or one that is copied out of it. */
  async #finish({ sizeBytes, sha256 }: StoredFile): Promise<StoredImage> {
    const { layer, isPacked = false } = this.#record;
    const written = await readWritten(this.#ports, layer, isPacked, sizeBytes);
    let copied: { readonly layer: string; readonly image: ImageReader } | undefined;
    try {
      const file: RandomAccessSource = {
        size: sizeBytes,
        read: (offset, target) => written.read(offset, target),
      };
      const { format } = await identifySource(file);
      if (format !== 'raw') copied = await this.#copyOut(await openImage(file));
    } finally {
      written.close();
    }
    if (!copied) return { layer, sizeBytes, format: 'raw', sha256 };
    return { layer: copied.layer, sizeBytes: copied.image.size, format: copied.image.format, sha256 };
  }

  /** Makes a layer of what the stored file is an image of. */
  async #copyOut(image: ImageReader) {
    const layer = copyLayer(this.#record.layer);
    await this.#filling(layer, false, async (sink) => {
      const writer = new LayerWriter(sink);
      for await (const { offset, length } of image.ranges()) {
        await writer.skipTo(offset);
        await this.#copy(image, writer, offset + length);
      }
      await writer.skipTo(image.size);
      return writer;
    });
    return { layer, image };
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
