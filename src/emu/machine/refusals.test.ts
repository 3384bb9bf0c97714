/**
 * What EL0 is refused, by code that runs often enough to be translated: counters while CNTKCTL_EL1 keeps them (Arm ARM
 * D13.8.18), and instructions that the CPU's profile does not announce, which are UNDEFINED.
 */
import { describe, expect, it } from 'vitest';
import type { CpuName } from '../cpu/profiles.ts';
import { assemble } from '../isa/assembler.ts';
import { ENGINES, RawGuest } from '../testing/raw-guest.ts';

const FRAME = `
  .equ UART, 0x09000000
  adr x0, vectors
  msr vbar_el1, x0
  mov x0, #(3 << 20)
  msr cpacr_el1, x0
  mrs x0, sctlr_el1
  orr x0, x0, #(1 << 26)
  msr sctlr_el1, x0
  isb
  mov x21, #UART
  adr x10, data
  mov x25, #0
`;
const VECTORS = `
off:
  mov w0, #8
  movk w0, #0x8400, lsl #16
  hvc #0
skip:
  mrs x22, elr_el1
  add x22, x22, #4
  msr elr_el1, x22
  eret
surprise:
  mov w22, #'!'
  str w22, [x21]
  b off
  .balign 64
data:
  .space 64
  .balign 2048
vectors:
  .space 0x400
`;

/** CNTKCTL_EL1 (EL0PCTEN, EL0VCTEN) and how often the loop runs with it; the first run makes the loop hot. */
const PHASES = [
  [3, 4000],
  [0, 5],
  [2, 5],
  [1, 5],
  [3, 4000],
  [0, 5],
] as const;

/** Prints after each phase, as a letter from `a`, how many reads were trapped (EC 0x18). */
const COUNTERS = `${FRAME}
  adr x26, phases
phase:
  ldp x0, x1, [x26], #16
  cbz x1, off
  msr cntkctl_el1, x0
  msr spsr_el1, xzr
  adr x0, program
  msr elr_el1, x0
  eret
program:
  mrs x2, cntvct_el0
  mrs x3, cntpct_el0
  mrs x4, cntfrq_el0
  subs x1, x1, #1
  b.ne program
  svc #0
  .balign 8
phases:
  ${PHASES.map(([control, times]) => `.quad ${control}, ${times}`).join('\n')}
  .quad 0, 0
${VECTORS}
  mrs x22, esr_el1
  lsr x22, x22, #26
  cmp x22, #0x15
  b.eq 1f
  cmp x22, #0x18
  b.ne surprise
  add x25, x25, #1
  b skip
1: add x22, x25, #'a'
  str w22, [x21]
  mov x25, #0
  b phase
`;

const TIMES = 100;
/** Instructions and the feature they need; each but the first is UNDEFINED without. */
const FEATURES = [
  'paciasp',
  'crc32x w3, w3, x4',
  'aese v0.16b, v1.16b',
  'ldadd x3, x4, [x10]',
  'sqrdmlah v0.4s, v1.4s, v2.4s',
  'fadd h0, h1, h2',
  'sdot v0.4s, v1.16b, v2.16b',
  'ldapr x4, [x10]',
  'dc cvap, x10',
  'msr ssbs, x3',
  'pacia x3, x4',
  'cfinv',
  'fjcvtzs w3, d0',
  'bfdot v0.4s, v1.8h, v2.8h',
  'eor3 v0.16b, v1.16b, v2.16b, v3.16b',
  'ldapur x4, [x10, #8]',
  'frint32z d0, d1',
  'sb',
  'mrs x3, rndr',
  'mrs x3, dit',
] as const;

/** Prints in the first and in the last round a letter for each instruction that is UNDEFINED (EC 0). */
const PROFILE = `${FRAME}
  mov x1, #${TIMES}
  msr spsr_el1, xzr
  adr x20, program
  msr elr_el1, x20
  eret
program:
  ${FEATURES.join('\n')}
  sub x1, x1, #1
  cbnz x1, program
  svc #0
${VECTORS}
  mrs x22, esr_el1
  lsr x22, x22, #26
  cmp x22, #0x15
  b.eq off
  cbnz x22, surprise
  cmp x1, #1
  mov x22, #${TIMES}
  ccmp x1, x22, #4, ne
  b.ne skip
  mrs x22, elr_el1
  sub x22, x22, x20
  lsr x22, x22, #2
  add x22, x22, #'a'
  str w22, [x21]
  b skip
`;

const UNDEFINED: readonly (readonly [cpu: CpuName, letters: string])[] = [
  ['cortex-a53', 'cdefghijklmnopqrst'],
  ['cortex-a72', 'defghijklmnopqrst'],
  ['cortex-a76', 'jklmnopqrst'],
  ['max', ''],
];

describe.each(ENGINES)('EL0 (%s)', (engine) => {
  it('reads the counters that CNTKCTL_EL1 gives it, however often it has read them before', async () => {
    const guest = await RawGuest.create(COUNTERS, engine);
    expect(guest.run()).toBe('off');
    expect(guest.output).toBe('apffap');
  });

  it.each(UNDEFINED)('has the instructions of %s', async (cpu, letters) => {
    const guest = await RawGuest.boot({ kernel: assemble(PROFILE).bytes, engine, cpu });
    expect(guest.run()).toBe('off');
    expect(guest.output).toBe(letters + letters);
  });
});
