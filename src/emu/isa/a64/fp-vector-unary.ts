/**
 * Arm ARM C4.1.96, AdvSIMD instructions on floating-point numbers with one operand: arithmetic, comparison
 * with zero, conversions to and from integers and fixed point, between formats, and estimates.
 */

import { ROUNDING } from '../../fp/environment.ts';
import { INTEGER_ESTIMATE } from '../../fp/lane-calls.ts';
import { FP_FORMAT } from '../../fp/operations.ts';
import type { F32, F64, I32, I64, V128 } from '../../ir/ir.ts';
import { type RawFields, type Register, type Row, row, u16, withFeature } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { fromInteger, type IntegerKind, toInteger } from './fp-conversions.ts';
import { narrowLanes, widenLanes } from './fp-formats.ts';
import { BINARY, type Binary, type Direction, signOperation, UNARY, type Unary } from './fp-operations.ts';
import {
  BY_SZ,
  constant,
  DOUBLE,
  exactly,
  type Float,
  HALF,
  HALVES,
  isVector,
  lowHalves,
  notOneDouble,
  read,
  type Shape,
  SINGLE,
  scalar,
  T,
  vector,
  write,
} from './fp-shared.ts';

// ---- Conversions of vectors ----

const DOUBLE_LANES = [0, 1] as const;

/** FPToFixed on numbers or vectors: wasm converts no vectors of doubles, so those go lane by lane. */
const toIntegers =
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
const fromIntegers =
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

// ---- Two-register miscellaneous ----

/** A comparison with zero, which stands on the left for FCMLE and FCMLT. */
const withZero =
  (operation: Binary, zeroFirst = false): Unary =>
  (b, s, x) => {
    const zero = constant(b, s, 0);
    return zeroFirst ? operation(b, s, zero, x) : operation(b, s, x, zero);
  };

/** URECPE and URSQRTE: integers in, integers out, no exceptions. */
const integerEstimate =
  (name: keyof typeof INTEGER_ESTIMATE): Unary =>
  (b, s, x) =>
    exactly(b, 'fpIntegerEstimate', [INTEGER_ESTIMATE[name], s.lanes], [x], 'v128');

interface TwoRegister {
  readonly name: string;
  readonly u: '0' | '1';
  readonly a: '0' | '1';
  readonly opcode: string;
  /** Which forms exist, of halves, too; `range` is FEAT_FRINTTS, which has no halves. */
  readonly forms: 'vector' | 'scalar' | 'both' | 'single vector' | 'range';
  readonly operation: Unary;
  /** `, #0.0` in the syntax. */
  readonly zero?: boolean;
}
const DIRECTIONS = [
  { direction: 'N', a: '0', opcode: '11010' },
  { direction: 'M', a: '0', opcode: '11011' },
  { direction: 'A', a: '0', opcode: '11100' },
  { direction: 'P', a: '1', opcode: '11010' },
  { direction: 'Z', a: '1', opcode: '11011' },
] as const;
const SIGNS = [
  { letter: 'S', unsigned: false, u: '0' },
  { letter: 'U', unsigned: true, u: '1' },
] as const;
const { FCMGT, FCMGE, FCMEQ } = BINARY;
const TWO_REGISTER: readonly TwoRegister[] = [
  { name: 'FRINTN', u: '0', a: '0', opcode: '11000', forms: 'vector', operation: UNARY.FRINTN },
  { name: 'FRINTM', u: '0', a: '0', opcode: '11001', forms: 'vector', operation: UNARY.FRINTM },
  { name: 'FRINTP', u: '0', a: '1', opcode: '11000', forms: 'vector', operation: UNARY.FRINTP },
  { name: 'FRINTZ', u: '0', a: '1', opcode: '11001', forms: 'vector', operation: UNARY.FRINTZ },
  { name: 'FRINTA', u: '1', a: '0', opcode: '11000', forms: 'vector', operation: UNARY.FRINTA },
  { name: 'FRINTX', u: '1', a: '0', opcode: '11001', forms: 'vector', operation: UNARY.FRINTX },
  { name: 'FRINTI', u: '1', a: '1', opcode: '11001', forms: 'vector', operation: UNARY.FRINTI },
  { name: 'FRINT32Z', u: '0', a: '0', opcode: '11110', forms: 'range', operation: UNARY.FRINT32Z },
  { name: 'FRINT32X', u: '1', a: '0', opcode: '11110', forms: 'range', operation: UNARY.FRINT32X },
  { name: 'FRINT64Z', u: '0', a: '0', opcode: '11111', forms: 'range', operation: UNARY.FRINT64Z },
  { name: 'FRINT64X', u: '1', a: '0', opcode: '11111', forms: 'range', operation: UNARY.FRINT64X },
  { name: 'FABS', u: '0', a: '1', opcode: '01111', forms: 'vector', operation: signOperation('abs') },
  { name: 'FNEG', u: '1', a: '1', opcode: '01111', forms: 'vector', operation: signOperation('neg') },
  { name: 'FSQRT', u: '1', a: '1', opcode: '11111', forms: 'vector', operation: UNARY.FSQRT },
  { name: 'FRECPE', u: '0', a: '1', opcode: '11101', forms: 'both', operation: UNARY.FRECPE },
  { name: 'FRSQRTE', u: '1', a: '1', opcode: '11101', forms: 'both', operation: UNARY.FRSQRTE },
  { name: 'FRECPX', u: '0', a: '1', opcode: '11111', forms: 'scalar', operation: UNARY.FRECPX },
  {
    name: 'URECPE',
    u: '0',
    a: '1',
    opcode: '11100',
    forms: 'single vector',
    operation: integerEstimate('URECPE'),
  },
  {
    name: 'URSQRTE',
    u: '1',
    a: '1',
    opcode: '11100',
    forms: 'single vector',
    operation: integerEstimate('URSQRTE'),
  },
  { name: 'FCMGT', u: '0', a: '1', opcode: '01100', forms: 'both', zero: true, operation: withZero(FCMGT) },
  { name: 'FCMEQ', u: '0', a: '1', opcode: '01101', forms: 'both', zero: true, operation: withZero(FCMEQ) },
  {
    name: 'FCMLT',
    u: '0',
    a: '1',
    opcode: '01110',
    forms: 'both',
    zero: true,
    operation: withZero(FCMGT, true),
  },
  { name: 'FCMGE', u: '1', a: '1', opcode: '01100', forms: 'both', zero: true, operation: withZero(FCMGE) },
  {
    name: 'FCMLE',
    u: '1',
    a: '1',
    opcode: '01101',
    forms: 'both',
    zero: true,
    operation: withZero(FCMGE, true),
  },
  ...SIGNS.flatMap(({ letter, unsigned, u }): TwoRegister[] => [
    { name: `${letter}CVTF`, u, a: '0', opcode: '11101', forms: 'both', operation: fromIntegers(unsigned) },
    ...DIRECTIONS.map(
      ({ direction, a, opcode }): TwoRegister => ({
        name: `FCVT${direction}${letter}`,
        u,
        a,
        opcode,
        forms: 'both',
        operation: toIntegers(direction, unsigned),
      }),
    ),
  ]),
];

