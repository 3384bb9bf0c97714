/** When the clock is asked. */
import { describe, expect, it } from 'vitest';
import { RECORD_SIZE } from '../layout/memory-map.ts';
import { CounterReader } from './counter-reader.ts';

const RESOLUTION_NS = 5000;

function readerOf(resolutionNs = RESOLUTION_NS) {
  const clock = { ticks: 0, asked: 0 };
  const count = () => {
    clock.asked++;
    return clock.ticks;
  };
  return { clock, reader: new CounterReader({ count, resolutionNs }) };
}
const fuelOf = (instructions: number) => instructions * RECORD_SIZE;

describe('CounterReader', () => {
  it('asks once while few instructions are executed', () => {
    const { clock, reader } = readerOf();
    for (let i = 0; i < 40; i++) reader.read(fuelOf(100_000 - i * 60));
    expect(clock.asked).toBe(1);
  });

  it('asks again when half a step may have passed', () => {
    const { clock, reader } = readerOf();
    reader.read(fuelOf(100_000));
    clock.ticks = 7;
    expect(reader.read(fuelOf(100_000 - RESOLUTION_NS / 2 + 1))).toBe(0);
    expect(reader.read(fuelOf(100_000 - RESOLUTION_NS / 2))).toBe(7);
  });

  it.each([
    ['a slice begins', (reader: CounterReader) => reader.beginSlice()],
    ['someone asked who does not know the fuel', (reader: CounterReader) => void reader.read(0)],
  ])('asks again after %s', (_, happen) => {
    const { clock, reader } = readerOf();
    reader.read(fuelOf(1000));
    happen(reader);
    clock.ticks = 3;
    expect(reader.read(fuelOf(999))).toBe(3);
  });

  it('asks again when there is more fuel than before', () => {
    const { clock, reader } = readerOf();
    reader.read(fuelOf(1000));
    clock.ticks = 3;
    expect(reader.read(fuelOf(2000))).toBe(3);
  });

  it('always asks a clock that shows every nanosecond', () => {
    const { clock, reader } = readerOf(0);
    for (let i = 0; i < 5; i++) reader.read(fuelOf(1000));
    expect(clock.asked).toBe(5);
  });
});
