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
import {
  BY_SZ,
  DOUBLE,
  type Float,
  HALF,
  HALVES,
  notOneDouble,
  read,
  type Shape,
  SINGLE,
  scalar,
  T,
  vector,
  write,
} from './fp-shared.ts';
import { everySecondLane, lanesIn } from './simd-shared.ts';

/** `old` reads the destination, for those that accumulate. */
type Operation = (b: Semantics, s: Shape, x: Float, y: Float, old: () => Float) => Float;

const multiplyAdd: Operation = (b, s, x, y, old) => FUSED.FMADD(b, s, old(), x, y);
const multiplySubtract: Operation = (b, s, x, y, old) => FUSED.FMSUB(b, s, old(), x, y);

/** Works on neighbours in the concatenation of both vectors. */
const pairwise =
  (operation: Binary): Operation =>
  (b, s, x, y) => {
    const lanes = lanesIn(s.lanes * s.laneBits, s.format);
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

/** The halves' opcodes: three of the five bits. */
const lowBits = (opcode: string): string => opcode.slice(2);

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
  const halvesRow = row(
    `${name} (vector, half)`,
    `0 Q:1 ${u} 01110 ${a} 10 Rm:5 00 ${lowBits(opcode) as '000'} 1 Rn:5 Rd:5`,
    `${mnemonic} <Vd>.${HALVES}, <Vn>.${HALVES}, <Vm>.${HALVES}`,
    {
      fp: true,
      feature: 'FEAT_FP16',
      execute: ({ Q, ...registers }, b) => apply(b, vector(HALF, Q), operation, registers),
    },
  );
  if (!hasScalar) return [vectorRow, halvesRow];
  const scalarRow = row(
    `${name} (AdvSIMD scalar)`,
    `01 ${u} 11110 ${a} sz:1 1 Rm:5 ${opcode as '11000'} 1 Rn:5 Rd:5`,
    `${mnemonic} ${BY_SZ}<Rd>, ${BY_SZ}<Rn>, ${BY_SZ}<Rm>`,
    { fp: true, execute: ({ sz, ...registers }, b) => apply(b, scalar(sz), operation, registers) },
  );
  const halfRow = row(
    `${name} (AdvSIMD scalar, half)`,
    `01 ${u} 11110 ${a} 10 Rm:5 00 ${lowBits(opcode) as '000'} 1 Rn:5 Rd:5`,
    `${mnemonic} h<Rd>, h<Rn>, h<Rm>`,
    {
      fp: true,
      feature: 'FEAT_FP16',
      execute: (registers, b) => apply(b, scalar(HALF), operation, registers),
    },
  );
  return [vectorRow, halvesRow, scalarRow, halfRow];
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
const lane = (b: Semantics, s: Shape, r: Register, index: number): Float => {
  const load = s.type === 'i32' ? 'i32.16u' : s.type;
  return b.laneV(load, r, (index * s.laneBits) / 8) as Float;
};
/** Reduce: the halves first, down to pairs of neighbours. */
function reduce(b: Semantics, s: Shape, operation: Binary, r: Register, first: number, count: number): Float {
  if (count === 1) return lane(b, s, r, first);
  const part = (from: number) => reduce(b, s, operation, r, from, count / 2);
  return operation(b, s, part(first), part(first + count / 2));
}

const reductions: Row[] = REDUCTIONS.flatMap(({ name, a, opcode, across }) => {
  const operation = BINARY[name];
  const mnemonic = name.toLowerCase();
  const pairs = [
    row(
      `${name}P (scalar)`,
      `01 1 11110 ${a} sz:1 11000 ${opcode} 10 Rn:5 Rd:5`,
      `${mnemonic}p ${BY_SZ}<Rd>, <Vn>.<sz:2s|2d>`,
      {
        fp: true,
        execute: ({ sz, Rn, Rd }, b) => {
          const s = scalar(sz);
          write(b, s, Rd, reduce(b, s, operation, Rn, 0, 2));
        },
      },
    ),
    row(
      `${name}P (scalar, half)`,
      `01 0 11110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`,
      `${mnemonic}p h<Rd>, <Vn>.2h`,
      {
        fp: true,
        feature: 'FEAT_FP16',
        execute: ({ Rn, Rd }, b) => write(b, scalar(HALF), Rd, reduce(b, scalar(HALF), operation, Rn, 0, 2)),
      },
    ),
  ];
  if (!across) return pairs;
  const all = [
    row(`${name}V`, `0 1 1 01110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`, `${mnemonic}v s<Rd>, <Vn>.4s`, {
      fp: true,
      execute: ({ Rn, Rd }, b) =>
        write(b, scalar(SINGLE), Rd, reduce(b, scalar(SINGLE), operation, Rn, 0, 4)),
    }),
    row(
      `${name}V (half)`,
      `0 Q:1 0 01110 ${a} 0 11000 ${opcode} 10 Rn:5 Rd:5`,
      `${mnemonic}v h<Rd>, <Vn>.${HALVES}`,
      {
        fp: true,
        feature: 'FEAT_FP16',
        execute: ({ Q, Rn, Rd }, b) =>
          write(b, scalar(HALF), Rd, reduce(b, scalar(HALF), operation, Rn, 0, Q ? 8 : 4)),
      },
    ),
  ];
  return [...pairs, ...all];
});

// ---- By element ----

const BY_ELEMENT = [
  { name: 'FMLA', u: '0', opcode: '0001', operation: multiplyAdd },
  { name: 'FMLS', u: '0', opcode: '0101', operation: multiplySubtract },
  { name: 'FMUL', u: '0', opcode: '1001', operation: BINARY.FMUL },
  { name: 'FMULX', u: '1', opcode: '1001', operation: BINARY.FMULX },
] as const;
/** Where the size, the element's register and its index lie: H, then L, then M, as far as the index goes. */
const ELEMENTS = [
  {
    ftype: HALF,
    fields: '00 L:1 M:1 Rm:4',
    letter: 'h',
    text: '<H.L.M>',
    index: ['H', 'L', 'M'],
    lanes: HALVES,
  },
  { ftype: SINGLE, fields: '10 L:1 Rm:5', letter: 's', text: '<H.L>', index: ['H', 'L'], lanes: '<Q:2s|4s>' },
  { ftype: DOUBLE, fields: '11 0 Rm:5', letter: 'd', text: '<H>', index: ['H'], lanes: '2d' },
] as const;
const SPLATS = ['v128.32splat', 'v128.64splat', undefined, 'v128.16splat'] as const;

const byElement: Row[] = BY_ELEMENT.flatMap(({ name, u, opcode, operation }) =>
  ELEMENTS.flatMap(({ ftype, fields, letter, text, index, lanes }) => {
    const mnemonic = name.toLowerCase();
    const one = scalar(ftype);
    const bytes = one.laneBits / 8;
    const offset = u16(
      index,
      (f: RawFields) => index.reduce((value: number, field) => 2 * value + (f[field] ?? 0), 0) * bytes,
    );
    const shared = {
      fp: true,
      operands: { offset },
      ...(ftype === HALF && { feature: 'FEAT_FP16' as const }),
    };
    const rest = `${fields as '11 0 Rm:5'} ${opcode} H:1 0 Rn:5 Rd:5` as const;
    const vectorRow = row(
      `${name} (by element, ${letter})`,
      `0 Q:1 ${u} 01111 ${rest}`,
      `${mnemonic} <Vd>.${lanes}, <Vn>.${lanes}, <Vm>.${letter}[${text}]`,
      {
        ...shared,
        when: ({ Q = 0 }) => Q === 1 || ftype !== DOUBLE,
        execute: ({ Q, Rm, Rn, Rd, offset: at }, b) => {
          const s = vector(ftype, Q);
          const element = b.laneV<'v128'>(SPLATS[ftype], Rm, at);
          const result = operation(b, s, read(b, s, Rn), element, () => read(b, s, Rd));
          write(b, s, Rd, result);
        },
      },
    );
    const scalarRow = row(
      `${name} (by element, scalar ${letter})`,
      `01 ${u} 11111 ${rest}`,
      `${mnemonic} ${letter}<Rd>, ${letter}<Rn>, <Vm>.${letter}[${text}]`,
      {
        ...shared,
        execute: ({ Rm, Rn, Rd, offset: at }, b) => {
          const element = b.laneV(one.type === 'i32' ? 'i32.16u' : one.type, Rm, at) as Float;
          const result = operation(b, one, read(b, one, Rn), element, () => read(b, one, Rd));
          write(b, one, Rd, result);
        },
      },
    );
    return [vectorRow, scalarRow];
  }),
);

export const fpVector: readonly Row[] = [...threeSame, ...reductions, ...byElement];
