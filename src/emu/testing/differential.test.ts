/** The tests' own tools: what they generate, write down and notice. */
import { describe, expect, it } from 'vitest';
import { RandomWords } from '../fp/hard-operands.ts';
import { a64Decoder } from '../isa/a64/index.ts';
import { SLOT_WORDS, SLOTS, slotAddress, slotAt } from './arena.ts';
import { BareMachine } from './bare-machine.ts';
import { newState, type Outcome, outcomeDifferences, STATE, STATE_WORDS } from './processor-state.ts';
import { ProgramGenerator } from './random-program.ts';
import { reduceOnce } from './reduce.ts';
import { formatVector, formatVectors, parseVectors, type VectorFile } from './vector-text.ts';

const outcome = (changes: Partial<Outcome> = {}): Outcome => ({
  end: 'trap',
  address: 0n,
  state: newState(),
  memory: [],
  ...changes,
});

describe('outcomeDifferences', () => {
  it('is empty when nothing differs', () => {
    expect(outcomeDifferences(outcome(), outcome())).toEqual([]);
  });

  it('names every word of state that differs', () => {
    for (let i = 0; i < STATE_WORDS; i++) {
      const bit = i === STATE.FPCR ? 1n << 24n : 1n;
      const differences = outcomeDifferences(outcome({ state: newState().with(i, bit) }), outcome());
      expect(differences).toHaveLength(1);
    }
  });

  it('names the end, the address and memory', () => {
    const ours = outcome({ end: 'segv', address: 0x10n, memory: [[8, 1n]] });
    const theirs = outcome({ end: 'segv', address: 0x20n, memory: [[16, 1n]] });
    expect(outcomeDifferences(ours, theirs)).toEqual([
      'address: ours 0x10, expected 0x20',
      'memory+0x8: ours 0x1, expected unchanged',
      'memory+0x10: ours unchanged, expected 0x1',
    ]);
    expect(outcomeDifferences(ours, outcome())).toContain('end: ours segv, expected trap');
  });
});

describe('ProgramGenerator', () => {
  const generator = new ProgramGenerator(a64Decoder, new RandomWords(3));

  it('makes programs of allocated words that hold the row and fit into a slot', () => {
    for (const row of generator.rows) {
      const { words } = generator.generate(row, true);
      const rows = words.map((word) => a64Decoder.decode(word)?.row);
      expect(rows).toContain(row);
      expect(rows).not.toContain(undefined);
      expect(words.length).toBeLessThan(SLOT_WORDS);
    }
  });

  it('makes programs that end', async () => {
    const machine = await BareMachine.create();
    const rows = generator.rows.filter((_, i) => i % 4 === 0).slice(0, SLOTS);
    const programs = rows.map((row) => generator.generate(row, true));
    programs.forEach(({ words }, slot) => {
      machine.load(slot, words);
    });
    machine.synchronize();
    const ends = programs.map(
      ({ state }, slot) => machine.run(state.with(STATE.PC, BigInt(slotAddress(slot)))).end,
    );
    expect(ends).not.toContain('timeout');
    expect(ends).not.toContain('other');
    // Most programs run to their end.
    expect(ends.filter((end) => end === 'trap').length).toBeGreaterThan(ends.length / 2);
  });
});

describe('reduceOnce', () => {
  it('offers fewer instructions and fewer registers', () => {
    const program = new ProgramGenerator(a64Decoder, new RandomWords(4)).generate(a64Decoder.rows[0]!, true);
    const size = (words: readonly number[], state: BigUint64Array) =>
      words.filter((word) => word !== 0xd503201f).length + [...state].filter((value) => value !== 0n).length;
    for (const smaller of reduceOnce(program))
      expect(size(smaller.words, smaller.state)).toBeLessThan(size(program.words, program.state));
  });
});

describe('vectors', () => {
  it('read back as they were written', () => {
    const generator = new ProgramGenerator(a64Decoder, new RandomWords(5));
    const program = generator.generate(a64Decoder.rows[0]!, true);
    const start = BigInt(slotAddress(7));
    const state = program.state.with(STATE.PC, start);
    const final = state.with(STATE.PC, start + 8n).with(3, 0x1234n);
    const expected = outcome({ end: 'bus', address: 0x50n, state: final, memory: [[24, 99n]] });
    const file = { [program.row.name]: [formatVector({ ...program, state }, expected)] };
    const [vector] = parseVectors(JSON.parse(formatVectors(file)) as VectorFile);
    expect(vector?.slot).toBe(slotAt(start));
    expect(vector?.words).toEqual(program.words);
    expect(vector?.state).toEqual(state.with(STATE.PC, 0n));
    expect(vector?.expected).toEqual({ ...expected, state: final.with(STATE.PC, 8n) });
  });
});
