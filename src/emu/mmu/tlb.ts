/**
 * TLB banks in linear memory: one bank for each translation context, so that switching contexts changes a
 * pointer and flushes nothing. A bank holds a read array, a write array and the fetch
 * array that the decode cache fills; layout/memory-map.ts has the format.
 *
 * Contexts. A bank for EL0 belongs to (regime, both table bases, ASID). A bank for EL1 belongs to (regime,
 * TTBR1 base, PAN) and outlives process switches: its entries from the low half and its non-global ones, the
 * dependents, are remembered and dropped when it is selected under another TTBR0 or ASID.
 * Invariant: an entry is only ever used in the context it was walked in, except global high-half entries,
 * which the architecture lets every ASID share. TLBI may drop more than it names, never less.
 */
import {
  FETCH_ARRAY_SIZE,
  FETCH_ENTRIES,
  FETCH_ENTRY_SIZE,
  TLB_ARRAY_SIZE,
  TLB_BANK_SIZE,
  TLB_BANKS,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
} from '../layout/memory-map.ts';

/** Where one vCPU's banks are. */
export interface TlbPlacement {
  readonly tlb: number;
  readonly fetch: number;
}

export const PAGE_BITS = 12;
const PAGE_MASK = 0xfff;
/** Tag of an empty entry: no page address has low bits set. */
const EMPTY_TAG = -1;
const EMPTY_BYTE = 0xff;
/** Bits 55:32 of an address, in its high half: the top byte may be a tag and does not count for TLBI. */
const TAGLESS_HI = 0xffffff;
const PAGES_PER_WORD = 2 ** (32 - PAGE_BITS);
const MAX_DEPENDENTS = 256;
/** More blocks than this and it is time to drop everything, so that the set stays small. */
const MAX_BLOCKS = 4096;
const BLOCK_KEY_SIZES = 64;

export type BankKind = 'el0' | 'el1' | 'el1-pan' | 'flat';

/** What tells contexts apart; `low` matters to EL1 only for the dependents. */
export interface BankContext {
  readonly kind: BankKind;
  readonly signature: string;
  readonly lowBase: number;
  readonly highBase: number;
  readonly asid: number;
}

export class TlbBank {
  readonly index: number;
  /** Linear-memory addresses of the arrays. */
  readonly read: number;
  readonly write: number;
  readonly fetch: number;
  context: BankContext | undefined = undefined;
  lastUsed = 0;
  /** Slots with entries that depend on TTBR0 or the ASID (EL1 banks). */
  readonly dependents = new Uint16Array(MAX_DEPENDENTS);
  dependentCount = 0;
  /** The fetch array may hold dependents. */
  fetchDependent = false;

  constructor(index: number, placement: TlbPlacement) {
    this.index = index;
    this.read = placement.tlb + index * TLB_BANK_SIZE;
    this.write = this.read + TLB_ARRAY_SIZE;
    this.fetch = placement.fetch + index * FETCH_ARRAY_SIZE;
  }

  noteDependent(vaLo: number): void {
    const slot = (vaLo >>> PAGE_BITS) & (TLB_ENTRIES - 1);
    if (this.dependentCount < MAX_DEPENDENTS) this.dependents[this.dependentCount] = slot;
    this.dependentCount++;
  }
}

export class TlbBanks {
  /** A bank without a single entry, ever: for contexts that are not resolved yet. */
  readonly empty: TlbBank;
  private readonly banks: TlbBank[] = [];
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private clock = 0;
  /** Blocks (mappings larger than the largest granule seen) from which entries were made: size and number. */
  private readonly blocks = new Set<number>();
  private readonly blockSizes: number[] = [];
  /** log2 of the largest page seen: each TLBI by address covers one such page. */
  private pageBits = PAGE_BITS;

