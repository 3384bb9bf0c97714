/**
 * What device tests share: a line that remembers its level, a device behind a bus as a driver meets it,
 * and a seeded stream of garbage accesses.
 */
import type { AccessSize, InterruptLine, MmioDevice } from '../base/ports.ts';
import { PhysicalBus } from '../memory/bus.ts';

export class RecordedLine implements InterruptLine {
  level = false;
  /** Changes from low to high. */
  rises = 0;
  setLevel(high: boolean): void {
    if (high && !this.level) this.rises++;
    this.level = high;
  }
}

/** A device mapped on a bus of its own; accesses are words unless a size is given. */
export class BusDriver {
  readonly bus = new PhysicalBus();
  private readonly base: number;

  constructor(device: MmioDevice, size: number, base = 0x0900_0000) {
    this.base = base;
    this.bus.map({ name: 'device under test', base, size }, device);
  }

  read(offset: number, size: AccessSize = 4): number {
    return this.bus.read(this.base + offset, size);
  }

  write(offset: number, value: number, size: AccessSize = 4): void {
    this.bus.write(this.base + offset, size, value >>> 0);
  }
}

/** Random 32-bit words that are the same on every run (xorshift32). */
export function seededWords(seed: number): () => number {
  let word = seed >>> 0 || 1;
  return () => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return word >>> 0;
  };
}

const SIZES: readonly AccessSize[] = [1, 2, 4];

/**
 * Reads and writes garbage all over a device: every aligned word once, then `count` random accesses.
 * Returns the first answer that is not an unsigned 32-bit integer, if any.
 */
export function abuse(device: MmioDevice, windowSize: number, count: number, seed = 1): number | undefined {
  const random = seededWords(seed);
  const check = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
  for (let offset = 0; offset < windowSize; offset += 4) {
    device.write(offset, 4, random());
    const value = device.read(offset, 4);
    if (!check(value)) return value;
  }
  for (let i = 0; i < count; i++) {
    const size = SIZES[random() % SIZES.length]!;
    const offset = random() % (windowSize - size + 1);
    if (random() & 1) device.write(offset, size, random() >>> (32 - 8 * size));
    else {
      const value = device.read(offset, size);
      if (!check(value)) return value;
    }
  }
  return undefined;
}
