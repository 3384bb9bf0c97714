/** Arm ARM C4.1.97: Advanced SIMD three same and scalar three same, integer. */
import type { Row } from '../row.ts';
import { row } from '../row.ts';
import {
  absoluteDifference,
  accumulating,
  compare,
  doublingMultiplyHigh,
  halvingAdd,
  halvingSub,
  type LaneOperation,
  multiply,
  native,
  pairwise,
  polynomialMultiply,
  roundingHalvingAdd,
  saturatingAdd,
  saturatingSub,
  testBits,
} from './simd-lanes.ts';
import { shiftByRegister } from './simd-register-shifts.ts';
import { laneSizes, vectorSizes } from './simd-rows.ts';
import {
  andNotV,
  andV,
  arrangement,
  arrangementText,
  notV,
  orV,
  readLanes,
  SCALAR,
  scalar,
  selectV,
  T,
  writeLanes,
  xorV,
} from './simd-shared.ts';

interface ThreeSame {
  readonly name: string;
  readonly u: '0' | '1';
  readonly opcode: string;
  /** Sizes of the lanes in the vector form, and in the scalar form where there is one. */
  readonly sizes: string;
  readonly scalar?: string;
  readonly op: LaneOperation;
}

// biome-ignore format: a table
const THREE_SAME: readonly ThreeSame[] = [
  { name: 'shadd', u: '0', opcode: '00000', sizes: 'bhs', op: halvingAdd('s') },
  { name: 'uhadd', u: '1', opcode: '00000', sizes: 'bhs', op: halvingAdd('u') },
  { name: 'sqadd', u: '0', opcode: '00001', sizes: 'bhsd', scalar: 'bhsd', op: saturatingAdd('s') },
  { name: 'uqadd', u: '1', opcode: '00001', sizes: 'bhsd', scalar: 'bhsd', op: saturatingAdd('u') },
  { name: 'srhadd', u: '0', opcode: '00010', sizes: 'bhs', op: roundingHalvingAdd('s') },
  { name: 'urhadd', u: '1', opcode: '00010', sizes: 'bhs', op: roundingHalvingAdd('u') },
  { name: 'shsub', u: '0', opcode: '00100', sizes: 'bhs', op: halvingSub('s') },
  { name: 'uhsub', u: '1', opcode: '00100', sizes: 'bhs', op: halvingSub('u') },
  { name: 'sqsub', u: '0', opcode: '00101', sizes: 'bhsd', scalar: 'bhsd', op: saturatingSub('s') },
  { name: 'uqsub', u: '1', opcode: '00101', sizes: 'bhsd', scalar: 'bhsd', op: saturatingSub('u') },
  { name: 'cmgt', u: '0', opcode: '00110', sizes: 'bhsd', scalar: 'd', op: compare('gt', 's') },
  { name: 'cmhi', u: '1', opcode: '00110', sizes: 'bhsd', scalar: 'd', op: compare('gt', 'u') },
  { name: 'cmge', u: '0', opcode: '00111', sizes: 'bhsd', scalar: 'd', op: compare('ge', 's') },
  { name: 'cmhs', u: '1', opcode: '00111', sizes: 'bhsd', scalar: 'd', op: compare('ge', 'u') },
  { name: 'sshl', u: '0', opcode: '01000', sizes: 'bhsd', scalar: 'd', op: shiftByRegister('s', {}) },
  { name: 'ushl', u: '1', opcode: '01000', sizes: 'bhsd', scalar: 'd', op: shiftByRegister('u', {}) },
  { name: 'sqshl', u: '0', opcode: '01001', sizes: 'bhsd', scalar: 'bhsd', op: shiftByRegister('s', { saturating: true }) },
  { name: 'uqshl', u: '1', opcode: '01001', sizes: 'bhsd', scalar: 'bhsd', op: shiftByRegister('u', { saturating: true }) },
  { name: 'srshl', u: '0', opcode: '01010', sizes: 'bhsd', scalar: 'd', op: shiftByRegister('s', { rounding: true }) },
  { name: 'urshl', u: '1', opcode: '01010', sizes: 'bhsd', scalar: 'd', op: shiftByRegister('u', { rounding: true }) },
  { name: 'sqrshl', u: '0', opcode: '01011', sizes: 'bhsd', scalar: 'bhsd', op: shiftByRegister('s', { rounding: true, saturating: true }) },
  { name: 'uqrshl', u: '1', opcode: '01011', sizes: 'bhsd', scalar: 'bhsd', op: shiftByRegister('u', { rounding: true, saturating: true }) },
  { name: 'smax', u: '0', opcode: '01100', sizes: 'bhs', op: native('max_s') },
  { name: 'umax', u: '1', opcode: '01100', sizes: 'bhs', op: native('max_u') },
  { name: 'smin', u: '0', opcode: '01101', sizes: 'bhs', op: native('min_s') },
  { name: 'umin', u: '1', opcode: '01101', sizes: 'bhs', op: native('min_u') },
  { name: 'sabd', u: '0', opcode: '01110', sizes: 'bhs', op: absoluteDifference('s') },
  { name: 'uabd', u: '1', opcode: '01110', sizes: 'bhs', op: absoluteDifference('u') },
  { name: 'saba', u: '0', opcode: '01111', sizes: 'bhs', op: accumulating('add', absoluteDifference('s')) },
  { name: 'uaba', u: '1', opcode: '01111', sizes: 'bhs', op: accumulating('add', absoluteDifference('u')) },
  { name: 'add', u: '0', opcode: '10000', sizes: 'bhsd', scalar: 'd', op: native('add') },
  { name: 'sub', u: '1', opcode: '10000', sizes: 'bhsd', scalar: 'd', op: native('sub') },
  { name: 'cmtst', u: '0', opcode: '10001', sizes: 'bhsd', scalar: 'd', op: testBits },
  { name: 'cmeq', u: '1', opcode: '10001', sizes: 'bhsd', scalar: 'd', op: compare('eq') },
  { name: 'mla', u: '0', opcode: '10010', sizes: 'bhs', op: accumulating('add', multiply) },
  { name: 'mls', u: '1', opcode: '10010', sizes: 'bhs', op: accumulating('sub', multiply) },
  { name: 'mul', u: '0', opcode: '10011', sizes: 'bhs', op: multiply },
  { name: 'pmul', u: '1', opcode: '10011', sizes: 'b', op: polynomialMultiply },
  { name: 'smaxp', u: '0', opcode: '10100', sizes: 'bhs', op: pairwise(native('max_s')) },
  { name: 'umaxp', u: '1', opcode: '10100', sizes: 'bhs', op: pairwise(native('max_u')) },
  { name: 'sminp', u: '0', opcode: '10101', sizes: 'bhs', op: pairwise(native('min_s')) },
  { name: 'uminp', u: '1', opcode: '10101', sizes: 'bhs', op: pairwise(native('min_u')) },
  { name: 'sqdmulh', u: '0', opcode: '10110', sizes: 'hs', scalar: 'hs', op: doublingMultiplyHigh(false) },
  { name: 'sqrdmulh', u: '1', opcode: '10110', sizes: 'hs', scalar: 'hs', op: doublingMultiplyHigh(true) },
  { name: 'addp', u: '0', opcode: '10111', sizes: 'bhsd', op: pairwise(native('add')) },
];