function apply(
  b: Semantics,
  s: Shape,
  operation: Unary,
  { Rn, Rd }: Readonly<Record<'Rn' | 'Rd', Register>>,
): void {
  write(b, s, Rd, operation(b, s, read(b, s, Rn)));
}

const twoRegister: Row[] = TWO_REGISTER.flatMap(({ name, u, a, opcode, forms, operation, zero }) => {
  const mnemonic = name.toLowerCase();
  const title = (form: string) => `${name} (${zero ? 'zero, ' : ''}${form})`;
  const suffix = zero ? ', #0.0' : '';
  const vectorRow = () =>
    row(
      title('vector'),
      `0 Q:1 ${u} 01110 ${a} sz:1 10000 ${opcode as '11000'} 10 Rn:5 Rd:5`,
      `${mnemonic} <Vd>.${T}, <Vn>.${T}${suffix}`,
      {
        fp: true,
        when: (f: RawFields) => notOneDouble(f) && (forms !== 'single vector' || f.sz === 0),
        execute: ({ Q, sz, ...registers }, b) => apply(b, vector(sz, Q), operation, registers),
      },
    );
  const scalarRow = () =>
    row(
      title('AdvSIMD scalar'),
      `01 ${u} 11110 ${a} sz:1 10000 ${opcode as '11000'} 10 Rn:5 Rd:5`,
      `${mnemonic} ${BY_SZ}<Rd>, ${BY_SZ}<Rn>${suffix}`,
      { fp: true, execute: ({ sz, ...registers }, b) => apply(b, scalar(sz), operation, registers) },
    );
  const halvesRow = () =>
    row(
      title('vector, half'),
      `0 Q:1 ${u} 01110 ${a} 111100 ${opcode as '11000'} 10 Rn:5 Rd:5`,
      `${mnemonic} <Vd>.${HALVES}, <Vn>.${HALVES}${suffix}`,
      {
        fp: true,
        feature: 'FEAT_FP16',
        execute: ({ Q, ...registers }, b) => apply(b, vector(HALF, Q), operation, registers),
      },
    );
  const halfRow = () =>
    row(
      title('AdvSIMD scalar, half'),
      `01 ${u} 11110 ${a} 111100 ${opcode as '11000'} 10 Rn:5 Rd:5`,
      `${mnemonic} h<Rd>, h<Rn>${suffix}`,
      {
        fp: true,
        feature: 'FEAT_FP16',
        execute: (registers, b) => apply(b, scalar(HALF), operation, registers),
      },
    );
  if (forms === 'single vector') return [vectorRow()];
  if (forms === 'range') return withFeature('FEAT_FRINTTS', [vectorRow()]);
  const vectors = forms === 'scalar' ? [] : [vectorRow(), halvesRow()];
  return [...vectors, ...(forms === 'vector' ? [] : [scalarRow(), halfRow()])];
});

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
              apply(b, vector(ftype, Q), operation(fractionBits), { Rn, Rd }),
          },
        ),
        row(
          `${name} (AdvSIMD scalar, fixed-point, ${letter})`,
          `01 ${u} 111110 ${rest}`,
          `${mnemonic} ${letter}<Rd>, ${letter}<Rn>, #${text}`,
          {
            ...shared,
            execute: ({ Rn, Rd, fractionBits }, b) => apply(b, one, operation(fractionBits), { Rn, Rd }),
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

export const fpVectorUnary: readonly Row[] = [...twoRegister, ...fixedPoint, ...formats];
