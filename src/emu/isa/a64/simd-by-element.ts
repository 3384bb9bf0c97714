/** Arm ARM C4.1.97: Advanced SIMD vector x indexed element and scalar x indexed element, integer. */
import type { I32, V128 } from '../../ir/ir.ts';
import type { FeatureName } from '../features.ts';
import { type OperandSpec, type Register, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { accumulateHigh } from './simd-accumulate-high.ts';
import { accumulating, doublingMultiplyHigh, type LaneOperation, multiply } from './simd-lanes.ts';
import {
  arrangement,
  arrangementText,
  LANE_LETTERS,
  laneBits,
  lanesIn,
  readLanes,
  SECOND,
  scalar,
  splatLane,
  V_BITS,
  wider,
  writeLanes,
  zeroV,
} from './simd-shared.ts';
import { halfOf, partOf, THREE_DIFFERENT, type ThreeDifferent } from './simd-widening.ts';

/** Where the element's register and the upper bits of its index lie, by size; H is always the highest. */
const ELEMENTS = [
  { size: 1, fields: '01 L:1 M:1 Rm:4', index: ['H', 'L', 'M'] },
  { size: 2, fields: '10 L:1 Rm:5', index: ['H', 'L'] },
] as const;
type Element = (typeof ELEMENTS)[number];
type VectorPattern = '0 Q:1 0 01111 01 L:1 M:1 Rm:4 0000 H:1 0 Rn:5 Rd:5';
type ScalarPattern = '01 0 11111 01 L:1 M:1 Rm:4 0000 H:1 0 Rn:5 Rd:5';

const vectorPattern = (u: string, { fields }: Element, opcode: string) =>
  `0 Q:1 ${u} 01111 ${fields} ${opcode} H:1 0 Rn:5 Rd:5` as VectorPattern;
const scalarPattern = (u: string, { fields }: Element, opcode: string) =>
  `01 ${u} 11111 ${fields} ${opcode} H:1 0 Rn:5 Rd:5` as ScalarPattern;

/** Byte offset of the element in its register. */
const elementOffset = ({ size, index }: Element): { readonly offset: OperandSpec<'u16'> } => ({
  offset: u16(index, (f) => index.reduce((value, field) => 2 * value + (f[field] ?? 0), 0) << size),
});
const title = (name: string, { size }: Element) =>
  `${name.toUpperCase()} (by element, ${LANE_LETTERS[size].toUpperCase()})`;
const elementText = ({ size, index }: Element) => `<Vm>.${LANE_LETTERS[size]}[<${index.join('.')}>]`;

/** The element with zeros above, so that lanes without meaning cannot saturate. */
function scalarElement(b: Semantics, { size }: Element, r: Register, offset: I32): V128 {
  if (laneBits(size) === 32) return b.laneV<'v128'>('v128.32zero', r, offset);
  const lane = b.laneV<'i32'>('i32.16u', r, offset);
  return b.numeric<'v128'>('i32x4.replace_lane', [zeroV(b), lane], [0]);
}

// ---- Results as wide as the sources ----

interface SameWidth {
  readonly name: string;
  readonly u: '0' | '1';
  readonly opcode: string;
  readonly hasScalar: boolean;
  readonly feature?: FeatureName;
  readonly op: LaneOperation;
}
// biome-ignore format: a table
const SAME_WIDTH: readonly SameWidth[] = [
  { name: 'mla', u: '1', opcode: '0000', hasScalar: false, op: accumulating('add', multiply) },
  { name: 'mls', u: '1', opcode: '0100', hasScalar: false, op: accumulating('sub', multiply) },
  { name: 'mul', u: '0', opcode: '1000', hasScalar: false, op: multiply },
  { name: 'sqdmulh', u: '0', opcode: '1100', hasScalar: true, op: doublingMultiplyHigh(false) },
  { name: 'sqrdmulh', u: '0', opcode: '1101', hasScalar: true, op: doublingMultiplyHigh(true) },
  { name: 'sqrdmlah', u: '1', opcode: '1101', hasScalar: true, feature: 'FEAT_RDM', op: accumulateHigh('add') },
  { name: 'sqrdmlsh', u: '1', opcode: '1111', hasScalar: true, feature: 'FEAT_RDM', op: accumulateHigh('sub') },
];

function sameWidthVector({ name, u, opcode, feature, op }: SameWidth, element: Element): Row {
  const { size } = element;
  const text = arrangementText(size);
  return row(
    title(name, element),
    vectorPattern(u, element, opcode),
    `${name} <Vd>.${text}, <Vn>.${text}, ${elementText(element)}`,
    {
      fp: true,
      ...(feature && { feature }),
      operands: elementOffset(element),
      execute: ({ Q, Rm, Rn, Rd, offset }, b) => {
        const l = arrangement(size, Q);
        const y = splatLane(b, size, Rm, offset);
        const result = op(b, l, readLanes(b, l, Rn), y, () => readLanes(b, l, Rd));
        writeLanes(b, l, Rd, result);
      },
    },
  );
}

function sameWidthScalar({ name, u, opcode, feature, op }: SameWidth, element: Element): Row {
  const { size } = element;
  const letter = LANE_LETTERS[size];
  return row(
    `${title(name, element)}, scalar`,
    scalarPattern(u, element, opcode),
    `${name} ${letter}<Rd>, ${letter}<Rn>, ${elementText(element)}`,
    {
      fp: true,
      ...(feature && { feature }),
      operands: elementOffset(element),
      execute: ({ Rm, Rn, Rd, offset }, b) => {
        const l = scalar(size);
        const y = scalarElement(b, element, Rm, offset);
        const result = op(b, l, readLanes(b, l, Rn), y, () => readLanes(b, l, Rd));
        writeLanes(b, l, Rd, result);
      },
    },
  );
}

// ---- Results twice as wide ----

function longVector({ name, u, element: opcode = '', op }: ThreeDifferent, element: Element): Row {
  const { size } = element;
  const wide = `${lanesIn(V_BITS, size + 1).count}${LANE_LETTERS[size + 1]}`;
  return row(
    title(name, element),
    vectorPattern(u, element, opcode),
    `${name}${SECOND} <Vd>.${wide}, <Vn>.${arrangementText(size)}, ${elementText(element)}`,
    {
      fp: true,
      operands: elementOffset(element),
      execute: ({ Q, Rm, Rn, Rd, offset }, b) => {
        const y = splatLane(b, size, Rm, offset);
        b.setV(
          Rd,
          op(b, halfOf(size), b.V(Rn), y, partOf(Q), () => b.V(Rd)),
        );
      },
    },
  );
}

function longScalar({ name, u, element: opcode = '', op }: ThreeDifferent, element: Element): Row {
  const { size } = element;
  return row(
    `${title(name, element)}, scalar`,
    scalarPattern(u, element, opcode),
    `${name} ${LANE_LETTERS[size + 1]}<Rd>, ${LANE_LETTERS[size]}<Rn>, ${elementText(element)}`,
    {
      fp: true,
      operands: elementOffset(element),
      execute: ({ Rm, Rn, Rd, offset }, b) => {
        const l = scalar(size);
        const wide = wider(l);
        const y = scalarElement(b, element, Rm, offset);
        const result = op(b, l, readLanes(b, l, Rn), y, 'low', () => readLanes(b, wide, Rd));
        writeLanes(b, wide, Rd, result);
      },
    },
  );
}

const LONG = THREE_DIFFERENT.filter((t) => t.element);
export const simdByElement: readonly Row[] = ELEMENTS.flatMap((element) => [
  ...SAME_WIDTH.map((t) => sameWidthVector(t, element)),
  ...SAME_WIDTH.filter((t) => t.hasScalar).map((t) => sameWidthScalar(t, element)),
  ...LONG.map((t) => longVector(t, element)),
  ...LONG.filter((t) => t.scalar).map((t) => longScalar(t, element)),
]);
