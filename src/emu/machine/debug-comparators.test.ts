/**
 * Breakpoints and watchpoints in a whole machine (Arm ARM D2.9, D2.10): the guest debugs itself at EL1, and a program
 * of its own at EL0, and prints what stopped it. qemu-system prints the same, but for the block: there QEMU 7.2 calls
 * loads stores once a store has met the watchpoint (ESR_EL1.ISS.WnR), and gives FAR of an earlier access.
 */
import { describe, expect, it } from 'vitest';
import { ENGINES, RawGuest } from '../testing/raw-guest.ts';

/**
 * RAM stands at its own address for EL1, and again at USER for EL0. Prints B for a breakpoint, r or w for a watchpoint
 * that a load or a store has met, S for a step, each with the number of the instruction, watchpoints with the offset in
 * `data` as a letter; s for anything else, and switches off. Watched instructions and those with a breakpoint are left
 * out, unless X28 says how often a breakpoint is to be stepped over.
 */
const FRAME = `
  .equ UART, 0x09000000
  .equ USER, 0x40000000
  adr x0, vectors
  msr vbar_el1, x0
  adr x0, tables
  msr ttbr0_el1, x0
  mov x1, #0xff
  msr mair_el1, x1
  mov x1, #0x3519
  movk x1, #0x80, lsl #16
  msr tcr_el1, x1
  dsb sy
  isb
  mrs x1, sctlr_el1
  mov x2, #0x1005
  orr x1, x1, x2
  msr sctlr_el1, x1
  isb
  msr oslar_el1, xzr
  mov x1, #0x300000
  msr cpacr_el1, x1
  adr x10, data
  adr x11, program
  mov x28, #0
`;

const HANDLER = `
off:
  mov w0, #8
  movk w0, #0x8400, lsl #16
  hvc #0
handle:
  mov x24, x30
  mov x21, #UART
  mrs x20, esr_el1
  lsr x22, x20, #27
  cmp x22, #0x18
  b.eq broken
  cmp x22, #0x19
  b.eq stepped
  cmp x22, #0x1a
  b.eq watched
  mov w22, #'s'
  str w22, [x21]
  b off
broken:
  mov w22, #'B'
  bl show
  cbz x28, skip
  sub x28, x28, #1
  msr dbgbcr0_el1, xzr
  mov x22, #0xa001
  msr mdscr_el1, x22
  mrs x22, spsr_el1
  orr x22, x22, #(1 << 21)
  msr spsr_el1, x22
  eret
stepped:
  mov w22, #'S'
  bl show
  mov x22, #0xa000
  msr mdscr_el1, x22
  msr dbgbcr0_el1, x27
  isb
  eret
watched:
  tst x20, #64
  mov w22, #'w'
  mov w23, #'r'
  csel w22, w22, w23, ne
  bl show
  mrs x22, far_el1
  and x22, x22, #0xff
  and x23, x10, #0xff
  sub x22, x22, x23
  add x22, x22, #'a'
  str w22, [x21]
skip:
  mrs x22, elr_el1
  add x22, x22, #4
  msr elr_el1, x22
  eret
show:
  str w22, [x21]
  mrs x22, elr_el1
  sub x22, x22, x11
  lsr x22, x22, #2
  add x22, x22, #'0'
  and x22, x22, #0x7f
  str w22, [x21]
  mov x26, x30
  mov x30, x24
  br x26
  .balign 2048
vectors:
  .space 0x200
  b handle
  .balign 0x200
  b handle
  .balign 256
  .space 128
data:
  .space 128
  .balign 4096
tables:
  .quad 0x405
  .quad 0x40000040000701
  .quad 0x20000040000741
  .space 4072
`;

const guest = (program: string) => `${FRAME}${program}\n  b off\n${HANDLER}`;

/** MDSCR_EL1: MDE, KDE; debug exceptions at EL1. */
const DEBUG_EL1 = `
  mov x0, #0xa000
  msr mdscr_el1, x0
  isb
  msr daifclr, #8
`;
/** DBGWCR0_EL1 over data + 8. */
const watch = (control: number) => `
  add x0, x10, #8
  msr dbgwvr0_el1, x0
  mov x0, #${control & 0xffff}
  movk x0, #${control >>> 16}, lsl #16
  msr dbgwcr0_el1, x0
${DEBUG_EL1}`;
const WCR = {
  enable: 1,
  el1: 1 << 1,
  el0: 2 << 1,
  load: 1 << 3,
  store: 2 << 3,
  all: 0xff << 5,
  mask: 1 << 24,
};
const WATCH_ALL = WCR.enable | WCR.el1 | WCR.load | WCR.store | WCR.all;

