/**
 * What a user program can see of its processor, as 64-bit words in one array. The oracle's program reads and
 * writes the same layout.
 */
import { SCRATCH_BASE } from './arena.ts';

const GENERAL_REGISTERS = 31;
const VECTOR_REGISTERS = 32;

/** Index of each part in the array; V registers take two words, the low one first. */
export const STATE = { X: 0, SP: 31, PC: 32, NZCV: 33, FPCR: 34, FPSR: 35, V: 36 } as const;
export const STATE_WORDS = STATE.V + 2 * VECTOR_REGISTERS;

export type ProcessorState = BigUint64Array<ArrayBuffer>;

export function newState(): ProcessorState {
  return new BigUint64Array(STATE_WORDS);
}

/** Names of the words, in order: x0 … x30, sp, …, v0, v0h, v1, … */
export const WORD_NAMES: readonly string[] = [
  ...Array.from({ length: GENERAL_REGISTERS }, (_, i) => `x${i}`),
  'sp',
  'pc',
  'nzcv',
  'fpcr',
  'fpsr',
  ...Array.from({ length: VECTOR_REGISTERS }, (_, i) => [`v${i}`, `v${i}h`]).flat(),
];

/** How a program ended, in the terms of the signal that Linux sends for it. */
export type End =
  /** A BRK; the program's own end is one, too. */
  | 'trap'
  /** An access or fetch where nothing is mapped, or without permission. */
  | 'segv'
  /** A misaligned access that must be aligned, or a misaligned PC. */
  | 'bus'
  /** Not an instruction, or not one for EL0. */
  | 'ill'
  /** Used up its fuel. */
  | 'timeout'
  /** Took another exception. */
  | 'other';

export interface Outcome {
  readonly end: End;
  /** Where the access went that ended the program; 0 for other ends. */
  readonly address: bigint;
  readonly state: ProcessorState;
  /** Changed 64-bit words of scratch memory: offset and value, ascending. */
  readonly memory: readonly (readonly [offset: number, value: bigint])[];
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** QC, IDC, IXC, UFC, OFC, DZC, IOC: the others belong to AArch32, which the oracle's CPU has. */
const FPSR_BITS = 0x0800_009fn;
/** AHP, DN, FZ, RMode, FZ16: the oracle's CPU also has AArch32's fields. */
const FPCR_BITS = 0x07c8_0000n;
/** The oracle's host reports an access that reaches this far as one to address zero. */
const REPORTED_LIMIT = (1n << 47n) - 64n;
/** Memory that a faulting store may have written in part (Arm ARM B2.2.1), as bytes around the fault. */
const PARTIAL_BYTES = 64;

/**
 * Lines "name: ours a, expected b" for everything that differs; none when the outcomes agree. Allows what the
 * architecture leaves open after a fault.
 */
export function outcomeDifferences(ours: Outcome, expected: Outcome): string[] {
  const lines: string[] = [];
  const compare = (name: string, a: bigint | string, b: bigint | string) => {
    if (a === b) return;
    const text = (v: bigint | string) => (typeof v === 'string' ? v : hex(v));
    lines.push(`${name}: ours ${text(a)}, expected ${text(b)}`);
  };
  // A misaligned PC is reported before what is wrong with its page (D1.3.5); the oracle looks at the page first.
  const misalignedPc = ours.end === 'bus' && ((ours.state[STATE.PC] ?? 0n) & 3n) !== 0n;
  if (!(misalignedPc && expected.end === 'segv')) compare('end', ours.end, expected.end);
  const reported = ours.address < REPORTED_LIMIT ? ours.address : 0n;
  if (ours.end === expected.end && expected.address !== ours.address)
    compare('address', reported, expected.address);
  WORD_NAMES.forEach((name, i) => {
    const [our, their] = [ours.state[i] ?? 0n, expected.state[i] ?? 0n];
    if (our === their) return;
    const mask = i === STATE.FPSR ? FPSR_BITS : i === STATE.FPCR ? FPCR_BITS : -1n;
    // A load of several vector registers that faults leaves them UNKNOWN.
    if (i >= STATE.V && ours.end === 'segv') return;
    compare(name, our & mask, their & mask);
  });
  const ourMemory = new Map(ours.memory);
  const theirMemory = new Map(expected.memory);
  for (const offset of new Set([...ourMemory.keys(), ...theirMemory.keys()])) {
    const fault = Number(ours.address) - SCRATCH_BASE;
    if (ours.end === 'segv' && Math.abs(offset - fault) <= PARTIAL_BYTES) continue;
    const word = (memory: Map<number, bigint>) => memory.get(offset) ?? 'unchanged';
    compare(`memory+0x${offset.toString(16)}`, word(ourMemory), word(theirMemory));
  }
  return lines;
}
