/**
 * AES's S-box as permutations of 16-byte tables (FIPS 197, 5.1.1 and 5.3.2). GF(2^8) is taken as pairs over GF(2^4),
 * where inverting needs tables of 16 entries only (M. Hamburg, "Accelerating AES with Vector Permute Instructions",
 * 2009, section 4). Everything follows from AES's polynomial; the test compares with the S-box by its definition.
 *
 * With ζ + ζ' = 1 for a conjugate pair, an element is x = iζ + jζ' = i + kζ', k = i + j, i, j, k in GF(2^4). With
 * n = ζζ' and N = nk² + ij, the norm of x, 1/x = (jζ + iζ')/N. Let u = 1/(1/i + 1/(nk)) + j and v the same with i and j
 * exchanged: then 1/u = (i + nk)/N, 1/v = (j + nk)/N, and 1/x = (n + ζ')/u + (n + ζ)/v. Where a divisor is zero,
 * an index above 127 stands for its inverse, and a lookup by that gives zero: all cases come out right.
 */

const BYTE = 256;
/** x^8 modulo AES's polynomial. */
export const REDUCTION = 0x1b;
const NIBBLE = 16;
const AFFINE_CONSTANT = 0x63;
/** The inverse of zero: a table has no entry for it, nor for its sum with an element. */
const INFINITY_INDEX = 0x80;

/** Product in GF(2^8). */
export function multiplyBytes(x: number, y: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product <<= 1;
    if (product & BYTE) product ^= BYTE | REDUCTION;
    if ((y >> bit) & 1) product ^= x;
  }
  return product;
}

/** The inverse in GF(2^8), zero for zero: x to the power 254. */
export function invertByte(x: number): number {
  let power = 1;
  for (let i = 0; i < BYTE - 2; i++) power = multiplyBytes(power, x);
  return power;
}

/** The S-box's linear part: each bit is the sum of itself and the four above it, around the byte. */
export function affineMatrix(x: number): number {
  let sum = 0;
  for (let by = 0; by < 5; by++) sum ^= (x << by) | (x >> (8 - by));
  return sum & 0xff;
}

const BYTES = Array.from({ length: BYTE }, (_, x) => x);
const NIBBLES = BYTES.slice(0, NIBBLE);
const inverseAffine = (y: number): number => BYTES.find((x) => affineMatrix(x) === y) ?? 0;

// ---- GF(2^4) inside GF(2^8), and the pair of conjugates ----

const power = (x: number, exponent: number): number =>
  Array.from({ length: exponent }).reduce<number>((product) => multiplyBytes(product, x), 1);
/** An element whose powers 0 … 3 are a basis of the subfield: a root of y^4 + y + 1. */
const GENERATOR = BYTES.find((x) => power(x, 4) === (x ^ 1)) ?? 0;
/** The element of the subfield with these coordinates. */
const element = (nibble: number): number =>
  [0, 1, 2, 3].reduce((sum, bit) => ((nibble >> bit) & 1 ? sum ^ power(GENERATOR, bit) : sum), 0);
const ELEMENTS = NIBBLES.map(element);
const coordinates = (x: number): number => ELEMENTS.indexOf(x);

const ZETA = BYTES.find((x) => (x ^ power(x, NIBBLE)) === 1) ?? 0;
const CONJUGATE = ZETA ^ 1;
const NORM = multiplyBytes(ZETA, CONJUGATE);

/** i and k as high and low nibble of a byte, for each x. */
const PAIRS: readonly number[] = BYTES.map((x) => {
  const k = ELEMENTS.findIndex((e) => ELEMENTS.includes(x ^ multiplyBytes(e, CONJUGATE)));
  return (coordinates(x ^ multiplyBytes(ELEMENTS[k] ?? 0, CONJUGATE)) << 4) | k;
});
const pairOf = (x: number): number => PAIRS[x] ?? 0;

// ---- The tables ----

/** Tables of 16 bytes; a byte's two nibbles choose from `low` and `high`, whose sum is the result. */
export interface NibbleTables {
  readonly low: readonly number[];
  readonly high: readonly number[];
}
export interface SubstitutionTables {
  /** From a byte to its pair (i, k). */
  readonly input: NibbleTables;
  /** By u and by v: their sum and `constant` are the result. */
  readonly byU: readonly number[];
  readonly byV: readonly number[];
  readonly constant: number;
}

/** An affine function of a byte, by nibbles. */
function byNibbles(map: (x: number) => number): NibbleTables {
  return { low: NIBBLES.map(map), high: NIBBLES.map((n) => map(n << 4) ^ map(0)) };
}
/** Nibble → `map` of the inverse times `factor`. */
const inverseTimes = (factor: number, map: (x: number) => number): readonly number[] =>
  ELEMENTS.map((e) => map(multiplyBytes(invertByte(e), factor)));

/** 1/y, and 1/(ny), for each nibble y. */
export const INVERSES = ELEMENTS.map((e) => (e === 0 ? INFINITY_INDEX : coordinates(invertByte(e))));
export const INVERSES_BY_NORM = ELEMENTS.map((e) =>
  e === 0 ? INFINITY_INDEX : coordinates(invertByte(multiplyBytes(e, NORM))),
);

/** SubBytes. */
export const SUBSTITUTION: SubstitutionTables = {
  input: byNibbles(pairOf),
  byU: inverseTimes(NORM ^ CONJUGATE, affineMatrix),
  byV: inverseTimes(NORM ^ ZETA, affineMatrix),
  constant: AFFINE_CONSTANT,
};

/** InvSubBytes: the affine part comes first. */
export const INVERSE_SUBSTITUTION: SubstitutionTables = {
  input: byNibbles((y) => pairOf(inverseAffine(y ^ AFFINE_CONSTANT))),
  byU: inverseTimes(NORM ^ CONJUGATE, (x) => x),
  byV: inverseTimes(NORM ^ ZETA, (x) => x),
  constant: 0,
};
