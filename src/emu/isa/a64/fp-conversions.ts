/**
 * Conversions between numbers and integers or fixed-point numbers, and moves between the register files: Arm
 * ARM C4.1.97, "Conversion between floating-point and integer", "… and fixed-point". The conversions of
 * vectors use the same operations (fp-vector-conversions.ts).
 */

import { ROUNDING } from '../../fp/environment.ts';
import type { I32, I64, V128 } from '../../ir/ir.ts';
import { type RawFields, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { type Direction, roundToIntegral } from './fp-operations.ts';
import {
  attempt,
  BY_FTYPE,
  both,
  constant,
  every,
  exactly,
  type Float,
  fastMode,
  float,
  formatOf,
  fromBits,
  isVector,
  read,
  type Shape,
  scalar,
  singleOrDouble,
  test,
  write,
} from './fp-shared.ts';

/** What a conversion does beside its format. */
export interface IntegerKind {
  readonly width: 32 | 64;
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

/** FPToFixed. Scaling up is exact, or leaves the range of every integer. */
export function toInteger(
  b: Semantics,
  s: Shape,
  kind: IntegerKind,
  direction: Direction,
  x: Float,
): I32 | I64 | V128 {
  const { width, unsigned, fractionBits } = kind;
  const scaled = fractionBits ? float(b, s, 'mul', x, powerOfTwo(b, s, fractionBits)) : x;
  const rounded = roundToIntegral(b, s, direction, scaled);
  const limit = 2 ** (unsigned ? width : width - 1);
  const inRange = both(
    b,
    test(b, s, 'ge', rounded, constant(b, s, unsigned ? 0 : -limit)),
    test(b, s, 'lt', rounded, constant(b, s, limit)),
  );
  // Without a rounding error nothing is raised in any mode.
  const mode = b.or(fastMode(b), every(b, test(b, s, 'eq', rounded, scaled)));
  const type = isVector(s) ? 'v128' : width === 64 ? 'i64' : 'i32';
  const integers = isVector(s) ? 'i32x4' : type;
  const result = b.numeric<typeof type>(`${integers}.trunc_sat_${s.name}_${suffixOf(unsigned)}`, [rounded]);
  const args = [formatOf(s), width, fractionBits ?? 0, Number(unsigned), ROUNDING_OF[direction], s.lanes];
  return attempt(b, { mode, result, usual: inRange }, () => exactly(b, 'fpToFixed', args, [x], type)) as
    | I32
    | I64
    | V128;
}

/** FixedToFP. Dividing by a power of two stays far from underflow. */
export function fromInteger(b: Semantics, s: Shape, kind: IntegerKind, x: I32 | I64 | V128): Float {
  const { width, unsigned, fractionBits } = kind;
  const integers = isVector(s) ? 'i32x4' : x.type;
  const converted = b.numeric(`${s.name}.convert_${integers}_${suffixOf(unsigned)}`, [x]) as Float;
  const result = fractionBits
    ? float(b, s, 'mul', converted, powerOfTwo(b, s, b.neg(fractionBits)))
    : converted;
  // A double holds every integer of 32 bits.
  if (s.double && width === 32) return result;
  const args = [formatOf(s), width, fractionBits ?? 0, Number(unsigned), s.lanes];
  return b.choose<'f32' | 'f64' | 'v128'>(
    fastMode(b),
    () => result,
    () => exactly(b, 'fpFromFixed', args, [x], s.type),
    'likely',
  ) as Float;
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
        when: singleOrDouble,
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
      when: singleOrDouble,
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
      when: singleOrDouble,
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
      when: singleOrDouble,
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
/** The formats and widths agree: W with S, X with D. */
const sameWidth = ({ sf = 0, ftype = 0 }: RawFields) => sf === ftype;
const moves: Row[] = [
  row(
    'FMOV (general, to general)',
    'sf:1 0 0 11110 ftype:2 1 00 110 000000 Rn:5 Rd:5',
    `fmov <Rd>, ${BY_FTYPE}<Rn>`,
    {
      fp: true,
      when: sameWidth,
      execute: ({ sf, Rn, Rd }, b) => b.setR(Rd, b.lowV<'i32' | 'i64'>(sf ? 'i64' : 'i32', Rn) as I32 | I64),
    },
  ),
  row(
    'FMOV (general, from general)',
    'sf:1 0 0 11110 ftype:2 1 00 111 000000 Rn:5 Rd:5',
    `fmov ${BY_FTYPE}<Rd>, <Rn>`,
    {
      fp: true,
      when: sameWidth,
      execute: ({ sf, Rn, Rd }, b) => (sf ? b.setD(Rd, b.X(Rn)) : b.setS(Rd, b.W(Rn))),
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
