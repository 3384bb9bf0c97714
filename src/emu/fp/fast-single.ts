/**
 * Single precision through the host's doubles, for FPCR in its default mode. A double holds a product of
 * two singles exactly and has more than 2 × 24 + 2 bits, so rounding a sum, quotient or root twice gives
 * what rounding once gives (Figueroa, When is double rounding innocuous?). Only sums of three bit ranges
 * (FMADD) need rounding to odd on the way.
 */
import { FPSR } from './environment.ts';
import { roundToOdd, sumError } from './exact-error.ts';
import { FAST_INTEGRAL, type FastBinary, type FastUnary, UNKNOWN } from './fast-double.ts';
import type { BinaryName, UnaryName } from './operations.ts';

const SMALLEST_NORMAL = 2 ** -126;

/**
 * Stores `value` rounded to single. `value` equals the exact result, or is on the same side of every
 * single and every halfway point; `exact` says which. NaNs and infinite operands come out as UNKNOWN.
 */
function store(value: number, exact: boolean, result: Float32Array): number {
  const rounded = Math.fround(value);
  result[0] = rounded;
  if (rounded === value && exact) return Math.abs(value) === Number.POSITIVE_INFINITY ? UNKNOWN : 0;
  const magnitude = Math.abs(rounded);
  if (magnitude === Number.POSITIVE_INFINITY) {
    return Math.abs(value) === magnitude ? UNKNOWN : FPSR.OFC | FPSR.IXC;
  }
  if (Number.isNaN(rounded)) return UNKNOWN;
  return Math.abs(value) < SMALLEST_NORMAL ? FPSR.UFC | FPSR.IXC : FPSR.IXC;
}

function add(a: number, b: number, result: Float32Array): number {
  const sum = a + b;
  return store(sum, sumError(a, b, sum) === 0, result);
}

function subtract(a: number, b: number, result: Float32Array): number {
  return add(a, -b, result);
}

function multiply(a: number, b: number, result: Float32Array): number {
  return store(a * b, true, result);
}

function multiplyNegate(a: number, b: number, result: Float32Array): number {
  return store(-a * b, true, result);
}

function divide(a: number, b: number, result: Float32Array): number {
  const quotient = a / b;
  if (b === 0 || !Number.isFinite(quotient) || !Number.isFinite(b)) return UNKNOWN;
  // Quotients of singles keep 2^-24 away from the smallest normal, so the double tells what is tiny.
  const rounded = Math.fround(quotient);
  return store(quotient, rounded * b === a, result);
}

function absoluteDifference(a: number, b: number, result: Float32Array): number {
  const exceptions = add(a, -b, result);
  result[0] = Math.abs(result[0]!);
  return exceptions;
}

function maximum(a: number, b: number, result: Float32Array): number {
  const larger = Math.max(a, b);
  result[0] = larger;
  return Number.isNaN(larger) ? UNKNOWN : 0;
}

function minimum(a: number, b: number, result: Float32Array): number {
  const smaller = Math.min(a, b);
  result[0] = smaller;
  return Number.isNaN(smaller) ? UNKNOWN : 0;
}

function squareRoot(a: number, result: Float32Array): number {
  const root = Math.sqrt(a);
  const rounded = Math.fround(root);
  return store(root, rounded * rounded === a, result);
}

/** addend + a × b: the product is exact in a double, the sum rounded to odd. */
export function fusedMultiplyAddSingle(addend: number, a: number, b: number, result: Float32Array): number {
  const product = a * b;
  const sum = addend + product;
  if (!Number.isFinite(sum)) return UNKNOWN;
  const error = sumError(addend, product, sum);
  return store(roundToOdd(sum, error), error === 0, result);
}

/** FCVT from double to single: the host's own rounding. */
export function convertToSingle(a: number, result: Float32Array): number {
  const exceptions = store(a, true, result);
  return exceptions === UNKNOWN && !Number.isNaN(a) ? 0 : exceptions;
}

export const FAST_SINGLE_UNARY: Partial<Record<UnaryName, FastUnary<Float32Array>>> = {
  ...FAST_INTEGRAL,
  FSQRT: squareRoot,
};

export const FAST_SINGLE_BINARY: Partial<Record<BinaryName, FastBinary<Float32Array>>> = {
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
