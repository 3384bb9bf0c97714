import { describe, expect, it } from 'vitest';
import { abuse, BusDriver, RecordedLine } from '../testing/device-harness.ts';
import { PL011_WINDOW_SIZE, Pl011 } from './pl011.ts';

const DR = 0x00;
const FR = 0x18;
const LCR_H = 0x2c;
const CR = 0x30;
const IFLS = 0x34;
const IMSC = 0x38;
const RIS = 0x3c;
const MIS = 0x40;
const ICR = 0x44;
const RXFE = 0x10;
const RXFF = 0x40;
const TXFE = 0x80;
const RX = 0x10;
const TX = 0x20;
const RT = 0x40;
const FEN = 0x10;

function uart() {
  const sent: number[] = [];
  const line = new RecordedLine();
  const chip = new Pl011({ interrupt: line, output: (byte) => sent.push(byte) });
  return { chip, line, sent, driver: new BusDriver(chip, PL011_WINDOW_SIZE) };
}
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('PL011', () => {
  it('identifies itself as a PL011 of revision 1 when an AMBA bus driver probes', () => {
    const { driver } = uart();
    const id = Array.from({ length: 8 }, (_, index) => driver.read(0xfe0 + 4 * index));
    expect(id).toEqual([0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });

  it('has the reset values of the manual', () => {
    const { driver } = uart();
    expect(driver.read(FR)).toBe(TXFE | RXFE);
    expect(driver.read(CR)).toBe(0x300);
    expect(driver.read(IFLS)).toBe(0x12);
    expect(driver.read(RIS)).toBe(0);
  });

  it('sends characters and stays ready when the guest writes DR in any size', () => {
    const { driver, sent } = uart();
    driver.write(DR, 0x48, 1);
    driver.write(DR, 0x169, 2);
    expect(sent).toEqual([0x48, 0x69]);
    expect(driver.read(FR) & TXFE).toBe(TXFE);
  });

  it('raises the transmit interrupt after each character until cleared, when unmasked', () => {
    const { driver, line } = uart();
    driver.write(DR, 0x41);
    expect(driver.read(RIS)).toBe(TX);
    expect(line.level).toBe(false);
    driver.write(IMSC, TX);
    expect(line.level).toBe(true);
    driver.write(ICR, TX);
    expect(line.level).toBe(false);
    driver.write(DR, 0x42);
    expect(line.level).toBe(true);
  });

  it('holds input beyond the FIFO until the guest reads, and loses none', () => {
    const { chip, driver, line } = uart();
    driver.write(LCR_H, 0x60 | FEN);
    driver.write(IMSC, RX | RT);
    const typed = text('a long command line, longer than two FIFOs');
    chip.receive(typed);
    expect(line.level).toBe(true);
    expect(driver.read(FR) & RXFF).toBe(RXFF);
    const read: number[] = [];
    while (!(driver.read(FR) & RXFE)) read.push(driver.read(DR));
    expect(Uint8Array.from(read)).toEqual(typed);
    expect(line.level).toBe(false);
    expect(driver.read(MIS)).toBe(0);
    expect(driver.read(DR)).toBe(0);
  });

  it('raises the timeout interrupt only, when fewer characters than the trigger level arrive', () => {
    const { chip, driver } = uart();
    driver.write(LCR_H, FEN);
    driver.write(IMSC, RX | RT);
    chip.receive(text('x'));
    expect(driver.read(MIS)).toBe(RT);
    chip.receive(text('1234567'));
    expect(driver.read(MIS)).toBe(RX | RT);
    driver.read(DR);
    expect(driver.read(MIS)).toBe(RT);
  });

  it('raises the receive interrupt for each character when FIFOs are off', () => {
    const { chip, driver } = uart();
    chip.receive(text('ab'));
    expect(driver.read(RIS) & RX).toBe(RX);
    expect(driver.read(FR) & RXFF).toBe(RXFF);
    expect(driver.read(DR)).toBe(0x61);
    expect(driver.read(RIS) & RX).toBe(RX);
    expect(driver.read(DR)).toBe(0x62);
    expect(driver.read(RIS) & (RX | RT)).toBe(0);
  });

  it('returns what it sends when looped back', () => {
    const { driver, sent } = uart();
    driver.write(CR, 0x381);
    driver.write(DR, 0x5a);
    expect(sent).toEqual([]);
    expect(driver.read(DR)).toBe(0x5a);
  });

  it('keeps unimplemented bits zero when they are written', () => {
    const { driver } = uart();
    for (const register of [0x20, 0x24, 0x28, LCR_H, CR, IFLS, IMSC, 0x48])
      driver.write(register, 0xffff_ffff);
    const values = [0x20, 0x24, 0x28, LCR_H, CR, IFLS, IMSC, 0x48].map((register) => driver.read(register));
    expect(values).toEqual([0xff, 0xffff, 0x3f, 0xff, 0xff87, 0x3f, 0x7ff, 0x7]);
  });

  it('goes on as before when its state is saved and restored elsewhere', () => {
    const first = uart();
    first.driver.write(LCR_H, FEN);
    first.driver.write(IMSC, RX | RT | TX);
    first.chip.receive(text('left over'));
    first.driver.read(DR);
    const state = structuredClone(first.chip.saveState());
    const second = uart();
    second.chip.restoreState(state);
    expect(second.chip.saveState()).toEqual(state);
    expect(second.line.level).toBe(true);
    expect(second.driver.read(DR)).toBe(0x65);
    expect(() => second.chip.restoreState({ version: 99 })).toThrow(RangeError);
  });

  it('answers garbage with unsigned words and never throws', () => {
    const { chip } = uart();
    expect(abuse(chip, PL011_WINDOW_SIZE, 20_000)).toBeUndefined();
  });
});
