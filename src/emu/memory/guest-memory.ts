/**
 * The one linear memory of a machine: the engine's area (see layout/) below, guest RAM above.
 * Guest RAM is one contiguous block of guest-physical addresses.
 */
import type { DmaMemory } from '../base/ports.ts';

export class GuestMemory implements DmaMemory {
  readonly memory: WebAssembly.Memory;
  /** Guest-physical address of the first byte of RAM. */
  readonly ramBase: number;
  readonly ramSize: number;
  /** Offset of guest RAM in the linear memory. */
  readonly ramOffset: number;
  private readonly bytes: Uint8Array;

  constructor(memory: WebAssembly.Memory, ramBase: number, ramSize: number, ramOffset: number) {
    this.memory = memory;
    this.ramBase = ramBase;
    this.ramSize = ramSize;
    this.ramOffset = ramOffset;
    this.bytes = new Uint8Array(memory.buffer, ramOffset, ramSize);
  }

  /** Offset in the linear memory of a guest-physical range, or -1 when it is not wholly RAM. */
  offsetOf(address: number, length: number): number {
    const start = address - this.ramBase;
    return start >= 0 && start + length <= this.ramSize ? this.ramOffset + start : -1;
  }

  view(address: number, length: number): Uint8Array | undefined {
    const start = address - this.ramBase;
    if (start < 0 || length < 0 || start + length > this.ramSize) return undefined;
    return this.bytes.subarray(start, start + length);
  }
}
