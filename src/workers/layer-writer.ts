/**
 * Fills a new layer from its start to its end, in batches of whole chunks; chunks of zeros are not stored.
 * While one batch is written the next one is gathered, so two batches are in memory at most. Invariant: a
 * chunk is whole before it is kept, so what its memory held before does not matter.
 */
import { isZero } from '../emu/storage/chunk.ts';
import { CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
import type { RecordBatch } from '../emu/storage/record-store.ts';
import type { LayerSink } from './import-layers.ts';

const BATCH_CHUNKS = 32;
/** A batch ends after so many chunks of zeros, too, so that progress is noted. */
const BATCH_SPAN_CHUNKS = 1024;

export class LayerWriter {
  readonly #sink: LayerSink;
  /** What is noted together with a batch. */
  readonly #note: (storedBytes: number) => RecordBatch['puts'];
  /** Chunks in front of this are stored already. */
  readonly #skipBytes: number;
  #position: number;
  #chunk = new Uint8Array(CHUNK_BYTES);
  #batch = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #batchStart: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    sink: LayerSink,
    note: (storedBytes: number) => RecordBatch['puts'] = () => undefined,
    { startBytes = 0, skipBytes = 0 } = {},
  ) {
    this.#sink = sink;
    this.#note = note;
    this.#position = startBytes;
    this.#batchStart = startBytes;
    this.#skipBytes = skipBytes;
  }

  /** Bytes so far. */
  get position(): number {
    return this.#position;
  }

  /** So many bytes complete the current chunk. */
  get roomInChunk(): number {
    return CHUNK_BYTES - (this.#position % CHUNK_BYTES);
  }

  /** Goes forward over zeros. */
  async skipTo(position: number): Promise<void> {
    while (this.#position < position) {
      const step = Math.min(this.roomInChunk, position - this.#position);
      const at = this.#position % CHUNK_BYTES;
      this.#chunk.fill(0, at, at + step);
      await this.#advance(step);
    }
  }

  /** At most `roomInChunk` bytes. */
  async append(bytes: Uint8Array): Promise<void> {
    this.#chunk.set(bytes, this.#position % CHUNK_BYTES);
    await this.#advance(bytes.length);
  }

  /** Writes what is left. */
  async finish(): Promise<void> {
    const at = this.#position % CHUNK_BYTES;
    if (at > 0) {
      this.#chunk.fill(0, at);
      this.#keepChunk(Math.floor(this.#position / CHUNK_BYTES));
    }
    await this.#writeBatch();
    await this.#writing;
  }

  async #advance(bytes: number): Promise<void> {
    this.#position += bytes;
    if (this.#position % CHUNK_BYTES !== 0) return;
    this.#keepChunk(this.#position / CHUNK_BYTES - 1);
    const span = (this.#position - this.#batchStart) / CHUNK_BYTES;
    if (this.#batch.size >= BATCH_CHUNKS || span >= BATCH_SPAN_CHUNKS) await this.#writeBatch();
  }

  #keepChunk(number: number): void {
    if (isZero(this.#chunk) || (number + 1) * CHUNK_BYTES <= this.#skipBytes) return;
    this.#batch.set(number, this.#chunk);
    this.#chunk = this.#spare.pop() ?? new Uint8Array(CHUNK_BYTES);
  }

  async #writeBatch(): Promise<void> {
    await this.#writing;
    const puts = this.#batch;
    this.#batch = new Map();
    this.#batchStart = this.#position;
    if (this.#position < this.#skipBytes) return;
    this.#writing = this.#sink.append(puts, this.#note(this.#position));
    // The sink has taken its copies, so the same memory serves for what comes.
    this.#spare.push(...puts.values());
    // Whoever writes next hears of a failure.
    this.#writing.catch(() => {});
  }
}
