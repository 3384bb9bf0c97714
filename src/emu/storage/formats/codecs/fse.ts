/**
 * Finite state entropy as Zstandard uses it (RFC 8878 section 4.1): bit streams that are read from their end,
 * distributions, and the tables made of them. Bits before a stream's start are zeros; `position` is negative then.
 */
import { damaged } from './damage.ts';

const BITS_PER_READ = 24;

/** Reads the bits of bytes[from, to) from the last to the first. */
export class BackwardBits {
  /** Number of bits that are left. */
  position: number;
  private readonly bytes: Uint8Array;
  private readonly from: number;

  /** @throws {ImageError} when the last byte has no mark of where the stream ends */
  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes;
    this.from = from;
    const last = to > from ? bytes[to - 1]! : 0;
    if (last === 0) throw damaged('a stream of bits without an end');
    this.position = (to - from) * 8 - 1 - Math.clz32(last << 24);
  }

  /** hot: the next `count` bits, at most 31. */
  read(count: number): number {
    if (count > BITS_PER_READ) return this.read(count - 16) * 65_536 + this.read(16);
    const position = this.position - count;
    this.position = position;
    if (position < 0) return this.beforeStart(count);
    const { bytes } = this;
    const byte = this.from + (position >> 3);
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24);
    return (word >>> (position & 7)) & ((1 << count) - 1);
  }

  /** Some of the `count` bits at `position` are before the stream's start. */
  private beforeStart(count: number): number {
    const { position } = this;
    const missing = -position;
    if (missing >= count) return 0;
    this.position = count - missing;
    const bits = this.read(count - missing) << missing;
    this.position = position;
    return bits;
  }
}

/** How often each symbol occurs, out of 2^accuracy; -1 stands for less than once. */
export interface Distribution {
  readonly accuracy: number;
  readonly counts: readonly number[];
}

/** By state: the symbol, and how the next state is made. */
export interface FseTable {
  readonly accuracy: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

const LEAST_ACCURACY = 5;

/** Section 4.1.1, from bytes[from, to). */
export function readDistribution(
  bytes: Uint8Array,
  from: number,
  to: number,
  limits: { readonly accuracy: number; readonly symbols: number },
): { readonly distribution: Distribution; readonly end: number } {
  let position = from * 8;
  const peek = (count: number): number => {
    const at = position >> 3;
    const word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    return (word >>> (position & 7)) & ((1 << count) - 1);
  };
  const accuracy = peek(4) + LEAST_ACCURACY;
  position += 4;
  if (accuracy > limits.accuracy) throw damaged('a distribution that is too fine');
  const counts: number[] = [];
  let remaining = 1 << accuracy;
  while (remaining > 0 && counts.length < limits.symbols) {
    // Values 0 to remaining + 1; the lower ones are stored in one bit less.
    const width = 32 - Math.clz32(remaining + 1);
    const short = (1 << width) - 1 - (remaining + 1);
    let value = peek(width);
    const low = value & ((1 << (width - 1)) - 1);
    if (low < short) {
      value = low;
      position += width - 1;
    } else {
      if (value >= 1 << (width - 1)) value -= short;
      position += width;
    }
    const count = value - 1;
    counts.push(count);
    remaining -= Math.abs(count);
    if (count !== 0) continue;
    for (let repeat = 3; repeat === 3; ) {
      repeat = peek(2);
      position += 2;
      for (let zero = 0; zero < repeat; zero++) counts.push(0);
      if (counts.length > limits.symbols) throw damaged('a distribution of too many symbols');
    }
  }
  const end = Math.ceil(position / 8);
  if (remaining !== 0 || end > to) throw damaged('a distribution that does not add up');
  return { distribution: { accuracy, counts }, end };
}

/** Section 4.1.2. */
export function fseTable({ accuracy, counts }: Distribution): FseTable {
  const size = 1 << accuracy;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (const [symbol, count] of counts.entries()) {
    next[symbol] = Math.abs(count);
    if (count < 0) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let state = 0;
  for (const [symbol, count] of counts.entries()) {
    for (let nth = 0; nth < count; nth++) {
      symbols[state] = symbol;
      do state = (state + step) & (size - 1);
      while (state >= high);
    }
  }
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let at = 0; at < size; at++) {
    const number = next[symbols[at]!]!++;
    bits[at] = accuracy - (31 - Math.clz32(number));
    bases[at] = (number << bits[at]!) - size;
  }
  return { accuracy, symbols, bits, bases };
}

/** A table that always gives one symbol. */
export function constantTable(symbol: number): FseTable {
  return {
    accuracy: 0,
    symbols: Uint8Array.of(symbol),
    bits: new Uint8Array(1),
    bases: new Uint16Array(1),
  };
}
