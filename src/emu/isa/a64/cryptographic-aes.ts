/**
 * Arm ARM C4.1.97: Cryptographic AES (FEAT_AES), and the 64-bit form of PMULL (FEAT_PMULL). SubBytes looks nibbles up
 * in registers (aes-tables.ts), so its time does not depend on the data.
 */
import type { I64, V128 } from '../../ir/ir.ts';
import {
  INVERSE_SUBSTITUTION,
  INVERSES,
  INVERSES_BY_NORM,
  SUBSTITUTION,
  type SubstitutionTables,
} from '../aes-tables.ts';
import { type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import {
  andV,
  laneConstant,
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
const COLUMN_BYTES = 4;
const LOW_NIBBLE = 0xfn;

// ---- The steps of a round (FIPS 197, 5.1 and 5.3); byte r + 4c of a register is row r of column c ----

const lookUp = (b: Semantics, table: readonly number[], indexes: V128): V128 =>
  lanewise(b, BYTES, 'swizzle', b.v128(table), indexes);

/** The low and the high nibble of each byte. */
function nibbles(b: Semantics, x: V128): [V128, V128] {
  const mask = laneConstant(b, BYTES, LOW_NIBBLE);
  return [andV(b, x, mask), andV(b, lanewise(b, HALFWORDS, 'shr_u', x, b.i32(4)), mask)];
}

/** SubBytes or InvSubBytes; the names of aes-tables.ts. */
function substitute(b: Semantics, tables: SubstitutionTables, x: V128): V128 {
  const [low, high] = nibbles(b, x);
  const pairs = xorV(b, lookUp(b, tables.input.low, low), lookUp(b, tables.input.high, high));
  const [k, i] = nibbles(b, pairs);
  const j = xorV(b, i, k);
  const shared = lookUp(b, INVERSES_BY_NORM, k);
  const u = xorV(b, lookUp(b, INVERSES, xorV(b, lookUp(b, INVERSES, i), shared)), j);
  const v = xorV(b, lookUp(b, INVERSES, xorV(b, lookUp(b, INVERSES, j), shared)), i);
  const sum = xorV(b, lookUp(b, tables.byU, u), lookUp(b, tables.byV, v));
  return tables.constant ? xorV(b, sum, laneConstant(b, BYTES, BigInt(tables.constant))) : sum;
}

/** ShiftRows moves row r by r columns to the left, InvShiftRows (`by` = −1) to the right. */
const shiftRows = (b: Semantics, x: V128, by: 1 | -1): V128 =>
  shuffle(b, x, x, (at) => (at + by * COLUMN_BYTES * (at % COLUMN_BYTES) + V_BYTES) % V_BYTES);

/** Each column moved up by `by` rows. */
const rotateColumns = (b: Semantics, x: V128, by: number): V128 =>
  shuffle(b, x, x, (at) => at - (at % COLUMN_BYTES) + ((at + by) % COLUMN_BYTES));

/** Each byte times 2 in GF(2^8). */
function double(b: Semantics, x: V128): V128 {
  const overflowing = lanewise(b, BYTES, 'lt_s', x, zeroV(b));
  const reduction = andV(b, overflowing, laneConstant(b, BYTES, REDUCTION));
  return xorV(b, lanewise(b, BYTES, 'add', x, x), reduction);
}
/** x^8 modulo AES's polynomial. */
const REDUCTION = 0x1bn;

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
  { name: 'aese', opcode: '00100', tables: SUBSTITUTION, by: 1 },
  { name: 'aesd', opcode: '00101', tables: INVERSE_SUBSTITUTION, by: -1 },
] as const;
const MIXING = [
  { name: 'aesmc', opcode: '00110', mix: mixColumns },
  { name: 'aesimc', opcode: '00111', mix: inverseMixColumns },
] as const;

const substituting: Row[] = SUBSTITUTING.map(({ name, opcode, tables, by }) =>
  row(name.toUpperCase(), `01001110 00 10100 ${opcode} 10 Rn:5 Rd:5`, `${name} <Vd>.16b, <Vn>.16b`, {
    fp: true,
    feature: 'FEAT_AES',
    execute: ({ Rn, Rd }, b) =>
      b.setV(Rd, substitute(b, tables, shiftRows(b, xorV(b, b.V(Rd), b.V(Rn)), by))),
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
 * The product of polynomials with up to 32 coefficients by integer products: bits four apart leave room for the
 * sums of up to eight products, of which only the lowest bit is kept.
 */
function polynomialProduct32(b: Semantics, x: I64, y: I64): I64 {
  const split = (value: I64) => CLASSES.map((k) => b.and(value, b.i64(SPREAD << BigInt(k))));
  const [xs, ys] = [split(x), split(y)];
  const parts = CLASSES.map((k) => {
    const sums = CLASSES.map((i) => b.mul(xs[i] as I64, ys[(k - i + 4) % 4] as I64));
    const sum = sums.reduce((all, one) => b.xor(all, one));
    return b.and(sum, b.i64(SPREAD << BigInt(k)));
  });
  return parts.reduce((all, one) => b.or(all, one));
}

const HALF_BITS = 32n;
/** The product of 64 by 64 coefficients, from three of halves (Karatsuba). */
function polynomialProduct64(b: Semantics, x: I64, y: I64): V128 {
  const half = b.i64(HALF_BITS);
  const low = (value: I64) => b.zeroExtend(b.wrap(value));
  const high = (value: I64) => b.shrU(value, half);
  const lows = polynomialProduct32(b, low(x), low(y));
  const highs = polynomialProduct32(b, high(x), high(y));
  const all = polynomialProduct32(b, b.xor(low(x), high(x)), b.xor(low(y), high(y)));
  const middle = b.xor(all, b.xor(lows, highs));
  const bottom = b.xor(lows, b.shl(middle, half));
  const top = b.xor(highs, b.shrU(middle, half));
  const result = b.numeric<'v128'>('i64x2.splat', [bottom]);
  return b.numeric<'v128'>('i64x2.replace_lane', [result, top], [1]);
}

/** The row of the byte form stands in simd-widening.ts. */
const polynomialMultiplyLong = row(
  'PMULL, PMULL2 (1Q)',
  '0 Q:1 0 01110 11 1 Rm:5 1110 00 Rn:5 Rd:5',
  `pmull${SECOND} <Vd>.1q, <Vn>.<Q:1d|2d>, <Vm>.<Q:1d|2d>`,
  {
    fp: true,
    feature: 'FEAT_PMULL',
    execute: ({ Q, Rm, Rn, Rd }, b) => {
      const x = b.laneV<'i64'>('i64', Rn, 8 * Q);
      const y = b.laneV<'i64'>('i64', Rm, 8 * Q);
      b.setV(Rd, polynomialProduct64(b, x, y));
    },
  },
);

export const cryptographicAes: readonly Row[] = [...substituting, ...mixing, polynomialMultiplyLong];
