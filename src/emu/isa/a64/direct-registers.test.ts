/** System registers that code reads without the general way. */
import { describe, expect, it } from 'vitest';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine } from '../../testing/code-machine.ts';

/** The counters run at 62.5 MHz. */
const NS_PER_TICK = 16;

describe.each(CODE_ENGINE_NAMES)('the counters, %s', (engine) => {
  it.each([0, 1, 0x1_2345_6789, 2 ** 45 + 3])('read %i when the clock says so', async (ticks) => {
    const machine = await CodeMachine.create(engine);
    machine.nowNs = ticks * NS_PER_TICK;
    machine.writeSource(
      CODE_RAM,
      `
        mov x3, #20
      again:
        cmp x3, #10
        mrs x0, cntvct_el0
        mrs x1, cntpct_el0
        mrs xzr, cntvct_el0
        cset x2, hi
        sub x3, x3, #1
        cbnz x3, again
        wfi
      `,
    );
    expect(machine.run(CODE_RAM)).toBe(true);
    expect([machine.x(0), machine.x(1), machine.x(2)]).toEqual([BigInt(ticks), BigInt(ticks), 0n]);
  });
});
