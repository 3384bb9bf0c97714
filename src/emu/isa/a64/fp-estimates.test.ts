/** Estimates of every leading nine bits, in the machine: the rest of an operand counts for its exponent only. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ORACLE_ROWS } from '../../fp/oracle-rows.ts';
import { FloatRowTester } from '../../testing/float-row-tester.ts';

/** Fraction bits below the eight that count, and an even and an odd exponent. */
const FORMATS = [
  { kind: 'h', shift: 2n, exponents: [0x3800n, 0x3c00n] },
  { kind: 's', shift: 15n, exponents: [0x3f00_0000n, 0x3f80_0000n] },
  { kind: 'd', shift: 44n, exponents: [0x3fe0n << 48n, 0x3ff0n << 48n] },
] as const;
const CASES = ['FRECPE', 'FRSQRTE'].flatMap((name) =>
  FORMATS.map((format) => [`${name} ${format.kind}`, format] as const),
);

describe('estimates', () => {
  let tester: FloatRowTester;
  beforeAll(async () => {
    tester = await FloatRowTester.create();
  });

  it.each(CASES)('are right for every fraction: %s', (name, { shift, exponents }) => {
    const row = ORACLE_ROWS.find((one) => one.name === name);
    const operands = exponents.flatMap((exponent) =>
      Array.from({ length: 256 }, (_, fraction) => [exponent | (BigInt(fraction) << shift)]),
    );
    expect(row && tester.scalarDifferences(row, operands)).toEqual([]);
  });
});
