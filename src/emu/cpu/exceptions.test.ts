import { beforeEach, describe, expect, it } from 'vitest';
import { CpuHarness, RAM_BASE } from '../testing/cpu-harness.ts';
import { EXCEPTION, RESYNC, STEP_ONE, STEP_TAKEN, WAIT } from './runtime.ts';

const VBAR = 0x4001_0000n;
const USER_PC = 0x4000_2000n;
const DAIF_ALL = 0x3c0n;
const EL1H = 0b0101n;
const EL1T = 0b0100n;

let h: CpuHarness;
beforeEach(() => {
  h = new CpuHarness();
  h.msr('VBAR_EL1', VBAR);
  h.pc = 0x4000_1000n;
});

/** SPSR_EL1 after the exception that was just taken. */
const spsr = () => h.get('SPSR_EL1');

describe('taking exceptions', () => {
  it('starts at EL1h with everything masked after a reset', () => {
    expect(h.get('CurrentEL')).toBe(0x4n);
    expect(h.get('SPSel')).toBe(1n);
    expect(h.get('DAIF')).toBe(DAIF_ALL);
  });

  it('returns behind SVC, with the immediate in ISS and flags in SPSR', () => {
    h.msr('NZCV', 0xa000_0000n);
    expect(h.cpu.supervisorCall(0x1234)).toBe(EXCEPTION);
    expect(h.syndrome()).toEqual({ ec: 0x15, il: 1, iss: 0x1234 });
    expect(h.pc).toBe(VBAR + 0x200n);
    expect(h.get('ELR_EL1')).toBe(0x4000_1004n);
    expect(spsr()).toBe(0xa000_0000n | DAIF_ALL | EL1H);
  });

  it('returns to BRK itself', () => {
    h.cpu.breakpoint(0xf000);
    expect(h.syndrome()).toEqual({ ec: 0x3c, il: 1, iss: 0xf000 });
    expect(h.get('ELR_EL1')).toBe(0x4000_1000n);
  });

  it('uses the vectors for SP_EL0 when SPSel is 0', () => {
    h.msr('SPSel', 0n);
    h.cpu.spAlignment();
    expect(h.pc).toBe(VBAR);
    expect(h.syndrome()).toEqual({ ec: 0x26, il: 1, iss: 0 });
    expect(spsr()).toBe(DAIF_ALL | EL1T);
  });

  it('uses the vectors for a lower level when taken from EL0, and switches stacks', () => {
    h.setX(31, 0x1111n);
    h.msr('SP_EL0', 0x2222n);
    h.enterEl0(USER_PC);
    expect(h.x(31)).toBe(0x2222n);
    h.setX(31, 0x3333n);
    h.cpu.supervisorCall(0);
    expect(h.pc).toBe(VBAR + 0x400n);
    expect(h.x(31)).toBe(0x1111n);
    expect(h.get('SP_EL0')).toBe(0x3333n);
    expect(spsr()).toBe(0n);
  });

  it('reports unknown instructions with EC 0 and logs each PC once', () => {
    h.cpu.undefinedInstruction(0xdeadbeef | 0);
    expect(h.syndrome()).toEqual({ ec: 0, il: 1, iss: 0 });
    h.pc = 0x4000_1000n;
    h.cpu.undefinedInstruction(0xdeadbeef | 0);
    const reports = h.said.filter((line) => line.includes('undefined'));
    expect(reports).toEqual([
      'warning cpu: undefined at EL1, PC 0x0000000040001000: instruction 0xdeadbeef: .inst 0xdeadbeef ; undefined',
    ]);
  });

  it('traps FP with the condition field set to always', () => {
    expect(h.field('FP_TRAPPED')).toBe(1);
    h.cpu.fpTrap();
    expect(h.syndrome()).toEqual({ ec: 0x07, il: 1, iss: 0x1e0_0000 });
  });

  it('sets PAN unless SPAN, clears UAO, sets SSBS from DSSBS', () => {
    h.msr('SCTLR_EL1', 1n << 44n);
    h.cpu.systemImmediate(0o03, 1);
    h.cpu.breakpoint(0);
    expect([h.field('PAN'), h.field('UAO'), h.field('SSBS')]).toEqual([1, 0, 1]);
    expect(spsr()).toBe((1n << 23n) | DAIF_ALL | EL1H);
    h.msr('SCTLR_EL1', 1n << 23n);
    h.cpu.systemImmediate(0o04, 0);
    h.cpu.breakpoint(0);
    expect([h.field('PAN'), h.field('SSBS')]).toEqual([0, 0]);
  });

  it('takes a PC alignment fault with the address in FAR', () => {
    h.pc = 0x4000_1002n;
    expect(h.cpu.fetchAddress()).toBe(0);
    expect(h.syndrome()).toEqual({ ec: 0x22, il: 1, iss: 0 });
    expect(h.get('FAR_EL1')).toBe(0x4000_1002n);
    expect(h.get('ELR_EL1')).toBe(0x4000_1002n);
  });

  it('makes HLT, SMC and HVC at EL0 UNDEFINED, and HVC at EL1 a firmware call', () => {
    for (const call of [() => h.cpu.halt(0), () => h.cpu.secureMonitorCall(0)]) {
      expect(call()).toBe(EXCEPTION);
      expect(h.syndrome().ec).toBe(0);
    }
    h.pc = 0x4000_1000n;
    h.setX(0, 0x8400_0000n);
    expect(h.cpu.hypervisorCall(0)).toBe(RESYNC);
    expect(h.x(0)).toBe(0xffff_ffff_ffff_ffffn);
    expect(h.pc).toBe(0x4000_1004n);
    h.enterEl0();
    expect(h.cpu.hypervisorCall(0)).toBe(EXCEPTION);
    expect(h.syndrome().ec).toBe(0);
  });
});

