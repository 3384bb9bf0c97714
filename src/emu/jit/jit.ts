/**
 * When and where translated code runs: takes hot records from the interpreter, grows and compiles regions, puts
 * them into the handler table, and takes them out when the code they were made from changes.
 *
 * A region is reached through its entry's record, whose handler number names it. So there are no links to
 * undo: whoever jumps, calls or returns looks at the record.
 */

import type { Clock, Log } from '../base/ports.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  DECODED_AREA,
  DECODED_PAGE_SIZE,
  FETCH_ENTRIES,
  FETCH_ENTRY_SIZE,
  FIRST_REGION_HANDLER,
  POSTED_ANSWERS,
  RECORD_SIZE,
} from '../layout/memory-map.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { IMPORT_MODULE } from '../wasm/module-builder.ts';
import { JumpTargets } from './jump-targets.ts';
import { type CodePage, INSTRUCTION_BYTES, PAGE_BYTES, pageOf } from './region.ts';
import type { DropReason, RegionEvent } from './region-events.ts';
import {
  type Cover,
  hostHasTailCalls,
  type ModuleShape,
  overlaps,
  type TranslatedRegion,
  translate,
} from './translate.ts';
import { TranslationAllowance } from './translation-allowance.ts';
import type {
  RequestedPage,
  TranslationAnswer,
  TranslationRequest,
  Translator,
  TranslatorFactory,
} from './translator.ts';

/** Pages around the entry's that a request takes along, as far as they are mapped. */
const NEIGHBOURS = [0, 1, -1, 2, -2];
/** Instructions in which rounds make a burst: 25 to 100 ms of running guest. */
const PERIOD_INSTRUCTIONS = 25_000_000;
/** In the place of a record's rounds: it has been asked for. */
const REQUESTED = Number.NEGATIVE_INFINITY;
/** Requests under way at once; hotter code asks again later. */
const MAX_PENDING = 48;
/** So many times as hot code must be while translations are scarce. */
const WHEN_SCARCE = 8;
/** Regions alive at once, and bytes of their functions; beyond it the oldest go. */
const MAX_REGIONS = 8000;
const MAX_BYTES = 32 << 20;

/** A place where translated code begins. */
interface Entry {
  readonly record: number;
  /** Virtual address, as the page was mapped when it became hot. */
  readonly address: bigint;
}

interface CompiledRegion {
  readonly number: number;
  readonly address: bigint;
  readonly entryRecord: number;
  /** What the region was made from. */
  readonly covers: readonly Cover[];
  readonly sizeBytes: number;
}

export interface JitOptions {
  /** Branches that reach a record in one round, 1 … 255. */
  readonly heat: number;
  /** Rounds before a record is translated. */
  readonly rounds: number;
  /** Rounds in one period after which it is translated sooner. */
  readonly burst: number;
  /** Translate code that has not run yet, too. */
  readonly eager: boolean;
}

/** First word of the names of regions. */
export const REGION_NAME = 'region';

/** Translate hot code. */
export const NORMAL: JitOptions = { heat: 255, rounds: 128, burst: 32, eager: false };
/** Translate everything at once: for tests. */
export const AT_ONCE: JitOptions = { heat: 1, rounds: 1, burst: 1, eager: true };

export interface JitPorts {
  readonly log: Log;
  /** With it the host's time is spent with care. */
  readonly clock?: Clock | undefined;
  /** Told what becomes of regions. */
  readonly onRegion?: ((event: RegionEvent) => void) | undefined;
}

export class Jit {
  private readonly interpreter: Interpreter;
  private readonly log: Log;
  private readonly options: JitOptions;
  private readonly memory: WebAssembly.Memory;
  private readonly words: Int32Array;
  private readonly shape: ModuleShape;
  private translator: Translator | undefined;
  private readonly onRegion: ((event: RegionEvent) => void) | undefined;
  private readonly allowance: TranslationAllowance | undefined;
  /** Rounds, and rounds in one period, before a record is translated as things are. */
  private wantedRounds: number;
  private wantedBurst: number;
  /** Entries of requests under way, by the request's number. */
  private readonly pending = new Map<number, Entry>();
  /** To be sent at the end of the slice. */
  private requests: TranslationRequest[] = [];
  private nextRequest = 1;
  private answersSeen = 0;
  /** In order of age. */
  private readonly regions = new Map<number, CompiledRegion>();
  private readonly byPage = new Map<number, Set<CompiledRegion>>();
  private readonly jumps = new JumpTargets();
  private readonly freeNumbers: number[] = [];
  private nextNumber = FIRST_REGION_HANDLER;
  private readonly rounds = new Map<number, number>();
  /** The same in the current period. */
  private readonly recent = new Map<number, number>();
  /** Instructions of the current period. */
  private executed = 0;
  /** Entries that could not be translated. */
  private readonly refused = new Set<number>();
  /** Give regions names, by their address, for profilers. */
  nameRegions = false;
  regionsCompiled = 0;
  bytesCompiled = 0;
  /** Size of the functions alive. */
  bytesAlive = 0;
  /** Regions thrown away so far, by the reason. */
  readonly dropped: Record<DropReason, number> = { changed: 0, evicted: 0, extended: 0 };

