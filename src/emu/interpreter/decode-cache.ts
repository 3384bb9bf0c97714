/**
 * Decoded pages: for each 4 KiB page of RAM that runs code, 1024 records and one that leads on to the next
 * page. Records are decoded when first executed.
 *
 * Invariant: a record that is not HANDLER_DECODE was decoded from the word in `words`, and that word was in
 * RAM at some time since software last announced a change (IC IVAU on its line, or IC IALLU, after which
 * the page is compared with RAM before it runs again). Decoding depends on nothing but the word and its
 * offset in the page, so pages are shared by all translation contexts and exception levels.
 */
import type { Decoder } from '../isa/decoder.ts';
import type { RawFields, Row } from '../isa/row.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  DECODED_AREA,
  DECODED_PAGE_SIZE,
  DECODED_PAGES,
  FETCH_AREA,
  FETCH_ARRAY_SIZE,
  FETCH_ENTRY_SIZE,
  HEAT_AREA,
  RECORD_SIZE,
  RECORDS_PER_PAGE,
  TLB_BANKS,
} from '../layout/memory-map.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { choose } from './handler.ts';
import type { HandlerTable } from './handler-table.ts';
import { HANDLER_DECODE, HANDLER_PAGE_END } from './interpreter-module.ts';
import { registerFieldOffset } from './record.ts';

const PAGE_SIZE = 4096;
const WORD = 4;
/** Records decoded at once: a straight run up to the next branch, at most this many. */
const RUN_LENGTH = 16;
/** Records by word, for words that come again. */
const MAX_IMAGES = 1 << 16;
const RECORD_WORDS = RECORD_SIZE / 4;
/** A tag that no lookup asks for: fetch addresses have bits 1:0 clear. */
const NO_TAG = 0xffffffff;
/** The last decoded page is set aside for instructions that run alone. */
const LONE_PAGE = DECODED_PAGES - 1;
const COLDEST = 255;

/** A decoded record that can be copied; a branch's depends on whether its target is in the same page. */
interface RecordImage {
  readonly record: Uint32Array;
  readonly distance: number;
  readonly near: boolean;
}

export class DecodeCache {
  private readonly memory: GuestMemory;
  private readonly handlers: HandlerTable;
  private readonly decoder: Decoder;
  private readonly words32: Uint32Array;
  private readonly words16: Uint16Array;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly images = new Map<number, RecordImage>();
  /** Branches that reach a record before it counts as hot, 1 … 255, for pages decoded from now on. */
  heat = 255;
  /** RAM page number → decoded page + 1. */
  private readonly pageOf: Uint16Array;
  /** Decoded page → RAM page number, or −1. */
  private readonly ramPage = new Int32Array(DECODED_PAGES).fill(-1);
  /** The words that were decoded, a page's worth for each decoded page, allocated when used. */
  private readonly words: (Uint32Array | undefined)[] = new Array(DECODED_PAGES).fill(undefined);
  /** Generation in which a page was last known to agree with RAM. */
  private readonly checkedIn = new Uint32Array(DECODED_PAGES);
  /** Decoded pages that translated code was made from. */
  private readonly translated = new Uint8Array(DECODED_PAGES);
  /** Called when records of such a page are forgotten: [first, last) as byte offsets in the page. */
  onForget: (records: number, first: number, last: number) => void = () => {};
  private generation = 1;
  private nextVictim = 0;
  /** Pages decoded so far, counting again those that were evicted. */
  pagesDecoded = 0;

