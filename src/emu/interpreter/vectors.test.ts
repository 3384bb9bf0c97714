/**
 * Both engines against QEMU: recorded programs of every row, and those that once differed
 * (npm run oracle:differential -- --record N, -- --save).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { A64_ROWS, a64Decoder } from '../isa/a64/index.ts';
import { slotAddress } from '../testing/arena.ts';
import { BareMachine, ENGINE_MODES } from '../testing/bare-machine.ts';
import { outcomeDifferences, STATE } from '../testing/processor-state.ts';
import { EXCLUDED } from '../testing/unpredictable.ts';
import { parseVectors, type Vector, type VectorFile } from '../testing/vector-text.ts';

function readVectors(name: string): Vector[] {
  const file = new URL(`../testing/vectors/${name}.vectors.json`, import.meta.url);
  return existsSync(file) ? parseVectors(JSON.parse(readFileSync(file, 'utf8')) as VectorFile) : [];
}

/** Runs of vectors whose slots are all different. */
function batches(vectors: readonly Vector[]): Vector[][] {
  const out: Vector[][] = [];
  let taken = new Set<number>();
  for (const vector of vectors) {
    if (out.length === 0 || taken.has(vector.slot)) {
      out.push([]);
      taken = new Set();
    }
    taken.add(vector.slot);
    out.at(-1)?.push(vector);
  }
  return out;
}

/** What differs, as text: a line for a vector that does not end as expected. */
function failure(machine: BareMachine, { row, slot, words, state, expected }: Vector): string[] {
  const start = BigInt(slotAddress(slot));
  const pc = BigInt.asUintN(64, (expected.state[STATE.PC] ?? 0n) + start);
  const ours = machine.run(state.with(STATE.PC, start));
  const differences = outcomeDifferences(ours, { ...expected, state: expected.state.with(STATE.PC, pc) });
  if (differences.length === 0) return [];
  return [`${row} (${words.map((word) => word.toString(16)).join(' ')}): ${differences.join('; ')}`];
}

function failures(machine: BareMachine, vectors: readonly Vector[]): string[] {
  return batches(vectors).flatMap((batch) => {
    for (const { slot, words } of batch) machine.load(slot, words);
    machine.synchronize();
    return batch.flatMap((vector) => failure(machine, vector));
  });
}

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
    const rows = new Set(recorded.flatMap(({ words }) => words.map((word) => a64Decoder.decode(word)?.row)));
    const missing = A64_ROWS.filter((row) => !rows.has(row) && !(row.name in EXCLUDED));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
