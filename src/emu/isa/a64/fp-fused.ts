/**
 * Fused multiply-add with the host's arithmetic: the sum of an exact product and an addend, rounded once. Where
 * the host's relaxed_madd does that, it is used; elsewhere:
 *
 * Double precision. The product is p + e exactly (Dekker), its sum with the addend s + t + e exactly (Knuth's
 * TwoSum), and s + RN(t + e) rounds to the same number unless RN(t + e) is inexact and falls on a boundary of
 * rounding of s. A boundary is a multiple of ulp(s) / 4, and t ≠ 0 implies |t + e| ≤ 1.5 ulp(s) (a sum that
 * cancels more is exact), so boundaries have at most three significant bits. When t + e has no more, and t
 * and e are both there, the exact path decides.
 *
 * Single precision. A double holds the product exactly; the sum is rounded to double, then to single. That
 * differs from rounding once only when the double lies halfway between two singles. Half precision: fp-half.ts.
 */
import { FP_BINARY, FP_TERNARY, type FusedName } from '../../fp/operations.ts';
import type { F32, I64, V128 } from '../../ir/ir.ts';
import { HOST_FUSES } from '../../wasm/host-fusion.ts';
import type { Semantics } from '../semantics.ts';
import { type Candidate, isNoTie, onHost } from './fp-half.ts';
import { demotePair, narrowMasks, promoteHalf } from './fp-lanes.ts';
import {
  attempt,
  bitsOf,
  bitwise,
  both,
  constant,
  either,
  exactFloat,
  type Float,
  fastResult,
  float,
  fromBits,
  integer,
  isFiniteNumber,
  isOrdinary,
  isVector,
  isZero,
  type Mask,
  patternConstant,
  type Shape,
  scalar,
  test,
  vector,
} from './fp-shared.ts';

/** addend, first and second factor. */
export type Fused = (b: Semantics, s: Shape, addend: Float, x: Float, y: Float) => Float;

/** x + y = sum + error. */
function twoSum(b: Semantics, s: Shape, x: Float, y: Float): { sum: Float; error: Float } {
  const sum = float(b, s, 'add', x, y);
  const yPart = float(b, s, 'sub', sum, x);
  const xPart = float(b, s, 'sub', sum, yPart);
  const error = float(b, s, 'add', float(b, s, 'sub', x, xPart), float(b, s, 'sub', y, yPart));
  return { sum, error };
}

/** The low 27 bits of a mantissa of 53. */
const LOW_BITS = 27n;
/** x = high + low with 26 bits each; the low part is signed. */
function split(b: Semantics, s: Shape, x: Float): { high: Float; low: Float } {
  const half = patternConstant(b, s, 1n << (LOW_BITS - 1n));
  const raised = integer<'i64' | 'v128'>(b, s, 'add', bitsOf(b, s, x), half) as I64 | V128;
  const kept = patternConstant(b, s, BigInt.asUintN(64, -(1n << LOW_BITS)));
  const high = fromBits(b, s, bitwise(b, s, 'and', raised, kept));
  return { high, low: float(b, s, 'sub', x, high) };
}

/** x × y − product, exact for products in PRODUCT_RANGE. */
function productError(b: Semantics, s: Shape, x: Float, y: Float, product: Float): Float {
  const a = split(b, s, x);
  const c = split(b, s, y);
  const mul = (p: Float, q: Float) => float(b, s, 'mul', p, q);
  const add = (p: Float, q: Float) => float(b, s, 'add', p, q);
  const highest = float(b, s, 'sub', mul(a.high, c.high), product);
  return add(add(add(highest, mul(a.high, c.low)), mul(a.low, c.high)), mul(a.low, c.low));
}

/** The lowest bit of such a product is not below the smallest denormal, and nothing overflows on the way. */
const PRODUCT_RANGE = [2 ** -900, 2 ** 1000] as const;
/** All but the three highest bits of a mantissa. */
const LOW_50_BITS = (1n << 50n) - 1n;

