import { describe, expect, it } from 'vitest';
import { MENU_KEYS, withModifiers } from './key-codes.ts';
import { asOneLine, pasteQuestion } from './paste.ts';

describe('withModifiers', () => {
  it.each([
    ['c', '\x03'],
    ['C', '\x03'],
    ['[', '\x1b'],
    ['@', '\x00'],
    ['?', '\x7f'],
    ['5', '5'],
    ['é', 'é'],
  ])('sends the control character of %s when Ctrl sticks', (typed, sent) => {
    expect(withModifiers(typed, { ctrl: true, alt: false })).toBe(sent);
  });

  it('puts ESC first when Alt sticks', () => {
    expect(withModifiers('b', { ctrl: false, alt: true })).toBe('\x1bb');
    expect(withModifiers('x', { ctrl: true, alt: true })).toBe('\x1b\x18');
    expect(withModifiers('x', { ctrl: false, alt: false })).toBe('x');
  });

  it('agrees with the menu of keys', () => {
    for (const key of MENU_KEYS.filter(({ label }) => label.startsWith('Ctrl+'))) {
      expect(withModifiers(key.label.slice('Ctrl+'.length), { ctrl: true, alt: false })).toBe(key.bytes);
    }
  });
});

describe('pasteQuestion', () => {
  it('asks nothing when the text is one line', () => {
    expect(pasteQuestion('uname -a', false)).toBeUndefined();
  });

  it('asks when a line break would run a command', () => {
    expect(pasteQuestion('rm -r x\n', false)).toEqual({ lines: 2, preview: 'rm -r x\n' });
  });

  it('shows the beginning when there is much', () => {
    const text = Array.from({ length: 20 }, (_, line) => `line ${line}`).join('\r\n');
    const question = pasteQuestion(text, false);
    expect(question?.lines).toBe(20);
    expect(question?.preview).toMatch(/line 7\n… and 12 more$/);
  });

  it('trusts a program that takes bracketed pastes, within reason', () => {
    expect(pasteQuestion('a\nb\nc', true)).toBeUndefined();
    expect(pasteQuestion('\n'.repeat(500), true)?.lines).toBe(501);
  });
});

it('joins lines with single spaces when pasted as one', () => {
  expect(asOneLine('  for i in 1 2\n  do\r\n    echo $i\n  done\n')).toBe('for i in 1 2 do echo $i done');
});
