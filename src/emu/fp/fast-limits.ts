/**
 * Limits by which generated code tells in one comparison that the host's result is Arm's: of a result's bit pattern
 * without its sign, which is shifted out at the top.
 */
import { DOUBLE, type FloatFormat, SINGLE } from './format.ts';

/** Drops the sign and leaves a zero at the bottom. */
export const SIGN_SHIFT = 1;

export interface FastLimits {
  /** Patterns below this are finite. */
  readonly finite: bigint;
  /** What to subtract, modulo the width, before comparing with `ordinary`; 0 where tiny results change nothing in FPSR. */
  readonly smallest: bigint;
  /** Patterns below this, then, are finite and above the smallest normal number. */
  readonly ordinary: bigint;
}

/** The limits once Underflow has been noted in FPSR: results that are tiny are the host's as well. */
export function limitsAfterUnderflow({ finite }: FastLimits): FastLimits {
  return { finite, smallest: 0n, ordinary: finite };
}

/** Below these limits nothing is. */
export const NO_LIMITS: FastLimits = { finite: 0n, smallest: 0n, ordinary: 0n };

function limitsOf({ infinity, implicitBit }: FloatFormat): FastLimits {
  const shift = BigInt(SIGN_SHIFT);
  const finite = infinity << shift;
  // The smallest normal number itself may have been tiny before it was rounded.
  const smallest = (implicitBit + 1n) << shift;
  return { finite, smallest, ordinary: finite - smallest };
}

export const SINGLE_LIMITS = limitsOf(SINGLE);
export const DOUBLE_LIMITS = limitsOf(DOUBLE);
