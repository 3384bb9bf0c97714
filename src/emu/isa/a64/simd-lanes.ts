/**
 * Integer operations on lanes, each defined once for the vector, scalar, by-element and widening forms
 * (Arm ARM C7.2, shared/functions/vector). wasm's 128-bit instructions where they exist, else bit tricks on
 * whole vectors. Saturating operations accumulate FPSR.QC.
 */
import type { V128 } from '../../ir/ir.ts';
import type { Semantics } from '../semantics.ts';
import {
  allOnes,
  andNotV,
  andV,
  everySecondLane,
  type Lanes,
  laneConstant,
  lanewise,
  mostNegative,
  mostPositive,
  notV,
  orV,
  packHalves,
  saturateWhere,
  selectV,
  shuffleLanes,
  V_BITS,
  wider,
  xorV,
  zeroV,
} from './simd-shared.ts';

/** An operation on lanes of two vectors; `old` reads the destination's lanes, for those that accumulate. */
export type LaneOperation = (b: Semantics, l: Lanes, x: V128, y: V128, old: () => V128) => V128;
/** The same on one vector. */
export type UnaryLaneOperation = (b: Semantics, l: Lanes, x: V128, old: () => V128) => V128;

/** The wasm instruction of that name. */
export const native =
  (name: string): LaneOperation =>
  (b, l, x, y) =>
    lanewise(b, l, name, x, y);

/** old + op(x, y) and old − op(x, y). */
export const accumulating =
  (name: 'add' | 'sub', op: LaneOperation): LaneOperation =>
  (b, l, x, y, old) =>
    lanewise(b, l, name, old(), op(b, l, x, y, old));

// ---- Products ----

/** wasm has no product of bytes: those of 16 bits, of which the low halves are kept. */
export const multiply: LaneOperation = (b, l, x, y) => {
  if (l.bits > 8) return lanewise(b, l, 'mul', x, y);
  const low = b.numeric<'v128'>('i16x8.extmul_low_i8x16_u', [x, y]);
  const high = b.numeric<'v128'>('i16x8.extmul_high_i8x16_u', [x, y]);
  return everySecondLane(b, { ...l, count: V_BITS / l.bits }, low, high, 0);
};

/** Product of polynomials over {0, 1}: shifted copies of x for the bits 7 … 0 of y, added without carry. */
export const polynomialMultiply: LaneOperation = (b, l, x, y) => {
  const top = b.i32(l.bits - 1);
  let result = zeroV(b);
  for (let bit = 0; bit < POLYNOMIAL_BITS; bit++) {
    const bitOnTop = lanewise(b, l, 'shl', y, b.i32(l.bits - 1 - bit));
    const present = lanewise(b, l, 'shr_s', bitOnTop, top);
    result = xorV(b, result, andV(b, lanewise(b, l, 'shl', x, b.i32(bit)), present));
  }
  return result;
};
const POLYNOMIAL_BITS = 8;

/** Half of the doubled product, high part: 2xy >> bits, saturated, with rounding or without. */
export const doublingMultiplyHigh =
  (rounding: boolean): LaneOperation =>
  (b, l, x, y) => {
    // Only the square of the most negative value is out of range: its high part is that value itself.
    const least = laneConstant(b, l, mostNegative(l));
    const saturated = andV(b, lanewise(b, l, 'eq', x, least), lanewise(b, l, 'eq', y, least));
    saturateWhere(b, saturated);
    if (l.bits === 16 && rounding) return b.numeric<'v128'>('i16x8.q15mulr_sat_s', [x, y]);
    const wide = wider({ ...l, count: V_BITS / (2 * l.bits) });
    const highParts = (['low', 'high'] as const).map((part) => {
      const product = extendedProduct(b, l, x, y, part, 's');
      const rounded = rounding
        ? lanewise(b, wide, 'add', product, laneConstant(b, wide, 1n << BigInt(l.bits - 2)))
        : product;
      return lanewise(b, wide, 'shr_s', rounded, b.i32(l.bits - 1));
    }) as [V128, V128];
    const all = { ...l, count: V_BITS / l.bits };
    return xorV(b, everySecondLane(b, all, ...highParts, 0), saturated);
  };

/** Full products of the lanes in the low or high half. */
export function extendedProduct(
  b: Semantics,
  l: Lanes,
  x: V128,
  y: V128,
  part: 'low' | 'high',
  sign: 's' | 'u',
): V128 {
  return lanewise(b, wider(l), `extmul_${part}_${l.shape}_${sign}`, x, y);
}

// ---- Comparisons: all ones where they hold ----

export const compare =
  (relation: 'eq' | 'ge' | 'gt' | 'le' | 'lt', sign: 's' | 'u' = 's'): LaneOperation =>
  (b, l, x, y) => {
    if (relation === 'eq') return lanewise(b, l, 'eq', x, y);
    if (l.bits < 64 || sign === 's') return lanewise(b, l, `${relation}_${sign}`, x, y);
    // wasm compares 64-bit lanes as signed only: exchange the halves of the range.
    const least = laneConstant(b, l, mostNegative(l));
    return lanewise(b, l, `${relation}_s`, xorV(b, x, least), xorV(b, y, least));
  };
