/**
 * Arm ARM C4.1.97: Advanced SIMD shift by immediate and scalar shift by immediate, integer. The highest set
 * bit of immh tells the size, so that there is a row for each size, and the amount is an operand.
 */
import type { I32, V128 } from '../../ir/ir.ts';
import { type OperandSpec, type RawFields, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { limitOf, type Narrowing, narrowSaturating } from './simd-lanes.ts';
import {
  allOnes,
  andNotV,
  andV,
  arrangement,
  arrangementText,
  LANE_LETTERS,
  type Lanes,
  laneConstant,
  lanesIn,
  lanewise,
  orV,
  packHalves,
  readLanes,
  SECOND,
  saturateWhere,
  scalar,
  selectV,
  V_BITS,
  wider,
  writeLanes,
  zeroV,
} from './simd-shared.ts';

/** The fixed bit and the low bits of immh:immb, by size. */
const IMMEDIATES = ['0001 imm:3', '001 imm:4', '01 imm:5', '1 imm:6'] as const;
type VectorPattern = '0 Q:1 0 011110 0001 imm:3 00000 1 Rn:5 Rd:5';
type ScalarPattern = '01 0 111110 0001 imm:3 00000 1 Rn:5 Rd:5';

/** What a row knows of its amount: for shifts to the right, one less, and whether it is the whole lane. */
interface Amount {
  /** Left: 0 … bits − 1. Right: the amount less one, 0 … bits − 1. */
  readonly by: I32;
  /** Right: everything is shifted out. */
  readonly whole: number;
}
type Direction = 'left' | 'right';
type ShiftOperation = (b: Semantics, l: Lanes, x: V128, amount: Amount, old: () => V128) => V128;
type Sign = 's' | 'u';

const leftAmount: OperandSpec<'u16'> = u16(['imm'], ({ imm = 0 }) => imm);
/** A right shift by 2 * bits − immh:immb; less one, so that wasm's amounts modulo the width suffice. */
const rightAmount = (size: number): OperandSpec<'u16'> =>
  u16(['imm'], ({ imm = 0 }) => (8 << size) - imm - 1);
const wholeLane = (direction: Direction) => ({
  whole: ({ imm = 0 }: RawFields) => direction === 'right' && imm === 0,
});

// ---- Right ----

/** The amount itself, when it is not the whole lane. */
const exactly = (b: Semantics, { by }: Amount): I32 => b.add(by, b.i32(1));

const shiftRight =
  (sign: Sign): ShiftOperation =>
  (b, l, x, amount) => {
    if (!amount.whole) return lanewise(b, l, `shr_${sign}`, x, exactly(b, amount));
    return sign === 's' ? lanewise(b, l, 'shr_s', x, amount.by) : zeroV(b);
  };
/** Adds the last bit that is shifted out. */
const shiftRightRounding =
  (sign: Sign): ShiftOperation =>
  (b, l, x, { by }) => {
    const almost = lanewise(b, l, `shr_${sign}`, x, by);
    const shifted = lanewise(b, l, `shr_${sign}`, almost, b.i32(1));
    return lanewise(b, l, 'add', shifted, andV(b, almost, laneConstant(b, l, 1n)));
  };
const accumulated =
  (op: ShiftOperation): ShiftOperation =>
  (b, l, x, amount, old) =>
    lanewise(b, l, 'add', old(), op(b, l, x, amount, old));
/** Keeps the bits of the destination that the shift vacates. */
const insertRight: ShiftOperation = (b, l, x, amount, old) => {
  if (amount.whole) return old();
  const by = exactly(b, amount);
  return selectV(b, lanewise(b, l, 'shr_u', allOnes(b), by), lanewise(b, l, 'shr_u', x, by), old());
};

// ---- Left ----

const shiftLeft: ShiftOperation = (b, l, x, { by }) => lanewise(b, l, 'shl', x, by);
const insertLeft: ShiftOperation = (b, l, x, { by }, old) =>
  selectV(b, lanewise(b, l, 'shl', allOnes(b), by), lanewise(b, l, 'shl', x, by), old());
/** Where a shift to the left has lost bits, by shifting back. */
function lost(b: Semantics, l: Lanes, x: V128, shifted: V128, by: I32, sign: Sign): V128 {
  return lanewise(b, l, 'ne', lanewise(b, l, `shr_${sign}`, shifted, by), x);
}
const shiftLeftSaturating =
  (sign: Sign): ShiftOperation =>
  (b, l, x, { by }) => {
    const shifted = lanewise(b, l, 'shl', x, by);
    const mask = lost(b, l, x, shifted, by, sign);
    saturateWhere(b, mask);
    return sign === 's' ? selectV(b, mask, limitOf(b, l, x), shifted) : orV(b, shifted, mask);
  };
/** Signed sources, unsigned results. */
const shiftLeftUnsigned: ShiftOperation = (b, l, x, { by }) => {
  const shifted = lanewise(b, l, 'shl', x, by);
  const above = lost(b, l, x, shifted, by, 'u');
  const negative = lanewise(b, l, 'shr_s', x, b.i32(l.bits - 1));
  saturateWhere(b, orV(b, above, negative));
  return andNotV(b, orV(b, shifted, above), negative);
};

interface Shift {
  readonly name: string;
  readonly u: '0' | '1';
  readonly opcode: string;
  readonly direction: Direction;
  /** Sizes of the scalar form. */
  readonly scalar: string;
  readonly op: ShiftOperation;
}
// biome-ignore format: a table
const SHIFTS: readonly Shift[] = [
  { name: 'sshr', u: '0', opcode: '00000', direction: 'right', scalar: 'd', op: shiftRight('s') },
  { name: 'ushr', u: '1', opcode: '00000', direction: 'right', scalar: 'd', op: shiftRight('u') },
  { name: 'ssra', u: '0', opcode: '00010', direction: 'right', scalar: 'd', op: accumulated(shiftRight('s')) },
  { name: 'usra', u: '1', opcode: '00010', direction: 'right', scalar: 'd', op: accumulated(shiftRight('u')) },
  { name: 'srshr', u: '0', opcode: '00100', direction: 'right', scalar: 'd', op: shiftRightRounding('s') },
  { name: 'urshr', u: '1', opcode: '00100', direction: 'right', scalar: 'd', op: shiftRightRounding('u') },
  { name: 'srsra', u: '0', opcode: '00110', direction: 'right', scalar: 'd', op: accumulated(shiftRightRounding('s')) },
  { name: 'ursra', u: '1', opcode: '00110', direction: 'right', scalar: 'd', op: accumulated(shiftRightRounding('u')) },
  { name: 'sri', u: '1', opcode: '01000', direction: 'right', scalar: 'd', op: insertRight },
  { name: 'shl', u: '0', opcode: '01010', direction: 'left', scalar: 'd', op: shiftLeft },
  { name: 'sli', u: '1', opcode: '01010', direction: 'left', scalar: 'd', op: insertLeft },
  { name: 'sqshlu', u: '1', opcode: '01100', direction: 'left', scalar: 'bhsd', op: shiftLeftUnsigned },
  { name: 'sqshl', u: '0', opcode: '01110', direction: 'left', scalar: 'bhsd', op: shiftLeftSaturating('s') },
  { name: 'uqshl', u: '1', opcode: '01110', direction: 'left', scalar: 'bhsd', op: shiftLeftSaturating('u') },
];

const amountText = (direction: Direction, size: number) =>
  direction === 'left' ? '#<imm>' : `#<${8 << size}-imm>`;
const DOUBLE = 3;

function shiftRows({ name, u, opcode, direction, scalar: scalars, op }: Shift): Row[] {
  return IMMEDIATES.flatMap((immediate, size) => {
    const letter = LANE_LETTERS[size] as string;
    const amount = amountText(direction, size);
    const text = size === DOUBLE ? '2d' : arrangementText(size);
    const common = {
      fp: true,
      operands: { by: direction === 'left' ? leftAmount : rightAmount(size) },
      specialise: wholeLane(direction),
    };
    const vector = row(
      `${name.toUpperCase()} (immediate, ${letter.toUpperCase()})`,
      `0 Q:1 ${u} 011110 ${immediate} ${opcode} 1 Rn:5 Rd:5` as VectorPattern,
      `${name} <Vd>.${text}, <Vn>.${text}, ${amount}`,
      {
        ...common,
        when: ({ Q = 0 }) => size !== DOUBLE || Q === 1,
        execute: ({ Q, Rn, Rd, by, whole }, b) => {
          const l = arrangement(size, Q);
          writeLanes(
            b,
            l,
            Rd,
            op(b, l, readLanes(b, l, Rn), { by, whole }, () => readLanes(b, l, Rd)),
          );
        },
      },
    );
    if (!scalars.includes(letter)) return [vector];
    return [
      vector,
      row(
        `${name.toUpperCase()} (immediate, ${letter.toUpperCase()}, scalar)`,
        `01 ${u} 111110 ${immediate} ${opcode} 1 Rn:5 Rd:5` as ScalarPattern,
        `${name} ${letter}<Rd>, ${letter}<Rn>, ${amount}`,
        {
          ...common,
          execute: ({ Rn, Rd, by, whole }, b) => {
            const l = scalar(size);
            writeLanes(
              b,
              l,
              Rd,
              op(b, l, readLanes(b, l, Rn), { by, whole }, () => readLanes(b, l, Rd)),
            );
          },
        },
      ),
    ];
  });
}

// ---- Narrowing ----

interface NarrowingShift {
  readonly name: string;
  readonly u: '0' | '1';
  readonly opcode: string;
  readonly sign: Sign;
  readonly rounding: boolean;
  /** Those that saturate have scalar forms, too. */
  readonly saturation?: Narrowing;
}
// biome-ignore format: a table
const NARROWING: readonly NarrowingShift[] = [
  { name: 'shrn', u: '0', opcode: '10000', sign: 'u', rounding: false },
  { name: 'rshrn', u: '0', opcode: '10001', sign: 'u', rounding: true },
  { name: 'sqshrun', u: '1', opcode: '10000', sign: 's', rounding: false, saturation: 'signedToUnsigned' },
  { name: 'sqrshrun', u: '1', opcode: '10001', sign: 's', rounding: true, saturation: 'signedToUnsigned' },
  { name: 'sqshrn', u: '0', opcode: '10010', sign: 's', rounding: false, saturation: 'signed' },
  { name: 'uqshrn', u: '1', opcode: '10010', sign: 'u', rounding: false, saturation: 'unsigned' },
  { name: 'sqrshrn', u: '0', opcode: '10011', sign: 's', rounding: true, saturation: 'signed' },
  { name: 'uqrshrn', u: '1', opcode: '10011', sign: 'u', rounding: true, saturation: 'unsigned' },
];

function narrowingRows({ name, u, opcode, sign, rounding, saturation }: NarrowingShift): Row[] {
  const compute = (b: Semantics, wide: Lanes, x: V128, by: I32, old?: V128): V128 => {
    const shift = rounding ? shiftRightRounding(sign) : shiftRight(sign);
    const shifted = shift(b, wide, x, { by, whole: 0 }, () => x);
    return saturation
      ? narrowSaturating(b, wide, shifted, saturation, old)
      : packHalves(b, wide, shifted, 0, old);
  };
  return IMMEDIATES.slice(0, DOUBLE).flatMap((immediate, size) => {
    const letter = LANE_LETTERS[size] as string;
    const wideLetter = LANE_LETTERS[size + 1] as string;
    const wide = lanesIn(V_BITS, size + 1);
    const common = { fp: true, operands: { by: rightAmount(size) } };
    const amount = amountText('right', size);
    const vector = row(
      `${name.toUpperCase()}, ${name.toUpperCase()}2 (${letter.toUpperCase()})`,
      `0 Q:1 ${u} 011110 ${immediate} ${opcode} 1 Rn:5 Rd:5` as VectorPattern,
      `${name}${SECOND} <Vd>.${arrangementText(size)}, <Vn>.${wide.count}${wideLetter}, ${amount}`,
      {
        ...common,
        execute: ({ Q, Rn, Rd, by }, b) => b.setV(Rd, compute(b, wide, b.V(Rn), by, Q ? b.V(Rd) : undefined)),
      },
    );
    if (!saturation) return [vector];
    return [
      vector,
      row(
        `${name.toUpperCase()} (${letter.toUpperCase()}, scalar)`,
        `01 ${u} 111110 ${immediate} ${opcode} 1 Rn:5 Rd:5` as ScalarPattern,
        `${name} ${letter}<Rd>, ${wideLetter}<Rn>, ${amount}`,
        {
          ...common,
          execute: ({ Rn, Rd, by }, b) => {
            const one = scalar(size + 1);
            writeLanes(b, scalar(size), Rd, compute(b, one, readLanes(b, one, Rn), by));
          },
        },
      ),
    ];
  });
}

/** SSHLL, USHLL: extended, then shifted. */
const widening: Row[] = (['s', 'u'] as const).flatMap((sign) =>
  IMMEDIATES.slice(0, DOUBLE).map((immediate, size) => {
    const narrow = lanesIn(V_BITS / 2, size);
    const wide = wider(narrow);
    const text = `${wide.count}${LANE_LETTERS[size + 1]}`;
    return row(
      `${sign.toUpperCase()}SHLL, ${sign.toUpperCase()}SHLL2 (${LANE_LETTERS[size]?.toUpperCase()})`,
      `0 Q:1 ${sign === 'u' ? '1' : '0'} 011110 ${immediate} 10100 1 Rn:5 Rd:5` as VectorPattern,
      `${sign}shll${SECOND} <Vd>.${text}, <Vn>.${arrangementText(size)}, #<imm>`,
      {
        fp: true,
        operands: { by: leftAmount },
        execute: ({ Q, Rn, Rd, by }, b) => {
          const extended = lanewise(b, wide, `extend_${Q ? 'high' : 'low'}_${narrow.shape}_${sign}`, b.V(Rn));
          b.setV(Rd, lanewise(b, wide, 'shl', extended, by));
        },
      },
    );
  }),
);

export const simdShiftImmediate: readonly Row[] = [
  ...SHIFTS.flatMap(shiftRows),
  ...NARROWING.flatMap(narrowingRows),
  ...widening,
];
