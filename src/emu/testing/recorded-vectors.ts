/** Recorded programs with what QEMU made of them (vectors/), and a machine that does the same or not. */
import { existsSync, readFileSync } from 'node:fs';
import { slotAddress } from './arena.ts';
import type { BareMachine } from './bare-machine.ts';
import { outcomeDifferences, STATE } from './processor-state.ts';
import { parseVectors, type Vector, type VectorFile } from './vector-text.ts';

/** The programs of a file in vectors/; none when it has not been recorded. */
export function readVectors(name: string): Vector[] {
  const file = new URL(`vectors/${name}.vectors.json`, import.meta.url);
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

/** Runs the programs, and says in what they differ from what was recorded: nothing, if all is well. */
export function vectorFailures(machine: BareMachine, vectors: readonly Vector[]): string[] {
  return batches(vectors).flatMap((batch) => {
    for (const { slot, words } of batch) machine.load(slot, words);
    machine.synchronize();
    return batch.flatMap((vector) => failure(machine, vector));
  });
}