const vectors: Row[] = THREE_SAME.map(({ name, u, opcode, sizes, op }) =>
  row(
    `${name.toUpperCase()} (vector)`,
    `0 Q:1 ${u} 01110 size:2 1 Rm:5 ${opcode as '00000'} 1 Rn:5 Rd:5`,
    `${name} <Vd>.${T}, <Vn>.${T}, <Vm>.${T}`,
    {
      fp: true,
      when: vectorSizes(sizes),
      execute: ({ Q, size, Rm, Rn, Rd }, b) => {
        const l = arrangement(size, Q);
        const result = op(b, l, readLanes(b, l, Rn), readLanes(b, l, Rm), () => readLanes(b, l, Rd));
        writeLanes(b, l, Rd, result);
      },
    },
  ),
);

const scalars: Row[] = THREE_SAME.filter((t) => t.scalar).map(({ name, u, opcode, scalar: sizes = '', op }) =>
  row(
    `${name.toUpperCase()} (scalar)`,
    `01 ${u} 11110 size:2 1 Rm:5 ${opcode as '00000'} 1 Rn:5 Rd:5`,
    `${name} ${SCALAR}<Rd>, ${SCALAR}<Rn>, ${SCALAR}<Rm>`,
    {
      fp: true,
      when: laneSizes(sizes),
      execute: ({ size, Rm, Rn, Rd }, b) => {
        const l = scalar(size);
        const result = op(b, l, readLanes(b, l, Rn), readLanes(b, l, Rm), () => readLanes(b, l, Rd));
        writeLanes(b, l, Rd, result);
      },
    },
  ),
);

/** Bit by bit; the size field belongs to the opcode. */
// biome-ignore format: a table
const LOGICAL: readonly { name: string; u: '0' | '1'; size: '00' | '01' | '10' | '11'; op: LaneOperation }[] = [
  { name: 'and', u: '0', size: '00', op: (b, _, x, y) => andV(b, x, y) },
  { name: 'bic', u: '0', size: '01', op: (b, _, x, y) => andNotV(b, x, y) },
  { name: 'orr', u: '0', size: '10', op: (b, _, x, y) => orV(b, x, y) },
  { name: 'orn', u: '0', size: '11', op: (b, _, x, y) => orV(b, x, notV(b, y)) },
  { name: 'eor', u: '1', size: '00', op: (b, _, x, y) => xorV(b, x, y) },
  { name: 'bsl', u: '1', size: '01', op: (b, _, x, y, old) => selectV(b, old(), x, y) },
  { name: 'bit', u: '1', size: '10', op: (b, _, x, y, old) => selectV(b, y, x, old()) },
  { name: 'bif', u: '1', size: '11', op: (b, _, x, y, old) => selectV(b, y, old(), x) },
];
const BYTES = arrangementText(0);
const logical: Row[] = LOGICAL.map(({ name, u, size, op }) =>
  row(
    `${name.toUpperCase()} (vector)`,
    `0 Q:1 ${u} 01110 ${size} 1 Rm:5 00011 1 Rn:5 Rd:5`,
    `${name} <Vd>.${BYTES}, <Vn>.${BYTES}, <Vm>.${BYTES}`,
    {
      fp: true,
      execute: ({ Q, Rm, Rn, Rd }, b) => {
        const l = arrangement(0, Q);
        const result = op(b, l, readLanes(b, l, Rn), readLanes(b, l, Rm), () => readLanes(b, l, Rd));
        writeLanes(b, l, Rd, result);
      },
    },
  ),
);

export const simdThreeSame: readonly Row[] = [...vectors, ...scalars, ...logical];
