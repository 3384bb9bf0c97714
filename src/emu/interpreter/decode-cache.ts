/**
 * Decoded pages: for each 4 KiB page of RAM that runs code, 1024 records and one that leads on to the next
 * page. Records are decoded when first executed.
 *
 * Invariant: a record that is not HANDLER_DECODE was decoded from the word beside it in DECODED_WORDS_AREA, and that word was in
 * RAM at some time since software last announced a change (IC IVAU on its line, or IC IALLU, after which
 * the page is compared with RAM before it runs again). Decoding depends on nothing but the word and its
 * offset in the page, so pages are shared by all translation contexts and exception levels.
 */
import type { Decoder } from '../isa/decoder.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  DECODED_AREA,
  DECODED_PAGE_NUMBERS_AREA,
  DECODED_PAGE_SIZE,
  DECODED_PAGES,
  DECODED_WORDS_AREA,
  FETCH_AREA,
  FETCH_ARRAY_SIZE,
  FETCH_ENTRY_SIZE,
  HEAT_AREA,
  RECORD_SIZE,
  RECORDS_PER_PAGE,
  TLB_BANKS,
} from '../layout/memory-map.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { HandlerTable } from './handler-table.ts';
import { HANDLER_DECODE, HANDLER_PAGE_END } from './interpreter-module.ts';
import { RecordWriter } from './record-writer.ts';

const PAGE_SIZE = 4096;
const WORD = 4;
/** Records decoded at once: a straight run up to the next branch, at most this many. */
const RUN_LENGTH = 16;
/** A tag that no lookup asks for: fetch addresses have bits 1:0 clear. */
const NO_TAG = -1;
/** The last decoded page is set aside for instructions that run alone. */
const LONE_PAGE = DECODED_PAGES - 1;
const COLDEST = 255;
/** Stands for a word that is no instruction of this CPU: UDF #0, which is none of any (Arm ARM C6.2.387). */
export const NO_INSTRUCTION = 0;

export class DecodeCache {
  private readonly memory: GuestMemory;
  private readonly writer: RecordWriter;
  private readonly words32: Int32Array;
  private readonly words16: Uint16Array;
  private readonly bytes: Uint8Array;
  /** Branches that reach a record before it counts as hot, 1 … 255, for pages decoded from now on. */
  heat = 255;
  /** RAM page number → decoded page + 1. */
  private readonly pageOf: Uint16Array;
  /** Decoded page → RAM page number, or −1. */
  private readonly ramPage = new Int32Array(DECODED_PAGES).fill(-1);
  /** Generation in which a page was last known to agree with RAM. */
  private readonly checkedIn = new Uint32Array(DECODED_PAGES);
  /** Decoded pages that translated code was made from. */
  private readonly translated = new Uint8Array(DECODED_PAGES);
  /** Called when records of such a page are forgotten: [first, last) as byte offsets in the page. */
  onForget: (records: number, first: number, last: number) => void = () => {};
  private readonly undefinedHandler: number;
  private generation = 1;
  private nextVictim = 0;
  /** Pages decoded so far, counting again those that were evicted. */
  pagesDecoded = 0;

  constructor(memory: GuestMemory, handlers: HandlerTable, decoder: Decoder) {
    this.memory = memory;
    this.undefinedHandler = handlers.undefinedHandler;
    const { buffer } = memory.memory;
    this.words32 = new Int32Array(buffer);
    this.words16 = new Uint16Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.writer = new RecordWriter(buffer, handlers, decoder);
    this.pageOf = new Uint16Array(buffer, DECODED_PAGE_NUMBERS_AREA, Math.ceil(memory.ramSize / PAGE_SIZE));
    this.pageOf.fill(0);
    this.forgetFetchEntries();
  }

  /**
   * Address of the records for the RAM page at linear address `page`; makes them when there are none. With
   * `changed` the page may have been written to without notice.
   */
  recordsOf(page: number, changed = false): number {
    const number = (page - this.memory.ramOffset) / PAGE_SIZE;
    const known = this.pageOf[number] ?? 0;
    const slot = known > 0 ? known - 1 : this.claim(number);
    if (changed || this.checkedIn[slot] !== this.generation) this.compareWithRam(slot, page);
    return recordsAddress(slot);
  }

