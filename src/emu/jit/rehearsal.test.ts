/** The rehearsal reaches every row. */
import { describe, expect, it } from 'vitest';
import { a64Decoder } from '../isa/a64/index.ts';
import { exampleOf, Rehearsal } from './rehearsal.ts';

describe('Rehearsal', () => {
  it('has a word of every row but MSR (immediate), whose immediates name what is written', () => {
    const without = a64Decoder.rows.filter((row) => exampleOf(row) === undefined);
    expect(without.map(({ name }) => name)).toEqual(['MSR (immediate)']);
  });

  it('ends', () => {
    const rehearsal = new Rehearsal({ shared: false, tailCalls: true });
    let steps = 1;
    while (rehearsal.step()) steps++;
    expect(steps).toBeGreaterThan(100);
    expect(rehearsal.step()).toBe(false);
  });
});
