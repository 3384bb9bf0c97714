/** Halves as numbers of the host: reading and writing their patterns, and rounding to them. */

const SIGN = 0x8000;
const MAGNITUDE = 0x7fff;
const SIGN_DISTANCE = 16;
const EXPONENT_ONES = 0x7c00;
/** Bits that a single's fraction has more. */
const EXTRA_FRACTION = 13;
/** The difference of the biases, where a half has its exponent. */
const REBIAS = (127 - 15) << 10;
const RESCALE = 2 ** (127 - 15);
const SMALLEST_NORMAL = 2 ** -14;
const DENORMAL_UNITS = 2 ** 24;
const SINGLE_INFINITY = 0x7f80_0000;
/** From here on numbers round to infinity. */
const OVERFLOW = 65520;
/** Added and subtracted, this makes the host round to units of 2^(exponent − 10) (here for exponent 0). */
const ROUNDER = 1.5 * 2 ** (52 - 10);
const DOUBLE_EXPONENT = 0x7ff0_0000;
const DOUBLE_ONE = 0x3ff0_0000;

const word = new Int32Array(2);
const single = new Float32Array(word.buffer);
const double = new Float64Array(word.buffer);

/** The number of a pattern; NaNs lose their payload. */
export function readHalf(bits: number): number {
  const magnitude = bits & MAGNITUDE;
  word[0] = magnitude >= EXPONENT_ONES ? SINGLE_INFINITY | magnitude : magnitude << EXTRA_FRACTION;
  const value = magnitude >= EXPONENT_ONES ? single[0]! : single[0]! * RESCALE;
  return (bits & SIGN) === 0 ? value : -value;
}

/** The pattern of a single, given by its own pattern, which is a half's number or infinity. */
export function halfPattern(singleBits: number): number {
  const sign = (singleBits >>> SIGN_DISTANCE) & SIGN;
  word[0] = singleBits & ~(1 << 31);
  const magnitude = single[0]!;
  if (magnitude < SMALLEST_NORMAL) return sign | (magnitude * DENORMAL_UNITS);
  if (word[0] === SINGLE_INFINITY) return sign | EXPONENT_ONES;
  return sign | ((word[0]! >>> EXTRA_FRACTION) - REBIAS);
}

/** The nearest half's number, ties to even. */
export function roundToHalf(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < OVERFLOW)) return value * Number.POSITIVE_INFINITY;
  double[0] = Math.max(magnitude, SMALLEST_NORMAL);
  const exponent = (word[1]! & DOUBLE_EXPONENT) - DOUBLE_ONE;
  double[0] = ROUNDER;
  word[1] = word[1]! + exponent;
  const rounder = double[0];
  const rounded = magnitude + rounder - rounder;
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}
