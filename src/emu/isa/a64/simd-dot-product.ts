/**
 * Arm ARM C4.1.97: of Advanced SIMD three-register extension and vector x indexed element, products of bytes summed
 * in words: dot products of four (FEAT_DotProd, FEAT_I8MM) and of 2x8 by 8x2 matrices (FEAT_I8MM).
 */
import type { V128 } from '../../ir/ir.ts';
import type { FeatureName } from '../features.ts';
import { type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import {
  andV,
  arrangement,
  everySecondLane,
  laneConstant,
  lanesIn,
  lanewise,
  readLanes,
  shuffleLanes,
  splatLane,
  V_BITS,
  writeLanes,
} from './simd-shared.ts';

type Sign = 's' | 'u';
const HALFWORDS = lanesIn(V_BITS, 1);
const WORDS = lanesIn(V_BITS, 2);
const DOUBLES = lanesIn(V_BITS, 3);
const WORD_SIZE = 2;
const BYTE_BITS = 8;

/** The even and the odd bytes of x, extended to 16 bits. */
function extendedBytes(b: Semantics, x: V128, sign: Sign): readonly [V128, V128] {
  const by = b.i32(BYTE_BITS);
  const odd = lanewise(b, HALFWORDS, `shr_${sign}`, x, by);
  if (sign === 'u') return [andV(b, x, laneConstant(b, HALFWORDS, 0xffn)), odd];
  return [lanewise(b, HALFWORDS, 'shr_s', lanewise(b, HALFWORDS, 'shl', x, by), by), odd];
}

/** In each word the sum of the products of its four bytes. */
function dotProduct(b: Semantics, x: V128, y: V128, signs: readonly [Sign, Sign]): V128 {
  const [evenX, oddX] = extendedBytes(b, x, signs[0]);
  const [evenY, oddY] = extendedBytes(b, y, signs[1]);
  const dot = (left: V128, right: V128) => b.numeric<'v128'>('i32x4.dot_i16x8_s', [left, right]);
  return lanewise(b, WORDS, 'add', dot(evenX, evenY), dot(oddX, oddY));
}

/** Rows of x times rows of y, eight bytes each: x0·y0, x0·y1, x1·y0, x1·y1. */
function matrixProduct(b: Semantics, x: V128, y: V128, signs: readonly [Sign, Sign]): V128 {
  const byRow = (index: number) =>
    dotProduct(
      b,
      shuffleLanes(b, DOUBLES, x, x, () => index),
      y,
      signs,
    );
  const [first, second] = [byRow(0), byRow(1)];
  const half = (odd: 0 | 1) => everySecondLane(b, WORDS, first, second, odd);
  return lanewise(b, WORDS, 'add', half(0), half(1));
}

// ---- Dot products ----

interface DotProduct {
  readonly name: string;
  readonly feature: FeatureName;
  readonly signs: readonly [Sign, Sign];
  /** U and opcode of the vector form, where there is one; U, size and opcode by element. */
  readonly vector?: readonly [u: '0' | '1', opcode: string];
  readonly element: readonly [u: '0' | '1', size: string, opcode: string];
}
// biome-ignore format: a table
const DOT_PRODUCTS: readonly DotProduct[] = [
  { name: 'sdot', feature: 'FEAT_DotProd', signs: ['s', 's'], vector: ['0', '0010'], element: ['0', '10', '1110'] },
  { name: 'udot', feature: 'FEAT_DotProd', signs: ['u', 'u'], vector: ['1', '0010'], element: ['1', '10', '1110'] },
  { name: 'usdot', feature: 'FEAT_I8MM', signs: ['u', 's'], vector: ['0', '0011'], element: ['0', '10', '1111'] },
  { name: 'sudot', feature: 'FEAT_I8MM', signs: ['s', 'u'], element: ['0', '00', '1111'] },
];
const TARGET = '<Vd>.<Q:2s|4s>, <Vn>.<Q:8b|16b>';

const vectors: Row[] = DOT_PRODUCTS.flatMap(({ name, feature, signs, vector }) => {
  if (!vector) return [];
  const [u, opcode] = vector;
  return row(
    `${name.toUpperCase()} (vector)`,
    `0 Q:1 ${u} 01110 10 0 Rm:5 1 ${opcode as '0010'} 1 Rn:5 Rd:5`,
    `${name} ${TARGET}, <Vm>.<Q:8b|16b>`,
    {
      fp: true,
      feature,
      execute: ({ Q, Rm, Rn, Rd }, b) => {
        const l = arrangement(WORD_SIZE, Q);
        const products = dotProduct(b, b.V(Rn), b.V(Rm), signs);
        writeLanes(b, l, Rd, lanewise(b, l, 'add', readLanes(b, l, Rd), products));
      },
    },
  );
});

/** The element is a word of four bytes. */
const byElement: Row[] = DOT_PRODUCTS.map(({ name, feature, signs, element: [u, size, opcode] }) =>
  row(
    `${name.toUpperCase()} (by element)`,
    `0 Q:1 ${u} 01111 ${size as '10'} L:1 Rm:5 ${opcode as '1110'} H:1 0 Rn:5 Rd:5`,
    `${name} ${TARGET}, <Vm>.4b[<H.L>]`,
    {
      fp: true,
      feature,
      operands: { offset: u16(['H', 'L'], ({ H = 0, L = 0 }) => (2 * H + L) << WORD_SIZE) },
      execute: ({ Q, Rm, Rn, Rd, offset }, b) => {
        const l = arrangement(WORD_SIZE, Q);
        const products = dotProduct(b, b.V(Rn), splatLane(b, WORD_SIZE, Rm, offset), signs);
        writeLanes(b, l, Rd, lanewise(b, l, 'add', readLanes(b, l, Rd), products));
      },
    },
  ),
);

// ---- Matrix products ----

const MATRIX_PRODUCTS = [
  { name: 'smmla', u: '0', opcode: '0100', signs: ['s', 's'] },
  { name: 'ummla', u: '1', opcode: '0100', signs: ['u', 'u'] },
  { name: 'usmmla', u: '0', opcode: '0101', signs: ['u', 's'] },
] as const;

const matrices: Row[] = MATRIX_PRODUCTS.map(({ name, u, opcode, signs }) =>
  row(
    name.toUpperCase(),
    `0 1 ${u} 01110 10 0 Rm:5 1 ${opcode} 1 Rn:5 Rd:5`,
    `${name} <Vd>.4s, <Vn>.16b, <Vm>.16b`,
    {
      fp: true,
      feature: 'FEAT_I8MM',
      execute: ({ Rm, Rn, Rd }, b) => {
        const products = matrixProduct(b, b.V(Rn), b.V(Rm), signs);
        b.setV(Rd, lanewise(b, WORDS, 'add', b.V(Rd), products));
      },
    },
  ),
);

export const simdDotProduct: readonly Row[] = [...vectors, ...byElement, ...matrices];
