/** Cache maintenance by address, at both levels and in every engine: what is quick and what goes the general way. */
import { beforeAll, describe, expect, it } from 'vitest';
import { systemKey } from '../cpu/runtime.ts';
import { cellOffset } from '../cpu/state.ts';
import { assemble } from '../isa/assembler.ts';
import { CTR_EL0_VALUE } from '../isa/cache-identity.ts';
import { slotAddress } from '../testing/arena.ts';
import { BareMachine, ENGINE_MODES } from '../testing/bare-machine.ts';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine, PAGE } from '../testing/code-machine.ts';
import { newState, STATE } from '../testing/processor-state.ts';

const OPERATIONS = ['dc cvac', 'dc cvau', 'dc cvap', 'dc cvadp', 'dc civac', 'ic ivau'];
/** Bits of one half-word, so that a MOV can name them. */
const DATA = CODE_RAM + 0x10 * PAGE;
const TARGET = CODE_RAM + 0x20 * PAGE;
const ROUNDS = 40;
const MOVZ_X2_AT_BIT = 5;

describe.each(CODE_ENGINE_NAMES)('cache maintenance at EL1, %s', (engine) => {
  it('changes nothing of a page that may be read', async () => {
    const machine = await CodeMachine.create(engine);
    machine.writeSource(
      CODE_RAM,
      `
        movz x1, #${DATA >>> 16}, lsl #16
        add x1, x1, #24
        mov x3, #${ROUNDS}
      again:
        ldr x2, [x1]
        ${OPERATIONS.map((operation) => `${operation}, x1`).join('\n')}
        sub x3, x3, #1
        cbnz x3, again
        wfi
      `,
    );
    machine.write(DATA + 24, [0x1234, 0x5678]);
    expect(machine.run(CODE_RAM)).toBe(true);
    expect([machine.x(1), machine.x(2), machine.x(3)]).toEqual([BigInt(DATA + 24), 0x5678_0000_1234n, 0n]);
  });

  it('aborts where nothing is mapped', async () => {
    const machine = await CodeMachine.create(engine);
    for (const [index, operation] of OPERATIONS.entries()) {
      const nowhere = BigInt((index + 1) * PAGE);
      machine.writeSource(
        CODE_RAM + index * PAGE,
        `mov x1, #${nowhere}\n ${operation}, x1\n mov x1, #1\n wfi`,
      );
      machine.run(CODE_RAM + index * PAGE);
      expect(machine.x(1)).toBe(nowhere);
      expect(machine.cpu.state.wide(cellOffset('FAR_EL1'))).toBe(nowhere);
    }
  });

  it('sees each change of code that has run, through a page that is in the TLB', async () => {
    const machine = await CodeMachine.create(engine);
    machine.writeSource(TARGET, 'movz x2, #0\n ret');
    machine.writeSource(
      CODE_RAM,
      `
        movz x1, #${TARGET >>> 16}, lsl #16
        mov x0, #${ROUNDS}
        mov x3, #0
        ldr w4, [x1]
      again:
        ldr w6, [x1]
        orr w5, w4, w0, lsl #${MOVZ_X2_AT_BIT}
        str w5, [x1]
        dc cvau, x1
        dsb ish
        ic ivau, x1
        dsb ish
        isb
        blr x1
        add x3, x3, x2
        sub x0, x0, #1
        cbnz x0, again
        wfi
      `,
    );
    expect(machine.run(CODE_RAM)).toBe(true);
    expect(machine.x(3)).toBe(BigInt((ROUNDS * (ROUNDS + 1)) / 2));
  });

  it('tells the size of lines and of the block that DC ZVA clears', async () => {
    const machine = await CodeMachine.create(engine);
    machine.writeSource(CODE_RAM, 'mrs x0, ctr_el0\n mrs x1, dczid_el0\n wfi');
    expect(machine.run(CODE_RAM)).toBe(true);
    expect([machine.x(0), machine.x(1)]).toEqual([BigInt(CTR_EL0_VALUE), 4n]);
  });
});

const SCTLR_EL1 = systemKey(3, 0, 1, 0, 0);
/** SCTLR_EL1: M, C and I, and what EL0 may do. */
const SCTLR_BASE = 1 | (1 << 2) | (1 << 12);
const DZE = 1 << 14;
const UCT = 1 << 15;
const UCI = 1 << 26;
const SYNDROME_CLASS_SHIFT = 26;
/** Trapped MSR, MRS or system instruction. */
const SYSTEM_TRAP = 0x18;

describe.each(ENGINE_MODES)('cache maintenance at EL0, an engine that is to %s', (mode) => {
  let machine: BareMachine;
  beforeAll(async () => {
    machine = await BareMachine.create(mode);
  });

  /** Runs a few instructions at EL0; gives X0, and whether they trapped. */
  function run(source: string, sctlr: number): { x0: bigint | undefined; trapped: boolean } {
    const { state } = machine.cpu;
    state.setPair(state.slot(0), SCTLR_BASE | sctlr, 0);
    machine.cpu.systemWrite(SCTLR_EL1, 0);
    const start = slotAddress(0);
    const { bytes } = assemble(source, BigInt(start));
    machine.load(0, [...new Int32Array(bytes.slice().buffer)]);
    machine.synchronize();
    const initial = newState();
    initial[STATE.PC] = BigInt(start);
    const { state: after } = machine.run(initial);
    const trapped = state.get(cellOffset('ESR_EL1')) >>> SYNDROME_CLASS_SHIFT === SYSTEM_TRAP;
    return { x0: after[STATE.X], trapped };
  }

  it('reads CTR_EL0 only while SCTLR_EL1.UCT lets it', () => {
    expect(run('mrs x0, ctr_el0', UCT)).toEqual({ x0: BigInt(CTR_EL0_VALUE), trapped: false });
    expect(run('mrs x0, ctr_el0', UCI)).toEqual({ x0: 0n, trapped: true });
  });

  it('reads in DCZID_EL0 whether SCTLR_EL1.DZE lets it clear blocks', () => {
    expect(run('mrs x0, dczid_el0', DZE)).toEqual({ x0: 4n, trapped: false });
    expect(run('mrs x0, dczid_el0', 0)).toEqual({ x0: 0x14n, trapped: false });
  });

  it.each(OPERATIONS)('%s traps unless SCTLR_EL1.UCI lets it', (operation) => {
    const source = `here: adr x1, here\n ldr w2, [x1]\n ${operation}, x1`;
    expect(run(source, UCI).trapped).toBe(false);
    expect(run(source, UCT).trapped).toBe(true);
  });
});
