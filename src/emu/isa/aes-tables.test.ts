/** The S-boxes that the tables make, against FIPS 197's definition. */
import { describe, expect, it } from 'vitest';
import {
  affineMatrix,
  INVERSE_SUBSTITUTION,
  INVERSES,
  INVERSES_BY_NORM,
  invertByte,
  multiplyBytes,
  SUBSTITUTION,
  type SubstitutionTables,
} from './aes-tables.ts';

/** What a lookup gives, if all hosts agree on it: no index may lie between the table's end and 128. */
function at(table: readonly number[], index: number): number {
  expect(index < 16 || index > 127).toBe(true);
  return table[index] ?? 0;
}

/** What the rows do with one byte. */
function substitute(tables: SubstitutionTables, x: number): number {
  const pair = at(tables.input.low, x & 15) ^ at(tables.input.high, x >> 4);
  const [i, k] = [pair >> 4, pair & 15];
  const j = i ^ k;
  const shared = at(INVERSES_BY_NORM, k);
  const u = at(INVERSES, at(INVERSES, i) ^ shared) ^ j;
  const v = at(INVERSES, at(INVERSES, j) ^ shared) ^ i;
  return at(tables.byU, u) ^ at(tables.byV, v) ^ tables.constant;
}

const bytes = Array.from({ length: 256 }, (_, x) => x);
const sBox = bytes.map((x) => affineMatrix(invertByte(x)) ^ 0x63);

describe('the tables', () => {
  it('make the S-box when a byte goes through them', () => {
    expect(bytes.map((x) => substitute(SUBSTITUTION, x))).toEqual(sBox);
    // FIPS 197, figure 7: the first row and the last entry.
    expect(sBox.slice(0, 8)).toEqual([0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5]);
    expect(sBox[0xff]).toBe(0x16);
  });

  it('make the inverse S-box when a substituted byte goes through them', () => {
    expect(sBox.map((y) => substitute(INVERSE_SUBSTITUTION, y))).toEqual(bytes);
  });
});

describe('GF(2^8)', () => {
  it('multiplies as in the example of FIPS 197, 4.2', () => {
    expect(multiplyBytes(0x57, 0x83)).toBe(0xc1);
    expect(multiplyBytes(0x57, 0x13)).toBe(0xfe);
  });

  it('has an inverse for each element but zero', () => {
    for (const x of bytes) expect(multiplyBytes(x, invertByte(x))).toBe(x === 0 ? 0 : 1);
  });
});
