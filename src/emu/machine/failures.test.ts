/**
 * Guests that go wrong: whatever they do ends in the architected exception or a message in words, never in an
 * exception of ours, in every engine mode.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { A64_ROWS } from '../isa/a64/index.ts';
import { assemble } from '../isa/assembler.ts';
import { seededWords } from '../testing/device-harness.ts';
import { ENGINES, type Engine, RawGuest } from '../testing/raw-guest.ts';
import { MachineConfigError } from './contract.ts';
import {
  GIC_DISTRIBUTOR,
  GIC_REDISTRIBUTORS,
  GPIO,
  RAM_BASE,
  RTC,
  UART,
  VIRTIO_SLOTS,
  virtioSlot,
} from './virt-map.ts';

const MIB = 1024 * 1024;
/** Guests that keep the engine busy run by the host's time. */
const hostClock = { nowNs: () => Math.round(performance.now() * 1e6) };

/** Sets up the vectors, all of which lead to `handle`; ends with labels for powering off. */
const VECTORS = `
off:
  mov w0, #8
  movk w0, #0x8400, lsl #16
  hvc #0
  .balign 2048
vectors:
${'  .balign 128\n  b handle\n'.repeat(16)}`;

describe.each(ENGINES)('jumping into nothing (%s)', (engine) => {
  /** Jumps to an address; the handler prints ESR, FAR and ELR in decimal, separated by spaces. */
  const jump = (target: string) => `
    adr x0, vectors
    msr vbar_el1, x0
    adr x0, stack
    mov sp, x0
    ${target}
    br x0
  handle:
    mrs x0, esr_el1
    bl print
    mrs x0, far_el1
    bl print
    mrs x0, elr_el1
    bl print
    b off
  print:
    mov x5, #${UART.base}
    mov x1, sp
    mov x2, #10
  1: udiv x3, x0, x2
    msub x4, x3, x2, x0
    add x4, x4, #'0'
    strb w4, [x1, #-1]!
    mov x0, x3
    cbnz x0, 1b
  2: ldrb w0, [x1], #1
    str w0, [x5]
    mov x3, sp
    cmp x1, x3
    b.ne 2b
    mov w0, #' '
    str w0, [x5]
    ret
  ${VECTORS}
    .balign 16
    .space 64
  stack:`;

  const EXTERNAL_ABORT = (0x21 << 26) | (1 << 25) | 0x10;
  const ADDRESS_SIZE = (0x21 << 26) | (1 << 25);
  const PC_ALIGNMENT = (0x22 << 26) | (1 << 25);

  it.each([
    ['address zero', 'mov x0, #0', EXTERNAL_ABORT, 0n],
    ['beyond the end of RAM', 'mov x0, #0x60000000', EXTERNAL_ABORT, 0x6000_0000n],
    ['a device', `mov x0, #${UART.base}`, EXTERNAL_ABORT, BigInt(UART.base)],
    ['more address bits than there are', 'mov x0, #(1 << 52)', ADDRESS_SIZE, 1n << 52n],
    ['a misaligned address', `mov x0, #${RAM_BASE}\nadd x0, x0, #2`, PC_ALIGNMENT, BigInt(RAM_BASE + 2)],
  ])('takes the exception of a fetch from %s', async (_, target, syndrome, address) => {
    const guest = await RawGuest.create(jump(target), engine);
    expect(guest.run()).toBe('off');
    expect(guest.output.trim()).toBe(`${syndrome >>> 0} ${address} ${address}`);
  });

  it('keeps taking exceptions when the vectors are nowhere, too, and can be stopped soon', async () => {
    const guest = await RawGuest.boot({ kernel: assemble('mov x0, #0\nbr x0').bytes, engine }, hostClock);
    const start = performance.now();
    for (let slice = 0; slice < 10; slice++) expect(guest.machine.runSlice(5)).toEqual({ kind: 'ran' });
    expect(performance.now() - start).toBeLessThan(3000);
    expect(guest.machine.stats().exceptions).toBeGreaterThan(1000);
  });

  it('stays in an endless loop without losing the host', async () => {
    const guest = await RawGuest.create('b .', engine);
    expect(guest.run(undefined, 20)).toBe('runs');
  });
});

/** What the guest writes garbage to: every window of the board, and some where nothing is. */
const WINDOWS = [
  GIC_DISTRIBUTOR,
  { base: GIC_REDISTRIBUTORS.base, size: 0x4_0000 },
  UART,
  RTC,
  GPIO,
  ...Array.from({ length: VIRTIO_SLOTS }, (_, slot) => virtioSlot(slot)),
  { base: 0x0902_0000, size: 0x1000 },
  { base: 0x1000_0000, size: 0x1000 },
];
const ROUNDS_BITS = 9;

