import { describe, expect, it } from 'vitest';
import type { MmioDevice } from '../base/ports.ts';
import { NO_DEVICE, PhysicalBus } from './bus.ts';

/** Answers reads with its tag plus the offset, and records what was done to it. */
class Probe implements MmioDevice {
  readonly seen: string[] = [];
  private readonly tag: number;
  constructor(tag: number) {
    this.tag = tag;
  }
  read(offset: number, size: number): number {
    this.seen.push(`read ${offset} ${size}`);
    return this.tag + offset;
  }
  write(offset: number, size: number, value: number): void {
    this.seen.push(`write ${offset} ${size} ${value}`);
  }
}

function busWith(...windows: [base: number, size: number][]): { bus: PhysicalBus; probes: Probe[] } {
  const bus = new PhysicalBus();
  const probes = windows.map(([base, size], index) => {
    const probe = new Probe((index + 1) << 16);
    bus.map({ name: `probe${index}`, base, size }, probe);
    return probe;
  });
  return { bus, probes };
}

describe('PhysicalBus', () => {
  it('passes offsets within the window when windows are mapped in any order', () => {
    const { bus } = busWith([0x9000, 0x100], [0x1000, 0x200], [0x40_1000_0000, 0x1000]);
    expect(bus.read(0x9004, 4)).toBe(0x1_0004);
    expect(bus.read(0x11ff, 1)).toBe(0x2_01ff);
    expect(bus.read(0x40_1000_0ffc, 4)).toBe(0x3_0ffc);
  });

  it('tells that no device answers when the address is outside, or only partly inside, a window', () => {
    const { bus, probes } = busWith([0x1000, 0x100]);
    expect(bus.read(0xfff, 1)).toBe(NO_DEVICE);
    expect(bus.read(0x1100, 4)).toBe(NO_DEVICE);
    expect(bus.read(0x10fe, 4)).toBe(NO_DEVICE);
    expect(bus.write(0x10fe, 4, 1)).toBe(false);
    expect(probes[0]!.seen).toEqual([]);
    expect(bus.accessCount).toBe(0);
  });

  it('rejects a window when it overlaps another one', () => {
    const { bus } = busWith([0x1000, 0x100]);
    expect(() => bus.map({ name: 'late', base: 0x10ff, size: 1 }, new Probe(0))).toThrow(
      /late overlaps.*probe0/,
    );
    expect(() => bus.map({ name: 'wide', base: 0, size: 0x8000 }, new Probe(0))).toThrow(RangeError);
    expect(() => bus.map({ name: 'next', base: 0x1100, size: 4 }, new Probe(0))).not.toThrow();
  });

  it('splits eight bytes into two words, low half first, when both have a device', () => {
    const { bus, probes } = busWith([0x1000, 0x10]);
    const halves = new Uint32Array(2);
    expect(bus.read64(0x1008, halves)).toBe(true);
    expect([...halves]).toEqual([0x1_0008, 0x1_000c]);
    expect(bus.write64(0x1000, 1, 2)).toBe(true);
    expect(probes[0]!.seen.slice(2)).toEqual(['write 0 4 1', 'write 4 4 2']);
    expect(bus.read64(0x100c, halves)).toBe(false);
    expect(bus.write64(0x100c, 1, 2)).toBe(false);
    expect(bus.accessCount).toBe(4);
  });
});
