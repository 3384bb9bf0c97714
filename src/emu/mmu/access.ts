/**
 * The access word: everything the memory path must know about a data access besides its address, in one
 * i32 that generated code passes as a constant.
 *
 * | bits  | meaning |
 * | 6:0   | total size in bytes, 1 … 64 |
 * | 9:7   | log2 of the alignment the instruction itself demands; 0 = none |
 * | 12:10 | log2 of the size of one element: what SCTLR_ELx.A and Device memory check |
 * | 13    | the access writes |
 * | 14    | the access reads |
 * | 15    | LDTR, STTR and the like: as if from EL0 (unless PSTATE.UAO) |
 * | 16    | cache maintenance by address: ESR.CM, and always reported as a write |
 * | 17    | DC ZVA: on Device memory an alignment fault, wherever it points |
 * | 18    | LDAR, STLR and the like: ordered, but neither exclusive nor atomic
 */

export type Access = number;

const ALIGNMENT_SHIFT = 7;
const ELEMENT_SHIFT = 10;
export const SIZE_MASK = 0x7f;
const LOG2_MASK = 7;
/** Where the alignment is that the instruction demands. */
export const ALIGNMENT_BITS = LOG2_MASK << ALIGNMENT_SHIFT;

export const ACCESS_WRITE = 1 << 13;
export const ACCESS_READ = 1 << 14;
export const ACCESS_UNPRIVILEGED = 1 << 15;
export const ACCESS_CACHE_MAINTENANCE = 1 << 16;
export const ACCESS_ZERO_BLOCK = 1 << 17;
export const ACCESS_ORDERED = 1 << 18;

export interface AccessDescription {
  readonly sizeBytes: number;
  /** Size of one element when the access moves several (LDP, LD4); the whole size by default. */
  readonly elementBytes?: number;
  /** Alignment the instruction demands: exclusives, acquire/release, atomics. */
  readonly alignmentBytes?: number;
  readonly read?: boolean;
  readonly write?: boolean;
  readonly unprivileged?: boolean;
  readonly ordered?: boolean;
}

function log2(value: number): number {
  return 31 - Math.clz32(value);
}

export function accessWord(d: AccessDescription): Access {
  return (
    d.sizeBytes |
    (log2(d.alignmentBytes ?? 1) << ALIGNMENT_SHIFT) |
    (log2(d.elementBytes ?? d.sizeBytes) << ELEMENT_SHIFT) |
    (d.write ? ACCESS_WRITE : 0) |
    (d.read ? ACCESS_READ : 0) |
    (d.unprivileged ? ACCESS_UNPRIVILEGED : 0) |
    (d.ordered ? ACCESS_ORDERED : 0)
  );
}

/** A plain load of `sizeBytes`. */
export function loadAccess(sizeBytes: number, elementBytes = sizeBytes): Access {
  return accessWord({ sizeBytes, elementBytes, read: true });
}

/** A plain store of `sizeBytes`. */
export function storeAccess(sizeBytes: number, elementBytes = sizeBytes): Access {
  return accessWord({ sizeBytes, elementBytes, write: true });
}

/**
 * DC ZVA: a write of the aligned block around the address. Faults report the address as the instruction gave
 * it; `rmwAddress` returns the start of the block.
 */
export const ZERO_BLOCK_BYTES = 64;
export const ZERO_BLOCK_ACCESS: Access = ZERO_BLOCK_BYTES | ACCESS_WRITE | ACCESS_ZERO_BLOCK;

/** For `probe`: bytes in bits 11:0, and whether they are to be written. */
export function probeWord(bytes: number, writes: boolean): Access {
  return bytes | (writes ? ACCESS_WRITE : ACCESS_READ);
}
export const PROBE_BYTES = 0xfff;

export function sizeOf(access: Access): number {
  return access & SIZE_MASK;
}

/** Mask of the low address bits that the instruction itself demands to be zero. */
export function instructionAlignmentMask(access: Access): number {
  return (1 << ((access >> ALIGNMENT_SHIFT) & LOG2_MASK)) - 1;
}

/** Mask of the low address bits that must be zero for the elements to be aligned. */
export function elementAlignmentMask(access: Access): number {
  return (1 << ((access >> ELEMENT_SHIFT) & LOG2_MASK)) - 1;
}

/** Bytes of one element. */
export function elementSizeOf(access: Access): number {
  return 1 << ((access >> ELEMENT_SHIFT) & LOG2_MASK);
}
