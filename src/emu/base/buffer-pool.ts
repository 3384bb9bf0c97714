/**
 * Buffers that are used again: fresh ones of a megabyte cost as much to clear and to collect as what is copied
 * into them. What a buffer held before is still in it.
 */

const MOST_BUFFERS = 8;
/** Whoever wants more once may not want it again. */
const LARGEST_KEPT_BYTES = 4 << 20;

export class BufferPool {
  private readonly free: ArrayBuffer[] = [];

  /** So many bytes of a buffer that nobody else has; the whole buffer goes with them. */
  take(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.takeFree(length) ?? new ArrayBuffer(length), 0, length);
  }

  /** A buffer of at least so many bytes that was given back; undefined when there is none. */
  takeFree(length: number): ArrayBuffer | undefined {
    const index = this.free.findIndex(({ byteLength }) => byteLength >= length);
    return index < 0 ? undefined : this.free.splice(index, 1)[0];
  }

  /** The buffer may be given to somebody else from now on. */
  give({ buffer }: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength === 0 || buffer.byteLength > LARGEST_KEPT_BYTES) return;
    // The largest stay, for they serve for everything.
    this.free.push(buffer);
    this.free.sort((a, b) => a.byteLength - b.byteLength);
    if (this.free.length > MOST_BUFFERS) this.free.shift();
  }
}
