/** Translated code against QEMU: the recorded programs of every row, each translated before its first instruction. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { SLOTS, slotAddress } from '../testing/arena.ts';
import { BareMachine } from '../testing/bare-machine.ts';
import { outcomeDifferences, STATE } from '../testing/processor-state.ts';
import { parseVectors, type Vector, type VectorFile } from '../testing/vector-text.ts';

function readVectors(name: string): Vector[] {
  const file = new URL(`../testing/vectors/${name}.vectors.json`, import.meta.url);
  return parseVectors(JSON.parse(readFileSync(file, 'utf8')) as VectorFile);
}

let machine: BareMachine;
beforeAll(async () => {
  machine = await BareMachine.create('translate');
});

function failure({ row, words, state, expected }: Vector, slot: number): string[] {
  const start = BigInt(slotAddress(slot));
  const pc = BigInt.asUintN(64, (expected.state[STATE.PC] ?? 0n) + start);
  const ours = machine.run(state.with(STATE.PC, start));
  const differences = outcomeDifferences(ours, { ...expected, state: expected.state.with(STATE.PC, pc) });
  if (differences.length === 0) return [];
  return [`${row} (${words.map((word) => word.toString(16)).join(' ')}): ${differences.join('; ')}`];
}

function failures(vectors: readonly Vector[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < vectors.length; at += SLOTS) {
    const batch = vectors.slice(at, at + SLOTS);
    batch.forEach(({ words }, slot) => {
      machine.load(slot, words);
    });
    machine.synchronize();
    found.push(...batch.flatMap(failure));
  }
  return found;
}

describe('translated code', () => {
  it('does what QEMU does for the recorded programs', () => {
    expect(failures(readVectors('rows'))).toEqual([]);
  });

  it('does what QEMU does for recorded programs of many instructions', () => {
    expect(failures(readVectors('programs'))).toEqual([]);
  });
});