const WATCHED_ACCESSES = `
program:
  ldr x1, [x10]
  ldr x1, [x10, #8]
  stur x1, [x10, #4]
  strb w1, [x10, #15]
  strb w1, [x10, #16]
  ldp x1, x2, [x10]
  ldp q0, q1, [x10]
  ldr w1, [x10, #12]
  add x12, x10, #8
  ldxr x1, [x12]
  swp x1, x2, [x12]
  cas x1, x2, [x12]
  dc zva, x10
  ldr x1, [x10, #16]!
  stur x1, [x10, #-8]
  msr daifset, #8
  stur x1, [x10, #-8]
`;

/** The data where EL0 has it. */
const UNPRIVILEGED_ACCESSES = `
program:
  ldr x1, [x10, #8]
  ldtr x1, [x10, #8]
  sttr x1, [x10]
  sttr x1, [x10, #8]
`;
const AT_USER = `
  mov x0, #USER
  add x10, x10, x0
`;

/** A loop that reaches a breakpoint three times and is then translated where it can be. */
const BROKEN_LOOP = `
  adr x0, counted
  msr dbgbvr0_el1, x0
  adr x0, after
  msr dbgbvr1_el1, x0
  mov x0, #0x1e3
  msr dbgbcr0_el1, x0
  msr dbgbcr1_el1, x0
  mov x1, #3
  mov x2, #0
${DEBUG_EL1}
program:
  add x2, x2, #1
counted:
  sub x1, x1, #0
  sub x1, x1, #1
  cbnz x1, program
after:
  nop
  msr dbgbcr0_el1, xzr
  msr dbgbcr1_el1, xzr
  isb
  cbz x1, last
last:
  mov x1, #2
1: sub x1, x1, #1
  cbnz x1, 1b
`;

/** A function of another page, called until it is translated where it can be, and three times with a breakpoint. */
const BROKEN_CALLS = `
  mov x3, #0
  mov x1, #4000
program:
  bl far
  sub x1, x1, #1
  cbnz x1, program
  cbnz x3, 2f
  adr x0, far
  msr dbgbvr0_el1, x0
  mov x0, #0x1e3
  msr dbgbcr0_el1, x0
${DEBUG_EL1}
  mov x3, #1
  mov x1, #3
  b program
  .balign 4096
  .space 224
far:
  add x4, x4, #1
  ret
2:
`;

/** A program of EL0 with a breakpoint of EL0, which its debugger steps over twice; EL1 runs the same code before. */
const DEBUGGED_PROGRAM = `
  mov x0, #USER
  add x11, x11, x0
  adr x1, inner
  add x1, x1, x0
  msr dbgbvr0_el1, x1
  mov x27, #0x1e5
  msr dbgbcr0_el1, x27
  mov x28, #2
  mov x3, #2
  mov x0, #0xa000
  msr mdscr_el1, x0
  isb
  msr daifclr, #8
  bl inner
  msr spsr_el1, xzr
  msr elr_el1, x11
  mov x3, #3
  eret
program:
  nop
1: bl inner
  sub x3, x3, #1
  cbnz x3, 1b
  svc #0
inner:
  add x4, x4, #1
  ret
`;

const CASES = [
  {
    name: 'watches loads and stores of all kinds',
    source: watch(WATCH_ALL) + WATCHED_ACCESSES,
    output: 'r1iw2iw3pr5ir6ir7mr9ir:ir;iw<iw>Y',
  },
  {
    name: 'watches stores only',
    source: watch(WATCH_ALL & ~WCR.load) + WATCHED_ACCESSES,
    output: 'w2iw3pw:iw;iw<iw>Y',
  },
  {
    name: 'watches loads of some bytes only',
    source: watch((WATCH_ALL & ~WCR.store & ~WCR.all) | (0x30 << 5)) + WATCHED_ACCESSES,
    output: 'r1mr5mr6mr7mr9mr:mr;m',
  },
  {
    name: 'watches a block',
    source: watch(WATCH_ALL | (5 * WCR.mask)) + WATCHED_ACCESSES,
    output: 'r0ar1iw2ew3pw4qr5ar6ar7mr9ir:ir;iw<ar=q',
  },
  {
    name: 'watches accesses as if from EL0',
    source: AT_USER + watch((WATCH_ALL & ~WCR.el1) | WCR.el0) + UNPRIVILEGED_ACCESSES,
    output: 'r1iw3i',
  },
  {
    name: 'watches nothing while MDSCR_EL1.MDE is clear',
    source: watch(WATCH_ALL).replace('0xa000', '0x2000') + WATCHED_ACCESSES,
    output: '',
  },
  { name: 'breaks in a loop', source: BROKEN_LOOP, output: 'B1B1B1B4' },
  { name: 'breaks in a function of another page', source: BROKEN_CALLS, output: 'BPBPBP' },
  { name: 'breaks and steps in a program of EL0', source: DEBUGGED_PROGRAM, output: 'B5S6B5S6B5s' },
] as const;

describe.each(ENGINES)('a guest that debugs (%s)', (engine) => {
  it.each(CASES)('$name', async ({ source, output }) => {
    const machine = await RawGuest.create(guest(source), engine);
    expect(machine.run()).toBe('off');
    expect(machine.output).toBe(output);
  });
});
