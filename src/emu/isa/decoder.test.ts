/** The table as a whole: every row can be reached, and no word belongs to two rows by accident. */
import { describe, expect, it } from 'vitest';
import { RandomWords } from '../fp/hard-operands.ts';
import { A64_ROWS, a64Decoder } from './a64/index.ts';
import { Decoder } from './decoder.ts';
import { extractFields, insertFields } from './pattern.ts';
import { type Row, row } from './row.ts';

const random = new RandomWords(0xdec0de);
const WORDS_PER_ROW = 60;
const WORDS_PER_PAIR = 40;

const accepts = (candidate: Row, word: number) => {
  if (((word ^ candidate.pattern.value) & candidate.pattern.mask) !== 0) return false;
  const fields = extractFields(candidate.pattern, word);
  return candidate.when(fields) && candidate.valid(fields);
};

function randomWord({ pattern }: Row): number {
  const fields = Object.fromEntries(pattern.fields.map(({ name }) => [name, random.next()]));
  return insertFields(pattern, fields);
}

/** Neither pattern fixes all the bits of the other, and some word fits both. */
function overlapsSideways(a: Row, b: Row): boolean {
  const [p, q] = [a.pattern, b.pattern];
  const common = p.mask & q.mask;
  if (((p.value ^ q.value) & common) !== 0) return false;
  const nested = (p.mask | q.mask) >>> 0 === Math.max(p.mask, q.mask);
  return !nested || p.mask === q.mask;
}

describe('the table of instructions', () => {
  it('gives every row words of its own', () => {
    const unreachable = A64_ROWS.filter(
      (one) =>
        !Array.from({ length: WORDS_PER_ROW * 8 }).some(
          () => a64Decoder.decode(randomWord(one))?.row === one,
        ),
    );
    expect(unreachable.map(({ name }) => name)).toEqual([]);
  });

  it('decodes the words that a row accepts to it or to a more specific row', () => {
    for (const one of A64_ROWS)
      for (let i = 0; i < WORDS_PER_ROW; i++) {
        const word = randomWord(one);
        if (!accepts(one, word)) continue;
        const found = a64Decoder.decode(word);
        expect(found && accepts(found.row, word)).toBe(true);
        // The same row, or one that fixes more bits.
        if (found?.row !== one) expect(found?.row.pattern.mask).not.toBe(one.pattern.mask);
      }
  });

  it('has no two rows that claim the same word without one being a special case of the other', () => {
    const clashes: string[] = [];
    A64_ROWS.forEach((a, i) => {
      for (const b of A64_ROWS.slice(i + 1)) {
        if (!overlapsSideways(a, b)) continue;
        for (let n = 0; n < WORDS_PER_PAIR; n++) {
          const word = ((randomWord(a) & ~b.pattern.mask) | b.pattern.value) >>> 0;
          if (accepts(a, word) && accepts(b, word)) {
            clashes.push(`${a.name} and ${b.name}: ${word.toString(16)}`);
            break;
          }
        }
      }
    });
    expect(clashes).toEqual([]);
  });

  it('has no two rows of the same name', () => {
    const names = A64_ROWS.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('has operand fields of the widths that extraction needs', () => {
    for (const { name, pattern } of A64_ROWS)
      for (const field of pattern.fields) expect(field.width, `${name} ${field.name}`).toBeLessThan(31);
  });
});

describe('Decoder', () => {
  const general = row('general', '0 00000000000000000000000000 Rn:5', 'general <Xn>', { execute: () => {} });
  const special = row('special', '00000000000000000000000000000101', 'special', { execute: () => {} });
  const even = row('even', '1 00000000000000000000000000 imm5:5', 'even #<imm5>', {
    operands: {},
    when: ({ imm5 = 0 }) => imm5 % 2 === 0,
    execute: () => {},
  });
  const decoder = new Decoder([general, special, even]);

  it('prefers the row with more fixed bits, in whatever order they stand', () => {
    expect(decoder.decode(5)?.row).toBe(special);
    expect(decoder.decode(6)?.row).toBe(general);
  });

  it('gives nothing when a guard refuses', () => {
    expect(decoder.decode(0x8000_0002)?.fields).toEqual({ imm5: 2 });
    expect(decoder.decode(0x8000_0003)).toBeUndefined();
  });

  it('gives nothing when no pattern fits', () => {
    expect(decoder.decode(0x4000_0000)).toBeUndefined();
  });
});
