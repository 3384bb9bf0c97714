import { beforeEach, describe, expect, it } from 'vitest';
import { CpuHarness, RAM_BASE } from '../testing/cpu-harness.ts';
import { DESCRIPTOR, DEVICE, enableMmu, TranslationTables } from '../testing/translation-tables.ts';
import { CONTINUE, EXCEPTION } from './runtime.ts';

const { accessFlag, el0, readOnly } = DESCRIPTOR;
const PAGE = RAM_BASE + 0x10_0000;
const LOW = 0x12_3456_7000n;

/** ISS of data aborts. */
const WRITE = 1 << 6;
const CM = 1 << 8;
const translation = (level: number) => 0b000100 | level;
const permission = (level: number) => 0b001100 | level;

let h: CpuHarness;
let low: TranslationTables;
beforeEach(() => {
  h = new CpuHarness();
  low = new TranslationTables(h);
});

const on = () => enableMmu(h, { low });

/** Expects an operation to take a data abort from EL1 with this status. */
function expectAbort(name: string, va: bigint, iss: number): void {
  expect(h.operate(name, va)).toBe(EXCEPTION);
  expect(h.syndrome()).toEqual({ ec: 0x25, il: 1, iss });
  expect(h.get('FAR_EL1')).toBe(va);
}

describe('cache maintenance by address', () => {
  it('tells the code cache which physical line IC IVAU names', () => {
    low.map(LOW, PAGE);
    on();
    h.operate('IC IVAU', LOW + 0x7cn);
    expect(h.said).toContain(`line 0x${(PAGE + 0x40).toString(16)} 64`);
    h.operate('IC IALLU');
    expect(h.said).toContain('invalidate all');
  });

  it('faults like a read, reported as cache maintenance and write', () => {
    low.map(LOW, PAGE, { bits: readOnly | accessFlag });
    on();
    expect(h.operate('DC CVAU', LOW)).toBe(CONTINUE);
    expectAbort('DC CVAC', LOW + 0x1001n, translation(3) | WRITE | CM);
    expectAbort('IC IVAU', LOW + 0x1000n, translation(3) | WRITE | CM);
    expectAbort('DC IVAC', LOW, permission(3) | WRITE | CM);
  });
});

describe('address translation instructions', () => {
  const par = () => h.get('PAR_EL1');
  beforeEach(() => {
    low.map(LOW, PAGE, { bits: accessFlag | el0 | readOnly | DESCRIPTOR.innerShareable });
    low.map(LOW + 0x1000n, 0x0900_0000, { bits: accessFlag | DESCRIPTOR.attribute(DEVICE) });
    on();
  });

  it('report address, attributes and shareability', () => {
    h.operate('AT S1E1R', LOW + 0x123n);
    expect(par()).toBe((0xffn << 56n) | BigInt(PAGE) | (1n << 11n) | (3n << 7n));
    h.operate('AT S1E1R', LOW + 0x1000n);
    expect(par()).toBe((0x04n << 56n) | 0x0900_0000n | (1n << 11n) | (2n << 7n));
  });

  it('report faults for the level and direction asked for', () => {
    const fault = (status: number) => (1n << 11n) | (BigInt(status) << 1n) | 1n;
    h.operate('AT S1E0R', LOW);
    expect(par() & 1n).toBe(0n);
    h.operate('AT S1E0W', LOW);
    expect(par()).toBe(fault(permission(3)));
    h.operate('AT S1E1W', LOW);
    expect(par()).toBe(fault(permission(3)));
    h.operate('AT S1E0R', LOW + 0x1000n);
    expect(par()).toBe(fault(permission(3)));
    h.operate('AT S1E1R', 1n << 47n);
    expect(par()).toBe(fault(translation(0)));
  });

  it('take a data abort when the walk itself is aborted', () => {
    h.poke(low.entry(LOW, 1), 0x1000_0000n | 3n);
    expectAbort('AT S1E1R', LOW, 0b010110 | WRITE | CM);
  });

  it('heed PAN in the P forms only', () => {
    h.cpu.systemImmediate(0o04, 1);
    h.operate('AT S1E1R', LOW);
    expect(par() & 1n).toBe(0n);
    h.operate('AT S1E1RP', LOW);
    expect(par() & 1n).toBe(1n);
  });
});