  constructor(
    interpreter: Interpreter,
    memory: GuestMemory,
    options: JitOptions,
    { log, clock, onRegion }: JitPorts,
  ) {
    this.log = log;
    if (clock && !options.eager) this.allowance = new TranslationAllowance(clock);
    this.wantedRounds = options.rounds;
    this.wantedBurst = options.burst;
    this.onRegion = onRegion;
    this.interpreter = interpreter;
    this.options = options;
    const { buffer } = memory.memory;
    this.memory = memory.memory;
    this.words = new Int32Array(buffer);
    this.shape = {
      shared: !(buffer instanceof ArrayBuffer),
      tailCalls: hostHasTailCalls(),
    };
    interpreter.cache.heat = options.heat;
    interpreter.cache.onForget = (records, first, last) => this.forget(records, first, last);
    interpreter.onHot = (record) => this.hot(record);
    interpreter.onJump = (record, target) => this.jumped(record, target);
  }

  /** Lets another thread translate, which the factory starts; not where code is translated at once. */
  translateElsewhere(factory: TranslatorFactory): void {
    const { shape, memory, options } = this;
    if (options.eager) return;
    this.translator = factory(
      {
        answer: (answer) => this.deliver(answer),
        failed: (reason) => this.translatorFailed(reason),
      },
      { shape, ...(shape.shared && { memory }) },
    );
  }

  /** Translations are under way: slices should be short. */
  get awaitsAnswers(): boolean {
    return this.pending.size > 0;
  }

  /** An answer of the other thread waits for the host's next turn; or may wait, where memory does not tell. */
  get answerWaits(): boolean {
    if (this.pending.size === 0) return false;
    return !this.shape.shared || Atomics.load(this.words, POSTED_ANSWERS >> 2) !== this.answersSeen;
  }

  private hot(record: number): void {
    if (this.interpreter.cache.handlerAt(record) >= FIRST_REGION_HANDLER) return;
    const rounds = (this.rounds.get(record) ?? 0) + 1;
    if (rounds === REQUESTED) return;
    const recent = (this.recent.get(record) ?? 0) + 1;
    if (rounds < this.wantedRounds && recent < this.wantedBurst) {
      this.rounds.set(record, rounds);
      this.recent.set(record, recent);
      return;
    }
    if (this.refused.has(record) || this.pending.size >= MAX_PENDING) return;
    const entry = { record, address: BigInt.asUintN(64, this.addressOf(record)) };
    this.onRegion?.({ kind: 'wanted', address: entry.address, rounds, recent });
    this.allowance?.spend();
    if (this.translator) this.request(entry);
    else this.translateNow(entry);
  }

  private translateNow(entry: Entry): void {
    const { record } = entry;
    const records = pageRecords(record);
    const source = {
      entry: offsetInPage(record),
      page: (delta: number) => this.codePage(records, delta),
      jumpTargets: (offset: number) => this.jumpTargets(records, offset),
      ...this.nameOf(entry),
    };
    const { bytes, entries } = translate([source], this.shape);
    const [region] = entries;
    if (bytes && typeof region === 'object')
      this.install(region, this.instantiate(new WebAssembly.Module(bytes)), entry);
    else this.refuse(entry);
  }

  /**
   * After a slice of so many instructions: sends what became hot in it. A message costs as much as some thousand
   * instructions, so there is one for all.
   */
  endSlice(executed: number): void {
    this.executed += executed;
    if (this.executed >= PERIOD_INSTRUCTIONS) {
      this.executed = 0;
      this.recent.clear();
    }
    this.allowance?.update();
    const factor = this.allowance?.isScarce ? WHEN_SCARCE : 1;
    this.wantedRounds = this.options.rounds * factor;
    this.wantedBurst = this.options.burst * factor;
    if (this.requests.length === 0) return;
    this.translator?.request(this.requests);
    this.requests = [];
  }

