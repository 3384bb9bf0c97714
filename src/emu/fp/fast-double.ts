/**
 * Double precision in the host's own arithmetic: results are the host's, and their rounding errors, which are
 * computed exactly, tell the flags (fast-operations.ts says what the functions promise).
 */
import { FPSR } from './environment.ts';
import { LARGEST, productError, roundToOdd, SMALLEST_PRODUCT, sumError } from './exact-error.ts';
import { type FastFormat, UNKNOWN } from './fast-operations.ts';

function add(a: number, b: number, result: Float64Array): number {
  const sum = a + b;
  const error = sumError(a, b, sum);
  result[0] = sum;
  if (error === 0) return 0;
  // Sums cannot underflow, and one that overflows leaves no finite error.
  return Number.isFinite(error) ? FPSR.IXC : UNKNOWN;
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

function divide(a: number, b: number, result: Float64Array): number {
  const quotient = a / b;
  result[0] = quotient;
  if (a === 0) return Number.isFinite(quotient) ? 0 : UNKNOWN;
  // The quotient is exact when it times the divisor is the dividend and nothing more.
  if (!isSafeProduct(quotient, b, a) || Math.abs(quotient) < SMALLEST_PRODUCT) return UNKNOWN;
  const product = quotient * b;
  return product === a && productError(quotient, b, product) === 0 ? 0 : FPSR.IXC;
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
function fused(addend: number, a: number, b: number, result: Float64Array): number {
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

/** Such a sum is a multiple of 2^-106 or so: halving it is exact. */
function halfStep(a: number, b: number, result: Float64Array): number {
  const exceptions = fused(3, a, b, result);
  result[0] = result[0]! / 2;
  return exceptions;
}

export const FAST_DOUBLE: FastFormat<Float64Array> = { add, multiply, divide, squareRoot, fused, halfStep };
