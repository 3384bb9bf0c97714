/**
 * The ports through which engine components reach what lies outside them.
 *
 * Components receive exactly the ports they use; nothing in the engine reads a clock, draws random
 * numbers or prints by itself.
 */

/** A monotonic clock. */
export interface Clock {
  /** Nanoseconds since an arbitrary origin, as an integer below 2^53; never decreases. */
  nowNs(): number;
  /** How far apart different answers are at least: asking more often tells nothing new. 0 when absent. */
  readonly resolutionNs?: number;
}

/** The wall clock, for real-time-clock chips. */
export interface WallClock {
  /** Seconds since 1970-01-01 00:00:00 UTC. */
  nowSeconds(): number;
}

/** Source of random bytes. */
export interface Entropy {
  /** Fills the whole of `target` with random bytes. */
  fill(target: Uint8Array): void;
}

/** A level-sensitive wire from a device to an interrupt controller, or from there to a CPU. */
export interface InterruptLine {
  setLevel(high: boolean): void;
}

/** Where components report what a user or developer should know. One line a message. */
export interface Log {
  write(severity: 'info' | 'warning' | 'error', component: string, message: string): void;
}

/** A bus access size in bytes. */
export type AccessSize = 1 | 2 | 4;

/**
 * A device's face to the bus. `offset` is relative to the start of the device's window; values are
 * unsigned. The bus splits eight-byte accesses into two of four bytes, low half first. Neither method
 * throws: bad offsets and sizes read as zero and ignore writes unless the chip's manual says otherwise.
 */
export interface MmioDevice {
  read(offset: number, size: AccessSize): number;
  write(offset: number, size: AccessSize, value: number): void;
}

/**
 * Guest-physical memory as devices with DMA see it: RAM only. Addresses are integers below 2^52.
 * `false` or `undefined` means that part of the range is not RAM; nothing was transferred then.
 */
export interface DmaMemory {
  /** Live bytes of [address, address + length), or undefined when not wholly RAM. */
  view(address: number, length: number): Uint8Array | undefined;
}

/** What a component saves: plain data that structured clone can carry, with a version. */
export interface SavedState {
  readonly version: number;
  readonly [field: string]: SavedValue;
}
export type SavedValue =
  | number
  | string
  | boolean
  | bigint
  | null
  | Uint8Array
  | readonly SavedValue[]
  | { readonly [field: string]: SavedValue };

/** A component with guest-visible state. Restoring what was saved gives the same behaviour. */
export interface Stateful {
  saveState(): SavedState;
  /** @throws {RangeError} when `state` has another version or does not fit this component. */
  restoreState(state: SavedState): void;
}
