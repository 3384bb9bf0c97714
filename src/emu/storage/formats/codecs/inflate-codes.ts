/**
 * The codes of deflate, RFC 1951 section 3.2: canonical Huffman codes from their lengths, the fixed ones, and what
 * the symbols of lengths and distances stand for.
 */
import { assert } from '../../../base/assert.ts';

export const LONGEST_CODE = 15;
const FAST_BITS = 10;
export const FAST_MASK = (1 << FAST_BITS) - 1;
/** An entry of a fast table: the code's length in the low bits, the symbol above. */
export const LENGTH_BITS = 4;
export const LENGTH_MASK = (1 << LENGTH_BITS) - 1;

/** A symbol stands for its base and so many extra bits. */
interface Values {
  readonly count: number;
  readonly bases: Uint16Array;
  readonly extraBits: Uint8Array;
}

const LENGTH_SYMBOLS = 29;
const DISTANCE_SYMBOLS = 30;

/** Section 3.2.5: four symbols for each number of extra bits; the last length has none, and is 258. */
export const LENGTHS = valuesOf(3, LENGTH_SYMBOLS, (at) =>
  at < 8 || at === LENGTH_SYMBOLS - 1 ? 0 : (at >> 2) - 1,
);
LENGTHS.bases[LENGTH_SYMBOLS - 1] = 258;
/** Section 3.2.5: two symbols for each number of extra bits. */
export const DISTANCES = valuesOf(1, DISTANCE_SYMBOLS, (at) => (at < 4 ? 0 : (at >> 1) - 1));

function valuesOf(first: number, count: number, extra: (at: number) => number): Values {
  const extraBits = Uint8Array.from({ length: count }, (_, at) => extra(at));
  const bases = new Uint16Array(count);
  let base = first;
  for (let at = 0; at < count; at++) {
    bases[at] = base;
    base += 1 << extraBits[at]!;
  }
  return { count, bases, extraBits };
}

/** A canonical code. */
export interface HuffmanCode {
  /** By the next FAST_BITS bits: symbol << LENGTH_BITS | length; 0 where the code is longer. */
  readonly fast: Uint16Array;
  /** Number of codes of each length, and all symbols in the order of their codes. */
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

export interface Codes {
  readonly literals: HuffmanCode;
  readonly distances: HuffmanCode;
}

/** Section 3.2.2; undefined when the lengths make no prefix code, or leave codes unused that they may not. */
export function huffmanCode(lengths: Uint8Array, mayBeIncomplete: boolean): HuffmanCode | undefined {
  const counts = new Uint16Array(LONGEST_CODE + 1);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  let left = 1;
  const firstIndex = new Uint16Array(LONGEST_CODE + 2);
  for (let length = 1; length <= LONGEST_CODE; length++) {
    left = 2 * left - counts[length]!;
    if (left < 0) return undefined;
    firstIndex[length + 1] = firstIndex[length]! + counts[length]!;
  }
  // One code of one bit, or none at all, is what encoders write where there is nothing to distinguish.
  const used = firstIndex[LONGEST_CODE + 1]!;
  if (left > 0 && !(mayBeIncomplete && used === counts[1] && used <= 1)) return undefined;
  const symbols = new Uint16Array(used);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length > 0) symbols[firstIndex[length]!++] = symbol;
  }
  return { fast: fastTable(counts, symbols), counts, symbols };
}

function fastTable(counts: Uint16Array, symbols: Uint16Array): Uint16Array {
  const fast = new Uint16Array(1 << FAST_BITS);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= FAST_BITS; length++) {
    for (let nth = 0; nth < counts[length]!; nth++, code++, index++) {
      const entry = (symbols[index]! << LENGTH_BITS) | length;
      for (let at = reversed(code, length); at <= FAST_MASK; at += 1 << length) fast[at] = entry;
    }
    code <<= 1;
  }
  return fast;
}

/** Codes stand in the stream with their highest bit first. */
function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) result |= ((code >> bit) & 1) << (length - 1 - bit);
  return result;
}

/** Section 3.2.6. */
function fixedCodes(): Codes {
  const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
  const literals = huffmanCode(lengths, false);
  const distances = huffmanCode(new Uint8Array(32).fill(5), false);
  assert(literals && distances, 'the fixed codes are complete');
  return { literals, distances };
}

export const FIXED_CODES = fixedCodes();
