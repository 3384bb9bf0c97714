import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsoleText } from './console-text.ts';

const read = (...chunks: Uint8Array[]): string => {
  const text = new ConsoleText();
  return chunks.map((chunk) => text.push(chunk)).join('');
};
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('ConsoleText', () => {
  it.each([
    ['carriage returns', 'one\r\ntwo\r\n', 'one\ntwo\n'],
    ['colours', '\x1b[1;31mred\x1b[0m plain', 'red plain'],
    ['the cursor query that follows busybox prompts', '~ # \x1b[6n', '~ # '],
    ['titles ended by BEL and by ESC \\', '\x1b]0;title\x07a\x1b]2;t\x1b\\b', 'ab'],
    ['character set selections', '\x1b(Bx\x1b)0y', 'xy'],
    ['bells, backspaces and deletes', 'a\x07\b\x7fb', 'ab'],
    ['sequences that were cut off', 'a\x1b[0;1…b\x1b…c', 'abc'],
    ['nothing of plain text', 'tab\there, ä € 😀', 'tab\there, ä € 😀'],
  ])('removes %s', (_what, raw, clean) => {
    expect(read(encode(raw))).toBe(clean);
  });

  it('gives the same text however the stream is split', () => {
    const raw = encode('ä\x1b[1;31mred\x1b[0m\r\n\x1b]0;t\x1b\\€ 😀\x1b(B~ # \x1b[6n');
    fc.assert(
      fc.property(fc.array(fc.nat(raw.length), { maxLength: 8 }), (cuts) => {
        const bounds = [0, ...cuts.sort((a, b) => a - b), raw.length];
        const chunks = bounds.slice(1).map((end, at) => raw.subarray(bounds[at], end));
        expect(read(...chunks)).toBe(read(raw));
      }),
    );
  });
});