export const testBits: LaneOperation = (b, l, x, y) => lanewise(b, l, 'ne', andV(b, x, y), zeroV(b));

/** |x − y|. */
export const absoluteDifference =
  (sign: 's' | 'u'): LaneOperation =>
  (b, l, x, y) =>
    lanewise(b, l, 'sub', lanewise(b, l, `max_${sign}`, x, y), lanewise(b, l, `min_${sign}`, x, y));

// ---- Halving ----

const halfDifference = (b: Semantics, l: Lanes, x: V128, y: V128, sign: 's' | 'u') =>
  lanewise(b, l, `shr_${sign}`, xorV(b, x, y), b.i32(1));
/** (x + y) >> 1: common bits, and half of those that differ. */
export const halvingAdd =
  (sign: 's' | 'u'): LaneOperation =>
  (b, l, x, y) =>
    lanewise(b, l, 'add', andV(b, x, y), halfDifference(b, l, x, y, sign));
/** (x + y + 1) >> 1. */
export const roundingHalvingAdd =
  (sign: 's' | 'u'): LaneOperation =>
  (b, l, x, y) =>
    sign === 'u' && l.bits <= 16
      ? lanewise(b, l, 'avgr_u', x, y)
      : lanewise(b, l, 'sub', orV(b, x, y), halfDifference(b, l, x, y, sign));
/** (x − y) >> 1. */
export const halvingSub =
  (sign: 's' | 'u'): LaneOperation =>
  (b, l, x, y) =>
    lanewise(b, l, 'sub', halfDifference(b, l, x, y, sign), andNotV(b, y, x));

// ---- Saturation ----

/** The limit on the side of x's sign: the most positive value, or its complement. */
export function limitOf(b: Semantics, l: Lanes, x: V128): V128 {
  const sign = lanewise(b, l, 'shr_s', x, b.i32(l.bits - 1));
  return xorV(b, sign, laneConstant(b, l, mostPositive(l)));
}

export const saturatingAdd =
  (sign: 's' | 'u'): LaneOperation =>
  (b, l, x, y) => {
    const sum = lanewise(b, l, 'add', x, y);
    if (l.bits <= 16) return differing(b, sum, lanewise(b, l, `add_sat_${sign}`, x, y));
    if (sign === 'u') {
      const carry = compare('lt', 'u')(b, l, sum, x, () => sum);
      saturateWhere(b, carry);
      return orV(b, sum, carry);
    }
    return signedUnless(b, l, x, sum, andNotV(b, xorV(b, x, sum), xorV(b, x, y)));
  };

export const saturatingSub =
  (sign: 's' | 'u'): LaneOperation =>
  (b, l, x, y) => {
    const difference = lanewise(b, l, 'sub', x, y);
    if (l.bits <= 16) return differing(b, difference, lanewise(b, l, `sub_sat_${sign}`, x, y));
    if (sign === 'u') {
      const borrow = compare('lt', 'u')(b, l, x, y, () => x);
      saturateWhere(b, borrow);
      return andNotV(b, difference, borrow);
    }
    return signedUnless(b, l, x, difference, andV(b, xorV(b, x, difference), xorV(b, x, y)));
  };

/** The saturated result; QC where it is not the wrapped one. */
function differing(b: Semantics, wrapped: V128, saturated: V128): V128 {
  saturateWhere(b, xorV(b, wrapped, saturated));
  return saturated;
}
/** The wrapped result, or the limit on the side of x where the sign bit of `overflow` is set. */
function signedUnless(b: Semantics, l: Lanes, x: V128, wrapped: V128, overflow: V128): V128 {
  const mask = lanewise(b, l, 'shr_s', overflow, b.i32(l.bits - 1));
  saturateWhere(b, mask);
  return selectV(b, mask, limitOf(b, l, x), wrapped);
}

/** old + x, the one signed and the other unsigned, saturated as the first (SUQADD: `old` is signed). */
export const saturatingAccumulate =
  (oldSign: 's' | 'u'): UnaryLaneOperation =>
  (b, l, x, old) => {
    const target = old();
    if (oldSign === 's') {
      // With the sign bit inverted the accumulator's range is that of unsigned numbers. Zeros stay unsaturated.
      const least = laneConstant(b, l, mostNegative(l));
      return xorV(b, saturatingAdd('u')(b, l, xorV(b, target, least), x, old), least);
    }
    const sum = lanewise(b, l, 'add', target, x);
    const negative = lanewise(b, l, 'shr_s', x, b.i32(l.bits - 1));
    const below = compare('lt', 'u')(b, l, sum, target, old);
    const above = compare('gt', 'u')(b, l, sum, target, old);
    saturateWhere(b, selectV(b, negative, above, below));
    return selectV(b, negative, andNotV(b, sum, above), orV(b, sum, below));
  };

