/** The bodies of every instruction: they keep the IR's rules, and their text can be read back. */
import { describe, expect, it } from 'vitest';
import { RandomWords } from '../fp/hard-operands.ts';
import { buildHandler, combinations } from '../interpreter/handler.ts';
import { helperKind } from '../interpreter/runtime-imports.ts';
import type { Body } from '../ir/ir.ts';
import { parseBody } from '../ir/parser.ts';
import { printBody } from '../ir/printer.ts';
import { type VerifierFacts, verifyBody } from '../ir/verifier.ts';
import { A64_ROWS, a64Decoder } from '../isa/a64/index.ts';
import { insertFields } from '../isa/pattern.ts';
import type { Row } from '../isa/row.ts';
import { NUMERIC } from '../wasm/opcodes.ts';
import { lift, liftWithout } from './lift.ts';
import { registerAt } from './registers.ts';

const FACTS: VerifierFacts = {
  signature: (name) => NUMERIC[name],
  isArchitectural: (offset) => registerAt(offset) !== undefined,
  mayLeave: (helper) => helperKind(helper) !== 'arithmetic',
};
const LOAD_POST_INDEX = 0xf8408441;
const CCMP = 0xfa411820;
const WORDS_PER_ROW = 20;
const HANDLERS_PER_ROW = 64;

describe('the text of a body', () => {
  it('writes a load with post-index', () => {
    expect(printBody(lift(LOAD_POST_INDEX)?.body ?? { nodes: [] })).toMatchInlineSnapshot(`
      "%0:i64 = const value=8
      %1:i64 = state.load load=i64 offset=16
      %2:i32 = guest.read size=8 access=19464 %1
      %3:i64 = host.load load=i64 offset=0 %2
      %4:i64 = numeric name=i64.add %1 %0
      state.store store=i64 offset=16 %4
      state.store store=i64 offset=8 %3"
    `);
  });

  it('writes conditionals in braces', () => {
    expect(printBody(lift(CCMP)?.body ?? { nodes: [] })).toMatchInlineSnapshot(`
      "%3:i32 = flags.holds condition=1
      if %3 {
        %2:i64 = state.load load=i64 offset=8
        %4:i64 = const value=1
        %5:i64 = numeric name=i64.sub %2 %4
        flags.set kind=sub width=64 %2 %4 %5
      } else {
        %1:i32 = const value=0
        flags.put %1
      }"
    `);
  });
});

/** Words of a row with random fields. */
function wordsOf(row: Row, random: RandomWords, count: number): number[] {
  const words: number[] = [];
  for (let i = 0; i < count; i++) {
    const fields = Object.fromEntries(row.pattern.fields.map(({ name }) => [name, random.next()]));
    const word = insertFields(row.pattern, fields);
    if (a64Decoder.decode(word)?.row === row) words.push(word);
  }
  return words;
}
function bodiesOf(row: Row): Body[] {
  const lifted = wordsOf(row, new RandomWords(7), WORDS_PER_ROW).map((word) => lift(word)?.body);
  const symbolic = [...combinations(row)]
    .slice(0, HANDLERS_PER_ROW)
    .map((chosen) => buildHandler(row, chosen, false).body);
  return [...lifted.filter((body) => body !== undefined), ...symbolic];
}

describe.each(A64_ROWS.map((row) => [row.name, row] as const))('%s', (_, row) => {
  it('has the same bodies from a template as from its words alone', () => {
    for (const word of wordsOf(row, new RandomWords(11), WORDS_PER_ROW)) {
      const text = (body: Body | undefined) => printBody(body ?? { nodes: [] });
      expect(text(lift(word)?.body), word.toString(16)).toBe(text(liftWithout(word)?.body));
    }
  });

  it('has bodies that keep the rules and survive printing', () => {
    for (const body of bodiesOf(row)) {
      const text = printBody(body);
      expect(verifyBody(body, FACTS), text).toEqual([]);
      expect(printBody(parseBody(text))).toBe(text);
    }
  });
});
