/** WFI in a whole machine (Arm ARM D1.6.2): a pending interrupt ends it, masked or not. */
import { describe, expect, it } from 'vitest';
import { ENGINES, RawGuest } from '../testing/raw-guest.ts';
import { GIC_DISTRIBUTOR, GIC_REDISTRIBUTORS, PPI } from './virt-map.ts';

/** Private interrupts of CPU 0 start at INTID 16. */
const TIMER_BIT = 1 << (16 + PPI.virtualTimer);
const GICR_PRIVATE = GIC_REDISTRIBUTORS.base + 0x1_0000;

/** Enables the virtual timer's interrupt, which stays masked by PSTATE.I. */
const SETUP = `
  mov x1, #${GICR_PRIVATE}
  mov w0, #${TIMER_BIT}
  str w0, [x1, #0x80]     // GICR_IGROUPR0
  str w0, [x1, #0x100]    // GICR_ISENABLER0
  mov x1, #${GIC_DISTRIBUTOR.base}
  mov w0, #0x12           // GICD_CTLR: ARE, EnableGrp1
  str w0, [x1]
  mov x0, #0xff
  msr icc_pmr_el1, x0
  mov x0, #1
  msr icc_igrpen1_el1, x0
  msr cntv_tval_el0, x2
  msr cntv_ctl_el0, x0
  isb
`;
const OFF = `
  mov w0, #8
  movk w0, #0x8400, lsl #16
  hvc #0
`;

describe.each(ENGINES)('WFI (%s)', (engine) => {
  it('passes when a masked interrupt is pending already', async () => {
    const pending = '1: mrs x3, isr_el1\ncbz x3, 1b\n';
    const guest = await RawGuest.create(`mov x2, #0\n${SETUP}${pending}wfi\nwfi\n${OFF}`, engine);
    expect(guest.run(undefined, 20)).toBe('off');
  });

  it('waits for the timer', async () => {
    const guest = await RawGuest.create(`mov x2, #0x1000000\n${SETUP}wfi\n${OFF}`, engine);
    expect(guest.machine.runSlice(1)).toEqual({ kind: 'idle', wakeAfterMs: expect.any(Number) });
    expect(guest.run(undefined, 20)).toBe('off');
  });

  it('waits for input only when no timer is set', async () => {
    const guest = await RawGuest.create(`1: wfi\nb 1b`, engine);
    expect(guest.run()).toBe('waits');
  });
});
