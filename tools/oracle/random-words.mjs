/** Random words of a row: fields all zeros, all ones, or anything; nothing CONSTRAINED UNPREDICTABLE. */
import { a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { insertFields } from '../../src/emu/isa/pattern.ts';
import { isUnpredictable } from '../../src/emu/testing/unpredictable.ts';

const ATTEMPTS = 60;

/** Up to `count` different ones. */
export function randomWords(row, count, random) {
  const words = new Set();
  for (let attempt = 0; words.size < count && attempt < count * ATTEMPTS; attempt++) {
    const fields = {};
    for (const { name } of row.pattern.fields)
      fields[name] = [0, -1, random.next(), random.next()][random.below(4)];
    const word = insertFields(row.pattern, fields);
    const decoded = a64Decoder.decode(word);
    if (decoded?.row === row && !isUnpredictable(row, decoded.fields)) words.add(word);
  }
  return [...words];
}
