/**
 * Halves on a host that has none (FEAT_FP16): widened to singles, which is exact, computed there, and narrowed.
 *
 * Rounding twice, to 24 bits and then to 11, gives what rounding once gives for sums, products, quotients and
 * roots, because 24 ≥ 2 × 11 + 2 (Figueroa, When is double rounding innocuous?); where the half is
 * denormal its precision is less, and sums and products are then exact singles anyway. Products of halves have
 * 22 bits: exact in a single, so that even a fused operation rounds its sum only once before narrowing; that
 * can go wrong only when the single lies halfway between two halves (`isNoTie`).
 */
import type { I32, V128 } from '../../ir/ir.ts';
import type { Semantics } from '../semantics.ts';
import {
  bitsOf,
  bitwise,
  both,
  constant,
  type Float,
  float,
  fromBits,
  integer,
  isVector,
  type Mask,
  patternConstant,
  type Shape,
  singlesOf,
  test,
} from './fp-shared.ts';

/** A result of the host, and where it is right. */
export interface Candidate {
  readonly result: Float;
  readonly usual: Mask;
  readonly fast?: I32 | undefined;
  readonly also?: () => Mask;
}

// ---- Bits of halves and singles ----

const HALF_SIGN = 0x8000n;
const HALF_INFINITY = 0x7c00n;
const SINGLE_INFINITY = 0x7f80_0000n;
/** A half's sign, exponent and fraction in a single's word. */
const WIDENED = 0x8fff_e000n;
/** What the largest exponent field of a half would mean. */
const BEYOND_HALVES = 65536;
const SIGN_DISTANCE = 16;
/** Bits of a single's fraction that a half does not have, and what they are halfway between two halves. */
const DROPPED_BITS = 13;
const DROPPED = (1n << BigInt(DROPPED_BITS)) - 1n;
const HALFWAY = (DROPPED + 1n) / 2n;
/** Powers of two as singles. */
const SINGLE_BIAS = 127;
const powerOfTwo = (exponent: number) => BigInt(SINGLE_BIAS + exponent) << 23n;
/** What an exponent field means in both formats differs by this power of two. */
const BIAS_DISTANCE = SINGLE_BIAS - 15;
const REBIAS = powerOfTwo(BIAS_DISTANCE);
/** The same distance of exponent fields. */
const REBIASED = BigInt(BIAS_DISTANCE) << 23n;
const SMALLEST_NORMAL = powerOfTwo(-14);
/** 0.5: a single whose last bit is worth the last of a denormal half. */
const DENORMAL_UNITS = powerOfTwo(-1);

export type Bits = I32 | V128;

/** Words for arithmetic on the bit patterns of singles, one or four. */
export function words(b: Semantics, w: Shape) {
  const bits = (value: bigint) => patternConstant(b, w, value) as Bits;
  const op = (name: string, x: Bits, y: Bits) => integer<'i32' | 'v128'>(b, w, name, x, y) as Bits;
  return {
    constant: bits,
    op,
    and: (x: Bits, mask: bigint) => bitwise(b, w, 'and', x, bits(mask)) as Bits,
    or: (x: Bits, y: Bits) => bitwise(b, w, 'or', x, y) as Bits,
    add: (x: Bits, y: bigint) => op('add', x, bits(y)),
    shift: (name: 'shl' | 'shr_u', x: Bits, by: number) =>
      integer<'i32' | 'v128'>(b, w, name, x, b.i32(by)) as Bits,
    choose: (mask: Bits, x: Bits, y: Bits): Bits =>
      isVector(w)
        ? b.numeric<'v128'>('v128.bitselect', [x, y, mask])
        : b.select<'i32'>(mask as I32, x as I32, y as I32),
  };
}

/** The single of a half whose pattern is sign-extended to 32 bits; NaNs keep their bits. */
function widenBits(b: Semantics, w: Shape, half: Bits): Float {
  const is = words(b, w);
  const unscaled = fromBits(b, w, is.and(is.shift('shl', half, DROPPED_BITS), WIDENED));
  const scaled = float(b, w, 'mul', unscaled, fromBits(b, w, is.constant(REBIAS)));
  // The largest exponent stands for infinity and NaNs in both formats.
  const special = test(b, w, 'ge', float(b, w, 'abs', scaled), constant(b, w, BEYOND_HALVES));
  const ones = isVector(w) ? special : b.neg(special as I32);
  return fromBits(b, w, is.or(bitsOf(b, w, scaled) as Bits, is.and(ones, SINGLE_INFINITY)));
}