  /** Will ask the translator for the region of a hot record. */
  private request(entry: Entry): void {
    const { record } = entry;
    const records = pageRecords(record);
    const pages: RequestedPage[] = [];
    for (const delta of NEIGHBOURS) {
      const page = delta === 0 ? records : this.mappedRecords(records, delta);
      if (page === undefined) continue;
      const words = this.shape.shared ? undefined : this.interpreter.cache.decodedWords(page);
      pages.push({ delta, records: page, ...(words && { words }) });
    }
    const jumps = this.jumps.within(records, records + DECODED_PAGE_SIZE).map((jump) => ({
      offset: offsetInPage(jump),
      targets: this.jumpTargets(records, offsetInPage(jump)),
    }));
    const id = this.nextRequest++;
    this.pending.set(id, entry);
    this.rounds.set(record, REQUESTED);
    const { answersSeen } = this;
    this.requests.push({ id, answersSeen, entry: offsetInPage(record), pages, jumps, ...this.nameOf(entry) });
  }

  private deliver({ module, entries }: TranslationAnswer): void {
    this.answersSeen++;
    const exports = module && this.instantiate(module);
    for (const { id, entry: region } of entries) {
      const entry = this.pending.get(id);
      if (!entry) continue;
      this.pending.delete(id);
      // Code that another region covers now must become hot as an entry of its own.
      this.rounds.delete(entry.record);
      this.recent.delete(entry.record);
      if (region === 'covered') this.covered(entry);
      else if (!exports || region === 'untranslatable') this.refuse(entry);
      else if (region.covers.every((cover) => this.isUnchanged(cover))) this.install(region, exports, entry);
      else this.onRegion?.({ kind: 'outdated', address: entry.address });
    }
  }

  private covered({ address }: Entry): void {
    this.allowance?.giveBack();
    this.onRegion?.({ kind: 'covered', address });
  }

  private refuse({ record, address }: Entry): void {
    this.refused.add(record);
    this.onRegion?.({ kind: 'refused', address });
  }

  /** Without the other thread, hot code is translated on this one. */
  private translatorFailed(reason: string): void {
    this.log.write(
      'warning',
      'jit',
      `the translation thread ended (${reason}); translating on the machine's thread`,
    );
    this.translator = undefined;
    for (const { record } of this.pending.values()) this.rounds.delete(record);
    this.pending.clear();
    this.requests = [];
  }

  /** Whether code is still as it was when it was translated. */
  private isUnchanged({ records, first, words }: Cover): boolean {
    const { cache } = this.interpreter;
    return words.every(
      (word, index) => cache.decodedWord(records, first + index * INSTRUCTION_BYTES) === word,
    );
  }

  /** An indirect jump left its region for `target`: learn, and make the region again when it is worth it. */
  private jumped(record: number, target: number): void {
    if (pageRecords(record) !== pageRecords(target) || !this.jumps.note(record, target)) return;
    const offset = offsetInPage(record);
    for (const region of this.byPage.get(pageRecords(record)) ?? [])
      if (covers(region, pageRecords(record), offset, offset + INSTRUCTION_BYTES))
        this.drop(region, 'extended');
  }

  /** Targets of the indirect jump at an offset of the entry's page. */
  private jumpTargets(records: number, offset: number): readonly number[] {
    if (pageOf(offset) !== 0) return [];
    const distances = this.jumps.of(records + (offset / INSTRUCTION_BYTES) * RECORD_SIZE);
    return distances.map((distance) => offset + distance);
  }

  private instantiate(module: WebAssembly.Module): WebAssembly.Instance['exports'] {
    return new WebAssembly.Instance(module, { [IMPORT_MODULE]: this.interpreter.imports }).exports;
  }

  private install(
    { exportName, covers, sizeBytes }: TranslatedRegion,
    exports: WebAssembly.Instance['exports'],
    { record: entryRecord, address }: Entry,
  ): void {
    this.makeRoom(sizeBytes);
    const number = this.freeNumbers.pop() ?? this.nextNumber++;
    this.interpreter.handlers.set(number, exports[exportName] as () => number);
    const compiled: CompiledRegion = { number, entryRecord, address, covers, sizeBytes };
    this.regions.set(number, compiled);
    for (const { records } of covers) {
      this.interpreter.cache.markTranslated(records);
      const set = this.byPage.get(records) ?? new Set();
      this.byPage.set(records, set.add(compiled));
    }
    this.interpreter.cache.setHandler(entryRecord, number);
    this.regionsCompiled++;
    this.bytesCompiled += sizeBytes;
    this.bytesAlive += sizeBytes;
    this.onRegion?.({ kind: 'compiled', address, sizeBytes, ranges: rangesOf(compiled) });
  }

