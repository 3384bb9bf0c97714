import { describe, expect, it } from 'vitest';
import { abuse, BusDriver, RecordedLine } from '../testing/device-harness.ts';
import { PL061_WINDOW_SIZE, Pl061 } from './pl061.ts';

const DIR = 0x400;
const IS = 0x404;
const IBE = 0x408;
const IEV = 0x40c;
const IE = 0x410;
const RIS = 0x414;
const MIS = 0x418;
const IC = 0x41c;
/** The address that reads and writes the chosen pins only. */
const data = (pins: number): number => pins << 2;

function gpio() {
  const line = new RecordedLine();
  const chip = new Pl061(line);
  return { chip, line, driver: new BusDriver(chip, PL061_WINDOW_SIZE) };
}

describe('PL061', () => {
  it('identifies itself when probed', () => {
    const { driver } = gpio();
    const id = Array.from({ length: 8 }, (_, index) => driver.read(0xfe0 + 4 * index));
    expect(id).toEqual([0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('reads and writes only the pins that the address selects', () => {
    const { chip, driver } = gpio();
    driver.write(DIR, 0x0f);
    driver.write(data(0xff), 0xff);
    chip.setInput(6, true);
    expect(driver.read(data(0xff))).toBe(0x4f);
    driver.write(data(0x01), 0x00);
    expect(driver.read(data(0xff))).toBe(0x4e);
    expect(driver.read(data(0x40))).toBe(0x40);
    expect(driver.read(data(0x00))).toBe(0);
  });

  it('latches rising, falling or both edges until cleared', () => {
    const { chip, driver, line } = gpio();
    driver.write(IEV, 0b001);
    driver.write(IBE, 0b100);
    driver.write(IE, 0b111);
    for (const pin of [0, 1, 2]) chip.setInput(pin, true);
    expect(driver.read(MIS)).toBe(0b101);
    driver.write(IC, 0b111);
    expect(line.level).toBe(false);
    for (const pin of [0, 1, 2]) chip.setInput(pin, false);
    expect(driver.read(MIS)).toBe(0b110);
    expect(line.level).toBe(true);
  });

  it('follows the level when a pin is level-sensitive', () => {
    const { chip, driver, line } = gpio();
    driver.write(IS, 0b11);
    driver.write(IEV, 0b01);
    driver.write(IE, 0b01);
    expect(driver.read(RIS)).toBe(0b10);
    chip.setInput(0, true);
    driver.write(IC, 0xff);
    expect(line.level).toBe(true);
    chip.setInput(0, false);
    expect(line.level).toBe(false);
  });

  it('holds a momentary press until the guest has seen it, so that debouncing drivers do', () => {
    const { chip, driver, line } = gpio();
    const pin = 1 << 3;
    driver.write(IBE, pin);
    driver.write(IE, pin);
    chip.pressMomentarily(3);
    expect(line.level).toBe(true);
    driver.write(IC, pin);
    expect(line.level).toBe(false);
    // Other pins may be read meanwhile.
    driver.read(data(0xf7));
    expect(driver.read(data(pin))).toBe(pin);
    expect(line.level).toBe(true);
    expect(driver.read(data(pin))).toBe(0);
  });

  it('gives another edge when pressed again before anyone looked', () => {
    const { chip, driver, line } = gpio();
    chip.pressMomentarily(3);
    driver.write(IEV, 8);
    driver.write(IE, 8);
    driver.write(IC, 8);
    chip.pressMomentarily(3);
    expect(line.level).toBe(true);
  });

  it('goes on as before when saved with a key down', () => {
    const first = gpio();
    first.driver.write(IBE, 8);
    first.driver.write(IE, 8);
    first.chip.pressMomentarily(3);
    const state = structuredClone(first.chip.saveState());
    const second = gpio();
    second.chip.restoreState(state);
    expect(second.chip.saveState()).toEqual(state);
    expect(second.line.level).toBe(true);
    expect([second.driver.read(data(8)), second.driver.read(data(8))]).toEqual([8, 0]);
  });

  it('survives garbage', () => {
    expect(abuse(gpio().chip, PL061_WINDOW_SIZE, 10_000)).toBeUndefined();
  });
});
