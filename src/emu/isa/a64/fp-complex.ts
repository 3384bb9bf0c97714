/**
 * FEAT_FCMA, Arm ARM C4.1.96 (three same, extra; by element): a vector holds complex numbers, real parts in the
 * even lanes. Both instructions are sums and fused sums of permuted operands, some with their signs changed
 * before NaNs are looked at (C7.2, FCADD and FCMLA).
 */
import { assert } from '../../base/assert.ts';
import type { V128 } from '../../ir/ir.ts';
import { type RawFields, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { FUSED } from './fp-fused.ts';
import { BINARY } from './fp-operations.ts';
import { bitwise, DOUBLE, type Float, HALF, read, type Shape, SINGLE, vector, write } from './fp-shared.ts';

/** `size` → format. */
const FTYPE_OF_SIZE = [SINGLE, HALF, SINGLE, DOUBLE] as const;
const shapeOf = (size: number, q: number): Shape => vector(FTYPE_OF_SIZE[size] ?? SINGLE, q);

/** How a multiplication by i^n takes part: which lanes of a pair are read, and which change their sign. */
interface Rotation {
  readonly swapped: boolean;
  readonly negated: readonly [even: boolean, odd: boolean];
}
const ROTATIONS: readonly Rotation[] = [
  { swapped: false, negated: [false, false] },
  { swapped: true, negated: [true, false] },
  { swapped: false, negated: [true, true] },
  { swapped: true, negated: [false, true] },
];
const QUARTER = 1;
const THREE_QUARTERS = 3;

const BYTES: readonly number[] = Array.from({ length: 16 }, (_, at) => at);
/** Byte `at` of a vector as lane and byte of the lane. */
const laneAt = (s: Shape, at: number): readonly [lane: number, byte: number] => {
  const bytes = s.laneBits / 8;
  return [Math.floor(at / bytes), at % bytes];
};
/** Lanes of `x` in the order that `source` says. */
function permute(b: Semantics, s: Shape, x: Float, source: (lane: number) => number): V128 {
  const picks = BYTES.map((at) => {
    const [lane, byte] = laneAt(s, at);
    return (source(lane) * s.laneBits) / 8 + byte;
  });
  return b.numeric('i8x16.shuffle', [x, x], picks);
}

/** Changes the signs of lanes. */
function negateLanes(b: Semantics, s: Shape, x: V128, negated: Rotation['negated']): V128 {
  if (!negated.includes(true)) return x;
  const signs = BYTES.map((at) => {
    const [lane, byte] = laneAt(s, at);
    return negated[lane % 2] && byte === s.laneBits / 8 - 1 ? 0x80 : 0;
  });
  return bitwise(b, s, 'xor', x, b.v128(signs)) as V128;
}

/** The operand that takes the rotation. */
function rotate(b: Semantics, s: Shape, y: Float, { swapped, negated }: Rotation): V128 {
  const parts = swapped ? permute(b, s, y, (lane) => lane ^ 1) : (y as V128);
  return negateLanes(b, s, parts, negated);
}

function multiplyAdd(b: Semantics, s: Shape, rot: number, addend: Float, x: Float, y: Float): Float {
  const rotation = ROTATIONS[rot];
  assert(rotation, 'four rotations');
  const part = permute(b, s, x, (lane) => (rotation.swapped ? lane | 1 : lane & ~1));
  return FUSED.FMADD(b, s, addend, part, rotate(b, s, y, rotation));
}

const BYTE_SIZE = 0;
const HALF_SIZE = 1;
const SINGLE_SIZE = 2;
const DOUBLE_SIZE = 3;
const isArrangement = ({ size = 0, Q = 0 }: RawFields) =>
  size !== BYTE_SIZE && (size !== DOUBLE_SIZE || Q === 1);
const T = '<size.Q:||4h|8h|2s|4s||2d>';

const vectors: readonly Row[] = [
  row(
    'FCADD',
    '0 Q:1 1 01110 size:2 0 Rm:5 1 11 rot:1 0 1 Rn:5 Rd:5',
    `fcadd <Vd>.${T}, <Vn>.${T}, <Vm>.${T}, #<rot:90|270>`,
    {
      fp: true,
      feature: 'FEAT_FCMA',
      when: isArrangement,
      execute: ({ Q, size, rot, Rm, Rn, Rd }, b) => {
        const s = shapeOf(size, Q);
        const rotation = ROTATIONS[rot ? THREE_QUARTERS : QUARTER];
        assert(rotation, 'four rotations');
        write(b, s, Rd, BINARY.FADD(b, s, read(b, s, Rn), rotate(b, s, read(b, s, Rm), rotation)));
      },
    },
  ),
  row(
    'FCMLA (vector)',
    '0 Q:1 1 01110 size:2 0 Rm:5 1 10 rot:2 1 Rn:5 Rd:5',
    `fcmla <Vd>.${T}, <Vn>.${T}, <Vm>.${T}, #<rot:0|90|180|270>`,
    {
      fp: true,
      feature: 'FEAT_FCMA',
      when: isArrangement,
      execute: ({ Q, size, rot, Rm, Rn, Rd }, b) => {
        const s = shapeOf(size, Q);
        write(b, s, Rd, multiplyAdd(b, s, rot, read(b, s, Rd), read(b, s, Rn), read(b, s, Rm)));
      },
    },
  ),
];

/** Where the index of a complex element lies, and the load that repeats it; H is 0 where it is not part of it. */
const ELEMENTS = [
  {
    size: HALF_SIZE,
    fields: '01 L:1 Rm:5',
    letter: 'h',
    text: '<H.L>',
    index: ['H', 'L'],
    lanes: '<Q:4h|8h>',
    splat: 'v128.32splat',
    bytes: 4,
  },
  {
    size: SINGLE_SIZE,
    fields: '10 0 Rm:5',
    letter: 's',
    text: '<H>',
    index: ['H'],
    lanes: '4s',
    splat: 'v128.64splat',
    bytes: 8,
  },
] as const;

const byElement: readonly Row[] = ELEMENTS.map(({ size, fields, letter, text, index, lanes, splat, bytes }) =>
  row(
    `FCMLA (by element, ${letter})`,
    `0 Q:1 1 01111 ${fields as '10 0 Rm:5'} 0 rot:2 1 H:1 0 Rn:5 Rd:5`,
    `fcmla <Vd>.${lanes}, <Vn>.${lanes}, <Vm>.${letter}[${text}], #<rot:0|90|180|270>`,
    {
      fp: true,
      feature: 'FEAT_FCMA',
      // A register of 64 bits has two complex halves, and no complex element of two singles is among several.
      when: ({ Q = 0 }) => Q === 1 || size === HALF_SIZE,
      valid: ({ Q = 0, H = 0 }) => Q === 1 || H === 0,
      operands: {
        offset: u16(
          index,
          (f) => index.reduce((value: number, name) => 2 * value + (f[name] ?? 0), 0) * bytes,
        ),
      },
      execute: ({ Q, rot, Rm, Rn, Rd, offset }, b) => {
        const s = shapeOf(size, Q);
        const element = b.laneV<'v128'>(splat, Rm, offset);
        write(b, s, Rd, multiplyAdd(b, s, rot, read(b, s, Rd), read(b, s, Rn), element));
      },
    },
  ),
);

export const fpComplex: readonly Row[] = [...vectors, ...byElement];
