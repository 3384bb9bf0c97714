import { describe, expect, it } from 'vitest';
import { type EscapeAction, EscapeKeys } from './escape-keys.ts';

function createKeys() {
  const actions: EscapeAction[] = [];
  const keys = new EscapeKeys((action) => actions.push(action));
  const filter = (text: string): string =>
    new TextDecoder().decode(keys.filter(new TextEncoder().encode(text)));
  return { actions, filter };
}

describe('EscapeKeys', () => {
  it('passes what is typed to the guest, control characters included', () => {
    expect(createKeys().filter('ls\r\x03\x1b[A')).toBe('ls\r\x03\x1b[A');
  });

  it('keeps Ctrl-A and the key after it', () => {
    const { actions, filter } = createKeys();
    expect(filter('a\x01xb')).toBe('ab');
    expect(actions).toEqual(['leave']);
  });

  it('remembers Ctrl-A when the key after it comes later', () => {
    const { actions, filter } = createKeys();
    expect(filter('\x01') + filter('p')).toBe('');
    expect(actions).toEqual(['power-key']);
  });

  it('types Ctrl-A when it is pressed twice', () => {
    expect(createKeys().filter('\x01\x01x')).toBe('\x01x');
  });
});