  /** Decodes the record at `record` and the straight run after it. */
  decode(record: number): void {
    const slot = slotOf(record);
    const records = recordsAddress(slot);
    const ramPage = this.ramPage[slot] ?? 0;
    const page = this.memory.ramOffset + ramPage * PAGE_SIZE;
    const words = wordsAddress(slot) >> 2;
    const first = (record - records) / RECORD_SIZE;
    const end = Math.min(first + RUN_LENGTH, RECORDS_PER_PAGE);
    for (let index = first; index < end; index++) {
      const at = records + index * RECORD_SIZE;
      if (index > first && this.words16[at >> 1] !== HANDLER_DECODE) return;
      const word = this.words32[(page >> 2) + index] ?? 0;
      const goesOn = this.writer.write(at, index * WORD, word);
      this.words32[words + index] = this.words16[at >> 1] === this.undefinedHandler ? NO_INSTRUCTION : word;
      if (!goesOn) return;
    }
  }

  /**
   * Decodes the one instruction at the linear address `at` into a page of records in which all others lead out
   * of the page: gives that page's records.
   */
  decodeAlone(at: number): number {
    const records = recordsAddress(LONE_PAGE);
    for (let i = 0; i <= RECORDS_PER_PAGE; i++)
      this.words16[(records + i * RECORD_SIZE) >> 1] = HANDLER_PAGE_END;
    const heat = HEAT_AREA + (records - DECODED_AREA) / RECORD_SIZE;
    this.bytes.fill(COLDEST, heat, heat + RECORDS_PER_PAGE + 1);
    const offset = at % PAGE_SIZE;
    const word = this.words32[at >> 2] ?? 0;
    this.words32[(wordsAddress(LONE_PAGE) + offset) >> 2] = word;
    this.writer.write(records + (offset / WORD) * RECORD_SIZE, offset, word);
    return records;
  }

  /** IC IVAU: instructions in [address, address + bytes) of guest-physical memory may have changed. */
  invalidatePhysicalLine(address: number, bytes: number): void {
    const offset = address - this.memory.ramBase;
    const slot = (this.pageOf[Math.floor(offset / PAGE_SIZE)] ?? 0) - 1;
    if (slot < 0) return;
    this.words32[(CPU_BLOCK + CPU.CODE_CHANGED) >> 2] = 1;
    const first = recordsAddress(slot) + ((offset % PAGE_SIZE) / WORD) * RECORD_SIZE;
    for (let at = first; at < first + (bytes / WORD) * RECORD_SIZE; at += RECORD_SIZE) this.reset(at);
    if (this.translated[slot])
      this.onForget(recordsAddress(slot), offset % PAGE_SIZE, (offset % PAGE_SIZE) + bytes);
  }

  /** IC IALLU: every page is compared with RAM before it runs again. */
  invalidateAll(): void {
    this.generation++;
    this.words32[(CPU_BLOCK + CPU.CODE_CHANGED) >> 2] = 1;
    this.forgetFetchEntries();
  }

  /** The word of an instruction that has been decoded and is still valid, at a byte offset of a decoded page. */
  decodedWord(records: number, offset: number): number | undefined {
    return decodedWord(this.words16, this.words32, records, offset);
  }

  /** Those of a whole page, NO_INSTRUCTION where there is none. */
  decodedWords(records: number): Int32Array {
    return Int32Array.from(
      { length: RECORDS_PER_PAGE },
      (_, i) => this.decodedWord(records, i * WORD) ?? NO_INSTRUCTION,
    );
  }

  /** Says that translated code was made from a decoded page; `onForget` reports changes of it from now on. */
  markTranslated(records: number): void {
    this.translated[slotOf(records)] = 1;
  }

  handlerAt(record: number): number {
    return this.words16[record >> 1] ?? HANDLER_DECODE;
  }

