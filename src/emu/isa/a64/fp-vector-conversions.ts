/**
 * Arm ARM C4.1.96, conversions of vectors and of numbers in vector registers: to and from integers and fixed
 * point, between formats. The operations on one number are in fp-conversions.ts and fp-formats.ts.
 */
import { ROUNDING } from '../../fp/environment.ts';
import { FP_FORMAT } from '../../fp/operations.ts';
import type { F32, F64, I32, I64, V128 } from '../../ir/ir.ts';
import { type Register, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { fromInteger, type IntegerKind, toInteger } from './fp-conversions.ts';
import { narrowLanes, widenLanes } from './fp-formats.ts';
import { lowHalves } from './fp-lanes.ts';
import { applyUnary, type Direction, type Unary } from './fp-operations.ts';
import {
  DOUBLE,
  exactly,
  type Float,
  HALF,
  HALVES,
  isVector,
  read,
  type Shape,
  SINGLE,
  scalar,
  vector,
  write,
} from './fp-shared.ts';

const DOUBLE_LANES = [0, 1] as const;

/** FPToFixed on numbers or vectors: wasm converts no vectors of doubles, so those go lane by lane. */
export const toIntegers =
  (direction: Direction, unsigned: boolean, fractionBits?: I32): Unary =>
  (b, s, x) => {
    const kind: IntegerKind = { width: s.laneBits, unsigned, ...(fractionBits && { fractionBits }) };
    if (!isVector(s)) return asNumber(b, s, toInteger(b, s, kind, direction, x) as I32 | I64);
    if (!s.double) return toInteger(b, s, kind, direction, x) as V128;
    const lanes = DOUBLE_LANES.map((i) => {
      const lane: F64 = b.numeric('f64x2.extract_lane', [x], [i]);
      return toInteger(b, scalar(true), kind, direction, lane) as I64;
    });
    return fromLanes(b, 'i64x2', lanes);
  };
/** FixedToFP in the same way. */
export const fromIntegers =
  (unsigned: boolean, fractionBits?: I32): Unary =>
  (b, s, x) => {
    const kind: IntegerKind = { width: s.laneBits, unsigned, ...(fractionBits && { fractionBits }) };
    if (!isVector(s)) return fromInteger(b, s, kind, asInteger(b, s, unsigned, x));
    if (!s.double) return fromInteger(b, s, kind, x as V128);
    const lanes = DOUBLE_LANES.map((i) => {
      const lane: I64 = b.numeric('i64x2.extract_lane', [x], [i]);
      return fromInteger(b, scalar(true), kind, lane) as F64;
    });
    return fromLanes(b, 'f64x2', lanes);
  };
function fromLanes(b: Semantics, shape: 'i64x2' | 'f64x2', lanes: readonly (I64 | F64)[]): V128 {
  const first = b.numeric<'v128'>(`${shape}.splat`, [lanes[0] as I64 | F64]);
  return b.numeric(`${shape}.replace_lane`, [first, lanes[1] as I64 | F64], [1]);
}
const HALF_MASK = 0xffff;
/** Scalar registers hold integers, too: the bits of a number of the same width. */
function asNumber(b: Semantics, s: Shape, bits: I32 | I64): Float {
  if (s.half) return b.and(bits as I32, b.i32(HALF_MASK));
  return b.numeric(`${s.name}.reinterpret_${s.integer}`, [bits]) as F32 | F64;
}
function asInteger(b: Semantics, s: Shape, unsigned: boolean, x: Float): I32 | I64 {
  if (s.half) return unsigned ? (x as I32) : b.numeric<'i32'>('i32.extend16_s', [x]);
  return b.numeric(`${s.integer}.reinterpret_${s.name}`, [x]) as I32 | I64;
}

export const SIGNS = [
  { letter: 'S', unsigned: false, u: '0' },
  { letter: 'U', unsigned: true, u: '1' },
] as const;

// ---- Fixed point: the shift-by-immediate group ----

/** The highest bit of immh tells the size; below it stands the size in bits less the fraction's bits. */
const FIXED = [
  { ftype: HALF, size: '001 imm:4', letter: 'h', text: '<16-imm>', lanes: HALVES },
  { ftype: SINGLE, size: '01 imm:5', letter: 's', text: '<32-imm>', lanes: '<Q:2s|4s>' },
  { ftype: DOUBLE, size: '1 imm:6', letter: 'd', text: '<64-imm>', lanes: '2d' },
] as const;
const fixedPoint: Row[] = SIGNS.flatMap(({ letter: sign, unsigned, u }) =>
  FIXED.flatMap(({ ftype, size, letter, text, lanes }) => {
    const one = scalar(ftype);
    const shared = {
      fp: true,
      operands: { fractionBits: u16(['imm'], ({ imm = 0 }) => one.laneBits - imm) },
      ...(one.half && { feature: 'FEAT_FP16' as const }),
    };
    const instructions = [
      { name: `${sign}CVTF`, opcode: '11100', operation: (f: I32) => fromIntegers(unsigned, f) },
      { name: `FCVTZ${sign}`, opcode: '11111', operation: (f: I32) => toIntegers('Z', unsigned, f) },
    ] as const;
    return instructions.flatMap(({ name, opcode, operation }) => {
      const mnemonic = name.toLowerCase();
      const rest = `${size as '1 imm:6'} ${opcode} 1 Rn:5 Rd:5` as const;
      return [
        row(
          `${name} (vector, fixed-point, ${letter})`,
          `0 Q:1 ${u} 011110 ${rest}`,
          `${mnemonic} <Vd>.${lanes}, <Vn>.${lanes}, #${text}`,
          {
            ...shared,
            when: ({ Q = 0 }) => Q === 1 || !one.double,
            execute: ({ Q, Rn, Rd, fractionBits }, b) =>
              applyUnary(b, vector(ftype, Q), operation(fractionBits), { Rn, Rd }),
          },
        ),
        row(
          `${name} (AdvSIMD scalar, fixed-point, ${letter})`,
          `01 ${u} 111110 ${rest}`,
          `${mnemonic} ${letter}<Rd>, ${letter}<Rn>, #${text}`,
          {
            ...shared,
            execute: ({ Rn, Rd, fractionBits }, b) => applyUnary(b, one, operation(fractionBits), { Rn, Rd }),
          },
        ),
      ];
    });
  }),
);

// ---- Between formats ----

const HIGH = 1;

/** FCVTN writes the low half and clears the rest; FCVTN2 writes the high half and keeps the rest. */
function writeHalf(b: Semantics, q: number, r: Register, value: V128): void {
  if (q === HIGH) b.setV(r, lowHalves(b, b.V(r), value));
  else write(b, vector(false, 0), r, value);
}

const formats: Row[] = [
  row(
    'FCVTN',
    '0 Q:1 0 01110 0 sz:1 10000 10110 10 Rn:5 Rd:5',
    'fcvtn<Q:|2> <Vd>.<sz.Q:4h|8h|2s|4s>, <Vn>.<sz:4s|2d>',
    {
      fp: true,
      execute: ({ Q, sz, Rn, Rd }, b) => writeHalf(b, Q, Rd, narrowLanes(b, sz, b.V(Rn))),
    },
  ),
  row(
    'FCVTXN (vector)',
    '0 Q:1 1 01110 0 1 10000 10110 10 Rn:5 Rd:5',
    'fcvtxn<Q:|2> <Vd>.<Q:2s|4s>, <Vn>.2d',
    {
      fp: true,
      execute: ({ Q, Rn, Rd }, b) => {
        const args = [FP_FORMAT.DOUBLE, FP_FORMAT.SINGLE, ROUNDING.ODD, 2];
        writeHalf(b, Q, Rd, exactly(b, 'fpConvert', args, [b.V(Rn)], 'v128'));
      },
    },
  ),
  row('FCVTXN (scalar)', '01 1 11110 0 1 10000 10110 10 Rn:5 Rd:5', 'fcvtxn s<Rd>, d<Rn>', {
    fp: true,
    execute: ({ Rn, Rd }, b) => {
      const x = read(b, scalar(true), Rn);
      const args = [FP_FORMAT.DOUBLE, FP_FORMAT.SINGLE, ROUNDING.ODD, 1];
      write(b, scalar(false), Rd, exactly(b, 'fpConvert', args, [x], 'f32'));
    },
  }),
  row(
    'FCVTL',
    '0 Q:1 0 01110 0 sz:1 10000 10111 10 Rn:5 Rd:5',
    'fcvtl<Q:|2> <Vd>.<sz:4s|2d>, <Vn>.<sz.Q:4h|8h|2s|4s>',
    {
      fp: true,
      execute: ({ Q, sz, Rn, Rd }, b) => b.setV(Rd, widenLanes(b, sz, b.V(Rn), Q)),
    },
  ),
];

export const fpVectorConversions: readonly Row[] = [...fixedPoint, ...formats];
