/**
 * Every engine mode against QEMU: recorded programs of every row, and those that once differed
 * (npm run oracle:differential -- --record N, -- --save).
 */
import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { A64_ROWS, a64Decoder } from '../isa/a64/index.ts';
import { BareMachine, ENGINE_MODES } from '../testing/bare-machine.ts';
import { readVectors, vectorFailures } from '../testing/recorded-vectors.ts';
import { EXCLUDED } from '../testing/unpredictable.ts';

/** Files of single instructions: those of the base, and one for each feature. */
const RECORDED = /^(rows|FEAT_\w+)(?=\.vectors\.json$)/;
const recorded = readdirSync(new URL('../testing/vectors', import.meta.url)).flatMap((file) => {
  const [name] = RECORDED.exec(file) ?? [];
  return name ? readVectors(name) : [];
});

describe.each(ENGINE_MODES)('an engine that is to %s', (mode) => {
  let machine: BareMachine;
  beforeAll(async () => {
    machine = await BareMachine.create(mode);
  });

  it('does what QEMU does for the recorded programs', () => {
    expect(vectorFailures(machine, recorded)).toEqual([]);
  });

  it('does what QEMU does for recorded programs of many instructions', () => {
    expect(vectorFailures(machine, readVectors('programs'))).toEqual([]);
  });

  it('does what QEMU does for programs that once differed', () => {
    expect(vectorFailures(machine, readVectors('found'))).toEqual([]);
  });
});

describe('the recorded programs', () => {
  it('contain every row that user programs can run', () => {
    const rows = new Set(recorded.flatMap(({ words }) => words.map((word) => a64Decoder.decode(word)?.row)));
    const missing = A64_ROWS.filter((row) => !rows.has(row) && !(row.name in EXCLUDED));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
