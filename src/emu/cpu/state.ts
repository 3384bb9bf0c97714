/**
 * TypeScript's view of one vCPU's state block (layout/cpu-state.ts): 64-bit fields as two signed halves.
 */
import { CPU } from '../layout/cpu-state.ts';
import { CELL_OFFSET, type CellName } from '../layout/system-register-cells.ts';

const WORD = 2 ** 32;
const INSTRUCTION_BYTES = 4;
const REGISTER_BYTES = 8;

/** Offset of the cell of a system register in the block. */
export function cellOffset(name: CellName): number {
  return CPU.SYSTEM_REGISTERS + CELL_OFFSET[name];
}

export class CpuState {
  readonly block: number;
  private readonly words: Int32Array;

  constructor(memory: WebAssembly.Memory, block: number) {
    this.block = block;
    this.words = new Int32Array(memory.buffer);
  }

  /** The word, or low half, of a field. */
  get(offset: number): number {
    return this.words[(this.block + offset) >>> 2]!;
  }

  high(offset: number): number {
    return this.words[((this.block + offset) >>> 2) + 1]!;
  }

  set(offset: number, value: number): void {
    this.words[(this.block + offset) >>> 2] = value;
  }

  setPair(offset: number, lo: number, hi: number): void {
    const at = (this.block + offset) >>> 2;
    this.words[at] = lo;
    this.words[at + 1] = hi;
  }

  copyPair(from: number, to: number): void {
    this.setPair(to, this.get(from), this.high(from));
  }

  increment(offset: number): void {
    this.words[(this.block + offset) >>> 2]!++;
  }

  /** Sets or clears bits of a word that other threads also change. */
  setBits(offset: number, bits: number, on: boolean): void {
    const at = (this.block + offset) >>> 2;
    if (on) Atomics.or(this.words, at, bits);
    else Atomics.and(this.words, at, ~bits);
  }

  /** A field as an unsigned 64-bit value; for cold paths. */
  wide(offset: number): bigint {
    return (BigInt(this.high(offset) >>> 0) << 32n) | BigInt(this.get(offset) >>> 0);
  }

  setWide(offset: number, value: bigint): void {
    this.setPair(offset, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  /** Sets a 64-bit field from an integer below 2^53. */
  setNumber(offset: number, value: number): void {
    this.setPair(offset, value | 0, Math.floor(value / WORD) | 0);
  }

  /** Offset of a slot of the register file. */
  slot(index: number): number {
    return CPU.X + index * REGISTER_BYTES;
  }

  /** PC moves to the next instruction. */
  advance(): void {
    const lo = (this.get(CPU.PC) + INSTRUCTION_BYTES) | 0;
    this.setPair(CPU.PC, lo, this.high(CPU.PC) + (lo >>> 0 < INSTRUCTION_BYTES ? 1 : 0));
  }

  /** Everything but counters and pointers is in here; for saving. */
  bytes(size: number): Uint8Array {
    return new Uint8Array(this.words.buffer, this.block, size);
  }
}

/** A 64-bit value in hexadecimal, from its halves. */
export function hex64(lo: number, hi: number): string {
  const digits = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
  return `0x${digits(hi)}${digits(lo)}`;
}
