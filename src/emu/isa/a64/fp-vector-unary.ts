/**
 * Arm ARM C4.1.96, AdvSIMD two-register miscellaneous on floating-point numbers: arithmetic, comparison with zero,
 * conversions to and from integers, estimates. Other conversions are in fp-vector-conversions.ts.
 */
import { INTEGER_ESTIMATE } from '../../fp/lane-calls.ts';
import { type RawFields, type Row, row, withFeature } from '../row.ts';
import { FRECPE, FRSQRTE } from './fp-estimates.ts';
import { applyUnary, BINARY, type Binary, signOperation, UNARY, type Unary } from './fp-operations.ts';
import { BY_SZ, constant, exactly, HALF, HALVES, notOneDouble, scalar, T, vector } from './fp-shared.ts';
import { fromIntegers, SIGNS, toIntegers } from './fp-vector-conversions.ts';

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
  { name: 'FRECPE', u: '0', a: '1', opcode: '11101', forms: 'both', operation: FRECPE },
  { name: 'FRSQRTE', u: '1', a: '1', opcode: '11101', forms: 'both', operation: FRSQRTE },
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
        execute: ({ Q, sz, ...registers }, b) => applyUnary(b, vector(sz, Q), operation, registers),
      },
    );
  const scalarRow = () =>
    row(
      title('AdvSIMD scalar'),
      `01 ${u} 11110 ${a} sz:1 10000 ${opcode as '11000'} 10 Rn:5 Rd:5`,
      `${mnemonic} ${BY_SZ}<Rd>, ${BY_SZ}<Rn>${suffix}`,
      { fp: true, execute: ({ sz, ...registers }, b) => applyUnary(b, scalar(sz), operation, registers) },
    );
  const halvesRow = () =>
    row(
      title('vector, half'),
      `0 Q:1 ${u} 01110 ${a} 111100 ${opcode as '11000'} 10 Rn:5 Rd:5`,
      `${mnemonic} <Vd>.${HALVES}, <Vn>.${HALVES}${suffix}`,
      {
        fp: true,
        feature: 'FEAT_FP16',
        execute: ({ Q, ...registers }, b) => applyUnary(b, vector(HALF, Q), operation, registers),
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
        execute: (registers, b) => applyUnary(b, scalar(HALF), operation, registers),
      },
    );
  if (forms === 'single vector') return [vectorRow()];
  if (forms === 'range') return withFeature('FEAT_FRINTTS', [vectorRow()]);
  const vectors = forms === 'scalar' ? [] : [vectorRow(), halvesRow()];
  return [...vectors, ...(forms === 'vector' ? [] : [scalarRow(), halfRow()])];
});

export const fpVectorUnary: readonly Row[] = twoRegister;
