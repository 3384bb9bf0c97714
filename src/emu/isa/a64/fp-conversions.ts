/**
 * Conversions between numbers and integers or fixed-point numbers, and moves between the register files: Arm
 * ARM C4.1.97, "Conversion between floating-point and integer", "… and fixed-point". The conversions of
 * vectors use the same operations (fp-vector-conversions.ts).
 */

import { ROUNDING } from '../../fp/environment.ts';
import type { I32, I64, V128 } from '../../ir/ir.ts';
import { type RawFields, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { allOf, type Candidate, hostParts, hostShape, joinNumbers, packLanes } from './fp-half.ts';
import { type Direction, roundToIntegral } from './fp-operations.ts';
import {
  attempt,
  BY_FTYPE,
  both,
  constant,
  either,
  every,
  exactFloat,
  exactly,
  type Float,
  fastMode,
  featureOfFormat,
  float,
  fromBits,
  HALF,
  isFormat,
  isNumber,
  isOrdinary,
  isVector,
  isZero,
  keepsDenormals,
  read,
  type Shape,
  scalar,
  test,
  write,
} from './fp-shared.ts';

/** What a conversion does beside its format. */
export interface IntegerKind {
  readonly width: 16 | 32 | 64;
  readonly unsigned: boolean;
  /** Bits after the point; none when absent. */
  readonly fractionBits?: I32;
}

const EXPONENT = [
  { bias: 127, fractionBits: 23 },
  { bias: 1023, fractionBits: 52 },
] as const;

/** 2 to the power of a small integer, in every lane. */
function powerOfTwo(b: Semantics, s: Shape, exponent: I32): Float {
  const { bias, fractionBits } = EXPONENT[s.double ? 1 : 0];
  const one = scalar(s.double);
  const biased = b.add(exponent, b.i32(bias));
  const bits = s.double
    ? b.shl(b.zeroExtend(biased), b.i64(fractionBits))
    : b.shl(biased, b.i32(fractionBits));
  const power = fromBits(b, one, bits);
  return isVector(s) ? b.numeric<'v128'>(`${s.name}.splat`, [power]) : power;
}

const ROUNDING_OF: Readonly<Record<Direction, number>> = {
  N: ROUNDING.TIEEVEN,
  P: ROUNDING.POSINF,
  M: ROUNDING.NEGINF,
  Z: ROUNDING.ZERO,
  A: ROUNDING.TIEAWAY,
};

const suffixOf = (unsigned: boolean) => (unsigned ? 'u' : 's');

/** Integers of the host's singles or doubles, and whether they are in range and exact. */
function hostIntegers(b: Semantics, w: Shape, kind: IntegerKind, direction: Direction, x: Float) {
  const { width, unsigned, fractionBits } = kind;
  const scaled = fractionBits ? float(b, w, 'mul', x, powerOfTwo(b, w, fractionBits)) : x;
  const rounded = roundToIntegral(b, w, direction, scaled);
  const limit = 2 ** (unsigned ? width : width - 1);
  const inRange = both(
    b,
    test(b, w, 'ge', rounded, constant(b, w, unsigned ? 0 : -limit)),
    test(b, w, 'lt', rounded, constant(b, w, limit)),
  );
  const integers = isVector(w) ? 'i32x4' : width === 64 ? 'i64' : 'i32';
  const name = `${integers}.trunc_sat_${w.name}_${suffixOf(unsigned)}`;
  const result = b.numeric<'i32' | 'i64' | 'v128'>(name, [rounded]);
  // What is this far inside the range stays in it in every direction.
  const magnitude = unsigned ? scaled : float(b, w, 'abs', scaled);
  const isSmall = test(b, w, 'lt', magnitude, constant(b, w, limit - 1));
  const inside = unsigned ? both(b, isSmall, test(b, w, 'ge', scaled, constant(b, w, 0))) : isSmall;
  return { result, inRange, inside, exact: test(b, w, 'eq', rounded, scaled) };
}

/** FPToFixed. Scaling up is exact, or leaves the range of every integer. */
export function toInteger(
  b: Semantics,
  s: Shape,
  kind: IntegerKind,
  direction: Direction,
  x: Float,
): I32 | I64 | V128 {
  const { width, unsigned, fractionBits } = kind;
  const parts = hostParts(b, s, x).map((part) => hostIntegers(b, hostShape(s), kind, direction, part));
  // Without a rounding error nothing is raised in any mode; only a denormal half can become an integer.
  const isExact = every(
    b,
    allOf(
      b,
      parts.map(({ exact }) => exact),
    ),
  );
  const mode = b.or(fastMode(b), s.half ? b.and(isExact, keepsDenormals(b, s)) : isExact);
  const inRange = parts.map((part) => part.inRange);
  const results = parts.map((part) => part.result as I32 | V128);
  const result = s.half && isVector(s) ? packLanes(b, results, suffixOf(unsigned)) : (results[0] as I32);
  const args = [s.format, width, fractionBits ?? 0, Number(unsigned), ROUNDING_OF[direction], s.lanes];
  const usual = allOf(b, inRange);
  const inside = parts.map((part) => part.inside);
  const fast = s.half ? undefined : b.and(fastMode(b), every(b, allOf(b, inside)));
  const found = { mode, result, usual, fast, also: () => usual };
  return attempt<I32 | I64 | V128>(b, s.half ? { mode, result, usual } : found, () =>
    exactly(b, 'fpToFixed', args, [x], result.type),
  );
}

/** Below this every integer is a single. */
const EXACT_IN_SINGLE = 2 ** 24;

/** FixedToFP. Dividing by a power of two stays far from underflow, but for halves. */
export function fromInteger(b: Semantics, s: Shape, kind: IntegerKind, x: I32 | I64 | V128): Float {
  const { width, unsigned, fractionBits } = kind;
  const convert = (w: Shape, integers: I32 | I64 | V128): Candidate => {
    const type = isVector(w) ? 'i32x4' : integers.type;
    const converted = b.numeric(`${w.name}.convert_${type}_${suffixOf(unsigned)}`, [integers]) as Float;
    const result = fractionBits
      ? float(b, w, 'mul', converted, powerOfTwo(b, w, b.neg(fractionBits)))
      : converted;
    const isExact = () => test(b, w, 'lt', float(b, w, 'abs', converted), constant(b, w, EXACT_IN_SINGLE));
    const ordinary = () => either(b, isOrdinary(b, w, result), isZero(b, w, converted));
    return { result, usual: s.half ? both(b, isExact(), ordinary()) : isNumber(b, w, result) };
  };
  const parts = integerParts(b, s, unsigned, x).map((part) => convert(hostShape(s), part));
  const results = parts.map((part) => part.result);
  const result = joinNumbers(b, s, results);
  // A double holds every integer of 32 bits.
  if (s.double && width === 32) return result;
  const args = [s.format, width, fractionBits ?? 0, Number(unsigned), s.lanes];
  const exact = () => exactFloat(b, s, 'fpFromFixed', args, [x]);
  if (!s.half) return b.choose(fastMode(b), () => result, exact, 'likely') as Float;
  const usual = parts.map((part) => part.usual);
  return attempt(b, { result, usual: allOf(b, usual) }, exact);
}
/** The integers that the host converts: lanes of 16 bits are widened. */
function integerParts(b: Semantics, s: Shape, unsigned: boolean, x: I32 | I64 | V128): (I32 | I64 | V128)[] {
  if (!s.half || !isVector(s)) return [x];
  const extend = (half: 'low' | 'high'): V128 =>
    b.numeric(`i32x4.extend_${half}_i16x8_${suffixOf(unsigned)}`, [x]);
  return s.lanes === 8 ? [extend('low'), extend('high')] : [extend('low')];
}

const widthOf = (sf: number): 32 | 64 => (sf ? 64 : 32);

/** Conversions to integers: which rounding, by rmode and the high bits of opcode. */
const TO_INTEGER: readonly { direction: Direction; rmode: string; opcode: string }[] = [
  { direction: 'N', rmode: '00', opcode: '00' },
  { direction: 'A', rmode: '00', opcode: '10' },
  { direction: 'P', rmode: '01', opcode: '00' },
  { direction: 'M', rmode: '10', opcode: '00' },
  { direction: 'Z', rmode: '11', opcode: '00' },
];
const SIGNS = [
  { letter: 'S', unsigned: false, bit: '0' },
  { letter: 'U', unsigned: true, bit: '1' },
] as const;

const toIntegers: Row[] = TO_INTEGER.flatMap(({ direction, rmode, opcode }) =>
  SIGNS.map(({ letter, unsigned, bit }) =>
    row(
      `FCVT${direction}${letter} (scalar)`,
      `sf:1 0 0 11110 ftype:2 1 ${rmode as '00'} ${opcode as '00'} ${bit} 000000 Rn:5 Rd:5`,
      `fcvt${direction.toLowerCase()}${letter.toLowerCase()} <Rd>, ${BY_FTYPE}<Rn>`,
      {
        fp: true,
        when: isFormat,
        feature: featureOfFormat,
        execute: ({ sf, ftype, Rn, Rd }, b) => {
          const s = scalar(ftype);
          const kind = { width: widthOf(sf), unsigned };
          b.setR(Rd, toInteger(b, s, kind, direction, read(b, s, Rn)) as I32 | I64);
        },
      },
    ),
  ),
);

const fromIntegers: Row[] = SIGNS.map(({ letter, unsigned, bit }) =>
  row(
    `${letter}CVTF (scalar, integer)`,
    `sf:1 0 0 11110 ftype:2 1 00 01 ${bit} 000000 Rn:5 Rd:5`,
    `${letter.toLowerCase()}cvtf ${BY_FTYPE}<Rd>, <Rn>`,
    {
      fp: true,
      when: isFormat,
      feature: featureOfFormat,
      execute: ({ sf, ftype, Rn, Rd }, b) => {
        const s = scalar(ftype);
        write(b, s, Rd, fromInteger(b, s, { width: widthOf(sf), unsigned }, b.R(sf, Rn)));
      },
    },
  ),
);

// Fixed point: 64 − scale bits after the point, at most as many as the integer has.
const SCALE_BASE = 64;
const scaled = {
  fractionBits: u16(['scale'], ({ scale = 0 }) => SCALE_BASE - scale),
};
const scaleFits = ({ sf = 0, scale = 0 }: RawFields) => SCALE_BASE - scale <= widthOf(sf);
const fixedPoint: Row[] = SIGNS.flatMap(({ letter, unsigned, bit }) => [
  row(
    `FCVTZ${letter} (scalar, fixed-point)`,
    `sf:1 0 0 11110 ftype:2 0 11 00 ${bit} scale:6 Rn:5 Rd:5`,
    `fcvtz${letter.toLowerCase()} <Rd>, ${BY_FTYPE}<Rn>, #<64-scale>`,
    {
      fp: true,
      when: isFormat,
      feature: featureOfFormat,
      valid: scaleFits,
      operands: scaled,
      execute: ({ sf, ftype, Rn, Rd, fractionBits }, b) => {
        const s = scalar(ftype);
        const kind = { width: widthOf(sf), unsigned, fractionBits };
        b.setR(Rd, toInteger(b, s, kind, 'Z', read(b, s, Rn)) as I32 | I64);
      },
    },
  ),
  row(
    `${letter}CVTF (scalar, fixed-point)`,
    `sf:1 0 0 11110 ftype:2 0 00 01 ${bit} scale:6 Rn:5 Rd:5`,
    `${letter.toLowerCase()}cvtf ${BY_FTYPE}<Rd>, <Rn>, #<64-scale>`,
    {
      fp: true,
      when: isFormat,
      feature: featureOfFormat,
      valid: scaleFits,
      operands: scaled,
      execute: ({ sf, ftype, Rn, Rd, fractionBits }, b) => {
        const s = scalar(ftype);
        const kind = { width: widthOf(sf), unsigned, fractionBits };
        write(b, s, Rd, fromInteger(b, s, kind, b.R(sf, Rn)));
      },
    },
  ),
]);

// ---- FMOV between the register files ----

const HIGH_HALF_BYTES = 8;
const HALF_MASK = 0xffff;
/** The formats and widths agree: W with S, X with D; a half goes with either. */
const fits = ({ sf = 0, ftype = 0 }: RawFields) => sf === ftype || ftype === HALF;
const moves: Row[] = [
  row(
    'FMOV (general, to general)',
    'sf:1 0 0 11110 ftype:2 1 00 110 000000 Rn:5 Rd:5',
    `fmov <Rd>, ${BY_FTYPE}<Rn>`,
    {
      fp: true,
      when: fits,
      feature: featureOfFormat,
      execute: ({ sf, ftype, Rn, Rd }, b) => {
        const load = ftype === HALF ? 'i32.16u' : sf ? 'i64' : 'i32';
        b.setR(Rd, b.lowV<'i32' | 'i64'>(load, Rn) as I32 | I64);
      },
    },
  ),
  row(
    'FMOV (general, from general)',
    'sf:1 0 0 11110 ftype:2 1 00 111 000000 Rn:5 Rd:5',
    `fmov ${BY_FTYPE}<Rd>, <Rn>`,
    {
      fp: true,
      when: fits,
      feature: featureOfFormat,
      execute: ({ sf, ftype, Rn, Rd }, b) => {
        if (ftype === HALF) b.setS(Rd, b.and(b.W(Rn), b.i32(HALF_MASK)));
        else if (sf) b.setD(Rd, b.X(Rn));
        else b.setS(Rd, b.W(Rn));
      },
    },
  ),
  row('FMOV (general, from high half)', '1 0 0 11110 10 1 01 110 000000 Rn:5 Rd:5', 'fmov <Xd>, <Vn>.d[1]', {
    fp: true,
    execute: ({ Rn, Rd }, b) => b.setX(Rd, b.laneV<'i64'>('i64', Rn, HIGH_HALF_BYTES)),
  }),
  row('FMOV (general, to high half)', '1 0 0 11110 10 1 01 111 000000 Rn:5 Rd:5', 'fmov <Vd>.d[1], <Xn>', {
    fp: true,
    execute: ({ Rn, Rd }, b) => b.setV(Rd, b.numeric<'v128'>('i64x2.replace_lane', [b.V(Rd), b.X(Rn)], [1])),
  }),
];

export const fpConversions: readonly Row[] = [...toIntegers, ...fromIntegers, ...fixedPoint, ...moves];
