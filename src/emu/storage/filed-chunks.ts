/**
 * Chunks of a layer in places of one file, and tables among the records that say which chunk is where. A
 * changed chunk gets another place: its old one is free for others once the batch that names the new one is kept.
 *
 * Invariant: the records name only what the file had durably before, and nothing writes over a place while
 * they name it. So what a crash leaves of a batch is in places that belong to nobody, and the file's end may
 * be anywhere behind the last place with a name.
 */
import { type MaybePromise, StorageError } from './block-store.ts';
import { type ChunkBatch, keepTogether, type LayerChunks, type PreparedBatch } from './chunk-batches.ts';
import type { ChunkFiles, ReadableFile, WritableFile } from './chunk-files.ts';
import { PlaceOwners } from './place-owners.ts';
import { ABSENT, entryOf, HOLE, PlaceTables, placeOf } from './place-tables.ts';
import type { Durability, RecordBatch, RecordStore } from './record-store.ts';

/** So much that is free at a file's end stays, because what is written next will want it. */
const SLACK_BYTES = 2 << 20;
/** What more is free before the end than either of these, batches fill with chunks from there, so many at a time. */
const FREE_BYTES = 16 << 20;
const FREE_SHARE = 1 / 4;
const MOVED_BYTES = 4 << 20;

const NOTHING = new Uint8Array(0);

export interface FiledLayer {
  readonly id: string;
  readonly chunkBytes: number;
}

export interface FilePorts {
  readonly records: RecordStore;
  readonly files: ChunkFiles;
}

export class FiledChunks implements LayerChunks {
  private readonly ports: FilePorts;
  private readonly layer: FiledLayer;
  private readonly places: PlaceTables;
  private writer: Writer | undefined;
  private reader: ReadableFile | undefined;
  private opening: Promise<ReadableFile> | undefined;
  private isClosed = false;

  /** For reading; a layer without chunks needs no file. */
  static async openToRead(ports: FilePorts, layer: FiledLayer): Promise<FiledChunks> {
    const chunks = new FiledChunks(ports, layer, await PlaceTables.read(ports.records, layer.id));
    const [first] = chunks.places.entries();
    if (first) await chunks.openReader();
    return chunks;
  }

  /** For the only one who writes, while nobody reads. */
  static async openToWrite(ports: FilePorts, layer: FiledLayer): Promise<FiledChunks> {
    // Whoever had the file before has changed the records until then.
    const file = await ports.files.openToWrite(layer.id);
    try {
      const chunks = new FiledChunks(ports, layer, await PlaceTables.read(ports.records, layer.id));
      chunks.writer = new Writer(file, layer.chunkBytes, chunks.places);
      return chunks;
    } catch (failure) {
      file.close();
      throw failure;
    }
  }

  private constructor(ports: FilePorts, layer: FiledLayer, places: PlaceTables) {
    this.ports = ports;
    this.layer = layer;
    this.places = places;
  }

  get holdsSpareRoom(): boolean {
    return this.writer !== undefined && this.writer.movable > 0;
  }

  has(number: number): boolean {
    return this.places.entry(number) !== ABSENT;
  }

  numbers(): number[] {
    return Array.from(this.places.entries(), ([number]) => number);
  }

  getMany(numbers: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.all(
      numbers.map(async (number) => {
        const entry = this.places.entry(number);
        if (placeOf(entry) === undefined) return entry === HOLE ? NOTHING : undefined;
        const bytes = new Uint8Array(this.layer.chunkBytes);
        await this.read(number, 0, bytes);
        return bytes;
      }),
    );
  }

  read(number: number, from: number, target: Uint8Array): MaybePromise<void> {
    const place = placeOf(this.places.entry(number));
    if (place === undefined) return void target.fill(0);
    const offset = place * this.layer.chunkBytes + from;
    const file = this.writer?.file ?? this.reader;
    return file ? file.read(offset, target) : this.openReader().then((opened) => opened.read(offset, target));
  }

  /** Always strict, because places are used again. */
  async commit(batch: ChunkBatch, _: Durability, also?: RecordBatch): Promise<void> {
    await keepTogether(this.ports.records, [this.prepare(batch)], 'strict', also);
  }

