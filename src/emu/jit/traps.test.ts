/** Instructions that trap in the middle of translated code: what executed before them counts, and nothing of their own. */
import { describe, expect, it } from 'vitest';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine } from '../testing/code-machine.ts';

const READ_BACK = CODE_RAM + 0x1000;
const STACK = CODE_RAM + 0x4008;
const ROUNDS = 500n;
/** ESR_ELx.EC: access to FP trapped by CPACR_EL1, and SP alignment fault (Arm ARM D24.2.40). */
const EC = { fpTrap: 0x07n, spAlignment: 0x26n } as const;
const EC_SHIFT = 26n;

describe.each(CODE_ENGINE_NAMES)('traps, %s', (engine) => {
  async function run(source: string, ...registers: (number | bigint)[]) {
    const machine = await CodeMachine.create(engine);
    machine.writeSource(CODE_RAM, source);
    machine.writeSource(
      READ_BACK,
      `
        mrs x10, esr_el1
        mrs x11, elr_el1
        mrs x12, spsr_el1
        wfi
      `,
    );
    expect(machine.run(CODE_RAM, ...registers)).toBe(false);
    expect(machine.faulted).toBe(true);
    expect(machine.run(READ_BACK)).toBe(true);
    const [syndrome, link, flags] = [machine.x(10), machine.x(11), machine.x(12) >> 28n];
    return { machine, exception: syndrome >> EC_SHIFT, offset: Number(link) - CODE_RAM, flags };
  }

  it('come when FP is switched off in a loop', async () => {
    const { machine, exception, offset, flags } = await run(
      `
        mov x2, #0x300000
        msr cpacr_el1, x2
        isb
      again:
        add x3, x3, #1
        subs x0, x0, #1
        csel x4, x2, xzr, ne
        msr cpacr_el1, x4
        isb
        add x5, x5, #2
        fadd d0, d0, d1
        add x6, x6, #3
        b again
      `,
      ROUNDS,
      0,
      0,
      0,
      0,
      0,
      0,
    );
    expect(exception).toBe(EC.fpTrap);
    expect(offset).toBe(9 * 4);
    expect(flags).toBe(0x6n);
    expect([machine.x(3), machine.x(5), machine.x(6)]).toEqual([ROUNDS, 2n * ROUNDS, 3n * (ROUNDS - 1n)]);
  });

  it('come when SP is misaligned in a loop', async () => {
    const { machine, exception, offset, flags } = await run(
      `
        mrs x4, sctlr_el1
        orr x4, x4, #8
        msr sctlr_el1, x4
        isb
      again:
        add x3, x3, #1
        subs x0, x0, #1
        csel x4, x1, x2, ne
        mov sp, x4
        add x5, x5, #2
        ldr x7, [sp]
        add x6, x6, #3
        b again
      `,
      ROUNDS,
      STACK + 8,
      STACK,
      0,
      0,
      0,
      0,
    );
    expect(exception).toBe(EC.spAlignment);
    expect(offset).toBe(9 * 4);
    expect(flags).toBe(0x6n);
    expect([machine.x(3), machine.x(5), machine.x(6)]).toEqual([ROUNDS, 2n * ROUNDS, 3n * (ROUNDS - 1n)]);
  });

  it('come at the first instruction of a region', async () => {
    const { machine, exception, offset } = await run(
      `
        mov x2, #0x300000
        msr cpacr_el1, x2
        isb
      again:
        fadd d0, d0, d1
        add x3, x3, #1
        sub x0, x0, #1
        cbnz x0, again
        msr cpacr_el1, xzr
        isb
        mov x0, #1
        b again
      `,
      ROUNDS,
      0,
      0,
      0,
    );
    expect(exception).toBe(EC.fpTrap);
    expect(offset).toBe(3 * 4);
    expect(machine.x(3)).toBe(ROUNDS);
  });
});
