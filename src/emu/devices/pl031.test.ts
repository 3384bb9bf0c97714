import { describe, expect, it } from 'vitest';
import { abuse, BusDriver, RecordedLine } from '../testing/device-harness.ts';
import { PL031_WINDOW_SIZE, Pl031 } from './pl031.ts';

const DR = 0x00;
const MR = 0x04;
const LR = 0x08;
const CR = 0x0c;
const IMSC = 0x10;
const RIS = 0x14;
const MIS = 0x18;
const ICR = 0x1c;

function clock(seconds = 1_700_000_000) {
  const wall = { seconds, nowSeconds: () => wall.seconds };
  const line = new RecordedLine();
  const chip = new Pl031({ interrupt: line, wallClock: wall });
  return { chip, line, wall, driver: new BusDriver(chip, PL031_WINDOW_SIZE) };
}

describe('PL031', () => {
  it('identifies itself and runs when probed', () => {
    const { driver } = clock();
    const id = Array.from({ length: 8 }, (_, index) => driver.read(0xfe0 + 4 * index));
    expect(id).toEqual([0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
    expect(driver.read(CR)).toBe(1);
  });

  it('follows the wall clock, from the time that the guest set', () => {
    const { driver, wall } = clock();
    expect(driver.read(DR)).toBe(1_700_000_000);
    driver.write(LR, 1000);
    wall.seconds += 7;
    expect(driver.read(DR)).toBe(1007);
    expect(driver.read(LR)).toBe(1000);
  });

  it('rounds a fractional wall clock down and wraps at 32 bits', () => {
    const { driver, wall } = clock(10.9);
    expect(driver.read(DR)).toBe(10);
    driver.write(LR, 0xffff_ffff);
    wall.seconds += 2;
    expect(driver.read(DR)).toBe(1);
  });

  it('raises its alarm when polled after the match time, if unmasked', () => {
    const { chip, driver, line, wall } = clock();
    driver.write(MR, 1_700_000_010);
    expect(chip.secondsToAlarm()).toBeUndefined();
    driver.write(IMSC, 1);
    expect(chip.secondsToAlarm()).toBe(10);
    wall.seconds += 9;
    chip.poll();
    expect(line.level).toBe(false);
    wall.seconds += 1;
    chip.poll();
    expect(line.level).toBe(true);
    expect([driver.read(RIS), driver.read(MIS)]).toEqual([1, 1]);
    driver.write(ICR, 1);
    expect(line.level).toBe(false);
    expect(chip.secondsToAlarm()).toBeUndefined();
  });

  it('raises its alarm at once when the match is now, and not for a match in the past', () => {
    const { driver } = clock();
    driver.write(MR, 1_699_999_999);
    expect(driver.read(RIS)).toBe(0);
    driver.write(MR, 1_700_000_000);
    expect(driver.read(RIS)).toBe(1);
  });

  it('goes on as before when saved and restored', () => {
    const first = clock();
    first.driver.write(LR, 500);
    first.driver.write(MR, 520);
    first.driver.write(IMSC, 1);
    const state = structuredClone(first.chip.saveState());
    const second = clock();
    second.chip.restoreState(state);
    expect(second.chip.saveState()).toEqual(state);
    second.wall.seconds += 20;
    second.chip.poll();
    expect(second.line.level).toBe(true);
    expect(second.driver.read(DR)).toBe(520);
  });

  it('survives garbage', () => {
    expect(abuse(clock().chip, PL031_WINDOW_SIZE, 10_000)).toBeUndefined();
  });
});
