/**
 * Single and half precision through the host's doubles. A double holds a product of two such numbers exactly
 * and has more than 2 × 24 + 2 bits, so rounding a sum, quotient or root twice gives what rounding once gives
 * (Figueroa, When is double rounding innocuous?); of halves even sums are exact. Only sums of three bit ranges
 * (fused operations) need rounding to odd on the way.
 *
 * Results are stored as singles: fast-half.ts turns numbers into the patterns of halves and back.
 */
import { FPSR } from './environment.ts';
import { roundToOdd, sumError } from './exact-error.ts';
import { roundToBfloat } from './fast-bfloat.ts';
import { roundToHalf } from './fast-half.ts';
import { type FastFormat, UNKNOWN } from './fast-operations.ts';

/**
 * Stores `value` rounded to the format. `value` equals the exact result, or is on the same side of every number
 * and every halfway point of the format; `exact` says which. NaNs and infinite operands give UNKNOWN.
 */
export type Store = (value: number, exact: boolean, result: Float32Array) => number;

/** @param round to the nearest number of the format, infinity beyond the largest */
function makeStore(round: (value: number) => number, smallestNormal: number): Store {
  return (value, exact, result) => {
    const rounded = round(value);
    result[0] = rounded;
    if (rounded === value && exact) return Math.abs(value) === Number.POSITIVE_INFINITY ? UNKNOWN : 0;
    const magnitude = Math.abs(rounded);
    if (magnitude === Number.POSITIVE_INFINITY) {
      return Math.abs(value) === magnitude ? UNKNOWN : FPSR.OFC | FPSR.IXC;
    }
    if (Number.isNaN(rounded)) return UNKNOWN;
    return Math.abs(value) < smallestNormal ? FPSR.UFC | FPSR.IXC : FPSR.IXC;
  };
}

/** The operations of a format whose products a double holds. */
function narrowFormat(store: Store, round: (value: number) => number): FastFormat<Float32Array> {
  /** addend + a × b rounded to odd, times a power of two. */
  const fusedScaled = (addend: number, a: number, b: number, scale: number, result: Float32Array) => {
    const product = a * b;
    const sum = addend + product;
    if (!Number.isFinite(sum)) return UNKNOWN;
    const error = sumError(addend, product, sum);
    return store(roundToOdd(sum, error) * scale, error === 0, result);
  };
  return {
    add: (a, b, result) => {
      const sum = a + b;
      return store(sum, sumError(a, b, sum) === 0, result);
    },
    multiply: (a, b, result) => store(a * b, true, result),
    divide: (a, b, result) => {
      const quotient = a / b;
      if (b === 0 || !Number.isFinite(quotient) || !Number.isFinite(b)) return UNKNOWN;
      // Quotients keep a unit of the dividend away from the smallest normal, so the double tells what is tiny.
      return store(quotient, round(quotient) * b === a, result);
    },
    squareRoot: (a, result) => {
      const root = Math.sqrt(a);
      const rounded = round(root);
      return store(root, rounded * rounded === a, result);
    },
    fused: (addend, a, b, result) => fusedScaled(addend, a, b, 1, result),
    halfStep: (a, b, result) => fusedScaled(3, a, b, 0.5, result),
  };
}

export const storeSingle: Store = makeStore(Math.fround, 2 ** -126);
export const storeHalf: Store = makeStore(roundToHalf, 2 ** -14);
/** For singles only, which BFCVT converts. */
export const storeBfloat: Store = makeStore(roundToBfloat, 2 ** -126);

export const FAST_SINGLE: FastFormat<Float32Array> = narrowFormat(storeSingle, Math.fround);
export const FAST_HALF: FastFormat<Float32Array> = narrowFormat(storeHalf, roundToHalf);
