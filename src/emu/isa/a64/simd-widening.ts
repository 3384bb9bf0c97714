/**
 * Arm ARM C4.1.97: Advanced SIMD three different and scalar three different, integer. Widening operations work
 * on the lower half of their sources, or on the upper with Q.
 */
import type { V128 } from '../../ir/ir.ts';
import { type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import {
  extendedProduct,
  type LaneOperation,
  native,
  polynomialMultiply,
  saturatingAdd,
  saturatingSub,
} from './simd-lanes.ts';
import { laneSizes } from './simd-rows.ts';
import {
  type Lanes,
  laneConstant,
  lanesIn,
  lanewise,
  packHalves,
  readLanes,
  SCALAR,
  SCALAR_WIDE,
  SECOND,
  scalar,
  T,
  TA,
  V_BITS,
  wider,
  writeLanes,
} from './simd-shared.ts';

type Part = 'low' | 'high';
/** From one half of x and y to lanes twice as wide; `l` describes the narrow lanes. */
type LongOperation = (b: Semantics, l: Lanes, x: V128, y: V128, part: Part, old: () => V128) => V128;

function extend(b: Semantics, l: Lanes, x: V128, part: Part, sign: 's' | 'u'): V128 {
  return lanewise(b, wider(l), `extend_${part}_${l.shape}_${sign}`, x);
}

/** Extends both sources, then does `op` on wide lanes. */
const extending =
  (sign: 's' | 'u', op: LaneOperation): LongOperation =>
  (b, l, x, y, part, old) =>
    op(b, wider(l), extend(b, l, x, part, sign), extend(b, l, y, part, sign), old);

/** The first source is wide already. */
const extendingSecond =
  (sign: 's' | 'u', name: 'add' | 'sub'): LongOperation =>
  (b, l, x, y, part) =>
    lanewise(b, wider(l), name, x, extend(b, l, y, part, sign));

/** Between lanes that were extended: the difference cannot overflow. */
const wideDifference: LaneOperation = (b, l, x, y) => lanewise(b, l, 'abs', lanewise(b, l, 'sub', x, y));

const product =
  (sign: 's' | 'u'): LongOperation =>
  (b, l, x, y, part) =>
    extendedProduct(b, l, x, y, part, sign);

/** Twice the product, saturated. */
const doubledProduct: LongOperation = (b, l, x, y, part, old) => {
  const once = extendedProduct(b, l, x, y, part, 's');
  return saturatingAdd('s')(b, wider(l), once, once, old);
};

/** Accumulates a long operation: `combine` is an operation on wide lanes. */
const onto =
  (combine: LaneOperation, op: LongOperation): LongOperation =>
  (b, l, x, y, part, old) =>
    combine(b, wider(l), old(), op(b, l, x, y, part, old), old);
const add = native('add');
const sub = native('sub');

export interface ThreeDifferent {
  readonly name: string;
  readonly u: '0' | '1';
  readonly opcode: string;
  readonly sizes: string;
  readonly op: LongOperation;
  /** The first source has wide lanes: SADDW … */
  readonly wideFirst?: boolean;
  /** Sizes of the scalar form, and opcode by element. */
  readonly scalar?: string;
  readonly element?: string;
}

// biome-ignore format: a table
export const THREE_DIFFERENT: readonly ThreeDifferent[] = [
  { name: 'saddl', u: '0', opcode: '0000', sizes: 'bhs', op: extending('s', add) },
  { name: 'uaddl', u: '1', opcode: '0000', sizes: 'bhs', op: extending('u', add) },
  { name: 'saddw', u: '0', opcode: '0001', sizes: 'bhs', op: extendingSecond('s', 'add'), wideFirst: true },
  { name: 'uaddw', u: '1', opcode: '0001', sizes: 'bhs', op: extendingSecond('u', 'add'), wideFirst: true },
  { name: 'ssubl', u: '0', opcode: '0010', sizes: 'bhs', op: extending('s', sub) },
  { name: 'usubl', u: '1', opcode: '0010', sizes: 'bhs', op: extending('u', sub) },
  { name: 'ssubw', u: '0', opcode: '0011', sizes: 'bhs', op: extendingSecond('s', 'sub'), wideFirst: true },
  { name: 'usubw', u: '1', opcode: '0011', sizes: 'bhs', op: extendingSecond('u', 'sub'), wideFirst: true },
  { name: 'sabal', u: '0', opcode: '0101', sizes: 'bhs', op: onto(add, extending('s', wideDifference)) },
  { name: 'uabal', u: '1', opcode: '0101', sizes: 'bhs', op: onto(add, extending('u', wideDifference)) },
  { name: 'sabdl', u: '0', opcode: '0111', sizes: 'bhs', op: extending('s', wideDifference) },
  { name: 'uabdl', u: '1', opcode: '0111', sizes: 'bhs', op: extending('u', wideDifference) },
  { name: 'smlal', u: '0', opcode: '1000', sizes: 'bhs', element: '0010', op: onto(add, product('s')) },
  { name: 'umlal', u: '1', opcode: '1000', sizes: 'bhs', element: '0010', op: onto(add, product('u')) },
  { name: 'smlsl', u: '0', opcode: '1010', sizes: 'bhs', element: '0110', op: onto(sub, product('s')) },
  { name: 'umlsl', u: '1', opcode: '1010', sizes: 'bhs', element: '0110', op: onto(sub, product('u')) },
  { name: 'smull', u: '0', opcode: '1100', sizes: 'bhs', element: '1010', op: product('s') },
  { name: 'umull', u: '1', opcode: '1100', sizes: 'bhs', element: '1010', op: product('u') },
  { name: 'sqdmlal', u: '0', opcode: '1001', sizes: 'hs', scalar: 'hs', element: '0011', op: onto(saturatingAdd('s'), doubledProduct) },
  { name: 'sqdmlsl', u: '0', opcode: '1011', sizes: 'hs', scalar: 'hs', element: '0111', op: onto(saturatingSub('s'), doubledProduct) },
  { name: 'sqdmull', u: '0', opcode: '1101', sizes: 'hs', scalar: 'hs', element: '1011', op: doubledProduct },
  { name: 'pmull', u: '0', opcode: '1110', sizes: 'b', op: extending('u', polynomialMultiply) },
];

export const partOf = (q: number): Part => (q ? 'high' : 'low');
/** The lanes of half a register. */
export const halfOf = (size: number): Lanes => lanesIn(V_BITS / 2, size);

const long: Row[] = THREE_DIFFERENT.map(({ name, u, opcode, sizes, op, wideFirst }) =>
  row(
    `${name.toUpperCase()}, ${name.toUpperCase()}2`,
    `0 Q:1 ${u} 01110 size:2 1 Rm:5 ${opcode as '0000'} 00 Rn:5 Rd:5`,
    `${name}${SECOND} <Vd>.${TA}, <Vn>.${wideFirst ? TA : T}, <Vm>.${T}`,
    {
      fp: true,
      when: laneSizes(sizes),
      execute: ({ Q, size, Rm, Rn, Rd }, b) =>
        b.setV(
          Rd,
          op(b, halfOf(size), b.V(Rn), b.V(Rm), partOf(Q), () => b.V(Rd)),
        ),
    },
  ),
);

const longScalars: Row[] = THREE_DIFFERENT.filter((t) => t.scalar).map(
  ({ name, u, opcode, scalar: sizes = '', op }) =>
    row(
      `${name.toUpperCase()} (scalar)`,
      `01 ${u} 11110 size:2 1 Rm:5 ${opcode as '0000'} 00 Rn:5 Rd:5`,
      `${name} ${SCALAR_WIDE}<Rd>, ${SCALAR}<Rn>, ${SCALAR}<Rm>`,
      {
        fp: true,
        when: laneSizes(sizes),
        execute: ({ size, Rm, Rn, Rd }, b) => {
          const l = scalar(size);
          const wide = wider(l);
          const old = () => readLanes(b, wide, Rd);
          writeLanes(b, wide, Rd, op(b, l, readLanes(b, l, Rn), readLanes(b, l, Rm), 'low', old));
        },
      },
    ),
);

/** Sums and differences of wide lanes of which the high halves are kept. */
const HIGH_NARROW = [
  { name: 'addhn', u: '0', opcode: '0100', op: 'add', rounding: false },
  { name: 'raddhn', u: '1', opcode: '0100', op: 'add', rounding: true },
  { name: 'subhn', u: '0', opcode: '0110', op: 'sub', rounding: false },
  { name: 'rsubhn', u: '1', opcode: '0110', op: 'sub', rounding: true },
] as const;
const highNarrow: Row[] = HIGH_NARROW.map(({ name, u, opcode, op, rounding }) =>
  row(
    `${name.toUpperCase()}, ${name.toUpperCase()}2`,
    `0 Q:1 ${u} 01110 size:2 1 Rm:5 ${opcode} 00 Rn:5 Rd:5`,
    `${name}${SECOND} <Vd>.${T}, <Vn>.${TA}, <Vm>.${TA}`,
    {
      fp: true,
      when: laneSizes('bhs'),
      execute: ({ Q, size, Rm, Rn, Rd }, b) => {
        const wide = lanesIn(V_BITS, size + 1);
        const exact = lanewise(b, wide, op, b.V(Rn), b.V(Rm));
        const halfUnit = 1n << BigInt(wide.bits / 2 - 1);
        const rounded = rounding ? lanewise(b, wide, 'add', exact, laneConstant(b, wide, halfUnit)) : exact;
        b.setV(Rd, packHalves(b, wide, rounded, 1, Q ? b.V(Rd) : undefined));
      },
    },
  ),
);

export const simdWidening: readonly Row[] = [...long, ...longScalars, ...highNarrow];
