/**
 * Exact dyadic numbers: sign, BigInt mantissa, power of two. They stand for the `real` type of the Arm
 * ARM's pseudocode wherever an operation's exact result is one, or may be replaced by a nearby number
 * that rounds alike (a sticky last bit).
 */

/** (−1)^negative × mantissa × 2^exponent; the mantissa is not negative and need not be normalised. */
export interface Real {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
}

/**
 * Operands whose exponents differ by more than this are far apart: no mantissa of this folder has 128
 * bits, so the smaller operand then lies below the last bit that rounding looks at.
 */
const FAR_APART = 256;
const STICKY_SHIFT = 128;

const DOUBLE_FRACTION_BITS = 52;
const HIGH_FRACTION_BITS = DOUBLE_FRACTION_BITS - 32;
const HIGH_FRACTION_MASK = 2 ** HIGH_FRACTION_BITS - 1;
const EXPONENT_OF_BIT_LENGTH_ZERO = 1022;

const asDouble = new Float64Array(1);
const asWords = new Uint32Array(asDouble.buffer);

/** Number of significant bits of `value`, which lies in [0, 2^1000). */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  asDouble[0] = Number(value);
  const high = asWords[1]!;
  const length = (high >>> HIGH_FRACTION_BITS) - EXPONENT_OF_BIT_LENGTH_ZERO;
  const powerOfTwo = (high & HIGH_FRACTION_MASK) === 0 && asWords[0] === 0;
  // Number() rounds: 2^n - 1 may have become 2^n.
  return powerOfTwo && value >> BigInt(length - 1) === 0n ? length - 1 : length;
}

/** The exact sum, or, for operands far apart, a number that rounds like it to any format. */
export function addReals(a: Real, b: Real): Real {
  if (a.mantissa === 0n) return b;
  if (b.mantissa === 0n) return a;
  const large = a.exponent >= b.exponent ? a : b;
  const small = large === a ? b : a;
  const distance = large.exponent - small.exponent;
  const far = distance > FAR_APART;
  const exponent = far ? large.exponent - STICKY_SHIFT : small.exponent;
  const largeMantissa = distance === 0 ? large.mantissa : large.mantissa << BigInt(large.exponent - exponent);
  const smallMantissa = far ? 1n : small.mantissa;
  if (large.negative === small.negative) {
    return { negative: large.negative, mantissa: largeMantissa + smallMantissa, exponent };
  }
  const difference = largeMantissa - smallMantissa;
  return difference < 0n
    ? { negative: small.negative, mantissa: -difference, exponent }
    : { negative: large.negative, mantissa: difference, exponent };
}

export function multiplyReals(a: Real, b: Real): Real {
  return {
    negative: a.negative !== b.negative,
    mantissa: a.mantissa * b.mantissa,
    exponent: a.exponent + b.exponent,
  };
}

/** a / b with at least `precision` significant bits, the last one sticky. */
export function divideReals(a: Real, b: Real, precision: number): Real {
  const shift = precision + bitLength(b.mantissa);
  const dividend = a.mantissa << BigInt(shift);
  const quotient = dividend / b.mantissa;
  const sticky = quotient * b.mantissa === dividend ? 0n : 1n;
  return {
    negative: a.negative !== b.negative,
    mantissa: quotient | sticky,
    exponent: a.exponent - b.exponent - shift,
  };
}

/** Square root of `a`, which is positive, with at least `precision` significant bits, the last one sticky. */
export function squareRootReal(a: Real, precision: number): Real {
  const evenAdjustment = a.exponent & 1;
  const shift = 2 * precision + evenAdjustment;
  const radicand = a.mantissa << BigInt(shift);
  const root = integerSquareRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  return { negative: false, mantissa: root | sticky, exponent: (a.exponent - shift) / 2 };
}

/** The largest integer whose square is at most `value`, which lies below 2^200. */
function integerSquareRoot(value: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(value))));
  // The host's root has 52 good bits; a Newton step doubles them, leaving an error of at most one.
  root = (root + value / root) >> 1n;
  while (root * root > value) root -= 1n;
  while ((root + 1n) * (root + 1n) <= value) root += 1n;
  return root;
}

/** How a number compares with a half, which is what rounding needs to know of discarded bits. */
export const FRACTION = { ZERO: 0, BELOW_HALF: 1, HALF: 2, ABOVE_HALF: 3 } as const;
export type Fraction = (typeof FRACTION)[keyof typeof FRACTION];

/** floor(mantissa / 2^shift) and what was cut off. */
export interface Shifted {
  readonly quotient: bigint;
  readonly fraction: Fraction;
}

/** Divides by 2^shift; a negative `shift` multiplies. */
export function shiftRight(mantissa: bigint, shift: number): Shifted {
  if (shift <= 0) {
    return { quotient: shift === 0 ? mantissa : mantissa << BigInt(-shift), fraction: FRACTION.ZERO };
  }
  const withHalf = mantissa >> BigInt(shift - 1);
  const quotient = withHalf >> 1n;
  const half = BigInt.asUintN(1, withHalf) === 1n;
  const rest = BigInt.asUintN(shift - 1, mantissa) !== 0n;
  if (half) return { quotient, fraction: rest ? FRACTION.ABOVE_HALF : FRACTION.HALF };
  return { quotient, fraction: rest ? FRACTION.BELOW_HALF : FRACTION.ZERO };
}