  private nameOf({ address }: Entry): { readonly name?: string } {
    return this.nameRegions ? { name: `${REGION_NAME} ${address.toString(16)}` } : {};
  }

  /** Virtual address of a record of the page that runs now. */
  private addressOf(record: number): bigint {
    const bias = (CPU_BLOCK + CPU.PC_BIAS) >> 2;
    const [low, high] = [this.words[bias] ?? 0, this.words[bias + 1] ?? 0];
    return (BigInt(high) << 32n) + BigInt(low >>> 0) + BigInt(record >>> 2);
  }

  /** Code in [first, last) of a decoded page has changed. */
  private forget(records: number, first: number, last: number): void {
    for (const region of this.byPage.get(records) ?? [])
      if (covers(region, records, first, last)) this.drop(region, 'changed');
    this.refused.clear();
  }

  get regionsAlive(): number {
    return this.regions.size;
  }

  private drop(region: CompiledRegion, reason: DropReason): void {
    this.regions.delete(region.number);
    this.interpreter.cache.reset(region.entryRecord);
    this.interpreter.handlers.set(region.number, null);
    this.freeNumbers.push(region.number);
    for (const { records } of region.covers) this.byPage.get(records)?.delete(region);
    this.bytesAlive -= region.sizeBytes;
    this.dropped[reason]++;
    this.onRegion?.({ kind: 'dropped', address: region.address, reason });
  }

  private makeRoom(bytes: number): void {
    for (const oldest of this.regions.values()) {
      if (this.regions.size < MAX_REGIONS && this.bytesAlive + bytes <= MAX_BYTES) return;
      this.drop(oldest, 'evicted');
    }
  }

  /** The page `delta` pages after the one that runs now, if the fetch TLB knows it. */
  private codePage(entryRecords: number, delta: number): CodePage | undefined {
    const records = delta === 0 ? entryRecords : this.mappedRecords(entryRecords, delta);
    if (records === undefined) return undefined;
    const { cache } = this.interpreter;
    if (!this.options.eager) return { records, wordAt: (offset) => cache.decodedWord(records, offset) };
    return {
      records,
      wordAt: (offset) => {
        const known = cache.decodedWord(records, offset);
        if (known === undefined) cache.decode(records + (offset / INSTRUCTION_BYTES) * RECORD_SIZE);
        return known ?? cache.decodedWord(records, offset);
      },
    };
  }

  private mappedRecords(entryRecords: number, delta: number): number | undefined {
    const { words } = this;
    const pageVa = BigInt.asIntN(64, this.addressOf(entryRecords) + BigInt(delta * PAGE_BYTES));
    const lo = Number(BigInt.asIntN(32, pageVa));
    const entry =
      ((words[(CPU_BLOCK + CPU.FETCH_TLB) >> 2] ?? 0) + ((lo >>> 12) % FETCH_ENTRIES) * FETCH_ENTRY_SIZE) >>
      2;
    const matches = words[entry] === lo && words[entry + 1] === Number(pageVa >> 32n);
    return matches ? words[entry + 2] : undefined;
  }
}

/** Address of the first record of the decoded page that holds a record. */
function pageRecords(record: number): number {
  return record - ((record - DECODED_AREA) % DECODED_PAGE_SIZE);
}

/** Byte offset in its page of the instruction that a record was decoded from. */
function offsetInPage(record: number): number {
  return ((record - pageRecords(record)) / RECORD_SIZE) * INSTRUCTION_BYTES;
}

/** Where the code of a region is, in the page of its entry. */
function rangesOf({ entryRecord, address, covers }: CompiledRegion): [bigint, bigint][] {
  const page = address - BigInt(offsetInPage(entryRecord));
  return covers
    .filter(({ records }) => records === pageRecords(entryRecord))
    .map(({ first, words }) => [
      page + BigInt(first),
      page + BigInt(first + words.length * INSTRUCTION_BYTES),
    ]);
}

/** Whether a region was made from bytes [first, last) of a decoded page. */
function covers(region: CompiledRegion, records: number, first: number, last: number): boolean {
  return region.covers.some((cover) => overlaps(cover, records, first, last));
}
