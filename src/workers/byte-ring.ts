/**
 * A ring of bytes in shared memory for one writer and one reader, which may be on different threads.
 *
 * Invariant: `written` and `read` count bytes modulo 2^32; written - read is the fill, at most the
 * capacity, which is a power of two. Each index has one owner and is published with a sequentially
 * consistent store after the bytes were copied. Wake-ups are not lost: the writer publishes `written`
 * and then looks at `read`; the reader publishes `read` and then looks at `written`; so either the
 * reader sees the new bytes or the writer sees that the reader had caught up.
 */

/** Words of the header, in 32-bit units. */
const WRITTEN = 0;
const READ = 1;
/** 1 while the writer waits for room. */
const STALLED = 2;
const HEADER_BYTES = 16;
const LARGEST_CAPACITY_BITS = 30;

export interface PushResult {
  /** How many bytes found room. */
  readonly accepted: number;
  /** The reader had taken everything before: it has to be told that there is more. */
  readonly readerMustWake: boolean;
}

export class ByteRing {
  readonly capacity: number;
  readonly #header: Int32Array;
  readonly #data: Uint8Array;

  /** Both sides make one over the same buffer, which starts as zeros. */
  constructor(buffer: SharedArrayBuffer | ArrayBuffer) {
    this.capacity = buffer.byteLength - HEADER_BYTES;
    if (this.capacity <= 0 || (this.capacity & (this.capacity - 1)) !== 0) {
      throw new RangeError(`a byte ring's capacity is a power of two, not ${this.capacity}`);
    }
    this.#header = new Int32Array(buffer, 0, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT);
    this.#data = new Uint8Array(buffer, HEADER_BYTES);
  }

  /** Size of the buffer for a ring of 2^capacityBits bytes. */
  static bufferBytes(capacityBits: number): number {
    if (capacityBits > LARGEST_CAPACITY_BITS) throw new RangeError(`a ring of 2^${capacityBits} bytes`);
    return HEADER_BYTES + 2 ** capacityBits;
  }

  get fill(): number {
    return (Atomics.load(this.#header, WRITTEN) - Atomics.load(this.#header, READ)) >>> 0;
  }

  /** Writer: copies as much of `bytes` as there is room for. */
  push(bytes: Uint8Array): PushResult {
    const written = Atomics.load(this.#header, WRITTEN);
    const free = this.capacity - ((written - Atomics.load(this.#header, READ)) >>> 0);
    const accepted = Math.min(free, bytes.length);
    if (accepted === 0) return { accepted, readerMustWake: false };
    const start = written & (this.capacity - 1);
    const first = Math.min(accepted, this.capacity - start);
    this.#data.set(bytes.subarray(0, first), start);
    this.#data.set(bytes.subarray(first, accepted), 0);
    Atomics.store(this.#header, WRITTEN, (written + accepted) | 0);
    return { accepted, readerMustWake: Atomics.load(this.#header, READ) === written };
  }

  /** Writer: says that it waits for room. The caller pushes once more afterwards, then waits. */
  markStalled(): void {
    Atomics.store(this.#header, STALLED, 1);
  }

  /** Reader: everything that is there, as one new array; undefined when empty. */
  take(): Uint8Array | undefined {
    const read = Atomics.load(this.#header, READ);
    const fill = (Atomics.load(this.#header, WRITTEN) - read) >>> 0;
    if (fill === 0) return undefined;
    const bytes = new Uint8Array(fill);
    const start = read & (this.capacity - 1);
    const first = Math.min(fill, this.capacity - start);
    bytes.set(this.#data.subarray(start, start + first));
    bytes.set(this.#data.subarray(0, fill - first), first);
    Atomics.store(this.#header, READ, (read + fill) | 0);
    return bytes;
  }

  /** Reader, after taking: whether the writer waits for room and has to be told. */
  releaseStalledWriter(): boolean {
    return Atomics.exchange(this.#header, STALLED, 0) === 1;
  }
}
