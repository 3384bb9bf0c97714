/**
 * Arm ARM C4.1.97: Cryptographic AES (FEAT_AES), and the 64-bit form of PMULL (FEAT_PMULL). SubBytes looks nibbles up
 * in registers (aes-tables.ts), so its time does not depend on the data.
 */
import type { I64, V128 } from '../../ir/ir.ts';
import { type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { lookUp, vectorTable } from '../vector-tables.ts';
import {
  andV,
  D_BYTES,
  lanesIn,
  lanewise,
  SECOND,
  shuffle,
  V_BITS,
  V_BYTES,
  xorV,
  zeroV,
} from './simd-shared.ts';

const BYTES = lanesIn(V_BITS, 0);
const HALFWORDS = lanesIn(V_BITS, 1);
const DOUBLES = lanesIn(V_BITS, 3);
const COLUMN_BYTES = 4;

// ---- The steps of a round (FIPS 197, 5.1 and 5.3); byte r + 4c of a register is row r of column c ----

/** The low and the high nibble of each byte. */
function nibbles(b: Semantics, x: V128): readonly [V128, V128] {
  const mask = vectorTable(b, 'lowNibbles');
  return [andV(b, x, mask), andV(b, lanewise(b, HALFWORDS, 'shr_u', x, b.i32(4)), mask)];
}

/** SubBytes or InvSubBytes, without a constant to add; the names are those of aes-tables.ts. */
function substitute(b: Semantics, tables: 'substitution' | 'inverseSubstitution', x: V128): V128 {
  const [low, high] = nibbles(b, x);
  const pairs = xorV(b, lookUp(b, `${tables}Low`, low), lookUp(b, `${tables}High`, high));
  const [k, i] = nibbles(b, pairs);
  const j = xorV(b, i, k);
  const shared = lookUp(b, 'inversesByNorm', k);
  const u = xorV(b, lookUp(b, 'inverses', xorV(b, lookUp(b, 'inverses', i), shared)), j);
  const v = xorV(b, lookUp(b, 'inverses', xorV(b, lookUp(b, 'inverses', j), shared)), i);
  return xorV(b, lookUp(b, `${tables}ByU`, u), lookUp(b, `${tables}ByV`, v));
}
const subBytes = (b: Semantics, x: V128): V128 =>
  xorV(b, substitute(b, 'substitution', x), vectorTable(b, 'substitutionConstant'));
const inverseSubBytes = (b: Semantics, x: V128): V128 => substitute(b, 'inverseSubstitution', x);

/** ShiftRows moves row r by r columns to the left, InvShiftRows (`by` = −1) to the right. */
const shiftRows = (b: Semantics, x: V128, by: 1 | -1): V128 =>
  shuffle(b, x, x, (at) => (at + by * COLUMN_BYTES * (at % COLUMN_BYTES) + V_BYTES) % V_BYTES);

/** Each column moved up by `by` rows. */
const rotateColumns = (b: Semantics, x: V128, by: number): V128 =>
  shuffle(b, x, x, (at) => at - (at % COLUMN_BYTES) + ((at + by) % COLUMN_BYTES));

/** Each byte times 2 in GF(2^8). */
function double(b: Semantics, x: V128): V128 {
  const overflowing = lanewise(b, BYTES, 'lt_s', x, zeroV(b));
  const reduction = andV(b, overflowing, vectorTable(b, 'reduction'));
  return xorV(b, lanewise(b, BYTES, 'add', x, x), reduction);
}

/** Row r becomes 2r + 3(r + 1) + (r + 2) + (r + 3) = 2(r + (r + 1)) + (r + 1) + ((r + 2) + (r + 3)). */
function mixColumns(b: Semantics, x: V128): V128 {
  const next = rotateColumns(b, x, 1);
  const sums = xorV(b, x, next);
  return xorV(b, double(b, sums), xorV(b, next, rotateColumns(b, sums, 2)));
}

/** The inverse's matrix is that of MixColumns times one with 5, 0, 4, 0. */
function inverseMixColumns(b: Semantics, x: V128): V128 {
  const fourfold = double(b, double(b, xorV(b, x, rotateColumns(b, x, 2))));
  return mixColumns(b, xorV(b, x, fourfold));
}

// ---- Rows ----

const SUBSTITUTING = [
  { name: 'aese', opcode: '00100', substituteBytes: subBytes, by: 1 },
  { name: 'aesd', opcode: '00101', substituteBytes: inverseSubBytes, by: -1 },
] as const;
const MIXING = [
  { name: 'aesmc', opcode: '00110', mix: mixColumns },
  { name: 'aesimc', opcode: '00111', mix: inverseMixColumns },
] as const;

const substituting: Row[] = SUBSTITUTING.map(({ name, opcode, substituteBytes, by }) =>
  row(name.toUpperCase(), `01001110 00 10100 ${opcode} 10 Rn:5 Rd:5`, `${name} <Vd>.16b, <Vn>.16b`, {
    fp: true,
    feature: 'FEAT_AES',
    execute: ({ Rn, Rd }, b) => b.setV(Rd, substituteBytes(b, shiftRows(b, xorV(b, b.V(Rd), b.V(Rn)), by))),
  }),
);
const mixing: Row[] = MIXING.map(({ name, opcode, mix }) =>
  row(name.toUpperCase(), `01001110 00 10100 ${opcode} 10 Rn:5 Rd:5`, `${name} <Vd>.16b, <Vn>.16b`, {
    fp: true,
    feature: 'FEAT_AES',
    execute: ({ Rn, Rd }, b) => b.setV(Rd, mix(b, b.V(Rn))),
  }),
);

// ---- Polynomial products of 64 bits ----

/** Every fourth bit of an i64. */
const SPREAD = 0x1111_1111_1111_1111n;
const CLASSES = [0, 1, 2, 3] as const;

/**
 * The low 64 coefficients of a product, by integer products: coefficients four bits apart leave room for sums, of
 * which only the lowest bit is kept. Up to 15 terms meet in a sum; 16 do in the last, which carries out at the top.
 */
function lowProduct(b: Semantics, x: I64, y: I64): I64 {
  const split = (value: I64) => CLASSES.map((k) => b.and(value, b.i64(SPREAD << BigInt(k))));
  const [xs, ys] = [split(x), split(y)];
  const parts = CLASSES.map((k) => {
    const sums = CLASSES.map((i) => b.mul(xs[i] as I64, ys[(k - i + 4) % 4] as I64));
    const sum = sums.reduce((all, one) => b.xor(all, one));
    return b.and(sum, b.i64(SPREAD << BigInt(k)));
  });
  return parts.reduce((all, one) => b.or(all, one));
}

/** Reverses the bits of each half of a register, of which the bytes are in reverse order already. */
function reverseBits(b: Semantics, x: V128): V128 {
  const [low, high] = nibbles(b, x);
  return xorV(b, lookUp(b, 'reversedNibblesOnTop', low), lookUp(b, 'reversedNibbles', high));
}
const half = (b: Semantics, v: V128, index: 0 | 1): I64 => b.numeric('i64x2.extract_lane', [v], [index]);

/** The whole product of one half of each: the upper coefficients are the lower ones of the reversed factors. */
function polynomialProduct(b: Semantics, n: V128, m: V128, part: 0 | 1): V128 {
  const pick = (at: number) => part * D_BYTES + (D_BYTES - 1 - (at % D_BYTES));
  const reversed = reverseBits(
    b,
    shuffle(b, n, m, (at) => pick(at) + (at < D_BYTES ? 0 : V_BYTES)),
  );
  const high = b.numeric<'v128'>('i64x2.splat', [lowProduct(b, half(b, reversed, 0), half(b, reversed, 1))]);
  const backwards = reverseBits(
    b,
    shuffle(b, high, high, (at) => D_BYTES - 1 - (at % D_BYTES)),
  );
  // Degrees 126 … 63 are there; that of 63 belongs to the low half.
  const upper = lanewise(b, DOUBLES, 'shr_u', backwards, b.i32(1));
  return b.numeric('i64x2.replace_lane', [upper, lowProduct(b, half(b, n, part), half(b, m, part))], [0]);
}

/** The row of the byte form stands in simd-widening.ts. */
const polynomialMultiplyLong = row(
  'PMULL, PMULL2 (1Q)',
  '0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5',
  `pmull${SECOND} <Vd>.1q, <Vn>.<Q:1d|2d>, <Vm>.<Q:1d|2d>`,
  {
    fp: true,
    feature: 'FEAT_PMULL',
    execute: ({ Q, Rm, Rn, Rd }, b) => b.setV(Rd, polynomialProduct(b, b.V(Rn), b.V(Rm), Q ? 1 : 0)),
  },
);

export const cryptographicAes: readonly Row[] = [...substituting, ...mixing, polynomialMultiplyLong];
