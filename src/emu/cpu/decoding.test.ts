/** Which words are instructions, as llvm-mc says with the features of `max` (recorded by `npm run oracle:decode`). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decoderFor } from '../isa/a64/index.ts';
import { CPU_PROFILES } from './profiles.ts';

const recorded = JSON.parse(readFileSync(new URL('decoding.vectors.json', import.meta.url), 'utf8')) as {
  readonly instructions: string;
  readonly unallocated: string;
};
const decoder = decoderFor(CPU_PROFILES.max.features);
const wrong = (words: string, allocated: boolean) =>
  words.split(' ').filter((word) => (decoder.decode(Number.parseInt(word, 16)) !== undefined) !== allocated);

describe('the decoder of max', () => {
  it('takes every recorded instruction for one', () => {
    expect(wrong(recorded.instructions, true)).toEqual([]);
  });

  it('takes no recorded unallocated word for an instruction', () => {
    expect(wrong(recorded.unallocated, false)).toEqual([]);
  });
});
