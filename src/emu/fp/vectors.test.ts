/** Answers recorded from QEMU by tools/oracle/fp.mjs, asked of both paths. */
import { describe, expect, it } from 'vitest';
import vectors from './fp.vectors.json' with { type: 'json' };
import { ORACLE_ROWS, type OracleRow } from './oracle-rows.ts';
import { TestEngine } from './test-engine.ts';

const recorded: Readonly<Record<string, readonly string[]>> = vectors;

/** A line is FPCR, the operands, the result, FPSR and NZCV, in hexadecimal. */
function answer(row: OracleRow, line: string, engine: TestEngine): string {
  const fields = line.split(' ');
  const fpcr = Number.parseInt(fields[0]!, 16);
  const operands = fields.slice(1, -3).map((text) => BigInt(`0x${text}`));
  const { value, fpsr, nzcv } = engine.run(row, fpcr, operands);
  const shownValue = row.result === 'nzcv' ? '0' : value.toString(16);
  const shownFlags = nzcv === undefined ? fields.at(-1) : nzcv.toString(16);
  return [...fields.slice(0, -3), shownValue, fpsr.toString(16), shownFlags].join(' ');
}

describe('answers recorded from QEMU', () => {
  it('has a recording of every row', () => {
    expect(Object.keys(recorded)).toEqual(ORACLE_ROWS.map((row) => row.name));
  });

  for (const [name, exactOnly] of [
    ['the host path', false],
    ['the BigInt path', true],
  ] as const) {
    it.each(ORACLE_ROWS.map((row) => [row.name, row] as const))(`gives them for %s by ${name}`, (_, row) => {
      const engine = new TestEngine(exactOnly);
      const lines = recorded[row.name]!;
      expect(lines.map((line) => answer(row, line, engine))).toEqual(lines);
    });
  }
});
