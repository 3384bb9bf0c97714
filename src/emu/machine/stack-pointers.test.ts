/** PSTATE.SP chooses the register that SP is (Arm ARM D1.6.2), also for code that has SP at hand: in a loop that gets hot. */
import { describe, expect, it } from 'vitest';
import { ENGINES, RawGuest } from '../testing/raw-guest.ts';

const guest = (choose0: string, choose1: string) => `
  adr x1, zero
  adr x2, one
  msr sp_el0, x1
  mov sp, x2
  mov x5, #0
  mov x6, #1
  mov w3, #'0'
  mov w4, #'1'
  mov x7, #400
loop:
  ${choose0}
  str w3, [sp], #-16
  str w3, [sp, #16]!
  ${choose1}
  str w4, [sp]
  ${choose0}
  mov x8, sp
  ${choose1}
  subs x7, x7, #1
  b.ne loop
  mov x21, #0x09000000
  ldr w9, [x1]
  str w9, [x21]
  ldr w9, [x2]
  str w9, [x21]
  cmp x8, x1
  cset w9, eq
  add w9, w9, #'a'
  str w9, [x21]
  mov w0, #8
  movk w0, #0x8400, lsl #16
  hvc #0
  .space 64
  .balign 16
zero:
  .space 64
one:
  .space 64
`;

describe.each(ENGINES)('MSR SPSel (%s)', (engine) => {
  it.each([
    ['an immediate', 'msr spsel, #0', 'msr spsel, #1'],
    ['a register', 'msr spsel, x5', 'msr spsel, x6'],
  ])('makes another register SP when %s says so', async (_, choose0, choose1) => {
    const machine = await RawGuest.create(guest(choose0, choose1), engine);
    expect(machine.run()).toBe('off');
    expect(machine.output).toBe('01b');
  });
});
