/**
 * What the host paths of all formats share: functions that store a result and return the exact FPSR bits, or
 * UNKNOWN, which leaves the case (NaNs, infinities, exponents near the ends) to the BigInt algorithms. They
 * hold for FPCR in its default mode: round to nearest, no flushing.
 */
import { FPSR } from './environment.ts';
import type { BinaryName, UnaryName } from './operations.ts';

/** Returned instead of FPSR bits: not decided here. */
export const UNKNOWN = -1;

/** Where results go: doubles, or numbers of the narrower formats, which singles hold. */
export type Numbers = Float64Array | Float32Array;
export type FastUnary<Result extends Numbers> = (a: number, result: Result) => number;
export type FastBinary<Result extends Numbers> = (a: number, b: number, result: Result) => number;
/** addend + a × b. */
export type FastFused<Result extends Numbers> = (
  addend: number,
  a: number,
  b: number,
  result: Result,
) => number;

/** The operations that differ between formats. */
export interface FastFormat<Result extends Numbers> {
  readonly add: FastBinary<Result>;
  readonly multiply: FastBinary<Result>;
  readonly divide: FastBinary<Result>;
  readonly squareRoot: FastUnary<Result>;
  readonly fused: FastFused<Result>;
  /** (3 + a × b) / 2. */
  readonly halfStep: FastBinary<Result>;
}

function maximum(a: number, b: number, result: Numbers): number {
  const larger = Math.max(a, b);
  result[0] = larger;
  return Number.isNaN(larger) ? UNKNOWN : 0;
}

function minimum(a: number, b: number, result: Numbers): number {
  const smaller = Math.min(a, b);
  result[0] = smaller;
  return Number.isNaN(smaller) ? UNKNOWN : 0;
}

const RECIPROCAL_STEP = 2;

/** All operations of two operands that the host path has. */
export function fastBinaries<Result extends Numbers>(
  format: FastFormat<Result>,
): Partial<Record<BinaryName, FastBinary<Result>>> {
  const { add, multiply, divide, fused, halfStep } = format;
  return {
    FADD: add,
    FSUB: (a, b, result) => add(a, -b, result),
    FMUL: multiply,
    FNMUL: (a, b, result) => multiply(-a, b, result),
    // Infinity times zero, where FMULX differs, is no number.
    FMULX: multiply,
    FDIV: divide,
    FABD: (a, b, result) => {
      const exceptions = add(a, -b, result);
      result[0] = Math.abs(result[0]!);
      return exceptions;
    },
    FMAX: maximum,
    FMIN: minimum,
    FMAXNM: maximum,
    FMINNM: minimum,
    FRECPS: (a, b, result) => fused(RECIPROCAL_STEP, -a, b, result),
    FRSQRTS: (a, b, result) => halfStep(-a, b, result),
  };
}

/** Masks: whether they hold, or undefined for NaNs. */
const comparison =
  (holds: (a: number, b: number) => boolean) =>
  (a: number, b: number): boolean | undefined =>
    Number.isNaN(a) || Number.isNaN(b) ? undefined : holds(a, b);
export const FAST_COMPARISONS: Partial<Record<BinaryName, ReturnType<typeof comparison>>> = {
  FCMEQ: comparison((a, b) => a === b),
  FCMGE: comparison((a, b) => a >= b),
  FCMGT: comparison((a, b) => a > b),
  FACGE: comparison((a, b) => Math.abs(a) >= Math.abs(b)),
  FACGT: comparison((a, b) => Math.abs(a) > Math.abs(b)),
};

// ---- Rounding to integers: the same for all formats, it gives no new bits ----

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
function integral(round: (a: number) => number): FastUnary<Numbers> {
  return (a, result) => {
    const rounded = round(a);
    result[0] = rounded;
    return Number.isNaN(rounded) ? UNKNOWN : 0;
  };
}

function integralExact(a: number, result: Numbers): number {
  const rounded = roundTiesToEven(a);
  result[0] = rounded;
  if (rounded === a) return 0;
  return Number.isNaN(rounded) ? UNKNOWN : FPSR.IXC;
}

/** FRINT32 and FRINT64, whose rounding is Inexact. */
function integralInRange(round: (a: number) => number, bits: 32 | 64): FastUnary<Numbers> {
  const limit = 2 ** (bits - 1);
  return (a, result) => {
    const rounded = round(a);
    result[0] = rounded;
    if (!(rounded >= -limit && rounded < limit)) return UNKNOWN;
    return rounded === a ? 0 : FPSR.IXC;
  };
}

/** All operations of one operand that the host path has. */
export function fastUnaries<Result extends Numbers>(
  format: FastFormat<Result>,
): Partial<Record<UnaryName, FastUnary<Result>>> {
  return {
    FSQRT: format.squareRoot,
    FRINTN: integral(roundTiesToEven),
    FRINTA: integral(roundTiesToAway),
    FRINTP: integral(Math.ceil),
    FRINTM: integral(Math.floor),
    FRINTZ: integral(Math.trunc),
    FRINTI: integral(roundTiesToEven),
    FRINTX: integralExact,
    FRINT32Z: integralInRange(Math.trunc, 32),
    FRINT32X: integralInRange(roundTiesToEven, 32),
    FRINT64Z: integralInRange(Math.trunc, 64),
    FRINT64X: integralInRange(roundTiesToEven, 64),
  };
}
