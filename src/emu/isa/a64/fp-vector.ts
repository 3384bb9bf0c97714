/**
 * Arm ARM C4.1.96, AdvSIMD instructions on floating-point numbers with two and three operands: vectors and
 * their scalar forms, pairs, across lanes, by element.
 */
import { assert } from '../../base/assert.ts';
import type { BinaryName } from '../../fp/operations.ts';
import { type RawFields, type Register, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { FRECPS, FRSQRTS, FUSED } from './fp-fused.ts';
import { BINARY, type Binary } from './fp-operations.ts';
import { BY_SZ, type Float, notOneDouble, read, type Shape, scalar, T, vector, write } from './fp-shared.ts';
import { everySecondLane, lanesIn } from './simd-shared.ts';

/** `old` reads the destination, for those that accumulate. */
type Operation = (b: Semantics, s: Shape, x: Float, y: Float, old: () => Float) => Float;

const multiplyAdd: Operation = (b, s, x, y, old) => FUSED.FMADD(b, s, old(), x, y);
const multiplySubtract: Operation = (b, s, x, y, old) => FUSED.FMSUB(b, s, old(), x, y);

/** Single and double lanes have the sizes 2 and 3 of the integer groups. */
const SINGLE_SIZE = 2;
/** Works on neighbours in the concatenation of both vectors. */
const pairwise =
  (operation: Binary): Operation =>
  (b, s, x, y) => {
    const size = SINGLE_SIZE + Number(s.double);
    const lanes = lanesIn(s.lanes * (8 << size), size);
    assert(x.type === 'v128' && y.type === 'v128', 'pairs are lanes of vectors');
    return operation(b, s, everySecondLane(b, lanes, x, y, 0), everySecondLane(b, lanes, x, y, 1));
  };

interface ThreeSame {
  readonly name: string;
  readonly u: '0' | '1';
  readonly a: '0' | '1';
  readonly opcode: string;
  readonly scalar?: boolean;
  readonly operation: Operation;
}
const THREE_SAME: readonly ThreeSame[] = [
  { name: 'FMAXNM', u: '0', a: '0', opcode: '11000', operation: BINARY.FMAXNM },
  { name: 'FMLA', u: '0', a: '0', opcode: '11001', operation: multiplyAdd },
  { name: 'FADD', u: '0', a: '0', opcode: '11010', operation: BINARY.FADD },
  { name: 'FMULX', u: '0', a: '0', opcode: '11011', scalar: true, operation: BINARY.FMULX },
  { name: 'FCMEQ', u: '0', a: '0', opcode: '11100', scalar: true, operation: BINARY.FCMEQ },
  { name: 'FMAX', u: '0', a: '0', opcode: '11110', operation: BINARY.FMAX },
  { name: 'FRECPS', u: '0', a: '0', opcode: '11111', scalar: true, operation: FRECPS },
  { name: 'FMINNM', u: '0', a: '1', opcode: '11000', operation: BINARY.FMINNM },
  { name: 'FMLS', u: '0', a: '1', opcode: '11001', operation: multiplySubtract },
  { name: 'FSUB', u: '0', a: '1', opcode: '11010', operation: BINARY.FSUB },
  { name: 'FMIN', u: '0', a: '1', opcode: '11110', operation: BINARY.FMIN },
  { name: 'FRSQRTS', u: '0', a: '1', opcode: '11111', scalar: true, operation: FRSQRTS },
  { name: 'FMAXNMP', u: '1', a: '0', opcode: '11000', operation: pairwise(BINARY.FMAXNM) },
  { name: 'FADDP', u: '1', a: '0', opcode: '11010', operation: pairwise(BINARY.FADD) },
  { name: 'FMUL', u: '1', a: '0', opcode: '11011', operation: BINARY.FMUL },
  { name: 'FCMGE', u: '1', a: '0', opcode: '11100', scalar: true, operation: BINARY.FCMGE },
  { name: 'FACGE', u: '1', a: '0', opcode: '11101', scalar: true, operation: BINARY.FACGE },
  { name: 'FMAXP', u: '1', a: '0', opcode: '11110', operation: pairwise(BINARY.FMAX) },
  { name: 'FDIV', u: '1', a: '0', opcode: '11111', operation: BINARY.FDIV },
  { name: 'FMINNMP', u: '1', a: '1', opcode: '11000', operation: pairwise(BINARY.FMINNM) },
  { name: 'FABD', u: '1', a: '1', opcode: '11010', scalar: true, operation: BINARY.FABD },
  { name: 'FCMGT', u: '1', a: '1', opcode: '11100', scalar: true, operation: BINARY.FCMGT },
  { name: 'FACGT', u: '1', a: '1', opcode: '11101', scalar: true, operation: BINARY.FACGT },
  { name: 'FMINP', u: '1', a: '1', opcode: '11110', operation: pairwise(BINARY.FMIN) },
];

function apply(
  b: Semantics,
  s: Shape,
  operation: Operation,
  { Rd, Rn, Rm }: Readonly<Record<'Rd' | 'Rn' | 'Rm', Register>>,
): void {
  write(
    b,
    s,
    Rd,
    operation(b, s, read(b, s, Rn), read(b, s, Rm), () => read(b, s, Rd)),
  );
}

const threeSame: Row[] = THREE_SAME.flatMap(({ name, u, a, opcode, scalar: hasScalar, operation }) => {
  const mnemonic = name.toLowerCase();
  const vectorRow = row(
    `${name} (vector)`,
    `0 Q:1 ${u} 01110 ${a} sz:1 1 Rm:5 ${opcode as '11000'} 1 Rn:5 Rd:5`,
    `${mnemonic} <Vd>.${T}, <Vn>.${T}, <Vm>.${T}`,
    {
      fp: true,
      when: notOneDouble,
      execute: ({ Q, sz, ...registers }, b) => apply(b, vector(sz, Q), operation, registers),
    },
  );
  if (!hasScalar) return [vectorRow];
  const scalarRow = row(
    `${name} (AdvSIMD scalar)`,
    `01 ${u} 11110 ${a} sz:1 1 Rm:5 ${opcode as '11000'} 1 Rn:5 Rd:5`,
    `${mnemonic} ${BY_SZ}<Rd>, ${BY_SZ}<Rn>, ${BY_SZ}<Rm>`,
    { fp: true, execute: ({ sz, ...registers }, b) => apply(b, scalar(sz), operation, registers) },
  );
  return [vectorRow, scalarRow];
});

// ---- Scalar pairs and across lanes ----

/** Reductions of two lanes to one, and of four (Reduce: the halves first). */
const REDUCTIONS = [
  { name: 'FMAXNM', a: '0', opcode: '01100', across: true },
  { name: 'FADD', a: '0', opcode: '01101', across: false },
  { name: 'FMAX', a: '0', opcode: '01111', across: true },
  { name: 'FMINNM', a: '1', opcode: '01100', across: true },
  { name: 'FMIN', a: '1', opcode: '01111', across: true },
] as const satisfies readonly { name: BinaryName; a: string; opcode: string; across: boolean }[];

/** Lane `index` of a register. */
const lane = (b: Semantics, s: Shape, r: Register, index: number): Float =>
  b.laneV<'f32' | 'f64'>(s.type as 'f32' | 'f64', r, index * (s.double ? 8 : 4)) as Float;

const reductions: Row[] = REDUCTIONS.flatMap(({ name, a, opcode, across }) => {
  const operation = BINARY[name];
  const mnemonic = name.toLowerCase();
  const pair = row(
    `${name}P (scalar)`,
    `01 1 11110 ${a} sz:1 11000 ${opcode} 10 Rn:5 Rd:5`,
    `${mnemonic}p ${BY_SZ}<Rd>, <Vn>.<sz:2s|2d>`,
    {
      fp: true,
      execute: ({ sz, Rn, Rd }, b) => {
        const s = scalar(sz);
        write(b, s, Rd, operation(b, s, lane(b, s, Rn, 0), lane(b, s, Rn, 1)));
      },
    },
  );
  if (!across) return [pair];
  const all = row(
    `${name}V`,
    `0 1 1 01110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`,
    `${mnemonic}v s<Rd>, <Vn>.4s`,
    {
      fp: true,
      execute: ({ Rn, Rd }, b) => {
        const s = scalar(false);
        const half = (first: number) => operation(b, s, lane(b, s, Rn, first), lane(b, s, Rn, first + 1));
        write(b, s, Rd, operation(b, s, half(0), half(2)));
      },
    },
  );
  return [pair, all];
});

// ---- By element ----

const BY_ELEMENT = [
  { name: 'FMLA', u: '0', opcode: '0001', operation: multiplyAdd },
  { name: 'FMLS', u: '0', opcode: '0101', operation: multiplySubtract },
  { name: 'FMUL', u: '0', opcode: '1001', operation: BINARY.FMUL },
  { name: 'FMULX', u: '1', opcode: '1001', operation: BINARY.FMULX },
] as const;
/** Where the size and the element's index lie: the index is H:L for singles, H for doubles. */
const ELEMENTS = [
  { double: false, size: '10 L:1', letter: 's', text: '<H.L>', index: ['H', 'L'], shift: 2 },
  { double: true, size: '11 0', letter: 'd', text: '<H>', index: ['H'], shift: 3 },
] as const;
/** Byte offset of the element. */
const elementOffset = (fields: readonly string[], shift: number) =>
  u16(fields, (f: RawFields) => fields.reduce((value, field) => 2 * value + (f[field] ?? 0), 0) << shift);

const byElement: Row[] = BY_ELEMENT.flatMap(({ name, u, opcode, operation }) =>
  ELEMENTS.flatMap(({ double, size, letter, text, index, shift }) => {
    const mnemonic = name.toLowerCase();
    const operands = { offset: elementOffset(index, shift) };
    const rest = `${size as '11 0'} Rm:5 ${opcode} H:1 0 Rn:5 Rd:5` as const;
    const lanes = double ? '2d' : '<Q:2s|4s>';
    const vectorRow = row(
      `${name} (by element, ${letter})`,
      `0 Q:1 ${u} 01111 ${rest}`,
      `${mnemonic} <Vd>.${lanes}, <Vn>.${lanes}, <Vm>.${letter}[${text}]`,
      {
        fp: true,
        when: ({ Q = 0 }) => Q === 1 || !double,
        operands,
        execute: ({ Q, Rm, Rn, Rd, offset }, b) => {
          const s = vector(double, Q);
          const element = b.laneV<'v128'>(double ? 'v128.64splat' : 'v128.32splat', Rm, offset);
          write(
            b,
            s,
            Rd,
            operation(b, s, read(b, s, Rn), element, () => read(b, s, Rd)),
          );
        },
      },
    );
    const scalarRow = row(
      `${name} (by element, scalar ${letter})`,
      `01 ${u} 11111 ${rest}`,
      `${mnemonic} ${letter}<Rd>, ${letter}<Rn>, <Vm>.${letter}[${text}]`,
      {
        fp: true,
        operands,
        execute: ({ Rm, Rn, Rd, offset }, b) => {
          const s = scalar(double);
          const element = b.laneV<'f32' | 'f64'>(double ? 'f64' : 'f32', Rm, offset) as Float;
          write(
            b,
            s,
            Rd,
            operation(b, s, read(b, s, Rn), element, () => read(b, s, Rd)),
          );
        },
      },
    );
    return [vectorRow, scalarRow];
  }),
);

export const fpVector: readonly Row[] = [...threeSame, ...reductions, ...byElement];