  constructor(memory: WebAssembly.Memory, placement: TlbPlacement) {
    this.words = new Int32Array(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
    for (let index = 0; index < TLB_BANKS - 1; index++) this.banks.push(new TlbBank(index, placement));
    this.empty = new TlbBank(TLB_BANKS - 1, placement);
    for (const bank of [...this.banks, this.empty]) this.clear(bank);
  }

  /** The bank of a context, emptied if it had to be taken from another one. `pinned` ones stay. */
  select(context: BankContext, pinned: readonly (TlbBank | undefined)[]): TlbBank {
    let victim: TlbBank | undefined;
    for (const bank of this.banks) {
      if (bank.context && sameBank(bank.context, context)) return this.reselect(bank, context);
      const age = bank.context ? bank.lastUsed : -1;
      const best = victim?.context ? victim.lastUsed : -1;
      if ((!victim || age < best) && !pinned.includes(bank)) victim = bank;
    }
    this.clear(victim!);
    victim!.context = context;
    victim!.lastUsed = ++this.clock;
    return victim!;
  }

  private reselect(bank: TlbBank, context: BankContext): TlbBank {
    const before = bank.context!;
    if (before.lowBase !== context.lowBase || before.asid !== context.asid) this.dropDependents(bank);
    bank.context = context;
    bank.lastUsed = ++this.clock;
    return bank;
  }

  /** Linear address of a byte by the array at `array`, or 0 on a miss. */
  probe(array: number, vaLo: number, vaHi: number): number {
    const at = (array + ((vaLo >>> PAGE_BITS) & (TLB_ENTRIES - 1)) * TLB_ENTRY_SIZE) >>> 2;
    if (this.words[at] !== (vaLo & ~PAGE_MASK) || this.words[at + 1] !== (vaHi | 0)) return 0;
    return (vaLo + this.words[at + 2]!) >>> 0;
  }

  /** Enters a page of RAM at `linearPage`; `mappingBits` is the size of the mapping it comes from. */
  install(
    bank: TlbBank,
    writable: boolean,
    vaLo: number,
    vaHi: number,
    linearPage: number,
    mappingBits: number,
  ): void {
    const slot = (vaLo >>> PAGE_BITS) & (TLB_ENTRIES - 1);
    const at = ((writable ? bank.write : bank.read) + slot * TLB_ENTRY_SIZE) >>> 2;
    const page = vaLo & ~PAGE_MASK;
    this.words[at] = page;
    this.words[at + 1] = vaHi;
    this.words[at + 2] = linearPage - page;
    this.words[at + 3] = mappingBits;
  }

  /** Notes the mapping that entries of a page come from, for TLBI. */
  noteMapping(vaLo: number, vaHi: number, mappingBits: number): void {
    if (mappingBits === PAGE_BITS) return;
    if (mappingBits <= 16) {
      this.pageBits = Math.max(this.pageBits, mappingBits);
      return;
    }
    if (!this.blockSizes.includes(mappingBits)) this.blockSizes.push(mappingBits);
    this.blocks.add(blockKey(vaLo, vaHi, mappingBits));
  }

  /** Time to call `invalidateAll`: TLBI by address would have to look for too many blocks. */
  get crowded(): boolean {
    return this.blocks.size >= MAX_BLOCKS;
  }

  /** Forgets every context. The caller selects its banks anew. */
  invalidateAll(): void {
    for (const bank of this.banks) bank.context = undefined;
    this.blocks.clear();
  }

  /** Forgets what depends on an ASID. The caller selects its banks anew. */
  invalidateAsid(matches: (asid: number) => boolean): void {
    for (const bank of this.banks) {
      if (!bank.context || !matches(bank.context.asid)) continue;
      if (bank.context.kind === 'el0') bank.context = undefined;
      else this.dropDependents(bank);
    }
  }

  /** Forgets a virtual address in every context, with the whole page or block that mapped it. */
  invalidateAddress(vaLo: number, vaHi: number): void {
    const first = vaLo & -(1 << this.pageBits);
    const pages = 1 << (this.pageBits - PAGE_BITS);
    for (const bank of this.banks) {
      if (!bank.context) continue;
      for (let page = 0; page < pages; page++) this.dropPage(bank, first + (page << PAGE_BITS), vaHi);
    }
    for (const size of this.blockSizes) {
      if (this.blocks.delete(blockKey(vaLo, vaHi, size))) this.dropBlock(vaLo, vaHi, size);
    }
  }

  private dropPage(bank: TlbBank, vaLo: number, vaHi: number): void {
    const slot = ((vaLo >>> PAGE_BITS) & (TLB_ENTRIES - 1)) * TLB_ENTRY_SIZE;
    this.dropEntry((bank.read + slot) >>> 2, vaLo, vaHi);
    this.dropEntry((bank.write + slot) >>> 2, vaLo, vaHi);
    const fetchSlot = ((vaLo >>> PAGE_BITS) & (FETCH_ENTRIES - 1)) * FETCH_ENTRY_SIZE;
    this.dropEntry((bank.fetch + fetchSlot) >>> 2, vaLo, vaHi);
  }

  private dropEntry(at: number, vaLo: number, vaHi: number): void {
    const words = this.words;
    if (words[at] === vaLo && ((words[at + 1]! ^ vaHi) & TAGLESS_HI) === 0) words[at] = EMPTY_TAG;
  }

  private dropBlock(vaLo: number, vaHi: number, sizeBits: number): void {
    const key = blockKey(vaLo, vaHi, sizeBits);
    for (const bank of this.banks) {
      if (!bank.context) continue;
      this.dropBlockFrom(bank.read, TLB_ENTRIES, key, sizeBits);
      this.dropBlockFrom(bank.write, TLB_ENTRIES, key, sizeBits);
      this.dropBlockFrom(bank.fetch, FETCH_ENTRIES, key, sizeBits);
    }
  }

  private dropBlockFrom(array: number, entries: number, key: number, sizeBits: number): void {
    const words = this.words;
    for (let entry = 0; entry < entries; entry++) {
      const at = (array + entry * TLB_ENTRY_SIZE) >>> 2;
      if (words[at] === EMPTY_TAG) continue;
      if (blockKey(words[at]!, words[at + 1]!, sizeBits) === key) words[at] = EMPTY_TAG;
    }
  }

  private dropDependents(bank: TlbBank): void {
    if (bank.dependentCount > MAX_DEPENDENTS) {
      this.clear(bank);
      return;
    }
    for (let i = 0; i < bank.dependentCount; i++) {
      const offset = bank.dependents[i]! * TLB_ENTRY_SIZE;
      this.words[(bank.read + offset) >>> 2] = EMPTY_TAG;
      this.words[(bank.write + offset) >>> 2] = EMPTY_TAG;
    }
    bank.dependentCount = 0;
    if (bank.fetchDependent) this.clearFetch(bank);
  }

  private clear(bank: TlbBank): void {
    this.bytes.fill(EMPTY_BYTE, bank.read, bank.read + TLB_BANK_SIZE);
    bank.dependentCount = 0;
    this.clearFetch(bank);
  }

  private clearFetch(bank: TlbBank): void {
    this.bytes.fill(EMPTY_BYTE, bank.fetch, bank.fetch + FETCH_ARRAY_SIZE);
    bank.fetchDependent = false;
  }
}

/** The same bank serves both contexts, possibly after dropping its dependents. */
function sameBank(a: BankContext, b: BankContext): boolean {
  if (a.kind !== b.kind || a.highBase !== b.highBase || a.signature !== b.signature) return false;
  return a.kind !== 'el0' || (a.lowBase === b.lowBase && a.asid === b.asid);
}

/** Size and number of the block of 2^sizeBits bytes around an address, tag ignored. */
function blockKey(vaLo: number, vaHi: number, sizeBits: number): number {
  const page = (vaHi & TAGLESS_HI) * PAGES_PER_WORD + (vaLo >>> PAGE_BITS);
  return Math.floor(page / 2 ** (sizeBits - PAGE_BITS)) * BLOCK_KEY_SIZES + sizeBits;
}
