/** The host's arithmetic against the BigInt algorithms, over hard operands in the default mode. */
import { describe, expect, it } from 'vitest';
import { hardOperands, RandomWords } from './hard-operands.ts';
import { ORACLE_ROWS } from './oracle-rows.ts';
import { TestEngine } from './test-engine.ts';

const CASES = 2000;
const SEED = 0x5eed;

describe('host arithmetic', () => {
  const rows = ORACLE_ROWS.filter((row) => !row.operands.includes('h'));
  it.each(rows.map((row) => [row.name, row] as const))('gives what BigInt gives for %s', (_, row) => {
    const random = new RandomWords(SEED);
    const fast = new TestEngine();
    const exact = new TestEngine(true);
    const differences: string[] = [];
    for (let i = 0; i < CASES; i++) {
      const operands = hardOperands(row.operands, random);
      const ours = fast.run(row, 0, operands);
      const reference = exact.run(row, 0, operands);
      if (ours.value === reference.value && ours.fpsr === reference.fpsr && ours.nzcv === reference.nzcv) {
        continue;
      }
      const shown = operands.map((bits) => bits.toString(16)).join(' ');
      differences.push(
        `${shown}: ${ours.value.toString(16)} ${ours.fpsr}, not ${reference.value.toString(16)} ${reference.fpsr}`,
      );
    }
    expect(differences).toEqual([]);
  });
});