/** ABS and NEG, saturated: only the most negative value has no counterpart. */
export const saturating =
  (name: 'abs' | 'neg'): UnaryLaneOperation =>
  (b, l, x) => {
    const least = lanewise(b, l, 'eq', x, laneConstant(b, l, mostNegative(l)));
    saturateWhere(b, least);
    return xorV(b, lanewise(b, l, name, x), least);
  };

/**
 * Clamps wide lanes to the range of lanes half as wide: signed to signed, signed to unsigned, or unsigned to
 * unsigned, with QC; the result is the low half of each lane.
 */
export type Narrowing = 'signed' | 'signedToUnsigned' | 'unsigned';
export function clamp(b: Semantics, wide: Lanes, x: V128, narrowing: Narrowing): V128 {
  const bits = BigInt(wide.bits / 2);
  const signedTarget = narrowing === 'signed';
  const highest = laneConstant(b, wide, (1n << (signedTarget ? bits - 1n : bits)) - 1n);
  const sign = narrowing === 'unsigned' ? 'u' : 's';
  const above = compare('gt', sign)(b, wide, x, highest, () => x);
  if (narrowing === 'unsigned') {
    saturateWhere(b, above);
    return selectV(b, above, highest, x);
  }
  const lowest = signedTarget ? laneConstant(b, wide, -1n << (bits - 1n)) : zeroV(b);
  const below = compare('lt')(b, wide, x, lowest, () => x);
  saturateWhere(b, orV(b, above, below));
  return selectV(b, above, highest, selectV(b, below, lowest, x));
}

/** Clamps and packs into half a register, or over the upper half of `old`. */
export function narrowSaturating(b: Semantics, wide: Lanes, x: V128, narrowing: Narrowing, old?: V128): V128 {
  return packHalves(b, wide, clamp(b, wide, x, narrowing), 0, old);
}

// ---- Pairs ----

/** Combines neighbours of x, then those of y. */
export const pairwise =
  (op: LaneOperation): LaneOperation =>
  (b, l, x, y, old) =>
    op(b, l, everySecondLane(b, l, x, y, 0), everySecondLane(b, l, x, y, 1), old);

/** Sums of neighbours in lanes twice as wide. */
export function longPairs(b: Semantics, l: Lanes, x: V128, sign: 's' | 'u'): V128 {
  const wide = wider(l);
  if (l.bits < 32) return lanewise(b, wide, `extadd_pairwise_${l.shape}_${sign}`, x);
  const half = b.i32(l.bits);
  const even = lanewise(b, wide, `shr_${sign}`, lanewise(b, wide, 'shl', x, half), half);
  return lanewise(b, wide, 'add', even, lanewise(b, wide, `shr_${sign}`, x, half));
}

/** Combines all lanes that matter into lane 0: neighbours at ever shorter distances. */
export function reduce(b: Semantics, l: Lanes, x: V128, op: LaneOperation): V128 {
  let result = x;
  for (let distance = l.count / 2; distance >= 1; distance /= 2) {
    const moved = shuffleLanes(b, l, result, result, (at) => (at + distance) % (V_BITS / l.bits));
    result = op(b, l, result, moved, () => result);
  }
  return result;
}

// ---- Bits ----

/** Number of set bits in each lane of up to 32 bits. */
function populationCount(b: Semantics, l: Lanes, x: V128): V128 {
  let result = b.numeric<'v128'>('i8x16.popcnt', [x]);
  if (l.bits > 8) result = b.numeric<'v128'>('i16x8.extadd_pairwise_i8x16_u', [result]);
  if (l.bits > 16) result = b.numeric<'v128'>('i32x4.extadd_pairwise_i16x8_u', [result]);
  return result;
}
/** Leading zeros: what is left when the highest bit has been smeared over all below. */
export const countLeadingZeros: UnaryLaneOperation = (b, l, x) => {
  let smeared = x;
  for (let distance = 1; distance < l.bits; distance *= 2)
    smeared = orV(b, smeared, lanewise(b, l, 'shr_u', smeared, b.i32(distance)));
  return populationCount(b, l, notV(b, smeared));
};
/** Bits below the top that equal it: leading zeros of x XOR (x >> 1), less one. */
export const countLeadingSignBits: UnaryLaneOperation = (b, l, x, old) => {
  const changes = xorV(b, x, lanewise(b, l, 'shr_s', x, b.i32(1)));
  // All ones are −1.
  return lanewise(b, l, 'add', countLeadingZeros(b, l, changes, old), allOnes(b));
};
/** Reverses the bits of each byte: two nibbles by table. */
export const reverseBits: UnaryLaneOperation = (b, l, x) => {
  const low = lanewise(b, l, 'swizzle', b.v128(REVERSED_NIBBLES), andV(b, x, laneConstant(b, l, 0xfn)));
  const high = lanewise(b, l, 'swizzle', b.v128(REVERSED_NIBBLES), lanewise(b, l, 'shr_u', x, b.i32(4)));
  return orV(b, lanewise(b, l, 'shl', low, b.i32(4)), high);
};
const REVERSED_NIBBLES = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
