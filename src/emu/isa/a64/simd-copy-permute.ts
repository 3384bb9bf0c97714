/**
 * Arm ARM C4.1.97: Advanced SIMD copy, scalar copy, modified immediate, extract, table lookup and permute.
 */
import type { I32, I64, LoadKind, V128 } from '../../ir/ir.ts';
import { i64, type RawFields, type Register, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { expandHalfImmediate, expandImmediate } from './simd-immediate.ts';
import { vectorSizes } from './simd-rows.ts';
import {
  andNotV,
  arrangement,
  arrangementText,
  everySecondLane,
  LANE_LETTERS,
  type Lanes,
  laneConstant,
  lanewise,
  orV,
  readLanes,
  registerList,
  selectV,
  shuffle,
  shuffleLanes,
  splatGeneral,
  splatLane,
  T,
  V_BITS,
  V_BYTES,
  writeLanes,
} from './simd-shared.ts';

const DOUBLE = 3;
/** imm5 by size: the lowest set bit tells it, the bits above are the index. */
const INDEXED = ['index:4 1', 'index:3 10', 'index:2 100', 'index:1 1000'] as const;
/** Byte offset of the lane that `index` names. */
const laneOffset = (size: number) => u16(['index'], ({ index = 0 }) => index << size);
const forSizes = <R>(sizes: readonly number[], make: (size: number, letter: string) => R): R[] =>
  sizes.map((size) => make(size, LANE_LETTERS[size] as string));
const ALL_SIZES = [0, 1, 2, DOUBLE];
const atLeastTwoLanes = (size: number) => ({
  when: ({ Q = 0 }: RawFields) => size !== DOUBLE || Q === 1,
});
const vectorText = (size: number) => (size === DOUBLE ? '2d' : arrangementText(size));

// ---- Copies ----

type DupPattern = '0 Q:1 0 01110000 index:4 1 0 0000 1 Rn:5 Rd:5';
const dup: Row[] = forSizes(ALL_SIZES, (size, letter) =>
  row(
    `DUP (element, ${letter.toUpperCase()})`,
    `0 Q:1 0 01110000 ${INDEXED[size]} 0 0000 1 Rn:5 Rd:5` as DupPattern,
    `dup <Vd>.${vectorText(size)}, <Vn>.${letter}[<index>]`,
    {
      fp: true,
      ...atLeastTwoLanes(size),
      operands: { offset: laneOffset(size) },
      execute: ({ Q, Rn, Rd, offset }, b) =>
        writeLanes(b, arrangement(size, Q), Rd, splatLane(b, size, Rn, offset)),
    },
  ),
);

/** Loads of one lane with zeros above, by size. */
const LANE_LOADS: readonly LoadKind[] = ['i32.8u', 'i32.16u', 'i64.32u', 'i64'];
type DupScalarPattern = '01 0 11110000 index:4 1 0 0000 1 Rn:5 Rd:5';
const dupScalar: Row[] = forSizes(ALL_SIZES, (size, letter) =>
  row(
    `DUP (scalar, ${letter.toUpperCase()})`,
    `01 0 11110000 ${INDEXED[size]} 0 0000 1 Rn:5 Rd:5` as DupScalarPattern,
    `dup ${letter}<Rd>, <Vn>.${letter}[<index>]`,
    {
      fp: true,
      operands: { offset: laneOffset(size) },
      execute: ({ Rn, Rd, offset }, b) => {
        const lane = b.laneV<'i32' | 'i64'>(LANE_LOADS[size] as LoadKind, Rn, offset);
        b.setD(Rd, b.toX(lane as I32 | I64));
      },
    },
  ),
);

type DupGeneralPattern = '0 Q:1 0 01110000 ignored:4 1 0 0001 1 Rn:5 Rd:5';
const ignoredBits = { unused: u16(['ignored'], () => 0) };
const dupGeneral: Row[] = forSizes(ALL_SIZES, (size, letter) =>
  row(
    `DUP (general, ${letter.toUpperCase()})`,
    `0 Q:1 0 01110000 ${INDEXED[size]?.replace('index', 'ignored')} 0 0001 1 Rn:5 Rd:5` as DupGeneralPattern,
    `dup <Vd>.${vectorText(size)}, <${size === DOUBLE ? 'X' : 'W'}n>`,
    {
      fp: true,
      ...atLeastTwoLanes(size),
      operands: ignoredBits,
      execute: ({ Q, Rn, Rd }, b) => {
        const l = arrangement(size, Q);
        writeLanes(b, l, Rd, splatGeneral(b, l, Rn));
      },
    },
  ),
);

/** Lanes to general registers: size, the form's Q bit, how the lane is extended. */
// biome-ignore format: a table
const TO_GENERAL: readonly { name: string; q: '0' | '1'; opcode: string; size: number; load: LoadKind; register: string }[] = [
  { name: 'smov', q: '0', opcode: '0101', size: 0, load: 'i32.8s', register: 'Wd' },
  { name: 'smov', q: '0', opcode: '0101', size: 1, load: 'i32.16s', register: 'Wd' },
  { name: 'smov', q: '1', opcode: '0101', size: 0, load: 'i64.8s', register: 'Xd' },
  { name: 'smov', q: '1', opcode: '0101', size: 1, load: 'i64.16s', register: 'Xd' },
  { name: 'smov', q: '1', opcode: '0101', size: 2, load: 'i64.32s', register: 'Xd' },
  { name: 'umov', q: '0', opcode: '0111', size: 0, load: 'i64.8u', register: 'Wd' },
  { name: 'umov', q: '0', opcode: '0111', size: 1, load: 'i64.16u', register: 'Wd' },
  { name: 'umov', q: '0', opcode: '0111', size: 2, load: 'i64.32u', register: 'Wd' },
  { name: 'umov', q: '1', opcode: '0111', size: 3, load: 'i64', register: 'Xd' },
];
type ToGeneralPattern = '0 0 0 01110000 index:4 1 0 0101 1 Rn:5 Rd:5';
const toGeneral: Row[] = TO_GENERAL.map(({ name, q, opcode, size, load, register }) =>
  row(
    `${name.toUpperCase()} (${LANE_LETTERS[size]?.toUpperCase()} to ${register[0]})`,
    `0 ${q} 0 01110000 ${INDEXED[size]} 0 ${opcode} 1 Rn:5 Rd:5` as ToGeneralPattern,
    `${name} <${register}>, <Vn>.${LANE_LETTERS[size]}[<index>]`,
    {
      fp: true,
      operands: { offset: laneOffset(size) },
      execute: ({ Rn, Rd, offset }, b) => b.setR(Rd, b.laneV<'i32' | 'i64'>(load, Rn, offset) as I32 | I64),
    },
  ),
);

/** Puts a lane into a register through a vector: a short store would stall the next read of the whole. */
function insertLane(b: Semantics, size: number, r: Register, index: number, value: I32 | I64): void {
  const l: Lanes = arrangement(size, 1);
  b.setV(r, b.numeric<'v128'>(`${l.shape}.replace_lane`, [b.V(r), value], [index]));
}
type InsertGeneralPattern = '0 1 0 01110000 index:4 1 0 0011 1 Rn:5 Rd:5';
const insertGeneral: Row[] = forSizes(ALL_SIZES, (size, letter) =>
  row(
    `INS (general, ${letter.toUpperCase()})`,
    `0 1 0 01110000 ${INDEXED[size]} 0 0011 1 Rn:5 Rd:5` as InsertGeneralPattern,
    `ins <Vd>.${letter}[<index>], <${size === DOUBLE ? 'X' : 'W'}n>`,
    {
      fp: true,
      execute: ({ Rn, Rd, index }, b) => insertLane(b, size, Rd, index, b.R(size === DOUBLE ? 1 : 0, Rn)),
    },
  ),
);

/** imm4 holds the source's index above `size` bits that are ignored. */
const INSERT_LOADS: readonly LoadKind[] = ['i32.8u', 'i32.16u', 'i32', 'i64'];
type InsertElementPattern = '0 1 1 01110000 index:4 1 0 imm4:4 1 Rn:5 Rd:5';
const insertElement: Row[] = forSizes(ALL_SIZES, (size, letter) =>
  row(
    `INS (element, ${letter.toUpperCase()})`,
    `0 1 1 01110000 ${INDEXED[size]} 0 imm4:4 1 Rn:5 Rd:5` as InsertElementPattern,
    `ins <Vd>.${letter}[<index>], <Vn>.${letter}[<imm4/${1 << size}>]`,
    {
      fp: true,
      operands: { offset: u16(['imm4'], ({ imm4 = 0 }) => (imm4 >> size) << size) },
      execute: ({ Rn, Rd, index, offset }, b) => {
        const lane = b.laneV<'i32' | 'i64'>(INSERT_LOADS[size] as LoadKind, Rn, offset);
        insertLane(b, size, Rd, index, lane as I32 | I64);
      },
    },
  ),
);

// ---- Modified immediate ----

interface ModifiedImmediate {
  readonly name: string;
  /** cmode and op, in the encoding's places. */
  readonly op: '0' | '1';
  readonly cmode: string;
  /** The kind of immediate, as the manual calls it. */
  readonly form: string;
  readonly text: string;
  /** o2 of the encoding: halves of FEAT_FP16. */
  readonly o2?: '1';
  /** Only with Q set: FMOV to 2D. */
  readonly onlyQ?: boolean;
  readonly combine?: (b: Semantics, old: V128, immediate: V128) => V128;
}
const LSL32 = '<shift:|, lsl #8|, lsl #16|, lsl #24>';
const LSL16 = '<shift:|, lsl #8>';
const MSL = ', msl #<shift:8|16>';
// biome-ignore format: a table
const MODIFIED_IMMEDIATES: readonly ModifiedImmediate[] = [
  { name: 'movi', op: '0', cmode: '0 shift:2 0', form: '32-bit', text: `<Vd>.<Q:2s|4s>, #<abc.defgh:hex>${LSL32}` },
  { name: 'orr', op: '0', cmode: '0 shift:2 1', form: '32-bit', text: `<Vd>.<Q:2s|4s>, #<abc.defgh:hex>${LSL32}`, combine: orV },
  { name: 'movi', op: '0', cmode: '10 shift:1 0', form: '16-bit', text: `<Vd>.<Q:4h|8h>, #<abc.defgh:hex>${LSL16}` },
  { name: 'orr', op: '0', cmode: '10 shift:1 1', form: '16-bit', text: `<Vd>.<Q:4h|8h>, #<abc.defgh:hex>${LSL16}`, combine: orV },
  { name: 'movi', op: '0', cmode: '110 shift:1', form: '32-bit shifting ones', text: `<Vd>.<Q:2s|4s>, #<abc.defgh:hex>${MSL}` },
  { name: 'movi', op: '0', cmode: '1110', form: '8-bit', text: '<Vd>.<Q:8b|16b>, #<abc.defgh:hex>' },
  { name: 'fmov', op: '0', cmode: '1111', form: 'single', text: '<Vd>.<Q:2s|4s>, #<abc.defgh:float>' },
  { name: 'fmov', op: '0', cmode: '1111', o2: '1', form: 'half', text: '<Vd>.<Q:4h|8h>, #<abc.defgh:float>' },
  { name: 'mvni', op: '1', cmode: '0 shift:2 0', form: '32-bit', text: `<Vd>.<Q:2s|4s>, #<abc.defgh:hex>${LSL32}` },
  { name: 'bic', op: '1', cmode: '0 shift:2 1', form: '32-bit', text: `<Vd>.<Q:2s|4s>, #<abc.defgh:hex>${LSL32}`, combine: andNotV },
  { name: 'mvni', op: '1', cmode: '10 shift:1 0', form: '16-bit', text: `<Vd>.<Q:4h|8h>, #<abc.defgh:hex>${LSL16}` },
  { name: 'bic', op: '1', cmode: '10 shift:1 1', form: '16-bit', text: `<Vd>.<Q:4h|8h>, #<abc.defgh:hex>${LSL16}`, combine: andNotV },
  { name: 'mvni', op: '1', cmode: '110 shift:1', form: '32-bit shifting ones', text: `<Vd>.<Q:2s|4s>, #<abc.defgh:hex>${MSL}` },
  { name: 'movi', op: '1', cmode: '1110', form: '64-bit', text: '<Q:d|v><Rd><Q:|.2d>, #<abc.defgh:bytes>' },
  { name: 'fmov', op: '1', cmode: '1111', form: 'double', text: '<Vd>.2d, #<abc.defgh:float>', onlyQ: true },
];
type ImmediatePattern = '0 Q:1 0 0111100000 abc:3 0 shift:2 0 01 defgh:5 Rd:5';
const modifiedImmediates: Row[] = MODIFIED_IMMEDIATES.map((entry) => {
  const { name, op, cmode, o2 = '0', form, text, onlyQ, combine } = entry;
  return row(
    `${name.toUpperCase()} (vector, immediate, ${form})`,
    `0 Q:1 ${op} 0111100000 abc:3 ${cmode} ${o2}1 defgh:5 Rd:5` as ImmediatePattern,
    `${name} ${text}`,
    {
      fp: true,
      ...(o2 === '1' && { feature: 'FEAT_FP16' as const }),
      when: ({ Q = 0 }) => !onlyQ || Q === 1,
      operands: {
        value: i64(cmode.includes('shift') ? ['abc', 'defgh', 'shift'] : ['abc', 'defgh'], (f) =>
          immediateOf(entry, f),
        ),
      },
      execute: ({ Q, Rd, value }, b) => {
        const l = arrangement(DOUBLE, Q);
        const immediate = b.numeric<'v128'>('i64x2.splat', [value]);
        writeLanes(b, l, Rd, combine ? combine(b, readLanes(b, l, Rd), immediate) : immediate);
      },
    },
  );
});
/** The 64 bits: MVNI inverts them; BIC does so by its operation. */
function immediateOf({ name, op, cmode, o2 }: ModifiedImmediate, f: RawFields): bigint {
  const imm8 = ((f.abc ?? 0) << 5) | (f.defgh ?? 0);
  if (o2 === '1') return expandHalfImmediate(imm8);
  const shift = f.shift ?? 0;
  const bits = cmode.replace(/shift:(\d)/, (_, width) => shift.toString(2).padStart(Number(width), '0'));
  const mode = Number.parseInt(bits.replaceAll(' ', ''), 2);
  const value = expandImmediate(Number(op), mode, imm8);
  return name === 'mvni' ? ~value : value;
}

// ---- Extract, table lookup, permute ----

const HALF = V_BYTES / 2;
const extract: Row = row(
  'EXT',
  '0 Q:1 101110 00 0 Rm:5 0 imm4:4 0 Rn:5 Rd:5',
  'ext <Vd>.<Q:8b|16b>, <Vn>.<Q:8b|16b>, <Vm>.<Q:8b|16b>, #<imm4>',
  {
    fp: true,
    when: ({ Q = 0, imm4 = 0 }) => Q === 1 || imm4 < HALF,
    execute: ({ Q, Rm, Rn, Rd, imm4 }, b) => {
      const l = arrangement(0, Q);
      const picked = shuffle(b, readLanes(b, l, Rn), readLanes(b, l, Rm), (at) => {
        const from = imm4 + (at % l.count);
        return from < l.count ? from : V_BYTES + (from - l.count);
      });
      writeLanes(b, l, Rd, picked);
    },
  },
);

/** TBL and TBX: registers of the table; `len` is one less. TBX keeps what an index beyond the table stands for. */
const TABLES = [0, 1, 2, 3].flatMap((len) => [
  { name: 'tbl', op: '0', len },
  { name: 'tbx', op: '1', len },
]);
const tableLookups: Row[] = TABLES.map(({ name, op, len }) =>
  row(
    `${name.toUpperCase()} (${len + 1} registers)`,
    `0 Q:1 001110 00 0 Rm:5 0 ${len.toString(2).padStart(2, '0') as '00'} ${op as '0'} 00 Rn:5 Rd:5`,
    `${name} <Vd>.<Q:8b|16b>, ${registerList('Vn', len + 1, '16b')}, <Vm>.<Q:8b|16b>`,
    {
      fp: true,
      execute: ({ Q, Rm, Rn, Rd }, b) => {
        const l = arrangement(0, Q);
        const indexes = readLanes(b, l, Rm);
        const found = lookUp(b, l, Rn, len + 1, indexes);
        if (name === 'tbl') return writeLanes(b, l, Rd, found);
        const inTable = lanewise(b, l, 'lt_u', indexes, laneConstant(b, l, BigInt((len + 1) * V_BYTES)));
        writeLanes(b, l, Rd, selectV(b, inTable, found, b.V(Rd)));
      },
    },
  ),
);
/** wasm's swizzle gives 0 for indexes beyond its register, so that the parts can be put together by OR. */
function lookUp(b: Semantics, l: Lanes, first: Register, registers: number, indexes: V128): V128 {
  let result = lanewise(b, l, 'swizzle', b.V(first), indexes);
  for (let step = 1; step < registers; step++) {
    const inside = lanewise(b, l, 'sub', indexes, laneConstant(b, l, BigInt(step * V_BYTES)));
    result = orV(b, result, lanewise(b, l, 'swizzle', b.V(b.nextV(first, step)), inside));
  }
  return result;
}

/** One of two halves of the result of interleaving or deinterleaving. */
type Permutation = (b: Semantics, l: Lanes, x: V128, y: V128, part: 0 | 1) => V128;
const zip: Permutation = (b, l, x, y, part) =>
  shuffleLanes(b, l, x, y, (at) => {
    const from = Math.floor((at % l.count) / 2) + (part * l.count) / 2;
    return at % 2 === 0 ? from : V_BITS / l.bits + from;
  });
const transpose: Permutation = (b, l, x, y, part) =>
  shuffleLanes(b, l, x, y, (at) => (at % 2 === 0 ? at + part : V_BITS / l.bits + at - 1 + part));
const PERMUTATIONS: readonly { name: string; opcode: string; permute: Permutation }[] = [
  { name: 'uzp', opcode: '01', permute: everySecondLane },
  { name: 'trn', opcode: '10', permute: transpose },
  { name: 'zip', opcode: '11', permute: zip },
];
const permutes: Row[] = PERMUTATIONS.flatMap(({ name, opcode, permute }) =>
  ([0, 1] as const).map((part) =>
    row(
      `${name.toUpperCase()}${part + 1}`,
      `0 Q:1 001110 size:2 0 Rm:5 0 ${part ? '1' : '0'} ${opcode as '01'} 10 Rn:5 Rd:5`,
      `${name}${part + 1} <Vd>.${T}, <Vn>.${T}, <Vm>.${T}`,
      {
        fp: true,
        when: vectorSizes('bhsd'),
        execute: ({ Q, size, Rm, Rn, Rd }, b) => {
          const l = arrangement(size, Q);
          writeLanes(b, l, Rd, permute(b, l, readLanes(b, l, Rn), readLanes(b, l, Rm), part));
        },
      },
    ),
  ),
);

export const simdCopyPermute: readonly Row[] = [
  ...dup,
  ...dupScalar,
  ...dupGeneral,
  ...toGeneral,
  ...insertGeneral,
  ...insertElement,
  ...modifiedImmediates,
  extract,
  ...tableLookups,
  ...permutes,
];
