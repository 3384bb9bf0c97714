/** The host's arithmetic against the BigInt algorithms, over hard operands, in the modes that it knows. */
import { describe, expect, it } from 'vitest';
import { FPCR } from './environment.ts';
import { roundToHalf } from './fast-half.ts';
import { hardOperands, RandomWords } from './hard-operands.ts';
import { ORACLE_ROWS, type OracleRow } from './oracle-rows.ts';
import { TestEngine } from './test-engine.ts';

const CASES = 500;
const SEED = 0x5eed;

function differences(row: OracleRow, fpcr: number): string[] {
  const random = new RandomWords(SEED);
  const fast = new TestEngine();
  const exact = new TestEngine(true);
  const found: string[] = [];
  for (let i = 0; i < CASES; i++) {
    const operands = hardOperands(row.operands, random);
    const ours = fast.run(row, fpcr, operands);
    const reference = exact.run(row, fpcr, operands);
    if (ours.value === reference.value && ours.fpsr === reference.fpsr && ours.nzcv === reference.nzcv) {
      continue;
    }
    const shown = operands.map((bits) => bits.toString(16)).join(' ');
    found.push(
      `${shown}: ${ours.value.toString(16)} ${ours.fpsr}, not ${reference.value.toString(16)} ${reference.fpsr}`,
    );
  }
  return found;
}

const ROWS = ORACLE_ROWS.map((row) => [row.name, row] as const);

describe('host arithmetic', () => {
  it.each(ROWS)('gives what BigInt gives for %s', (_, row) => {
    expect(differences(row, 0)).toEqual([]);
  });

  it.each(ROWS)('gives what BigInt gives for %s when denormals are flushed', (_, row) => {
    expect(differences(row, FPCR.FZ | FPCR.FZ16)).toEqual([]);
  });

  it.each(ROWS)('gives what BigInt gives for %s with default NaNs and alternative halves', (_, row) => {
    expect(differences(row, FPCR.DN | FPCR.AHP)).toEqual([]);
  });
});

describe('roundToHalf', () => {
  it('rounds to the nearest half, ties to even, and to infinity beyond the largest', () => {
    const cases = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [1 + 2 ** -11 + 2 ** -40, 1 + 2 ** -10],
      [-(2 ** -25), -0],
      [2 ** -25 + 2 ** -60, 2 ** -24],
      [2 ** -14 - 2 ** -26, 2 ** -14],
      [65519.999, 65504],
      [65520, Number.POSITIVE_INFINITY],
      [-1e300, Number.NEGATIVE_INFINITY],
      [-0, -0],
    ] as const;
    for (const [value, half] of cases) expect(roundToHalf(value)).toBe(half);
  });
});