/** The half nearest to a single that is no NaN, ties to even, in the low 16 bits. */
function narrowBits(b: Semantics, w: Shape, single: Float): Bits {
  const is = words(b, w);
  const absolute = float(b, w, 'abs', single);
  const magnitude = bitsOf(b, w, absolute) as Bits;
  const odd = is.and(is.shift('shr_u', magnitude, DROPPED_BITS), 1n);
  const rounded = is.add(is.op('add', magnitude, odd), HALFWAY - 1n - REBIASED);
  const normal = is.shift('shr_u', rounded, DROPPED_BITS);
  const limited = isVector(w)
    ? is.op('min_u', normal, is.constant(HALF_INFINITY))
    : is.choose(is.op('lt_u', normal, is.constant(HALF_INFINITY)), normal, is.constant(HALF_INFINITY));
  // Adding one half lets the host round to multiples of the smallest denormal.
  const units = is.constant(DENORMAL_UNITS);
  const sum = float(b, w, 'add', absolute, fromBits(b, w, units));
  const denormal = is.op('sub', bitsOf(b, w, sum) as Bits, units);
  const tiny = is.op('lt_u', magnitude, is.constant(SMALLEST_NORMAL));
  const sign = is.and(is.shift('shr_u', bitsOf(b, w, single) as Bits, SIGN_DISTANCE), HALF_SIGN);
  return is.or(is.choose(tiny, denormal, limited), sign);
}

/** Whether a single is not halfway between two normal halves, so that it narrows like what it was rounded from. */
export function isNoTie(b: Semantics, w: Shape, single: Float): Mask {
  const is = words(b, w);
  return is.op('ne', is.and(bitsOf(b, w, single) as Bits, DROPPED), is.constant(HALFWAY));
}

// ---- Parts ----

/** The numbers that the host computes with: `x` itself, or, of halves, its singles, lower lanes first. */
export function hostParts(b: Semantics, s: Shape, x: Float): Float[] {
  if (!s.half) return [x];
  const w = singlesOf(s);
  if (!isVector(s)) return [widenBits(b, w, b.numeric<'i32'>('i32.extend16_s', [x]))];
  const extend = (half: 'low' | 'high'): V128 => b.numeric(`i32x4.extend_${half}_i16x8_s`, [x]);
  const low = widenBits(b, w, extend('low'));
  return s.lanes === 8 ? [low, widenBits(b, w, extend('high'))] : [low];
}
/** The shape of those parts. */
export const hostShape = (s: Shape): Shape => (s.half ? singlesOf(s) : s);

/** 32-bit lanes of two parts as lanes of 16; one part fills both halves. Lanes saturate. */
export function packLanes(b: Semantics, parts: readonly Bits[], sign: 's' | 'u'): V128 {
  return b.numeric(`i16x8.narrow_i32x4_${sign}`, [parts[0] as V128, (parts[1] ?? parts[0]) as V128]);
}
/** Results of parts as numbers of the shape. */
export function joinNumbers(b: Semantics, s: Shape, parts: readonly Float[]): Float {
  if (!s.half) return parts[0] as Float;
  const halves = parts.map((part) => narrowBits(b, singlesOf(s), part));
  return isVector(s) ? packLanes(b, halves, 'u') : (halves[0] as I32);
}
/** Masks of parts as a mask of the shape. */
export function joinMasks(b: Semantics, s: Shape, parts: readonly Mask[]): Mask {
  return s.half && isVector(s) ? packLanes(b, parts, 's') : (parts[0] as Mask);
}
/** Whether masks hold together. */
export const allOf = (b: Semantics, masks: readonly Mask[]): Mask => masks.reduce((x, y) => both(b, x, y));

/** An operation of the host on numbers of any shape. */
export function onHost(
  b: Semantics,
  s: Shape,
  operands: readonly Float[],
  compute: (w: Shape, ...operands: readonly Float[]) => Candidate,
): Candidate {
  const columns = operands.map((operand) => hostParts(b, s, operand));
  const parts = (columns[0] ?? []).map((_, i) =>
    compute(hostShape(s), ...columns.map((column) => column[i] as Float)),
  );
  const also = parts.flatMap((part) => (part.also ? [part.also] : []));
  return {
    fast: s.half ? undefined : parts[0]?.fast,
    result: joinNumbers(
      b,
      s,
      parts.map(({ result }) => result),
    ),
    usual: allOf(
      b,
      parts.map(({ usual }) => usual),
    ),
    ...(also.length > 0 && {
      also: () =>
        allOf(
          b,
          also.map((test) => test()),
        ),
    }),
  };
}
