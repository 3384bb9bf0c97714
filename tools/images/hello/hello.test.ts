/** The hello guest on the virtual machine, in every engine mode. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ENGINES, RawGuest } from '../../../src/emu/testing/raw-guest.ts';
import { hello } from './recipe.ts';

const source = readFileSync(hello.source, 'utf8');
const ready = new RegExp(hello.readyPattern);

describe.each(ENGINES)('hello (%s)', (engine) => {
  async function booted(): Promise<RawGuest> {
    const guest = await RawGuest.create(source, engine);
    expect(guest.run()).toBe('waits');
    expect(guest.output).toMatch(ready);
    return guest;
  }

  /** What the guest answers to keys before it waits again. */
  function answer(guest: RawGuest, keys: string): string {
    const before = guest.output.length;
    guest.type(keys);
    expect(guest.run()).toBe('waits');
    return guest.output.slice(before);
  }

  it('greets and says its exception level', async () => {
    const { output, log } = await booted();
    expect(output).toContain('Hello from Bramble!');
    expect(output).toContain('This is exception level 1\r\n');
    expect(output).toContain('q  power off');
    expect(log).toEqual([]);
  });

  it('echoes what is typed, and prompts again after Return', async () => {
    const guest = await booted();
    expect(answer(guest, 'Abc 123!')).toBe('Abc 123!');
    expect(answer(guest, '\r')).toBe('\r\n\r\nhello> ');
    expect(answer(guest, 'e')).toBe('e\r\nThis is exception level 1\r\n\r\nhello> ');
  });

  it('counts ticks of the timer while it is on', async () => {
    const guest = await booted();
    guest.type('t');
    expect(guest.run(() => guest.output.includes('tick 12\r'))).toBe('runs');
    expect(guest.output).toMatch(/tick 10\r\nhello> \r\ntick 11\r\nhello> \r\ntick 12\r\n/);
    expect(answer(guest, 't')).toContain('The timer is off.');
  });

  it('reports a fault and goes on', async () => {
    const guest = await booted();
    // A data abort of EL1, synchronous external, at the address that the program reads.
    expect(answer(guest, 'f')).toMatch(
      /Exception: syndrome 0000000096000010, address 000000000f000000, instruction at 00000000400\w+\r\n\r\nhello> $/,
    );
    expect(answer(guest, 'x')).toBe('x');
  });

  it('powers off on q', async () => {
    const guest = await booted();
    guest.type('q');
    expect(guest.run()).toBe('off');
    expect(guest.output).toMatch(/Good night\.\r\n$/);
  });
});
