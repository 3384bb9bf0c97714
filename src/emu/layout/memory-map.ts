/**
 * The machine's linear memory below guest RAM: who owns which bytes.
 * Page 0 stays empty, so that 0 can mean "no address".
 */
import { assert } from '../base/assert.ts';
import { CPU_STATE_SIZE } from './cpu-state.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** One vCPU's block. Generated code addresses it with constant offsets. */
export const CPU_BLOCK = 0x1000;

/**
 * TLB banks (mmu/tlb.ts): each bank serves one translation context. An entry is 16 bytes:
 * u64 tag (virtual page address, or an impossible value), u32 addend (linear address = low half of the
 * virtual address + addend), u32 flags.
 */
export const TLB_ENTRY_SIZE = 16;
export const TLB_ENTRIES = 8192;
/** Offset of the addend in an entry. */
export const TLB_ADDEND = 8;
export const TLB_ARRAY_SIZE = TLB_ENTRIES * TLB_ENTRY_SIZE;
/** A bank is the read array followed by the write array. */
export const TLB_BANK_SIZE = 2 * TLB_ARRAY_SIZE;
export const TLB_BANKS = 12;
export const TLB_AREA = 0x1_0000;
assert(CPU_BLOCK + CPU_STATE_SIZE <= TLB_AREA, 'the state of a vCPU ends below the TLB banks');

/**
 * Fetch TLB: virtual code page → decoded page. Entries as in the TLB: u64 tag, u32 address of the decoded
 * page's records, u32 unused. One array per TLB bank, of its own size: a boot runs code on 1,700 pages, and missed
 * 74,000 times with 512 entries, 10,000 times with 4,096.
 */
export const FETCH_ENTRIES = 4096;
export const FETCH_ENTRY_SIZE = 16;
/** Offset of the records' address in an entry. */
export const FETCH_RECORDS = 8;
export const FETCH_ARRAY_SIZE = FETCH_ENTRIES * FETCH_ENTRY_SIZE;
export const FETCH_AREA = TLB_AREA + TLB_BANKS * TLB_BANK_SIZE;

/**
 * Decoded pages (interpreter/decode-cache.ts): a record of 16 bytes for each instruction of a 4 KiB page
 * and one more that leads to the next page.
 */
export const RECORD_SIZE = 16;
export const RECORDS_PER_PAGE = 1024;
/** 16 KiB of records, a trailing record and padding to keep pages aligned to their size classes. */
export const DECODED_PAGE_SIZE = (RECORDS_PER_PAGE + 4) * RECORD_SIZE;
/** A boot to a shell uses 1,700, Debian with systemd several times as many; memory is taken when a page is used. */
export const DECODED_PAGES = 4096;
export const DECODED_AREA = FETCH_AREA + TLB_BANKS * FETCH_ARRAY_SIZE;

/**
 * Handler numbers in records, which are also slots of the machine's table of functions: the interpreter's own
 * below, translated regions from here on.
 */
export const FIRST_REGION_HANDLER = 0x8000;
export const HANDLER_SLOTS = 0x1_0000;

/**
 * How often a record may still be reached by a branch before it counts as hot: one byte a record,
 * counted down by the interpreter.
 */
export const HEAT_AREA = DECODED_AREA + DECODED_PAGES * DECODED_PAGE_SIZE;
export const HEAT_SIZE = (DECODED_PAGES * DECODED_PAGE_SIZE) / RECORD_SIZE;

/** The words that the records were decoded from, 4 KiB a decoded page: what translators read. */
export const DECODED_WORDS_AREA = Math.ceil((HEAT_AREA + HEAT_SIZE) / (4 * KIB)) * 4 * KIB;
const DECODED_WORDS_SIZE = DECODED_PAGES * 4 * KIB;

/** Tables for CRC32 and CRC32C (isa/crc): eight of 256 words for each polynomial. */
export const CRC_TABLE_SIZE = 256 * 4;
export const CRC_TABLES_EACH = 8;
export const CRC_AREA = DECODED_WORDS_AREA + DECODED_WORDS_SIZE;
export const CRC_SIZE = 2 * CRC_TABLES_EACH * CRC_TABLE_SIZE;

/** Vectors that instructions use as tables (isa/vector-tables), 16 bytes each. */
export const VECTOR_TABLES_AREA = CRC_AREA + CRC_SIZE;
export const VECTOR_TABLES_SIZE = 16 * 16;

/**
 * For each page of guest RAM the number of its decoded page + 1, or 0, in 16 bits: generated code asks whether
 * instructions of a page have been decoded.
 */
export const DECODED_PAGE_NUMBERS_AREA = VECTOR_TABLES_AREA + VECTOR_TABLES_SIZE;
/** 32-bit addresses reach fewer pages. */
const MOST_RAM_PAGES = (3 * 1024 * MIB) / (4 * KIB);
const DECODED_PAGE_NUMBERS_SIZE = 2 * MOST_RAM_PAGES;

/** How many answers the translation thread has posted, in 32 bits: a sign that reaches a thread which is busy. */
export const POSTED_ANSWERS = DECODED_PAGE_NUMBERS_AREA + DECODED_PAGE_NUMBERS_SIZE;
const POSTED_ANSWERS_SIZE = 4;

/** Where guest RAM starts: aligned to 2 MiB so that host huge pages can serve it. */
export const RAM_OFFSET = Math.ceil((POSTED_ANSWERS + POSTED_ANSWERS_SIZE) / (2 * MIB)) * 2 * MIB;

/** Pages of 64 KiB for a machine with `ramSize` bytes of RAM. */
export function wasmPagesFor(ramSize: number): number {
  return Math.ceil((RAM_OFFSET + ramSize) / (64 * KIB));
}
