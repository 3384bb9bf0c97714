/**
 * Both engines against QEMU: recorded programs of every row, and those that once differed
 * (npm run oracle:differential -- --record N, -- --save).
 */
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { A64_ROWS } from '../isa/a64/index.ts';
import { SLOTS, slotAddress } from '../testing/arena.ts';
import { BareMachine, ENGINE_MODES } from '../testing/bare-machine.ts';
import { outcomeDifferences, STATE } from '../testing/processor-state.ts';
import { EXCLUDED } from '../testing/unpredictable.ts';
import { parseVectors, type Vector, type VectorFile } from '../testing/vector-text.ts';

function readVectors(name: string): Vector[] {
  const file = new URL(`../testing/vectors/${name}.vectors.json`, import.meta.url);
  return existsSync(file) ? parseVectors(JSON.parse(readFileSync(file, 'utf8')) as VectorFile) : [];
}

/** What differs when the vector runs in a slot, as text. */
function failure(machine: BareMachine, { row, words, state, expected }: Vector, slot: number): string[] {
  const start = BigInt(slotAddress(slot));
  const pc = BigInt.asUintN(64, (expected.state[STATE.PC] ?? 0n) + start);
  const ours = machine.run(state.with(STATE.PC, start));
  const differences = outcomeDifferences(ours, { ...expected, state: expected.state.with(STATE.PC, pc) });
  if (differences.length === 0) return [];
  return [`${row} (${words.map((word) => word.toString(16)).join(' ')}): ${differences.join('; ')}`];
}

function failures(machine: BareMachine, vectors: readonly Vector[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < vectors.length; at += SLOTS) {
    const batch = vectors.slice(at, at + SLOTS);
    batch.forEach(({ words }, slot) => {
      machine.load(slot, words);
    });
    machine.synchronize();
    found.push(...batch.flatMap((vector, slot) => failure(machine, vector, slot)));
  }
  return found;
}

const recorded = readVectors('rows');

describe.each(ENGINE_MODES)('an engine that is to %s', (mode) => {
  let machine: BareMachine;
  beforeAll(async () => {
    machine = await BareMachine.create(mode);
  });

  it('does what QEMU does for the recorded programs', () => {
    // Translating takes ten times as long as interpreting: one program of each row.
    const some =
      mode === 'translate' ? recorded.filter(({ row }, i) => recorded[i - 1]?.row !== row) : recorded;
    expect(failures(machine, some)).toEqual([]);
  });

  it('does what QEMU does for recorded programs of many instructions', () => {
    expect(failures(machine, readVectors('programs'))).toEqual([]);
  });

  it('does what QEMU does for programs that once differed', () => {
    expect(failures(machine, readVectors('found'))).toEqual([]);
  });
});

describe('the recorded programs', () => {
  it('contain every row that user programs can run', () => {
    const rows = new Set(recorded.map(({ row }) => row));
    const missing = A64_ROWS.filter(({ name }) => !rows.has(name) && !(name in EXCLUDED));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