describe('ERET', () => {
  it('restores PC, flags, masks and level', () => {
    expect(h.enterEl0(USER_PC, 0x6000_0000n | (1n << 12n))).toBe(RESYNC);
    expect(h.pc).toBe(USER_PC);
    expect([h.field('EL'), h.field('SPSEL'), h.field('DAIF'), h.field('SSBS')]).toEqual([0, 0, 0, 1]);
    expect(h.get('NZCV')).toBe(0x6000_0000n);
  });

  it('is UNDEFINED at EL0', () => {
    h.enterEl0();
    expect(h.cpu.eret()).toBe(EXCEPTION);
    expect(h.syndrome().ec).toBe(0);
  });

  it.each([
    ['AArch32', 0b10000n],
    ['EL2h', 0b1001n],
    ['EL3h', 0b1101n],
    ['EL0 with SP_ELx', 0b0001n],
    ['a reserved mode', 0b0110n],
  ])('takes the Illegal Execution state exception when SPSR names %s', (_name, mode) => {
    h.msr('ELR_EL1', USER_PC);
    h.msr('SPSR_EL1', 0x3000_0000n | mode);
    expect(h.cpu.eret()).toBe(EXCEPTION);
    expect(h.syndrome()).toEqual({ ec: 0x0e, il: 1, iss: 0 });
    expect(h.get('ELR_EL1')).toBe(USER_PC);
    expect(spsr()).toBe(0x3000_0000n | (1n << 20n) | EL1H);
    expect(h.pc).toBe(VBAR + 0x200n);
  });

  it('opens the exclusive monitor and sets the event register', () => {
    h.setField('EXCLUSIVE_ADDRESS', 0x1000);
    h.enterEl0();
    expect(h.field('EXCLUSIVE_ADDRESS')).toBe(0);
    expect(h.field('EVENT_REGISTER')).toBe(1);
  });
});

describe('interrupts', () => {
  it('sets ATTENTION only while a line is high and not masked', () => {
    h.cpu.irqLine.setLevel(true);
    expect(h.field('ATTENTION') & 1).toBe(0);
    h.setField('DAIF', 0x340);
    expect(h.cpu.pollInterrupts()).toBe(1);
    expect(h.pc).toBe(VBAR + 0x280n);
    expect(h.get('ELR_EL1')).toBe(0x4000_1000n);
    expect(h.field('ATTENTION') & 1).toBe(0);
    expect(h.cpu.pollInterrupts()).toBe(0);
  });

  it('takes a pending IRQ behind the MSR that unmasks it', () => {
    h.cpu.irqLine.setLevel(true);
    expect(h.cpu.systemImmediate(0o37, 0b0010)).toBe(EXCEPTION);
    expect(h.get('ELR_EL1')).toBe(0x4000_1004n);
    expect(spsr()).toBe(0x340n | EL1H);
  });

  it('takes an FIQ through its own vector and an SError once', () => {
    h.cpu.fiqLine.setLevel(true);
    h.enterEl0(USER_PC, 0x180n);
    expect(h.pc).toBe(VBAR + 0x500n);
    h.cpu.fiqLine.setLevel(false);
    h.cpu.raiseSystemError();
    h.enterEl0(USER_PC);
    expect(h.pc).toBe(VBAR + 0x580n);
    expect(h.syndrome()).toEqual({ ec: 0x2f, il: 1, iss: 0 });
    expect(h.enterEl0(USER_PC)).toBe(RESYNC);
  });

  it('shows pending lines in ISR_EL1', () => {
    h.cpu.irqLine.setLevel(true);
    h.cpu.fiqLine.setLevel(true);
    expect(h.get('ISR_EL1')).toBe(0xc0n);
  });
});

