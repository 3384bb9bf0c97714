/**
 * FRECPE and FRSQRTE of normal numbers with normal results, which raise nothing whatever FPCR says (Arm ARM shared/
 * functions/float: FPRecipEstimate, FPRSqrtEstimate). An estimate depends on the exponent and on the leading one
 * and eight bits after it, so that singles serve all formats. The host's quotients and roots of these few integers
 * are never so near to the next integer that rounding to single reaches it: fp-estimates.test.ts tries all.
 */
import type { F32, V128 } from '../../ir/ir.ts';
import type { Semantics } from '../semantics.ts';
import { allOf, type Bits, type Candidate, hostParts, joinNumbers, words } from './fp-half.ts';
import { demotePair, promoteHalf } from './fp-lanes.ts';
import { exactUnary, type Unary } from './fp-operations.ts';
import {
  attempt,
  bitsOf,
  bitwise,
  both,
  constant,
  type Float,
  float,
  fromBits,
  isOrdinary,
  isVector,
  keepsDenormals,
  type Mask,
  patternConstant,
  type Shape,
  SINGLE,
  scalar,
  singlesOf,
  vector,
} from './fp-shared.ts';

/** Where a single has its exponent, and the bits of an estimate below it. */
const FRACTION_BITS = 23;
const ESTIMATE_SHIFT = 15;
const EXPONENT_ONES = 0xffn;
const SIGN = 0x8000_0000n;
/** The leading one and eight bits. */
const NINE_BITS = 0x1ffn;
const LEADING_ONE = 0x100n;
const ESTIMATE_MASK = 0xffn;

/** An estimate on one or four singles: the number, and where it holds. */
type Estimate = (b: Semantics, w: Shape, x: Float) => Candidate;

interface Parts {
  readonly exponent: Bits;
  readonly nine: Bits;
}
function partsOf(b: Semantics, w: Shape, bits: Bits): Parts {
  const is = words(b, w);
  const exponent = is.and(is.shift('shr_u', bits, FRACTION_BITS), EXPONENT_ONES);
  const below = is.and(is.shift('shr_u', bits, ESTIMATE_SHIFT), NINE_BITS);
  return { exponent, nine: is.or(below, is.constant(LEADING_ONE)) };
}

const integers = (w: Shape) => (isVector(w) ? 'i32x4' : 'i32');
const toFloat = (b: Semantics, w: Shape, x: Bits) =>
  b.numeric(`${w.name}.convert_${integers(w)}_s`, [x]) as Float;
/** The integer below, then RecipEstimate's and RecipSqrtEstimate's rounding to eight bits. */
function roundEstimate(b: Semantics, w: Shape, x: Float): Bits {
  const is = words(b, w);
  const below = b.numeric(`${integers(w)}.trunc_sat_${w.name}_s`, [x]) as Bits;
  return is.and(is.shift('shr_u', is.add(below, 1n), 1), ESTIMATE_MASK);
}
function assemble(b: Semantics, w: Shape, exponent: Bits, estimate: Bits): Bits {
  const is = words(b, w);
  return is.or(is.shift('shl', exponent, FRACTION_BITS), is.shift('shl', estimate, ESTIMATE_SHIFT));
}
/** 1 ≤ exponent ≤ largest: unsigned, so that zero is beyond. */
function isWithin(b: Semantics, w: Shape, exponent: Bits, largest: bigint): Mask {
  const is = words(b, w);
  return is.op('lt_u', is.add(exponent, -1n), is.constant(largest));
}

/** Twice the bias less one: the exponents of a number and its reciprocal's estimate add up to this. */
const RECIPROCAL_EXPONENTS = 253n;
/** 2^19 / (2 × nine + 1). */
const reciprocal: Estimate = (b, w, x) => {
  const is = words(b, w);
  const bits = bitsOf(b, w, x) as Bits;
  const { exponent, nine } = partsOf(b, w, bits);
  const midpoint = is.or(is.shift('shl', nine, 1), is.constant(1n));
  const quotient = float(b, w, 'div', constant(b, w, 2 ** 19), toFloat(b, w, midpoint));
  const inverted = is.op('sub', is.constant(RECIPROCAL_EXPONENTS), exponent);
  const magnitude = assemble(b, w, inverted, roundEstimate(b, w, quotient));
  return {
    result: fromBits(b, w, is.or(magnitude, is.and(bits, SIGN))),
    usual: isWithin(b, w, exponent, RECIPROCAL_EXPONENTS - 1n),
  };
};

/** Three times the bias less one: the exponent of a root's reciprocal is half of this less the number's. */
const ROOT_EXPONENTS = 380n;
/** 2^14 / √midpoint, where the midpoint of an odd exponent is doubled. */
const reciprocalRoot: Estimate = (b, w, x) => {
  const is = words(b, w);
  const bits = bitsOf(b, w, x) as Bits;
  const { exponent, nine } = partsOf(b, w, bits);
  const single = is.or(nine, is.constant(1n));
  // Exponent fields are odd where exponents are even.
  const isEven = is.op('sub', is.constant(0n), is.and(exponent, 1n));
  const doubled = is.shift('shl', single, 1);
  const midpoint = is.op('sub', doubled, bitwise(b, w, 'and', single, isEven) as Bits);
  const root = float(b, w, 'sqrt', toFloat(b, w, midpoint));
  const quotient = float(b, w, 'div', constant(b, w, 2 ** 14), root);
  const halved = is.shift('shr_u', is.op('sub', is.constant(ROOT_EXPONENTS), exponent), 1);
  const result = fromBits(b, w, assemble(b, w, halved, roundEstimate(b, w, quotient)));
  const positive = is.op('lt_u', bits, is.constant(SIGN));
  return { result, usual: both(b, positive, isWithin(b, w, exponent, EXPONENT_ONES - 1n)) };
};

/** Sign, exponent and eight bits of a double: a single, if its exponent fits. */
const LEADING_BITS = BigInt.asUintN(64, -1n << 44n);
function onSingles(b: Semantics, s: Shape, estimate: Estimate, x: Float): Candidate {
  if (s.half) {
    const w = singlesOf(s);
    const parts = hostParts(b, s, x).map((part) => estimate(b, w, part));
    const usual = parts.map((part) => both(b, part.usual, isOrdinary(b, w, part.result)));
    const results = parts.map(({ result }) => result);
    return { result: joinNumbers(b, s, results), usual: allOf(b, usual) };
  }
  if (!s.double) return estimate(b, s, x);
  const leading = fromBits(b, s, bitwise(b, s, 'and', bitsOf(b, s, x), patternConstant(b, s, LEADING_BITS)));
  if (isVector(s)) {
    const pair = leading as V128;
    const { result, usual } = estimate(b, vector(SINGLE, 1), demotePair(b, pair, pair));
    return { result: promoteHalf(b, result as V128, 0), usual };
  }
  const { result, usual } = estimate(b, scalar(SINGLE), b.numeric<'f32'>('f32.demote_f64', [leading]));
  return { result: b.numeric<'f64'>('f64.promote_f32', [result as F32]), usual };
}

const estimating =
  (name: 'FRECPE' | 'FRSQRTE', estimate: Estimate): Unary =>
  (b, s, x) => {
    // Of halves even denormals become normal singles, but not while FZ16 flushes them.
    const mode = s.half ? keepsDenormals(b, s) : b.i32(1);
    return attempt(b, { mode, ...onSingles(b, s, estimate, x) }, () => exactUnary(name)(b, s, x));
  };

export const FRECPE: Unary = estimating('FRECPE', reciprocal);
export const FRSQRTE: Unary = estimating('FRSQRTE', reciprocalRoot);
