/** Which addresses breakpoints and watchpoints match (Arm ARM D2.9, D2.10); machine/debug-comparators.test.ts runs guests. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CpuHarness, RAM_BASE } from '../testing/cpu-harness.ts';
import { Comparators } from './comparators.ts';

const CODE = BigInt(RAM_BASE) + 0x1234n;
const LOW = Number(CODE);
const MDE_AND_KDE = 0xa000n;
/** E, and PMC for EL1, EL0 or both. */
const AT_EL1 = 0x1e3n;
const AT_EL0 = 0x1e5n;
const LINKED_ADDRESS = 1n << 20n;
const CONTEXT = 2n << 20n;
const LINKED_CONTEXT = 3n << 20n;
const TO_LAST = 1n << 16n;
const SECURE = 2n << 14n;
/** E, PAC for EL1, loads and stores. */
const WATCH = 0x1bn;
const BAS = 5n;
const MASK = 24n;
const LOAD = { el: 1, read: true, write: false };
const STORE = { el: 1, read: false, write: true };

describe('comparators', () => {
  let h: CpuHarness;
  let comparators: Comparators;
  beforeEach(() => {
    h = new CpuHarness();
    comparators = new Comparators(h.cpu.state);
    h.msr('OSLAR_EL1', 0n);
    h.msr('MDSCR_EL1', MDE_AND_KDE);
    h.cpu.systemImmediate(0o37, 8);
  });
  const breakpoint = (index: number, control: bigint, value: bigint) => {
    h.msr(`DBGBVR${index}_EL1`, value);
    h.msr(`DBGBCR${index}_EL1`, control);
    comparators.update();
  };
  const watchpoint = (control: bigint, value: bigint) => {
    h.msr('DBGWVR0_EL1', value);
    h.msr('DBGWCR0_EL1', control);
    comparators.update();
  };
  const breaks = () => comparators.breaksAt(LOW, 0);
  const watched = (offset: number, bytes: number, how = LOAD) =>
    comparators.watchpointHit(LOW + offset, 0, bytes, how)?.offset;

  it('match nothing when they are disabled, by themselves, MDSCR_EL1.MDE or the OS lock', () => {
    breakpoint(0, AT_EL1, CODE);
    expect(breaks()).toBe(true);
    for (const [register, value, before] of [
      ['DBGBCR0_EL1', AT_EL1 & ~1n, AT_EL1],
      ['MDSCR_EL1', 0n, MDE_AND_KDE],
      ['OSLAR_EL1', 1n, 0n],
    ] as const) {
      h.msr(register, value);
      expect(comparators.update(), register).toBe(true);
      expect(breaks(), register).toBe(false);
      expect(comparators.breaksInPage(LOW, 0)).toBe(false);
      h.msr(register, before);
      comparators.update();
    }
    expect(breaks()).toBe(true);
  });

  it('say whether anything else matches', () => {
    breakpoint(0, AT_EL1, CODE);
    expect(comparators.update()).toBe(false);
    h.msr('DBGBVR1_EL1', CODE);
    expect(comparators.update()).toBe(false);
  });

  it('break at their level and address only', () => {
    breakpoint(0, AT_EL0, CODE);
    expect(breaks()).toBe(false);
    breakpoint(0, AT_EL1 | SECURE, CODE);
    expect(breaks()).toBe(false);
    breakpoint(0, AT_EL1, CODE);
    expect(comparators.breaksAt(LOW + 4, 0)).toBe(false);
    expect(comparators.breaksAt(LOW, 1)).toBe(false);
    expect(comparators.breaksInPage(LOW ^ 0x800, 0)).toBe(true);
    expect(comparators.breaksInPage(LOW + 0x1000, 0)).toBe(false);
  });

  it('break at EL1 only while PSTATE.D is clear and MDSCR_EL1.KDE is set', () => {
    breakpoint(0, AT_EL1, CODE);
    h.cpu.systemImmediate(0o36, 8);
    expect(breaks()).toBe(false);
    h.cpu.systemImmediate(0o37, 8);
    h.msr('MDSCR_EL1', MDE_AND_KDE & ~(1n << 13n));
    expect(breaks()).toBe(false);
  });

  it('break in the context that the last of them holds, alone or linked', () => {
    h.msr('CONTEXTIDR_EL1', 0x77n);
    breakpoint(1, AT_EL1 | CONTEXT, 0x77n);
    expect(breaks()).toBe(true);
    breakpoint(1, LINKED_CONTEXT | 1n, 0x77n);
    expect(breaks()).toBe(false);
    breakpoint(0, AT_EL1 | LINKED_ADDRESS | TO_LAST, CODE);
    expect(breaks()).toBe(true);
    h.msr('CONTEXTIDR_EL1', 0x78n);
    expect(breaks()).toBe(false);
    h.msr('CONTEXTIDR_EL1', 0x77n);
    breakpoint(0, AT_EL1 | LINKED_ADDRESS, CODE);
    expect(breaks()).toBe(false);
  });

  it('watch the bytes that BAS selects', () => {
    watchpoint(WATCH | (0x3cn << BAS), CODE & ~7n);
    const start = -(LOW & 7);
    expect(watched(start, 2)).toBeUndefined();
    expect(watched(start, 4)).toBe(2);
    expect(watched(start + 5, 4)).toBe(0);
    expect(watched(start + 6, 2)).toBeUndefined();
    expect(watched(start - 16, 64)).toBe(18);
  });

  it('watch bytes of one word when bit 2 of the address is set', () => {
    watchpoint(WATCH | (0xffn << BAS), CODE | 4n);
    expect(watched(0, 4)).toBe(0);
    expect(watched(4, 4)).toBeUndefined();
  });

  it('watch blocks of 2^MASK bytes, and nothing when MASK is reserved', () => {
    watchpoint(WATCH | (0xffn << BAS) | (12n << MASK), CODE & ~0xfffn);
    expect(watched(0, 1)).toBe(0);
    expect(comparators.watchesPage(LOW, 0)).toBe(true);
    expect(comparators.watchesPage(LOW + 0x1000, 0)).toBe(false);
    watchpoint(WATCH | (0xffn << BAS) | (2n << MASK), CODE & ~0xfffn);
    expect(comparators.watchesPage(LOW, 0)).toBe(false);
  });

  it('watch loads or stores, and say which it was', () => {
    watchpoint(WATCH | (0xffn << BAS), CODE & ~7n);
    expect(comparators.watchpointHit(LOW, 0, 4, LOAD)?.write).toBe(false);
    expect(comparators.watchpointHit(LOW, 0, 4, STORE)?.write).toBe(true);
    expect(comparators.watchpointHit(LOW, 0, 4, { el: 1, read: true, write: true })?.write).toBe(false);
    expect(comparators.watchpointHit(LOW, 0, 4, { ...LOAD, el: 0 })).toBeUndefined();
    watchpoint((WATCH & ~8n) | (0xffn << BAS), CODE & ~7n);
    expect(watched(0, 4)).toBeUndefined();
    expect(watched(0, 4, STORE)).toBe(0);
  });
});

describe('a CPU with a breakpoint', () => {
  it('takes the exception instead of the fetch, with the address in ELR and FAR as it was', () => {
    const h = new CpuHarness();
    h.msr('OSLAR_EL1', 0n);
    h.msr('MDSCR_EL1', MDE_AND_KDE);
    h.msr('DBGBVR0_EL1', CODE);
    h.msr('DBGBCR0_EL1', AT_EL1);
    h.cpu.systemImmediate(0o37, 8);
    h.pc = CODE;
    expect(h.cpu.fetchesAlone()).toBe(true);
    expect(h.cpu.fetchAddress()).toBe(0);
    expect(h.syndrome()).toEqual({ ec: 0x31, il: 1, iss: 0x22 });
    expect(h.get('ELR_EL1')).toBe(CODE);
    expect(h.get('FAR_EL1')).toBe(0n);
  });
});
