/**
 * BFloat16 on the host: rounding to it, and BFDotAdd in doubles. A double holds the product of two BFloat16 numbers exactly; a sum of two
 * singles and its error (Knuth's TwoSum) give the sum rounded to odd, first to 53 bits, then to 24: rounding to
 * odd may be repeated (Boldo and Melquiond). Tiny numbers become zero after each step, and what is beyond
 * the singles infinite, as BFRound says.
 */
import { roundToOdd, sumError } from './exact-error.ts';

const SMALLEST_NORMAL = 2 ** -126;
const BEYOND_SINGLES = 2 ** 128;
/** Bits of a double's fraction that a single does not have. */
const DROPPED = 2 ** 29 - 1;
const DEFAULT_NAN = 0x7fc0_0000;
const HIGH_BFLOAT = 0xffff_0000 | 0;
const BFLOAT_BITS = 16;
/** Half a unit in the last place of a BFloat16 less one, in the fraction of a single. */
const BELOW_HALF_UNIT = 0x7fff;

const words = new Int32Array(2);
const double = new Float64Array(words.buffer);
const single = new Float32Array(words.buffer);

/** The nearest BFloat16 number to a single, ties to even; a carry moves into the exponent. */
export function roundToBfloat(value: number): number {
  single[0] = value;
  const bits = words[0]!;
  words[0] = (bits + BELOW_HALF_UNIT + ((bits >>> BFLOAT_BITS) & 1)) & HIGH_BFLOAT;
  return single[0];
}

/** A single's pattern as a number, denormals as zero. */
function read(bits: number): number {
  words[0] = bits;
  const value = single[0]!;
  return Math.abs(value) < SMALLEST_NORMAL ? value * 0 : value;
}

/** BFRound of `value`, which is the exact result or what rounding that to odd left. */
function round(value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude < SMALLEST_NORMAL) return value * 0;
  if (!(magnitude < BEYOND_SINGLES)) return value * Number.POSITIVE_INFINITY;
  double[0] = value;
  const low = words[0]!;
  if ((low & DROPPED) === 0) return value;
  words[0] = (low & ~DROPPED) | (DROPPED + 1);
  return double[0];
}

function add(a: number, b: number): number {
  const sum = a + b;
  // Infinities and NaNs have no error to speak of.
  return Number.isFinite(sum) ? round(roundToOdd(sum, sumError(a, b, sum))) : sum;
}

/** The pattern of the result. */
export function bfDotAddFast(addend: number, pair1: number, pair2: number): number {
  const low = round(read(pair1 << BFLOAT_BITS) * read(pair2 << BFLOAT_BITS));
  const high = round(read(pair1 & HIGH_BFLOAT) * read(pair2 & HIGH_BFLOAT));
  const result = add(read(addend), add(low, high));
  if (Number.isNaN(result)) return DEFAULT_NAN;
  single[0] = result;
  return words[0]!;
}
