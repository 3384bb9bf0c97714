/**
 * Software step in a whole machine (Arm ARM D2.12): the guest steps a program of its own and prints, after each
 * step, the number of the instruction that comes next. qemu-system prints the same.
 */
import { describe, expect, it } from 'vitest';
import { ENGINES, RawGuest } from '../testing/raw-guest.ts';

/** Vectors, and a handler that prints where a step has led, or `s` for anything else and powers off. */
const HANDLER = `
  .equ UART, 0x09000000
  .equ SPSR_SS, 1 << 21
  .equ EC_STEP_LOWER, 0x32
  .equ EC_STEP_SAME, 0x33
handle:
  mrs x20, esr_el1
  lsr x20, x20, #26
  mov x21, #UART
  cmp x20, #EC_STEP_LOWER
  b.eq 1f
  cmp x20, #EC_STEP_SAME
  b.eq 1f
  mov w22, #'s'
  str w22, [x21]
off:
  mov w0, #8
  movk w0, #0x8400, lsl #16
  hvc #0
1: mrs x22, elr_el1
  adr x23, program
  sub x22, x22, x23
  lsr x22, x22, #2
  add x22, x22, #'0'
  str w22, [x21]
  mrs x22, spsr_el1
  orr x22, x22, #SPSR_SS
  msr spsr_el1, x22
  eret
  .balign 2048
vectors:
  .space 0x200
  b handle
  .balign 0x200
  b handle
`;

const ARM = `
  adr x0, vectors
  msr vbar_el1, x0
  msr oslar_el1, xzr
`;

const STEP_EL0 = `${ARM}
  mov x0, #1
  msr mdscr_el1, x0
  isb
  mov x0, #SPSR_SS
  msr spsr_el1, x0
  adr x0, program
  msr elr_el1, x0
  eret
program:
  mov x1, #2
1: subs x1, x1, #1
  b.ne 1b
  bl 3f
  b 2f
  nop
2: svc #0
3: ret
${HANDLER}`;

/** MDSCR_EL1.KDE lets EL1 step itself once PSTATE.D is clear. */
const STEP_EL1 = `${ARM}
  mov x0, #((1 << 13) | 1)
  msr mdscr_el1, x0
  mov x1, #3
  isb
program:
  msr daifclr, #8
  add x1, x1, #1
  ldr x2, [sp]
  cbnz x1, 1f
  nop
1: wfi
  svc #0
${HANDLER}`;

const withStack = (source: string) => `adr x0, stack\nmov sp, x0\n${source}\n.balign 16\nstack: .space 16`;

describe.each(ENGINES)('software step (%s)', (engine) => {
  it('stops after each instruction at EL0', async () => {
    const guest = await RawGuest.create(STEP_EL0, engine);
    expect(guest.run()).toBe('off');
    expect(guest.output).toBe('12123746s');
  });

  it('stops before the first and after each instruction at EL1, and does not wait in WFI', async () => {
    const guest = await RawGuest.create(withStack(STEP_EL1), engine);
    expect(guest.run()).toBe('off');
    expect(guest.output).toBe('12356s');
  });
});
