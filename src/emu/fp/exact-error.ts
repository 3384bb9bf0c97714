/**
 * Rounding errors of double-precision operations, computed exactly in double precision: the residuals by
 * which the fast paths know whether a result is inexact (Knuth's TwoSum, Veltkamp's splitting, Dekker's
 * product; Handbook of Floating-Point Arithmetic, 2nd edition, 4.3 and 4.4).
 */

/** The error of sum = RN(a + b): a + b − sum. Not finite when an intermediate overflows. */
export function sumError(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return a - (sum - bPart) + (b - bPart);
}

/** 2^27 + 1 splits 53 bits into 26 and 26 and a sign. */
const VELTKAMP = 2 ** 27 + 1;

/**
 * The error of product = RN(a × b): a × b − product. Exact when the product lies in
 * [SMALLEST_PRODUCT, LARGEST) and neither operand reaches LARGEST, in magnitude.
 */
export function productError(a: number, b: number, product: number): number {
  const aScaled = VELTKAMP * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = VELTKAMP * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** The product's lowest bit, 106 below its highest, must not be below the smallest denormal, 2^-1074. */
export const SMALLEST_PRODUCT = 2 ** -960;
/** Splitting multiplies by 2^27 and must not overflow. */
export const LARGEST = 2 ** 990;

const asDouble = new Float64Array(1);
const asWords = new Int32Array(asDouble.buffer);

/**
 * `value` moved to the neighbour with an odd mantissa in the direction of `error`, where value = RN(x) and
 * error = x − value: that is x rounded to odd, from which a second rounding to fewer bits is safe.
 */
export function roundToOdd(value: number, error: number): number {
  if (error === 0) return value;
  asDouble[0] = value;
  const low = asWords[0]!;
  if ((low & 1) !== 0) return value;
  // An even mantissa grows by setting its last bit, and shrinks by a borrow through its zeros.
  if (error > 0 === value > 0) {
    asWords[0] = low | 1;
  } else {
    asWords[0] = low - 1;
    if (low === 0) asWords[1] = asWords[1]! - 1;
  }
  return asDouble[0];
}
