/**
 * Where decoders of the Lempel-Ziv family write: a linear buffer that holds the history which later matches
 * may refer to, and slides when it is full. Invariant: at least the last `historyBytes` bytes of the output
 * (or all of a shorter one) stand before `end`. Memory grows with the output, to 1.25 times the history.
 */
import { damaged } from './damage.ts';

const FIRST_BYTES = 1 << 16;
const LEAST_SLACK_BYTES = 1 << 22;
const SLACK_SHARE = 4;

export class OutputWindow {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where the next byte goes. */
  end = 0;
  readonly historyBytes: number;
  private takenTo = 0;
  private readonly largest: number;

  /**
   * @param exactBytes size of the whole output, where that is known and small enough to be kept whole
   * @param room so many bytes to keep it in
   */
  constructor(historyBytes: number, exactBytes?: number, room?: Uint8Array<ArrayBuffer>) {
    this.historyBytes = historyBytes;
    this.largest =
      exactBytes ?? historyBytes + Math.max(LEAST_SLACK_BYTES, Math.ceil(historyBytes / SLACK_SHARE));
    this.bytes = room ?? new Uint8Array(exactBytes ?? Math.min(FIRST_BYTES, this.largest));
  }

  /** Bytes that can be written now. */
  get room(): number {
    return this.bytes.length - this.end;
  }

  /** Makes room for `count` bytes, at most LEAST_SLACK_BYTES; what was taken and is too old for matches goes. */
  reserve(count: number): void {
    if (this.room >= count) return;
    if (this.end + count > this.largest) this.slide();
    if (this.room >= count) return;
    const grown = new Uint8Array(Math.min(this.largest, Math.max(2 * this.bytes.length, this.end + count)));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
  }

  /** A copy of what was written since the last time. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(this.takenTo, this.end);
    this.takenTo = this.end;
    return taken;
  }

  get untaken(): number {
    return this.end - this.takenTo;
  }

  /** What comes next has no history. */
  reset(): void {
    this.bytes.copyWithin(0, this.takenTo, this.end);
    this.end -= this.takenTo;
    this.takenTo = 0;
  }

  write(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.end);
    this.end += source.length;
  }

  /** Repeats what stands `distance` bytes back; there is room. @throws {ImageError} when nothing stands there */
  copyMatch(distance: number, length: number): void {
    if (distance > this.end || distance > this.historyBytes || distance <= 0) {
      throw damaged('a match with what was before the start');
    }
    const { bytes } = this;
    let to = this.end;
    let from = to - distance;
    const stop = to + length;
    if (distance >= length && length > LONG_MATCH) bytes.copyWithin(to, from, from + length);
    else if (distance === 1 && length > LONG_MATCH) bytes.fill(bytes[from]!, to, stop);
    else while (to < stop) bytes[to++] = bytes[from++]!;
    this.end = stop;
  }

  private slide(): void {
    const from = Math.max(0, Math.min(this.takenTo, this.end - this.historyBytes));
    this.bytes.copyWithin(0, from, this.end);
    this.end -= from;
    this.takenTo -= from;
  }
}

/** Shorter matches are copied faster by a loop than by a call. */
const LONG_MATCH = 48;