  constructor(memory: GuestMemory, handlers: HandlerTable, decoder: Decoder) {
    this.memory = memory;
    this.decoder = decoder;
    this.handlers = handlers;
    const { buffer } = memory.memory;
    this.words32 = new Uint32Array(buffer);
    this.words16 = new Uint16Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.pageOf = new Uint16Array(Math.ceil(memory.ramSize / PAGE_SIZE));
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
    const words = (this.words[slot] ??= new Uint32Array(RECORDS_PER_PAGE));
    const first = (record - records) / RECORD_SIZE;
    const end = Math.min(first + RUN_LENGTH, RECORDS_PER_PAGE);
    for (let index = first; index < end; index++) {
      const at = records + index * RECORD_SIZE;
      if (index > first && this.words16[at >> 1] !== HANDLER_DECODE) return;
      const word = this.words32[(page >> 2) + index] ?? 0;
      words[index] = word;
      if (!this.write(at, index * WORD, word)) return;
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
    const words = (this.words[LONE_PAGE] ??= new Uint32Array(RECORDS_PER_PAGE));
    words[offset / WORD] = word;
    this.write(records + (offset / WORD) * RECORD_SIZE, offset, word);
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
    if (this.words16[(records + (offset / WORD) * RECORD_SIZE) >> 1] === HANDLER_DECODE) return undefined;
    return this.words[slotOf(records)]?.[offset / WORD];
  }

  /** The words of a decoded page, 0 where nothing has been decoded or what was is no longer valid. */
  decodedWords(records: number): Uint32Array {
    const words = this.words[slotOf(records)]?.slice() ?? new Uint32Array(RECORDS_PER_PAGE);
    for (let i = 0; i < RECORDS_PER_PAGE; i++)
      if (this.words16[(records + i * RECORD_SIZE) >> 1] === HANDLER_DECODE) words[i] = 0;
    return words;
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

  /** The word that a record was decoded from, for messages. */
  wordAt(record: number): number {
    const slot = slotOf(record);
    return this.words[slot]?.[(record - recordsAddress(slot)) / RECORD_SIZE] ?? 0;
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
    const words = this.words[slot];
    for (let i = 0; words && i < RECORDS_PER_PAGE; i++) {
      const record = records + i * RECORD_SIZE;
      const isUnknown = this.words16[record >> 1] === HANDLER_DECODE;
      if (isUnknown || words[i] === this.words32[(page >> 2) + i]) continue;
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

  /** Writes a word's record; gives whether execution may go on with the next one. */
  private write(at: number, offsetInPage: number, word: number): boolean {
    const known = this.images.get(word);
    if (known && (known.distance === 0 || staysInPage(offsetInPage, known.distance) === known.near)) {
      this.words32.set(known.record, at >> 2);
      return known.distance === 0;
    }
    const decoded = this.decoder.decode(word);
    if (!decoded) {
      this.words16[at >> 1] = this.handlers.undefinedHandler;
      return false;
    }
    const { row, fields } = decoded;
    const distance = branchDistance(row, fields);
    const near = distance !== 0 && staysInPage(offsetInPage, distance);
    this.words16[at >> 1] = this.writeOperands(at, row, fields, near);
    if (this.images.size >= MAX_IMAGES) this.images.clear();
    this.images.set(word, { record: this.words32.slice(at >> 2, (at >> 2) + RECORD_WORDS), distance, near });
    return distance === 0;
  }

  /** Puts an instruction's operands into its record and gives its handler. */
  private writeOperands(at: number, row: Row, fields: RawFields, near: boolean): number {
    const { number, slots } = this.handlers.find(row, choose(row, fields), near);
    for (const { kind, offset, source } of slots) {
      if ('register' in source) {
        this.words16[(at + offset) >> 1] = registerFieldOffset(fields, source.register, source.role);
        continue;
      }
      const value = row.operands[source.operand]?.value(fields) ?? 0;
      if (kind === 'u16') this.words16[(at + offset) >> 1] = Number(value);
      else if (kind === 'i64') this.view.setBigInt64(at + offset, BigInt.asIntN(64, BigInt(value)), true);
      else {
        const scale = kind === 'branch' && near ? RECORD_SIZE / WORD : 1;
        this.view.setInt32(at + offset, Number(value) * scale, true);
      }
    }
    return number;
  }
}

/** A direct branch's distance in bytes, 0 for every other instruction (and for a branch to itself, see below). */
function branchDistance(row: Row, fields: RawFields): number {
  for (const name in row.operands) {
    const operand = row.operands[name];
    // A branch to itself counts as one that stays close by.
    if (operand?.kind === 'branch') return Number(operand.value(fields)) || BRANCH_TO_ITSELF;
  }
  return 0;
}
/** Stands for the distance 0, which stays in the page like this one. */
const BRANCH_TO_ITSELF = Number.MIN_VALUE;

function staysInPage(offsetInPage: number, distance: number): boolean {
  const target = offsetInPage + distance;
  return target >= 0 && target < PAGE_SIZE;
}

function slotOf(record: number): number {
  return Math.floor((record - DECODED_AREA) / DECODED_PAGE_SIZE);
}

function recordsAddress(slot: number): number {
  return DECODED_AREA + slot * DECODED_PAGE_SIZE;
}
