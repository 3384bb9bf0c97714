/** What the translator tells about regions: why they are made and thrown away. */
import { describe, expect, it } from 'vitest';
import { CODE_RAM, CodeMachine } from '../testing/code-machine.ts';
import { describeEvent } from './region-events.ts';

const LOOP = CODE_RAM + 0x1000;

describe('events of regions', () => {
  it('tell that a loop became hot, was compiled, and went when its code changed', async () => {
    const machine = await CodeMachine.create('translate when warm');
    machine.writeSource(LOOP, 'again: sub x0, x0, #1\ncbnz x0, again\nwfi');
    expect(machine.run(LOOP, 100_000)).toBe(true);
    machine.writeSource(CODE_RAM, 'dc cvau, x0\ndsb ish\nic ivau, x0\ndsb ish\nisb\nwfi');
    expect(machine.run(CODE_RAM, LOOP)).toBe(true);
    const events = machine.regionEvents.filter(({ address }) => address === BigInt(LOOP));
    expect(events.map(({ kind }) => kind)).toEqual(['wanted', 'compiled', 'dropped']);
    const [wanted, compiled, dropped] = events;
    expect(compiled).toMatchObject({ ranges: [[BigInt(LOOP), BigInt(LOOP + 8)]] });
    expect(dropped).toMatchObject({ reason: 'changed' });
    expect(wanted && describeEvent(wanted, 3)).toMatch(
      /^wanted: reached by \d+ rounds of 3 branches, \d+ of them lately$/,
    );
    expect(dropped && describeEvent(dropped, 3)).toBe('thrown away: its code changed');
  });

  it('tell that an answer came too late', async () => {
    const machine = await CodeMachine.create('translate elsewhere');
    machine.writeSource(
      LOOP,
      `
      again:
        sub x0, x0, #1
        tst x0, #63
        b.ne further
        ic ivau, x1
        isb
      further:
        cbnz x0, again
        wfi
      `,
    );
    expect(machine.run(LOOP, 20_000, LOOP)).toBe(true);
    expect(machine.regionEvents.map(({ kind }) => kind)).toContain('outdated');
  });
});
