/**
 * The memory that test programs see, at the same addresses in our machine and in the oracle (QEMU's user
 * mode): code that can be read and executed, scratch that can be read and written, nothing else.
 */
import { RandomWords } from '../fp/hard-operands.ts';

const PAGE = 0x1000;

/** Guest RAM of the bare machine; what EL0 does not see lies at its end. */
export const RAM_BASE = 0x5000_0000;
export const RAM_BYTES = 0x20_0000;

export const CODE_BASE = RAM_BASE;
export const CODE_BYTES = 64 * PAGE;

/**
 * Programs stand side by side in slots of this size, so that a batch is written once. They begin in the middle
 * of a slot's size: the last slot of every page reaches into the next page.
 */
export const SLOT_WORDS = 32;
export const SLOT_BYTES = SLOT_WORDS * 4;
const FIRST_SLOT = SLOT_BYTES / 2;
export const SLOTS = CODE_BYTES / SLOT_BYTES - 1;
const SLOTS_PER_PAGE = PAGE / SLOT_BYTES;

export const SCRATCH_BASE = RAM_BASE + 0x10_0000;
export const SCRATCH_BYTES = 4 * PAGE;

/** Exception vectors and translation tables of the bare machine; EL1 only. */
export const VECTORS_BASE = RAM_BASE + 0x1f_0000;
export const TABLES_BASE = RAM_BASE + 0x1f_8000;

/** Value of TPIDR_EL0 when a program starts. */
export const THREAD_ID = 0x0123_4567_89ab_cdefn;

/** Every program ends in this BRK, and the rest of its slot is filled with it. */
export const END_WORD = 0xd420_0000 | (0xe0d << 5);

export function slotAddress(slot: number): number {
  return CODE_BASE + FIRST_SLOT + slot * SLOT_BYTES;
}

/** The slot that starts at an address. */
export function slotAt(address: bigint): number {
  return (Number(address) - CODE_BASE - FIRST_SLOT) / SLOT_BYTES;
}

/** Whether a slot lies in two pages. */
export function crossesPages(slot: number): boolean {
  return slot % SLOTS_PER_PAGE === SLOTS_PER_PAGE - 1;
}

const SCRATCH_SEED = 0x5eed;

/** What scratch memory holds before every program. */
export function initialScratch(): Uint8Array<ArrayBuffer> {
  const random = new RandomWords(SCRATCH_SEED);
  return new Uint8Array(Uint32Array.from({ length: SCRATCH_BYTES / 4 }, () => random.next()).buffer);
}
