/**
 * Arm ARM C4.1.97: SQRDMLAH and SQRDMLSH (FEAT_RDM) of Advanced SIMD three-register extension and scalar three same
 * extra; by element they stand in simd-by-element.ts. The sum is exact before it is rounded and saturated once.
 */
import type { V128 } from '../../ir/ir.ts';
import { type Row, row } from '../row.ts';
import { clamp, extendedProduct, type LaneOperation } from './simd-lanes.ts';
import { laneSizes } from './simd-rows.ts';
import {
  arrangement,
  everySecondLane,
  laneConstant,
  lanewise,
  readLanes,
  SCALAR,
  scalar,
  T,
  V_BITS,
  wider,
  writeLanes,
} from './simd-shared.ts';

/**
 * High part of old · 2^bits ± 2xy, rounded. Half of that sum fits into wide lanes: |old · 2^(bits − 1)| and |xy| are
 * at most 2^(2 bits − 2) each, and never both at an end of the same sign with the rounding to come.
 */
export const accumulateHigh =
  (name: 'add' | 'sub'): LaneOperation =>
  (b, l, x, y, old) => {
    const wide = wider({ ...l, count: V_BITS / (2 * l.bits) });
    const by = b.i32(l.bits - 1);
    const rounding = laneConstant(b, wide, 1n << BigInt(l.bits - 2));
    const target = old();
    const parts = (['low', 'high'] as const).map((part) => {
      const extended = lanewise(b, wide, `extend_${part}_${l.shape}_s`, target);
      const shifted = lanewise(b, wide, 'shl', extended, by);
      const sum = lanewise(b, wide, name, shifted, extendedProduct(b, l, x, y, part, 's'));
      const rounded = lanewise(b, wide, 'shr_s', lanewise(b, wide, 'add', sum, rounding), by);
      return clamp(b, wide, rounded, 'signed');
    }) as [V128, V128];
    return everySecondLane(b, { ...l, count: V_BITS / l.bits }, ...parts, 0);
  };

const ACCUMULATE_HIGH = [
  { name: 'sqrdmlah', opcode: '0000', op: accumulateHigh('add') },
  { name: 'sqrdmlsh', opcode: '0001', op: accumulateHigh('sub') },
] as const;

const vectors: Row[] = ACCUMULATE_HIGH.map(({ name, opcode, op }) =>
  row(
    `${name.toUpperCase()} (vector)`,
    `0 Q:1 1 01110 size:2 0 Rm:5 1 ${opcode} 1 Rn:5 Rd:5`,
    `${name} <Vd>.${T}, <Vn>.${T}, <Vm>.${T}`,
    {
      fp: true,
      feature: 'FEAT_RDM',
      when: laneSizes('hs'),
      execute: ({ Q, size, Rm, Rn, Rd }, b) => {
        const l = arrangement(size, Q);
        const result = op(b, l, readLanes(b, l, Rn), readLanes(b, l, Rm), () => readLanes(b, l, Rd));
        writeLanes(b, l, Rd, result);
      },
    },
  ),
);

const scalars: Row[] = ACCUMULATE_HIGH.map(({ name, opcode, op }) =>
  row(
    `${name.toUpperCase()} (scalar)`,
    `01 1 11110 size:2 0 Rm:5 1 ${opcode} 1 Rn:5 Rd:5`,
    `${name} ${SCALAR}<Rd>, ${SCALAR}<Rn>, ${SCALAR}<Rm>`,
    {
      fp: true,
      feature: 'FEAT_RDM',
      when: laneSizes('hs'),
      execute: ({ size, Rm, Rn, Rd }, b) => {
        const l = scalar(size);
        const result = op(b, l, readLanes(b, l, Rn), readLanes(b, l, Rm), () => readLanes(b, l, Rd));
        writeLanes(b, l, Rd, result);
      },
    },
  ),
);

export const simdAccumulateHigh: readonly Row[] = [...vectors, ...scalars];
