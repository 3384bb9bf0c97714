import { beforeEach, describe, expect, it } from 'vitest';
import { CpuHarness } from '../testing/cpu-harness.ts';
import { EXCEPTION, RESYNC, WAIT } from './runtime.ts';

const NS = 16;
const ENABLE = 1n;
const IMASK = 2n;
const ISTATUS = 4n;

let h: CpuHarness;
beforeEach(() => {
  h = new CpuHarness();
});

const at = (ticks: number) => {
  h.nowNs = ticks * NS;
};

describe('counters', () => {
  it('count the clock at 62.5 MHz, beyond 32 bits', () => {
    h.nowNs = 1_000_000_015;
    expect(h.get('CNTPCT_EL0')).toBe(62_500_000n);
    at(2 ** 33 + 5);
    expect(h.get('CNTVCT_EL0')).toBe(2n ** 33n + 5n);
  });

  it.each([
    ['CNTVCT_EL0', 1n],
    ['CNTPCT_EL0', 0n],
    ['CNTV_CTL_EL0', 8n],
    ['CNTP_CTL_EL0', 9n],
  ])('lets EL0 use %s by its bit of CNTKCTL_EL1', (name, bit) => {
    h.msr('CNTKCTL_EL1', 1n << bit);
    h.enterEl0();
    expect(h.mrs(name)).not.toBe(EXCEPTION);
    h.cpu.supervisorCall(0);
    h.msr('CNTKCTL_EL1', 0x3ffn & ~(1n << bit));
    h.enterEl0();
    expect(h.mrs(name)).toBe(EXCEPTION);
  });
});

describe.each([
  ['P', 'physicalTimer'],
  ['V', 'virtualTimer'],
] as const)('the CNT%s timer', (letter, line) => {
  const control = `CNT${letter}_CTL_EL0`;
  const compare = `CNT${letter}_CVAL_EL0`;
  const value = `CNT${letter}_TVAL_EL0`;

  it('raises its line when the count reaches the compare value', () => {
    h.msr(compare, 1000n);
    h.msr(control, ENABLE);
    expect(h[line].level).toBe(false);
    expect(h.cpu.nextTimerDeadlineNs()).toBe(1000 * NS);
    at(999);
    h.cpu.updateTimers();
    expect(h.get(control)).toBe(ENABLE);
    expect(h[line].level).toBe(false);
    at(1000);
    h.cpu.updateTimers();
    expect(h[line].level).toBe(true);
    expect(h.get(control)).toBe(ENABLE | ISTATUS);
    expect(h.cpu.nextTimerDeadlineNs()).toBeUndefined();
  });

  it('lowers its line when moved, masked or disabled', () => {
    at(5);
    h.msr(control, ENABLE);
    expect(h[line].level).toBe(true);
    h.msr(control, ENABLE | IMASK);
    expect(h[line].level).toBe(false);
    expect(h.get(control)).toBe(ENABLE | IMASK | ISTATUS);
    h.msr(control, ENABLE);
    h.msr(compare, 6n);
    expect(h[line].level).toBe(false);
    h.msr(control, 0n);
    expect(h.cpu.nextTimerDeadlineNs()).toBeUndefined();
  });

  it('counts down in the timer value, signed', () => {
    at(2 ** 32 - 10);
    h.msr(value, 100n);
    expect(h.get(compare)).toBe(2n ** 32n + 90n);
    at(2 ** 32 + 40);
    expect(h.get(value)).toBe(50n);
    at(2 ** 32 + 100);
    expect(h.get(value)).toBe(0xffff_fff6n);
    h.msr(value, 0xffff_ffffn);
    expect(h.get(compare)).toBe(2n ** 32n + 99n);
  });

  it('compares unsigned 64-bit values', () => {
    at(10);
    h.msr(control, ENABLE);
    h.msr(value, 0xffff_ff00n);
    expect(h.get(compare)).toBe(2n ** 64n - 246n);
    expect(h[line].level).toBe(false);
    expect(h.cpu.nextTimerDeadlineNs()).toBeUndefined();
  });
});

it('sleeps until the earlier of both deadlines', () => {
  h.msr('CNTP_CVAL_EL0', 300n);
  h.msr('CNTP_CTL_EL0', ENABLE);
  h.msr('CNTV_CVAL_EL0', 200n);
  h.msr('CNTV_CTL_EL0', ENABLE);
  expect(h.cpu.nextTimerDeadlineNs()).toBe(200 * NS);
});

describe('WFE', () => {
  /** EVNTEN, and EVNTI = 3: bit 3 of the count rises every 16 ticks. */
  const EVENT_STREAM = (1n << 2n) | (3n << 4n);
  const EVNTDIR = 1n << 3n;

  it('waits for the event stream, and passes when an event has come since', () => {
    h.msr('CNTKCTL_EL1', EVENT_STREAM);
    at(10);
    expect(h.cpu.waitForEvent(), 'an event at 8').toBe(RESYNC);
    expect(h.cpu.waitForEvent()).toBe(WAIT);
    expect(h.cpu.nextWakeUpNs()).toBe(24 * NS);
    at(24);
    expect(h.cpu.waitForEvent()).toBe(RESYNC);
    h.msr('CNTKCTL_EL1', EVENT_STREAM | EVNTDIR);
    expect(h.cpu.waitForEvent()).toBe(WAIT);
    expect(h.cpu.nextWakeUpNs()).toBe(32 * NS);
  });

  it('waits for a timer when there is no event stream', () => {
    h.msr('CNTV_CVAL_EL0', 200n);
    h.msr('CNTV_CTL_EL0', ENABLE);
    expect(h.cpu.waitForEvent()).toBe(WAIT);
    expect(h.cpu.nextWakeUpNs()).toBe(200 * NS);
  });

  it('does not shorten WFI by the event stream', () => {
    h.msr('CNTKCTL_EL1', EVENT_STREAM);
    h.cpu.waitForEvent();
    expect(h.cpu.waitForInterrupt()).toBe(WAIT);
    expect(h.cpu.nextWakeUpNs()).toBeUndefined();
  });
});

it('restores a timer that has fired with its line high', () => {
  at(50);
  h.msr('CNTV_CVAL_EL0', 40n);
  h.msr('CNTV_CTL_EL0', ENABLE);
  const other = new CpuHarness();
  other.nowNs = h.nowNs;
  other.cpu.restoreState(h.cpu.saveState());
  expect(other.virtualTimer.level).toBe(true);
});
