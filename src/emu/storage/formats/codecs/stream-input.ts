/**
 * A stream of bytes as decoders read it: they ask for as many bytes as their next unit may need and then
 * decode that unit without waiting. Invariant: PADDING_BYTES zeros stand behind the bytes that are there, so
 * that a decoder may look ahead a little without a check; `position` beyond `limit` means a truncated file.
 */
import { ImageError } from '../image-error.ts';

export const PADDING_BYTES = 16;
/** So many bytes before `position` are kept, for decoders that have read ahead and give bytes back. */
const RETURNABLE_BYTES = 8;

export class StreamInput {
  /** What has arrived and was not dropped yet; valid from `position` to `limit`. */
  bytes = new Uint8Array(PADDING_BYTES);
  position = 0;
  limit = 0;
  /** Nothing comes behind `limit`. */
  isComplete = false;
  private readonly source: AsyncIterator<Uint8Array> | undefined;
  /** Where in the file `bytes` begins. */
  private start: number;

  /** @param start where in the file the source begins */
  constructor(source: AsyncIterable<Uint8Array> | Uint8Array, start = 0) {
    this.start = start;
    if (source instanceof Uint8Array) {
      this.append(source);
      this.isComplete = true;
    } else this.source = source[Symbol.asyncIterator]();
  }

  /** Where in the file the next byte is. */
  get offset(): number {
    return this.start + this.position;
  }

  get available(): number {
    return this.limit - this.position;
  }

  /** Waits until `count` bytes are there; fewer than that are left in the file when it gives false. */
  async fill(count: number): Promise<boolean> {
    while (this.available < count && !this.isComplete) {
      const next = await this.source?.next();
      if (!next || next.done) this.isComplete = true;
      else this.append(next.value);
    }
    return this.available >= count;
  }

  /** As `fill`. @throws {ImageError} when the file ends before */
  async require(count: number, what: string): Promise<void> {
    if (await this.fill(count)) return;
    throw new ImageError('truncated', `the file ends within ${what}`, this.start + this.limit);
  }

  /** The next `count` bytes, which are there; valid until the next `fill`. */
  take(count: number): Uint8Array {
    const taken = this.bytes.subarray(this.position, this.position + count);
    this.position += count;
    return taken;
  }

  /** Ends the stream before its end. */
  async close(): Promise<void> {
    this.isComplete = true;
    await this.source?.return?.();
  }

  private append(chunk: Uint8Array): void {
    if (this.limit + chunk.length + PADDING_BYTES > this.bytes.length) this.makeRoom(chunk.length);
    this.bytes.set(chunk, this.limit);
    this.limit += chunk.length;
    this.bytes.fill(0, this.limit, this.limit + PADDING_BYTES);
  }

  /** Drops what was used, and grows in steps that make the copying of a long unit cheap. */
  private makeRoom(count: number): void {
    const from = Math.max(0, this.position - RETURNABLE_BYTES);
    const kept = this.limit - from;
    const needed = kept + count + PADDING_BYTES;
    const old = this.bytes;
    if (needed > old.length) this.bytes = new Uint8Array(Math.max(needed, 2 * kept));
    this.bytes.set(old.subarray(from, this.limit));
    this.start += from;
    this.position -= from;
    this.limit = kept;
  }
}
