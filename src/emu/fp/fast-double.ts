/**
 * Double precision in the host's own arithmetic, for FPCR in its default mode (round to nearest, no FZ):
 * each function stores its result and returns the exact FPSR bits, or returns UNKNOWN and leaves the
 * case (NaNs, infinities, exponents near the ends) to the BigInt algorithms.
 */
import { FPSR } from './environment.ts';
import { LARGEST, productError, roundToOdd, SMALLEST_PRODUCT, sumError } from './exact-error.ts';
import type { BinaryName, UnaryName } from './operations.ts';

/** Returned instead of FPSR bits: not decided here. */
export const UNKNOWN = -1;

export type FastUnary<Result> = (a: number, result: Result) => number;
export type FastBinary<Result> = (a: number, b: number, result: Result) => number;

function add(a: number, b: number, result: Float64Array): number {
  const sum = a + b;
  const error = sumError(a, b, sum);
  result[0] = sum;
  if (error === 0) return 0;
  // Sums cannot underflow, and one that overflows leaves no finite error.
  return Number.isFinite(error) ? FPSR.IXC : UNKNOWN;
}

function subtract(a: number, b: number, result: Float64Array): number {
  return add(a, -b, result);
}

/** Whether productError is exact for these factors and their rounded product. */
function isSafeProduct(a: number, b: number, product: number): boolean {
  const magnitude = Math.abs(product);
  return (
    magnitude >= SMALLEST_PRODUCT && magnitude < LARGEST && Math.abs(a) < LARGEST && Math.abs(b) < LARGEST
  );
}

function multiply(a: number, b: number, result: Float64Array): number {
  const product = a * b;
  result[0] = product;
  if (isSafeProduct(a, b, product)) return productError(a, b, product) === 0 ? 0 : FPSR.IXC;
  return product === 0 && (a === 0 || b === 0) ? 0 : UNKNOWN;
}

function multiplyNegate(a: number, b: number, result: Float64Array): number {
  return multiply(-a, b, result);
}

function divide(a: number, b: number, result: Float64Array): number {
  const quotient = a / b;
  result[0] = quotient;
  if (a === 0) return Number.isFinite(quotient) ? 0 : UNKNOWN;
  // The quotient is exact when it times the divisor is the dividend and nothing more.
  if (!isSafeProduct(quotient, b, a) || Math.abs(quotient) < SMALLEST_PRODUCT) return UNKNOWN;
  const product = quotient * b;
  return product === a && productError(quotient, b, product) === 0 ? 0 : FPSR.IXC;
}

function absoluteDifference(a: number, b: number, result: Float64Array): number {
  const exceptions = add(a, -b, result);
  result[0] = Math.abs(result[0]!);
  return exceptions;
}

function maximum(a: number, b: number, result: Float64Array): number {
  const larger = Math.max(a, b);
  result[0] = larger;
  return Number.isNaN(larger) ? UNKNOWN : 0;
}

function minimum(a: number, b: number, result: Float64Array): number {
  const smaller = Math.min(a, b);
  result[0] = smaller;
  return Number.isNaN(smaller) ? UNKNOWN : 0;
}

function squareRoot(a: number, result: Float64Array): number {
  const root = Math.sqrt(a);
  result[0] = root;
  if (a === 0) return 0;
  if (!isSafeProduct(root, root, a)) return UNKNOWN;
  const square = root * root;
  return square === a && productError(root, root, square) === 0 ? 0 : FPSR.IXC;
}

/**
 * addend + a × b, rounded once, by the method of Boldo and Melquiond (Emulation of FMA and correctly
 * rounded sums: proved algorithms using rounding to odd): product and sums as unevaluated pairs, the two
 * low parts added with rounding to odd, so that the last addition sees every sticky bit.
 */
export function fusedMultiplyAdd(addend: number, a: number, b: number, result: Float64Array): number {
  const product = a * b;
  if (!isSafeProduct(a, b, product)) {
    if (product !== 0 || (a !== 0 && b !== 0)) return UNKNOWN;
    result[0] = product + addend;
    return Number.isFinite(addend) ? 0 : UNKNOWN;
  }
  if (!(Math.abs(addend) < LARGEST)) return UNKNOWN;
  const productLow = productError(a, b, product);
  const lowSum = addend + productLow;
  const lowSumError = sumError(addend, productLow, lowSum);
  const high = product + lowSum;
  const highError = sumError(product, lowSum, high);
  const tail = lowSumError + highError;
  const tailError = sumError(lowSumError, highError, tail);
  const oddTail = roundToOdd(tail, tailError);
  const sum = high + oddTail;
  result[0] = sum;
  // An odd tail of 53 bits below `high` makes the last sum inexact too, so its error tells everything.
  return sumError(high, oddTail, sum) === 0 ? 0 : FPSR.IXC;
}

/** From here on every double is an integer. */
const ALL_INTEGERS = 2 ** 52;

/** The nearest integer, ties to even; a zero keeps the operand's sign, as from Math.trunc and its kin. */
export function roundTiesToEven(a: number): number {
  const magnitude = Math.abs(a);
  if (!(magnitude < ALL_INTEGERS)) return a;
  const rounded = magnitude + ALL_INTEGERS - ALL_INTEGERS;
  return a < 0 || Object.is(a, -0) ? -rounded : rounded;
}

/** The nearest integer, ties away from zero. */
export function roundTiesToAway(a: number): number {
  const truncated = Math.trunc(a);
  if (!(Math.abs(a - truncated) >= 0.5)) return truncated;
  return a < 0 ? truncated - 1 : truncated + 1;
}

/** FRINT: infinities stay, NaNs go to the algorithms that process them. */
function integral(round: (a: number) => number): FastUnary<Float64Array | Float32Array> {
  return (a, result) => {
    const rounded = round(a);
    result[0] = rounded;
    return Number.isNaN(rounded) ? UNKNOWN : 0;
  };
}

function integralExact(a: number, result: Float64Array | Float32Array): number {
  const rounded = roundTiesToEven(a);
  result[0] = rounded;
  if (rounded === a) return 0;
  return Number.isNaN(rounded) ? UNKNOWN : FPSR.IXC;
}

/** Rounding to integers is the same for both formats: it gives no new bits. */
export const FAST_INTEGRAL = {
  FRINTN: integral(roundTiesToEven),
  FRINTA: integral(roundTiesToAway),
  FRINTP: integral(Math.ceil),
  FRINTM: integral(Math.floor),
  FRINTZ: integral(Math.trunc),
  FRINTI: integral(roundTiesToEven),
  FRINTX: integralExact,
} satisfies Partial<Record<UnaryName, FastUnary<Float64Array | Float32Array>>>;

export const FAST_DOUBLE_UNARY: Partial<Record<UnaryName, FastUnary<Float64Array>>> = {
  ...FAST_INTEGRAL,
  FSQRT: squareRoot,
};

export const FAST_DOUBLE_BINARY: Partial<Record<BinaryName, FastBinary<Float64Array>>> = {
  FADD: add,
  FSUB: subtract,
  FMUL: multiply,
  FNMUL: multiplyNegate,
  FDIV: divide,
  FABD: absoluteDifference,
  FMAX: maximum,
  FMIN: minimum,
  FMAXNM: maximum,
  FMINNM: minimum,
};