  prepare(batch: ChunkBatch): PreparedBatch {
    if (!this.writer) throw new StorageError('read-only', 'the layer is shared');
    return this.writer.prepare(batch);
  }

  share(): void {
    this.writer?.file.close();
    this.writer = undefined;
  }

  close(): void {
    this.isClosed = true;
    this.share();
    this.reader?.close();
    this.reader = undefined;
  }

  private openReader(): Promise<ReadableFile> {
    const opened = (file: ReadableFile): ReadableFile => {
      if (this.isClosed) {
        file.close();
        throw new StorageError('io', 'the layer was closed');
      }
      this.reader = file;
      return file;
    };
    this.opening ??= this.ports.files
      .open(this.layer.id)
      .then(opened)
      .finally(() => {
        this.opening = undefined;
      });
    return this.opening;
  }
}

/** Puts chunks into free places of the file. */
class Writer {
  readonly file: WritableFile;
  private readonly chunkBytes: number;
  private readonly places: PlaceTables;
  private readonly owners = new PlaceOwners();

  constructor(file: WritableFile, chunkBytes: number, places: PlaceTables) {
    this.file = file;
    this.chunkBytes = chunkBytes;
    this.places = places;
    for (const [number, entry] of places.entries()) {
      const place = placeOf(entry);
      if (place !== undefined) this.owners.note(place, number);
    }
    if (file.sizeBytes < this.owners.end * chunkBytes)
      throw new StorageError('io', 'a file of the browser’s storage has lost its end');
    this.cutEnd();
  }

  /** Chunks that should be moved, with the next batch, from the file's end into free places. */
  get movable(): number {
    const { freeCount, end } = this.owners;
    const allowed = Math.max(FREE_BYTES / this.chunkBytes, end * FREE_SHARE);
    return Math.max(0, Math.min(MOVED_BYTES / this.chunkBytes, Math.floor(freeCount - allowed)));
  }

  prepare({ puts, deletes }: ChunkBatch): PreparedBatch {
    const entries = new Map<number, number>();
    const taken: number[] = [];
    const put = (number: number, bytes: Uint8Array): void => {
      const place = this.owners.take(number);
      taken.push(place);
      this.file.write(place * this.chunkBytes, bytes);
      entries.set(number, entryOf(place));
    };
    try {
      for (const [number, bytes] of puts) {
        if (bytes.length === 0) entries.set(number, HOLE);
        else put(number, bytes);
      }
      for (const number of deletes) entries.set(number, ABSENT);
      for (const number of this.strays(entries)) put(number, this.contentsOf(number));
      if (taken.length > 0) this.file.flush();
    } catch (failure) {
      this.giveBack(taken);
      throw failure;
    }
    return {
      records: this.places.recordsWith(entries),
      done: () => this.note(entries),
      failed: (failure) => {
        // A batch that failed otherwise may be kept after all: then its places stay taken until they are opened again.
        if (failure instanceof StorageError && failure.kind === 'quota') this.giveBack(taken);
      },
    };
  }

  /** The last chunks that are `movable`; `changing` ones get other places anyway. */
  private strays(changing: ReadonlyMap<number, number>): number[] {
    const { owners, movable: most } = this;
    const strays: number[] = [];
    for (let place = owners.end - 1; strays.length < most && place > owners.lowestFree; place--) {
      const owner = owners.ownerOf(place);
      if (owner !== undefined && !changing.has(owner)) strays.push(owner);
    }
    return strays;
  }

  private contentsOf(number: number): Uint8Array {
    const bytes = new Uint8Array(this.chunkBytes);
    this.file.read(placeOf(this.places.entry(number))! * this.chunkBytes, bytes);
    return bytes;
  }

  private note(entries: ReadonlyMap<number, number>): void {
    for (const [number, entry] of entries) {
      const place = placeOf(this.places.entry(number));
      this.places.set(number, entry);
      if (place !== undefined) this.owners.give(place);
    }
    this.cutEnd();
  }

  private giveBack(taken: readonly number[]): void {
    for (const place of taken) this.owners.give(place);
    this.cutEnd();
  }

  private cutEnd(): void {
    const endBytes = this.owners.end * this.chunkBytes;
    try {
      if (this.file.sizeBytes > endBytes + SLACK_BYTES) this.file.truncate(endBytes);
    } catch {
      // The room comes back another time.
    }
  }
}