describe('waiting', () => {
  it('waits in WFI until a line is high, masked or not', () => {
    expect(h.cpu.waitForInterrupt()).toBe(WAIT);
    expect(h.pc).toBe(0x4000_1004n);
    expect(h.cpu.wakesUp()).toBe(false);
    h.cpu.irqLine.setLevel(true);
    expect(h.cpu.wakesUp()).toBe(true);
    expect(h.cpu.waitForInterrupt()).toBe(RESYNC);
    expect(h.pc).toBe(0x4000_1008n);
  });

  it('traps WFI and WFE at EL0 when SCTLR_EL1 says so', () => {
    h.msr('SCTLR_EL1', 0n);
    h.enterEl0(USER_PC);
    expect(h.cpu.waitForInterrupt()).toBe(EXCEPTION);
    expect(h.syndrome()).toEqual({ ec: 1, il: 1, iss: 0x1e0_0000 });
    h.enterEl0(USER_PC);
    h.setField('EVENT_REGISTER', 0);
    expect(h.cpu.waitForEvent()).toBe(EXCEPTION);
    expect(h.syndrome()).toEqual({ ec: 1, il: 1, iss: 0x1e0_0001 });
  });

  it('lets WFE pass after SEV', () => {
    h.cpu.sendEvent();
    h.enterEl0(USER_PC);
    expect(h.cpu.waitForEvent()).toBe(RESYNC);
    expect(h.pc).toBe(USER_PC + 4n);
    expect(h.field('EVENT_REGISTER')).toBe(0);
  });
});

describe('software step', () => {
  beforeEach(() => {
    h.msr('OSLAR_EL1', 0n);
    h.msr('MDSCR_EL1', 1n);
  });

  it('runs one instruction after a return with SPSR.SS, then takes the exception', () => {
    expect(h.cpu.softwareStep()).toBe(0);
    h.enterEl0(USER_PC, 1n << 21n);
    expect(h.cpu.softwareStep()).toBe(STEP_ONE);
    h.pc = USER_PC + 4n;
    h.cpu.softwareStepped(false);
    expect(h.syndrome()).toEqual({ ec: 0x32, il: 1, iss: 0x100_0022 });
    expect(h.get('ELR_EL1')).toBe(USER_PC + 4n);
    expect(spsr()).toBe(0n);
  });

  it('takes the exception at once after a return without SPSR.SS', () => {
    h.enterEl0(USER_PC);
    expect(h.cpu.softwareStep()).toBe(STEP_TAKEN);
    expect(h.syndrome().iss).toBe(0x22);
  });

  it('takes a step that is due before an illegal state, and the illegal state before a step that is not', () => {
    const illegal = 1n << 20n;
    h.enterEl0(USER_PC, illegal);
    expect(h.syndrome()).toEqual({ ec: 0x32, il: 1, iss: 0x22 });
    h.enterEl0(USER_PC, illegal | (1n << 21n));
    expect(h.syndrome()).toEqual({ ec: 0x0e, il: 1, iss: 0 });
    expect(spsr()).toBe(illegal | (1n << 21n));
  });

  it('keeps SPSR.SS when the instruction faults, and clears it when it was a call', () => {
    h.enterEl0(USER_PC, 1n << 21n);
    h.cpu.breakpoint(0);
    expect(spsr()).toBe(1n << 21n);
    h.enterEl0(USER_PC, 1n << 21n);
    h.cpu.supervisorCall(0);
    expect(spsr()).toBe(0n);
  });
});

describe('saving', () => {
  it('restores into another CPU exactly what it saved', () => {
    h.msr('TPIDR_EL0', 0x1234_5678_9abc_def0n);
    h.msr('CPACR_EL1', 3n << 20n);
    h.msr('FPSR', 0x10n);
    h.setX(7, 0xfeed_face_dead_beefn);
    h.enterEl0(USER_PC, 0x9000_0000n);
    const other = new CpuHarness();
    other.cpu.restoreState(structuredClone(h.cpu.saveState()));
    expect(other.cpu.describe()).toBe(h.cpu.describe());
    expect(other.cpu.saveState()).toEqual(h.cpu.saveState());
    expect([other.field('FP_TRAPPED'), other.field('FP_FAST')]).toEqual([0, 1]);
    expect(other.pc).toBe(USER_PC);
  });

  it('rejects states of another version', () => {
    expect(() => h.cpu.restoreState({ version: 99 })).toThrow(RangeError);
  });
});

it('starts where it is told', () => {
  h.cpu.reset(RAM_BASE + 0x80000);
  expect(h.pc).toBe(BigInt(RAM_BASE) + 0x80000n);
});
