/**
 * Conversions between formats: Arm ARM shared/functions/float/fpconvert, FPConvert. Scalars, vectors, and the
 * halves that AHP may change; FZ16 does not apply to them.
 */
import { ROUNDING_CURRENT } from '../../fp/slow-path.ts';
import type { F32, F64, I32, V128 } from '../../ir/ir.ts';
import type { Semantics } from '../semantics.ts';
import { hostParts, isNoTie, joinNumbers } from './fp-half.ts';
import { demotePair, narrowMasks, promoteHalf, upperHalf } from './fp-lanes.ts';
import {
  attempt,
  both,
  either,
  exactFloat,
  exactly,
  type Float,
  isNumber,
  isOrdinary,
  isZero,
  keepsDenormals,
  type Shape,
  scalar,
  singlesOf,
  standardHalves,
  vector,
} from './fp-shared.ts';

const FLOAT_SINGLE = scalar(false);

/** FCVT of one number. */
export function convertFormat(b: Semantics, from: Shape, to: Shape, x: Float): Float {
  const exact = () => exactFloat(b, to, 'fpConvert', [from.format, to.format, ROUNDING_CURRENT, 1], [x]);
  if (to.half) return toHalf(b, from, to, x as F32 | F64, exact);
  if (from.half) return fromHalf(b, from, to, x as I32, exact);
  if (to.double) {
    const result: F64 = b.numeric('f64.promote_f32', [x]);
    return attempt<Float>(
      b,
      { mode: keepsDenormals(b, from), result, usual: isNumber(b, to, result) },
      exact,
    );
  }
  const result: F32 = b.numeric('f32.demote_f64', [x]);
  const also = () => isZero(b, from, x);
  return attempt<Float>(b, { result, usual: isOrdinary(b, to, result), also }, exact);
}

/** Exact, and every denormal half is a normal single. */
function fromHalf(b: Semantics, from: Shape, to: Shape, x: I32, exact: () => Float): Float {
  const single = hostParts(b, from, x)[0] as F32;
  const result: Float = to.double ? b.numeric<'f64'>('f64.promote_f32', [single]) : single;
  return attempt(b, { mode: standardHalves(b), result, usual: isNumber(b, to, result) }, exact);
}

/** A double passes through the nearest single, which tells the half unless it lies halfway between two. */
function toHalf(b: Semantics, from: Shape, to: Shape, x: F32 | F64, exact: () => Float): Float {
  const w = singlesOf(to);
  const single = from.double ? b.numeric<'f32'>('f32.demote_f64', [x]) : (x as F32);
  const result = joinNumbers(b, to, [single]);
  const ordinary = isOrdinary(b, w, single);
  const usual = from.double ? both(b, ordinary, isNoTie(b, w, single)) : ordinary;
  return attempt(b, { result, usual, also: () => isZero(b, from, x) }, exact);
}

// ---- Vectors: FCVTL and FCVTN ----

const DOUBLES = vector(true, 1);
const SINGLES = vector(false, 1);
const HALVES = vector(3, 0);
const PAIR = vector(false, 0);

/** The narrow numbers of one half of a register, 4 halves or 2 singles, widened. */
export function widenLanes(b: Semantics, double: number, x: V128, high: number): V128 {
  const [from, to] = double ? [PAIR, DOUBLES] : [HALVES, SINGLES];
  const narrow = high ? upperHalf(b, x) : x;
  const args = [from.format, to.format, ROUNDING_CURRENT, to.lanes];
  const result = double ? promoteHalf(b, x, high ? 1 : 0) : (hostParts(b, from, narrow)[0] as V128);
  const mode = double ? keepsDenormals(b, from) : standardHalves(b);
  return attempt(b, { mode, result, usual: isNumber(b, to, result) }, () =>
    exactly(b, 'fpConvert', args, [narrow], 'v128'),
  );
}

/** Four singles or two doubles, narrowed, in the low half; what is above has no meaning. */
export function narrowLanes(b: Semantics, double: number, x: V128): V128 {
  return double ? narrowDoubles(b, x) : narrowSingles(b, x);
}
function narrowDoubles(b: Semantics, x: V128): V128 {
  // Both halves hold the result, so that every lane can be checked.
  const result = demotePair(b, x, x);
  const zero = isZero(b, DOUBLES, x);
  const usual = isOrdinary(b, PAIR, result);
  const args = [DOUBLES.format, PAIR.format, ROUNDING_CURRENT, PAIR.lanes];
  return attempt(b, { result, usual, also: () => either(b, usual, narrowMasks(b, zero, zero)) }, () =>
    exactly(b, 'fpConvert', args, [x], 'v128'),
  );
}
function narrowSingles(b: Semantics, x: V128): V128 {
  const usual = isOrdinary(b, singlesOf(HALVES), x);
  const args = [FLOAT_SINGLE.format, HALVES.format, ROUNDING_CURRENT, HALVES.lanes];
  const result = joinNumbers(b, HALVES, [x]) as V128;
  return attempt(b, { result, usual, also: () => either(b, usual, isZero(b, SINGLES, x)) }, () =>
    exactly(b, 'fpConvert', args, [x], 'v128'),
  );
}