/** Goes through all windows; in each, accesses of random sizes at random offsets with random values. */
const GARBAGE = `
  adr x0, vectors
  msr vbar_el1, x0
  mov x0, #(3 << 20)
  msr cpacr_el1, x0
  isb
  adr x10, windows
  adr x11, windows_end
  mov x12, #0x4c2d
  movk x12, #0x5851, lsl #16
  movk x12, #0xf42d, lsl #32
  movk x12, #0x1405, lsl #48
  mov x13, #1
next_window:
  ldp x14, x15, [x10], #16
  mov x16, #(1 << ${ROUNDS_BITS})
1: madd x13, x13, x12, x12
  lsr x0, x13, #20
  udiv x1, x0, x15
  msub x0, x1, x15, x0
  tbz x13, #40, 2f
  and x0, x0, #~7
2: add x0, x0, x14
  ror x2, x13, #29
  ubfx x3, x13, #50, #3
  adr x4, accesses
  add x4, x4, x3, lsl #3
  br x4
accesses:
  strb w2, [x0]
  b 3f
  strh w2, [x0]
  b 3f
  str w2, [x0]
  b 3f
  str x2, [x0]
  b 3f
  stp x2, x13, [x0]
  b 3f
  str q2, [x0]
  b 3f
  ldadd w2, w5, [x0]
  b 3f
  ldr x5, [x0]
3: fmov d2, x2
  subs x16, x16, #1
  b.ne 1b
  cmp x10, x11
  b.ne next_window
  b off
handle:
  mrs x20, elr_el1
  add x20, x20, #4
  msr elr_el1, x20
  eret
${VECTORS}
  .balign 16
windows:
  ${WINDOWS.map(({ base, size }) => `.quad ${base}, ${size}`).join('\n')}
windows_end:`;

describe.each(ENGINES)('garbage in every device register (%s)', (engine) => {
  it('is answered by the devices or by data aborts, and the guest goes on', async () => {
    const guest = await RawGuest.create(GARBAGE, engine);
    expect(guest.run()).toBe('off');
    const { exceptions, mmioAccesses } = guest.machine.stats();
    expect(mmioAccesses).toBeGreaterThan(WINDOWS.length << (ROUNDS_BITS - 1));
    expect(exceptions).toBeGreaterThan(2 << ROUNDS_BITS);
    expect(guest.log.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

/** Nothing would wake this guest. */
const WAITS = ['WFI', 'WFE'];
/** A kernel of random instructions, behind vectors that go on with the next one whatever happens. */
function randomKernel(seed: number): Uint8Array {
  const next = seededWords(seed);
  const words = Array.from({ length: 4000 }, () => {
    const row = A64_ROWS[next() % A64_ROWS.length];
    // One in eight is any word at all.
    return row && !WAITS.includes(row.name) && next() % 8
      ? (row.pattern.value | (next() & ~row.pattern.mask)) >>> 0
      : next();
  });
  return assemble(`
    adr x0, vectors
    msr vbar_el1, x0
    mov x0, #(3 << 20)
    msr cpacr_el1, x0
    isb
    b garbage
  handle:
    mrs x20, elr_el1
    add x20, x20, #4
    msr elr_el1, x20
    eret
  ${VECTORS}
  garbage:
    ${words.map((word) => `.word ${word}`).join('\n')}
    b garbage`).bytes;
}

describe.each(ENGINES)('a broken kernel (%s)', (engine) => {
  it.each([1, 2, 3, 4, 5, 6])(
    'of random instructions (%i) runs or ends, and the host lives on',
    async (seed) => {
      const guest = await RawGuest.boot({ kernel: randomKernel(seed), engine }, hostClock);
      expect(['runs', 'off', 'reset', 'waits']).toContain(guest.run(undefined, 10));
      const { instructionsInterpreted, instructionsTranslated } = guest.machine.stats();
      expect(instructionsInterpreted + instructionsTranslated).toBeGreaterThan(1000);
    },
  );

  it('of noise takes exceptions for ever', async () => {
    const next = seededWords(7);
    const kernel = new Uint8Array(Uint32Array.from({ length: 16_384 }, next).buffer);
    const guest = await RawGuest.boot({ kernel, engine }, hostClock);
    expect(['runs', 'waits']).toContain(guest.run(undefined, 10));
  });
});

describe('a machine that cannot be made', () => {
  const kernel = assemble('b .').bytes;
  const engine: Engine = 'interpret';
  const boot = RawGuest.boot;

  it.each([
    ['a truncated kernel', { kernel: gzipSync(kernel).subarray(0, 20) }, 'bad-kernel', /damaged or cut off/],
    ['an empty kernel', { kernel: new Uint8Array() }, 'bad-kernel', /empty/],
    ['an empty initrd', { kernel, initrd: new Uint8Array() }, 'bad-initrd', /empty/],
    ['too little memory for any machine', { kernel, ramBytes: MIB }, 'memory', /32 to 3072 MiB/],
    [
      'an initrd larger than memory',
      { kernel, initrd: new Uint8Array(40 * MIB) },
      'memory',
      /initrd does not fit/,
    ],
    ['a broken device tree', { kernel, dtb: Uint8Array.of(1, 2, 3) }, 'bad-dtb', /device tree/],
  ] as const)('says so for %s', async (_, config, code, message) => {
    const failure = await boot({ engine, ...config }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MachineConfigError);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