  /** Puts a region's number at its entry's record. */
  setHandler(record: number, handler: number): void {
    this.words16[record >> 1] = handler;
  }

  /** The word in RAM where a record's instruction is, for messages. */
  wordAt(record: number): number {
    const slot = slotOf(record);
    const page =
      slot === LONE_PAGE ? wordsAddress(slot) : this.memory.ramOffset + (this.ramPage[slot] ?? 0) * PAGE_SIZE;
    return (this.words32[(page >> 2) + (record - recordsAddress(slot)) / RECORD_SIZE] ?? 0) >>> 0;
  }

  private forgetFetchEntries(): void {
    for (let at = FETCH_AREA; at < FETCH_AREA + TLB_BANKS * FETCH_ARRAY_SIZE; at += FETCH_ENTRY_SIZE) {
      this.words32[at >> 2] = NO_TAG;
      this.words32[(at >> 2) + 1] = NO_TAG;
    }
  }

  private claim(ramPage: number): number {
    const slot = this.nextVictim;
    this.nextVictim = (slot + 1) % LONE_PAGE;
    const evicted = this.ramPage[slot] ?? -1;
    if (evicted >= 0) {
      if (this.translated[slot]) this.onForget(recordsAddress(slot), 0, PAGE_SIZE);
      this.translated[slot] = 0;
      this.pageOf[evicted] = 0;
      this.forgetFetchEntries();
    }
    this.ramPage[slot] = ramPage;
    this.pageOf[ramPage] = slot + 1;
    this.checkedIn[slot] = this.generation;
    this.pagesDecoded++;
    const records = recordsAddress(slot);
    // Memory that was never used is zero: HANDLER_DECODE, and touching it would cost page faults.
    if (evicted >= 0) this.bytes.fill(HANDLER_DECODE, records, records + RECORDS_PER_PAGE * RECORD_SIZE);
    const heat = HEAT_AREA + (records - DECODED_AREA) / RECORD_SIZE;
    this.bytes.fill(this.heat, heat, heat + RECORDS_PER_PAGE);
    this.words16[(records + RECORDS_PER_PAGE * RECORD_SIZE) >> 1] = HANDLER_PAGE_END;
    return slot;
  }

  private compareWithRam(slot: number, page: number): void {
    const records = recordsAddress(slot);
    for (let i = 0; i < RECORDS_PER_PAGE; i++) {
      const record = records + i * RECORD_SIZE;
      const isUnknown = this.words16[record >> 1] === HANDLER_DECODE;
      if (isUnknown || this.decodedWord(records, i * WORD) === this.words32[(page >> 2) + i]) continue;
      this.reset(record);
      if (this.translated[slot]) this.onForget(records, i * WORD, (i + 1) * WORD);
    }
    this.checkedIn[slot] = this.generation;
  }

  /** Forgets a record; what takes its place starts cold. */
  reset(record: number): void {
    this.words16[record >> 1] = HANDLER_DECODE;
    this.bytes[HEAT_AREA + (record - DECODED_AREA) / RECORD_SIZE] = this.heat;
  }
}

function slotOf(record: number): number {
  return Math.floor((record - DECODED_AREA) / DECODED_PAGE_SIZE);
}

function wordsAddress(slot: number): number {
  return DECODED_WORDS_AREA + slot * PAGE_SIZE;
}

/**
 * The word that the record for a byte offset of a decoded page was made from; undefined when it has not been
 * decoded, NO_INSTRUCTION when it is unallocated. Any thread may ask: what it sees may be out of date.
 */
export function decodedWord(
  words16: Uint16Array,
  words32: Int32Array,
  records: number,
  offset: number,
): number | undefined {
  const isUnknown = words16[(records + (offset / WORD) * RECORD_SIZE) >> 1] === HANDLER_DECODE;
  return isUnknown ? undefined : words32[(wordsAddress(slotOf(records)) + offset) >> 2];
}

function recordsAddress(slot: number): number {
  return DECODED_AREA + slot * DECODED_PAGE_SIZE;
}
