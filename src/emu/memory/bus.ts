/**
 * The physical bus outside RAM: windows of guest-physical addresses, each answered by one device.
 * Invariant: windows never overlap, so an address has at most one device. Addresses are integers below 2^52.
 */
import type { AccessSize, MmioDevice } from '../base/ports.ts';

/**
 * What a read returns where no device answers; the CPU turns it into a synchronous external abort.
 * Device values are unsigned, so no device can return it.
 */
export const NO_DEVICE = -1;

const WORD_BYTES = 4;

interface Window {
  readonly name: string;
  readonly base: number;
  readonly end: number;
  readonly device: MmioDevice;
}

export interface BusWindow {
  /** For messages and for listings; unique on the bus by convention only. */
  readonly name: string;
  readonly base: number;
  readonly size: number;
}

export class PhysicalBus {
  /** Sorted by base. */
  private windows: Window[] = [];
  /** Drivers poll: the next access nearly always meets the window of the last one. */
  private last: Window | undefined;
  private accesses = 0;

  /**
   * Maps `device` at [base, base + size).
   * @throws {RangeError} when the window is empty, out of range or overlaps another.
   */
  map(window: BusWindow, device: MmioDevice): void {
    const { name, base, size } = window;
    const end = base + size;
    if (!Number.isSafeInteger(base) || !Number.isSafeInteger(end) || base < 0 || size <= 0) {
      throw new RangeError(`bus: the window of ${name} is empty or out of range`);
    }
    const other = this.windows.find((candidate) => base < candidate.end && candidate.base < end);
    if (other) throw new RangeError(`bus: the window of ${name} overlaps that of ${other.name}`);
    this.windows = [...this.windows, { name, base, end, device }].sort((a, b) => a.base - b.base);
  }

  /** Accesses that met a device, since the bus was made. */
  get accessCount(): number {
    return this.accesses;
  }

  /** The windows, by address. */
  list(): readonly BusWindow[] {
    return this.windows.map(({ name, base, end }) => ({ name, base, size: end - base }));
  }

  /** An unsigned value of `size` bytes, or NO_DEVICE. */
  read(address: number, size: AccessSize): number {
    const window = this.find(address, size);
    if (!window) return NO_DEVICE;
    this.accesses++;
    return window.device.read(address - window.base, size);
  }

  /** False where no device answers; nothing was written then. */
  write(address: number, size: AccessSize, value: number): boolean {
    const window = this.find(address, size);
    if (!window) return false;
    this.accesses++;
    window.device.write(address - window.base, size, value);
    return true;
  }

  /**
   * An eight-byte read as two words, low half first, into `halves[0]` and `halves[1]`.
   * False where no device answers for both.
   */
  read64(address: number, halves: Uint32Array): boolean {
    if (!this.find(address, WORD_BYTES) || !this.find(address + WORD_BYTES, WORD_BYTES)) return false;
    halves[0] = this.read(address, WORD_BYTES);
    halves[1] = this.read(address + WORD_BYTES, WORD_BYTES);
    return true;
  }

  /** An eight-byte write as two words, low half first. */
  write64(address: number, low: number, high: number): boolean {
    if (!this.find(address, WORD_BYTES) || !this.find(address + WORD_BYTES, WORD_BYTES)) return false;
    this.write(address, WORD_BYTES, low);
    return this.write(address + WORD_BYTES, WORD_BYTES, high);
  }

  private find(address: number, size: number): Window | undefined {
    const last = this.last;
    if (last && address >= last.base && address + size <= last.end) return last;
    let low = 0;
    let high = this.windows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.windows[middle]!.end > address) high = middle;
      else low = middle + 1;
    }
    const window = this.windows[low];
    if (!window || address < window.base || address + size > window.end) return undefined;
    this.last = window;
    return window;
  }
}