function fusedDouble(b: Semantics, s: Shape, addend: Float, x: Float, y: Float): Candidate {
  const product = float(b, s, 'mul', x, y);
  const error = productError(b, s, x, y, product);
  const { sum, error: sumError } = twoSum(b, s, product, addend);
  const correction = float(b, s, 'add', sumError, error);
  const result = float(b, s, 'add', sum, correction);
  const magnitude = float(b, s, 'abs', product);
  const inRange = both(
    b,
    test(b, s, 'gt', magnitude, constant(b, s, PRODUCT_RANGE[0])),
    test(b, s, 'lt', magnitude, constant(b, s, PRODUCT_RANGE[1])),
  );
  // Such a sum is a multiple of the smallest denormal: it is exact when it is tiny.
  const safe = both(b, inRange, isFiniteNumber(b, s, result));
  const lowBits = bitwise(b, s, 'and', bitsOf(b, s, correction), patternConstant(b, s, LOW_50_BITS));
  const clear = integer<'i32' | 'v128'>(b, s, 'ne', lowBits, patternConstant(b, s, 0n)) as Mask;
  const also = () => {
    const oneError = either(b, isZero(b, s, error), isZero(b, s, sumError));
    // A zero factor: the host's sum of zero and the addend, unless that is −0, of which adding +0 makes +0.
    const zero = both(b, either(b, isZero(b, s, x), isZero(b, s, y)), isFiniteNumber(b, s, result));
    const agrees = integer<'i32' | 'v128'>(b, s, 'eq', bitsOf(b, s, result), bitsOf(b, s, sum)) as Mask;
    return either(b, both(b, safe, either(b, clear, oneError)), both(b, zero, agrees));
  };
  return { result, usual: both(b, safe, clear), also };
}

/** The bits of a double that a single does not have, and what they are halfway between two singles. */
const DROPPED_BITS = (1n << 29n) - 1n;
const HALFWAY = 1n << 28n;

/** The sum rounded to double, and whether rounding it again is harmless. */
function sumInDouble(b: Semantics, s: Shape, addend: Float, x: Float, y: Float) {
  const sum = float(b, s, 'add', addend, float(b, s, 'mul', x, y));
  const dropped = bitwise(b, s, 'and', bitsOf(b, s, sum), patternConstant(b, s, DROPPED_BITS));
  const harmless = integer<'i32' | 'v128'>(b, s, 'ne', dropped, patternConstant(b, s, HALFWAY)) as Mask;
  return { sum, harmless, zero: isZero(b, s, sum) };
}

function fusedSingle(b: Semantics, s: Shape, addend: Float, x: Float, y: Float): Candidate {
  const wide = scalar(true);
  const widen = (v: Float) => b.numeric<'f64'>('f64.promote_f32', [v]);
  const { sum, harmless, zero } = sumInDouble(b, wide, widen(addend), widen(x), widen(y));
  const result: F32 = b.numeric('f32.demote_f64', [sum]);
  return {
    result,
    usual: both(b, isOrdinary(b, s, result), harmless),
    also: () => zero,
  };
}

/** Four singles as two vectors of two doubles; of two singles the second vector repeats the first. */
function fusedSingles(b: Semantics, s: Shape, addend: Float, x: Float, y: Float): Candidate {
  const wide = vector(true, 1);
  const sums = (half: 0 | 1) => {
    const widened = (v: Float) => promoteHalf(b, v as V128, half);
    return sumInDouble(b, wide, widened(addend), widened(x), widened(y));
  };
  const low = sums(0);
  const high = s.lanes === 4 ? sums(1) : low;
  const result = demotePair(b, low.sum as V128, high.sum as V128);
  const harmless = narrowMasks(b, low.harmless, high.harmless);
  const ordinary = isOrdinary(b, s, result);
  return {
    result,
    usual: both(b, ordinary, harmless),
    also: () => both(b, harmless, either(b, ordinary, narrowMasks(b, low.zero, high.zero))),
  };
}

/** Products above these have no bits below the smallest denormal, so a sum that is zero is exactly zero. */
const SAFE_PRODUCT = { double: 2 ** -900, single: 2 ** -100 } as const;

