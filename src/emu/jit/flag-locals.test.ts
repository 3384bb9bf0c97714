/** Flags that wait in locals while a loop goes round. */
import { describe, expect, it } from 'vitest';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine } from '../testing/code-machine.ts';

const READ_FLAGS = CODE_RAM + 0x1000;
const DATA = CODE_RAM + 0x2000;

describe.each(CODE_ENGINE_NAMES)('flags in a loop, %s', (engine) => {
  it('outlast accesses at the start of the next round', async () => {
    const machine = await CodeMachine.create(engine);
    // The loop is entered with flags in the state block and goes round with flags of CCMP, of either kind in turn.
    machine.writeSource(
      CODE_RAM,
      `
        subs x3, xzr, xzr
      again:
        ldr x4, [x1]
        ldr x5, [x1, #8]
        sub x0, x0, #1
        cbz x0, out
        ccmp x2, #22, #14, eq
        b again
      out:
        wfi
      `,
    );
    machine.writeSource(READ_FLAGS, 'mrs x6, nzcv\nwfi');
    for (const [rounds, flags] of [
      [1000, 0x8n],
      [1001, 0xen],
    ] as const) {
      expect(machine.run(CODE_RAM, rounds, DATA, 0)).toBe(true);
      expect(machine.run(READ_FLAGS)).toBe(true);
      expect(machine.x(6) >> 28n).toBe(flags);
    }
  });
});
