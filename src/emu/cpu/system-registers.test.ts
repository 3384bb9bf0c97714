import { beforeEach, describe, expect, it } from 'vitest';
import { SLOT_SINK, SLOT_ZERO } from '../layout/cpu-state.ts';
import { CpuHarness, registerKey } from '../testing/cpu-harness.ts';
import { CONTINUE, EXCEPTION, RESYNC, systemKey } from './runtime.ts';
import { SYSTEM_OPERATIONS } from './system-operations.ts';
import type { Access } from './system-registers/row.ts';
import { SYSTEM_REGISTERS } from './system-registers/table.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const UNKNOWN = 0;
const SYSTEM_TRAP = 0x18;

let h: CpuHarness;
beforeEach(() => {
  h = new CpuHarness();
});

/** The EC of what an access at EL0 takes, or undefined when it is done. */
function ecAtEl0(access: () => number): number | undefined {
  h.enterEl0();
  return access() === EXCEPTION ? h.syndrome().ec : undefined;
}

describe('the table', () => {
  it('has no encoding twice', () => {
    const keys = [...SYSTEM_REGISTERS, ...SYSTEM_OPERATIONS].map((row) => systemKey(...row.encoding));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('has a behaviour or a place for every register', () => {
    for (const row of SYSTEM_REGISTERS) {
      const readable =
        row.access === 'EL1 WO' || row.value !== undefined || row.read || row.cell || row.field;
      const writable = row.access.endsWith('RO') || row.write || row.writable !== undefined;
      expect([row.name, !!readable, !!writable]).toEqual([row.name, true, true]);
    }
  });

  const MAY: Readonly<
    Record<Access, readonly [el1Read: boolean, el1Write: boolean, el0Read: boolean, el0Write: boolean]>
  > = {
    'EL1 RO': [true, false, false, false],
    'EL1 WO': [false, true, false, false],
    'EL1 RW': [true, true, false, false],
    'EL0 RO': [true, false, true, false],
    'EL0 RW': [true, true, true, true],
    'EL0 RO, EL1 RW': [true, true, true, false],
  };

  it.each(SYSTEM_REGISTERS.map((row) => [row.name, row] as const))(
    'gives %s the rights of its row',
    (name, row) => {
      const [el1Read, el1Write, el0Read, el0Write] = MAY[row.access];
      h.msr('CPACR_EL1', 3n << 20n);
      expect(h.mrs(name) !== EXCEPTION, 'EL1 read').toBe(el1Read);
      expect(h.msr(name, h.x(9)) !== EXCEPTION, 'EL1 write').toBe(el1Write);
      const trap = row.gate ? SYSTEM_TRAP : undefined;
      h = new CpuHarness();
      // Gates that open with a one are closed after reset; TSCXT closes with a one.
      h.msr('SCTLR_EL1', 1n << 20n);
      h.msr('CPACR_EL1', 3n << 20n);
      expect(
        ecAtEl0(() => h.mrs(name)),
        'EL0 read',
      ).toBe(el0Read ? trap : UNKNOWN);
      expect(
        ecAtEl0(() => h.msr(name, 0n)),
        'EL0 write',
      ).toBe(el0Write ? trap : UNKNOWN);
    },
  );
});

describe('identification', () => {
  const ROWS: readonly (readonly [string, bigint])[] = [
    ['MIDR_EL1', 0x410f_d083n],
    ['MPIDR_EL1', 0x8000_0000n],
    ['CTR_EL0', 0x8444_c004n],
    ['DCZID_EL0', 4n],
    ['CLIDR_EL1', 0x0a20_0023n],
    ['ID_AA64DFR0_EL1', 0x10_1006n],
    ['ID_AA64MMFR0_EL1', 0x10_0025n],
    ['CurrentEL', 4n],
    ['CNTFRQ_EL0', 62_500_000n],
  ];
  it.each(ROWS)('%s says what is implemented', (name, value) => {
    expect(h.get(name)).toBe(value);
  });

  it('reads reserved feature registers as zero', () => {
    expect(h.cpu.systemRead(systemKey(3, 0, 0, 6, 7), 9)).toBe(CONTINUE);
    expect(h.x(9)).toBe(0n);
  });

  it.each([
    [0n, 0x1f_e00an],
    [1n, 0x1f_e012n],
    [2n, 0x7f_e07an],
    [7n, 0n],
  ])('describes the cache that CSSELR_EL1 = %i selects', (select, geometry) => {
    h.msr('CSSELR_EL1', select);
    expect(h.get('CCSIDR_EL1')).toBe(geometry);
  });

  it('prohibits DC ZVA at EL0 without SCTLR_EL1.DZE, in DCZID_EL0 and in fact', () => {
    h.enterEl0();
    expect(h.field('ZVA_TRAPPED')).toBe(1);
    expect(h.get('DCZID_EL0')).toBe(0x14n);
    expect(h.operate('DC ZVA', 0x4010_0000n)).toBe(EXCEPTION);
    expect(h.syndrome()).toEqual({
      ec: SYSTEM_TRAP,
      il: 1,
      iss: (1 << 20) | (1 << 17) | (3 << 14) | (7 << 10) | (9 << 5) | (4 << 1),
    });
    h.msr('SCTLR_EL1', 1n << 14n);
    h.enterEl0();
    expect(h.field('ZVA_TRAPPED')).toBe(0);
    expect(h.get('DCZID_EL0')).toBe(4n);
  });
});

describe('bits', () => {
  it.each([
    ['TCR_EL1', 0x0198_0077_ffff_ffbfn],
    ['CPACR_EL1', 0x30_0000n],
    ['VBAR_EL1', 0xffff_ffff_ffff_f800n],
    ['SPSR_EL1', 0xf1f0_1fdfn],
    ['ESR_EL1', 0xffff_ffffn],
    ['ACTLR_EL1', 0n],
    ['FPCR', 0x07c8_0000n],
    ['FPSR', 0x0800_009fn],
    ['CNTKCTL_EL1', 0x3ffn],
    ['CONTEXTIDR_EL1', 0xffff_ffffn],
    ['TPIDR_EL1', ALL_ONES],
    ['DBGBCR0_EL1', 0xff_e1e7n],
    ['DBGWCR1_EL1', 0x1f1f_ffffn],
  ])('%s keeps the bits that exist and reads the others as RES0 or RES1', (name, kept) => {
    h.msr('CPACR_EL1', 3n << 20n);
    h.msr(name, ALL_ONES);
    expect(h.get(name)).toBe(kept);
  });

  it('keeps the bits of SCTLR_EL1 that exist', () => {
    h.msr('SCTLR_EL1', ALL_ONES);
    const bits = [
      0, 1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 22, 23, 26, 27, 28, 29, 30, 31, 35, 36,
      44,
    ];
    expect(h.get('SCTLR_EL1')).toBe(bits.reduce((value, bit) => value | (1n << BigInt(bit)), 0n));
  });

  it('reads RES1 bits of SCTLR_EL1 as one when zero is written', () => {
    h.msr('SCTLR_EL1', 0n);
    expect(h.get('SCTLR_EL1')).toBe(0x3040_0980n);
  });
});

describe('traps and undefined accesses', () => {
  it('describes the trapped instruction in ISS', () => {
    h.enterEl0();
    h.mrs('CNTVCT_EL0', 17);
    const iss = (3 << 20) | (2 << 17) | (3 << 14) | (14 << 10) | (17 << 5) | (0 << 1) | 1;
    expect(h.syndrome()).toEqual({ ec: SYSTEM_TRAP, il: 1, iss });
  });

  it('reports XZR as register 31', () => {
    h.enterEl0();
    h.cpu.systemWrite(registerKey('DAIF'), SLOT_ZERO);
    expect((h.syndrome().iss >> 5) & 31).toBe(31);
  });

  it('traps MSR DAIFSet at EL0 without UMA, with its own encoding', () => {
    h.enterEl0();
    expect(h.cpu.systemImmediate(0o36, 2)).toBe(EXCEPTION);
    const iss = (6 << 17) | (3 << 14) | (4 << 10) | (31 << 5) | (2 << 1);
    expect(h.syndrome()).toEqual({ ec: SYSTEM_TRAP, il: 1, iss });
    h.msr('SCTLR_EL1', 1n << 9n);
    h.enterEl0();
    expect(h.cpu.systemImmediate(0o36, 2)).toBe(CONTINUE);
    expect(h.field('DAIF')).toBe(0x80);
  });

  it.each([
    ['PAN', 0o04],
    ['UAO', 0o03],
    ['SPSel', 0o05],
  ])('makes MSR %s UNDEFINED at EL0', (_name, form) => {
    expect(ecAtEl0(() => h.cpu.systemImmediate(form, 1))).toBe(UNKNOWN);
  });

  it('makes features that ID registers deny UNDEFINED', () => {
    h = new CpuHarness(false, 'cortex-a53');
    const DIT = systemKey(3, 3, 4, 2, 5);
    const PAN = systemKey(3, 0, 4, 2, 3);
    const PMCR_EL0 = systemKey(3, 3, 9, 12, 0);
    const APIAKEYLO_EL1 = systemKey(3, 0, 2, 1, 0);
    const DBGBVR2_EL1 = systemKey(2, 0, 0, 2, 4);
    const SCTLR_EL2 = systemKey(3, 4, 1, 0, 0);
    for (const key of [DIT, PAN, PMCR_EL0, APIAKEYLO_EL1, DBGBVR2_EL1, SCTLR_EL2]) {
      expect(h.cpu.systemRead(key, 0)).toBe(EXCEPTION);
      expect(h.syndrome()).toEqual({ ec: UNKNOWN, il: 1, iss: 0 });
    }
    expect(h.cpu.systemImmediate(0o32, 1)).toBe(EXCEPTION);
    expect(h.cpu.systemOperation(systemKey(1, 4, 8, 7, 0), 0)).toBe(EXCEPTION);
    // AT S1E1RP and TLBI RVAE1.
    expect(h.cpu.systemOperation(systemKey(1, 0, 7, 9, 0), 0)).toBe(EXCEPTION);
    expect(h.cpu.systemOperation(systemKey(1, 0, 8, 6, 1), 0)).toBe(EXCEPTION);
  });

  it('keeps FPCR.FZ16 on CPUs with half-precision arithmetic only', () => {
    for (const [cpu, kept] of [
      ['cortex-a53', 0n],
      ['cortex-a76', 1n << 19n],
    ] as const) {
      h = new CpuHarness(false, cpu);
      h.msr('CPACR_EL1', 3n << 20n);
      h.msr('FPCR', 1n << 19n);
      expect(h.get('FPCR')).toBe(kept);
    }
  });

  it('makes every SYS operation without an EL0 gate UNDEFINED at EL0, and gated ones trap', () => {
    h.msr('SCTLR_EL1', 0n);
    for (const row of SYSTEM_OPERATIONS) {
      const ec = ecAtEl0(() => h.operate(row.name, 0x4010_0000n));
      expect([row.name, ec]).toEqual([row.name, row.el0 ? SYSTEM_TRAP : UNKNOWN]);
    }
  });

  it('logs what this CPU does not have, and not what a level may not use', () => {
    h.cpu.systemRead(systemKey(3, 0, 2, 5, 0), 0);
    h.enterEl0();
    h.mrs('MIDR_EL1');
    expect(h.said).toEqual(['warning cpu: undefined at EL1, PC 0x0000000040000000: MRS S3_0_C2_C5_0']);
  });

  it('traps FPCR and FPSR with FP, at the levels that CPACR_EL1 names', () => {
    h.mrs('FPCR');
    expect(h.syndrome()).toEqual({ ec: 7, il: 1, iss: 0x1e0_0000 });
    expect(h.msr('CPACR_EL1', 1n << 20n)).toBe(RESYNC);
    expect(h.mrs('FPCR')).toBe(CONTINUE);
    expect(ecAtEl0(() => h.mrs('FPSR'))).toBe(7);
    h.msr('CPACR_EL1', 3n << 20n);
    expect(ecAtEl0(() => h.mrs('FPSR'))).toBeUndefined();
  });

  it('makes SP_EL0 UNDEFINED while it is the stack pointer', () => {
    h.msr('SPSel', 0n);
    expect(h.mrs('SP_EL0')).toBe(EXCEPTION);
  });
});

describe('effects', () => {
  it('advances PC itself only for RESYNC', () => {
    h.pc = 0x4000_1ffcn;
    expect(h.msr('TPIDR_EL0', 1n)).toBe(CONTINUE);
    expect(h.pc).toBe(0x4000_1ffcn);
    expect(h.msr('TTBR0_EL1', 0n)).toBe(RESYNC);
    expect(h.pc).toBe(0x4000_2000n);
  });

  it('takes XZR as zero and the sink as a target that nobody reads', () => {
    h.msr('TPIDR_EL0', 5n);
    h.cpu.systemRead(registerKey('TPIDR_EL0'), SLOT_SINK);
    h.cpu.systemWrite(registerKey('TPIDR_EL0'), SLOT_ZERO);
    expect(h.get('TPIDR_EL0')).toBe(0n);
  });

  it('tells FP_FAST from FPCR and FPSR', () => {
    h.msr('CPACR_EL1', 3n << 20n);
    const fast = () => h.field('FP_FAST');
    expect(fast()).toBe(0);
    h.msr('FPSR', 0x10n);
    expect(fast()).toBe(1);
    for (const bit of [22n, 23n, 24n, 25n, 26n]) {
      h.msr('FPCR', 1n << bit);
      expect(fast(), `FPCR bit ${bit}`).toBe(0);
    }
    h.msr('FPCR', 0n);
    expect(fast()).toBe(1);
  });

  it('round-trips NZCV through the lazy flags', () => {
    for (let nzcv = 0n; nzcv < 16n; nzcv++) {
      h.msr('NZCV', nzcv << 28n);
      expect(h.get('NZCV')).toBe(nzcv << 28n);
    }
  });

  it('checks SP alignment as SCTLR_EL1.SA and SA0 say', () => {
    h.msr('SCTLR_EL1', 1n << 3n);
    expect(h.field('SP_ALIGNMENT_CHECKED')).toBe(1);
    h.enterEl0();
    expect(h.field('SP_ALIGNMENT_CHECKED')).toBe(0);
  });

  it('locks and opens the OS lock', () => {
    expect(h.get('OSLSR_EL1')).toBe(0xan);
    h.msr('OSLAR_EL1', 0n);
    expect(h.get('OSLSR_EL1')).toBe(8n);
  });

  it('keeps claim tags', () => {
    h.msr('DBGCLAIMSET_EL1', 0x3n);
    h.msr('DBGCLAIMCLR_EL1', 0x1n);
    expect(h.get('DBGCLAIMCLR_EL1')).toBe(2n);
  });

  it('hands ICC registers to the GIC', () => {
    expect(h.get('ICC_IAR1_EL1')).toBe(0x55n);
    h.msr('ICC_SGI1R_EL1', 0x1_0000_0002n);
    expect(h.said).toEqual(['gic read ICC_IAR1_EL1', 'gic write ICC_SGI1R_EL1 2 1']);
  });
});