/** The host rounds once by itself. What is zero because it is tiny is left to the exact path. */
function fusedByHost(b: Semantics, s: Shape, addend: Float, x: Float, y: Float): Candidate {
  const lanes = s.double ? 'f64x2' : 'f32x4';
  const wide = (v: Float) => (isVector(s) ? v : b.numeric<'v128'>(`${lanes}.splat`, [v]));
  const sum = b.numeric<'v128'>(`${lanes}.relaxed_madd`, [wide(x), wide(y), wide(addend)]);
  const result = (isVector(s) ? sum : b.numeric(`${lanes}.extract_lane`, [sum], [0])) as Float;
  const usual = isOrdinary(b, s, result);
  const exactZero = () => {
    const product = float(b, s, 'abs', float(b, s, 'mul', x, y));
    const large = test(b, s, 'gt', product, constant(b, s, SAFE_PRODUCT[s.double ? 'double' : 'single']));
    return either(b, large, either(b, isZero(b, s, x), isZero(b, s, y)));
  };
  return {
    result,
    usual,
    fast: fastResult(b, s, result, 'ordinary'),
    also: () => either(b, usual, both(b, isZero(b, s, result), exactZero())),
  };
}

/** Halves, as singles that hold their products exactly: the sum is rounded once before it is narrowed. */
function fusedHalf(b: Semantics, w: Shape, addend: Float, x: Float, y: Float): Candidate {
  const result = float(b, w, 'add', addend, float(b, w, 'mul', x, y));
  const usual = both(b, isOrdinary(b, w, result), isNoTie(b, w, result));
  return { result, usual, also: () => either(b, usual, isZero(b, w, result)) };
}

function methodOf(s: Shape): (b: Semantics, s: Shape, addend: Float, x: Float, y: Float) => Candidate {
  if (s.half) return fusedHalf;
  if (HOST_FUSES) return fusedByHost;
  if (s.double) return fusedDouble;
  return isVector(s) ? fusedSingles : fusedSingle;
}

/** Which operands are negated before the sum. */
const SIGNS = {
  FMADD: { addend: false, factor: false },
  FMSUB: { addend: false, factor: true },
  FNMADD: { addend: true, factor: true },
  FNMSUB: { addend: true, factor: false },
} as const satisfies Record<FusedName, { addend: boolean; factor: boolean }>;

const fused =
  (name: FusedName): Fused =>
  (b, s, addend, x, y) => {
    const signs = SIGNS[name];
    const found = onHost(b, s, [addend, x, y], (w, c, p, q) => {
      const negated = (v: Float, when: boolean) => (when ? float(b, w, 'neg', v) : v);
      return methodOf(s)(b, w, negated(c, signs.addend), negated(p, signs.factor), q);
    });
    return attempt(b, found, () =>
      exactFloat(b, s, 'fpTernary', [FP_TERNARY[name], s.format, s.lanes], [addend, x, y]),
    );
  };
export const FUSED = {
  FMADD: fused('FMADD'),
  FMSUB: fused('FMSUB'),
  FNMADD: fused('FNMADD'),
  FNMSUB: fused('FNMSUB'),
} satisfies Record<FusedName, Fused>;

/** Newton's steps for reciprocals: 2 − x y, and (3 − x y) / 2, rounded once. */
const STEPS = { FRECPS: { from: 2, scale: 1 }, FRSQRTS: { from: 3, scale: 0.5 } } as const;
const step =
  (name: keyof typeof STEPS) =>
  (b: Semantics, s: Shape, x: Float, y: Float): Float => {
    const { from, scale } = STEPS[name];
    const found = onHost(b, s, [x, y], (w, p, q) => {
      const sum = methodOf(s)(b, w, constant(b, w, from), float(b, w, 'neg', p), q);
      // Halving is exact: the difference is a multiple of what two short mantissas leave, not less than the
      // smallest denormal.
      const result = scale === 1 ? sum.result : float(b, w, 'mul', sum.result, constant(b, w, scale));
      return { ...sum, result };
    });
    return attempt(b, found, () =>
      exactFloat(b, s, 'fpBinary', [FP_BINARY[name], s.format, s.lanes], [x, y]),
    );
  };
export const FRECPS = step('FRECPS');
export const FRSQRTS = step('FRSQRTS');
