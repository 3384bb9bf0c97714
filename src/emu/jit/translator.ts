/**
 * Translation on another thread: a request names hot code, an answer brings a compiled module with the regions of
 * several requests. The other thread reads decoded code in shared memory, or a copy in the request. Code may
 * change meanwhile; so an answer tells what it was made from, and the asker compares before it uses it.
 */
import { decodedWord } from '../interpreter/decode-cache.ts';
import { DEPTH_OF_NONE, NOWHERE } from '../interpreter/region-signature.ts';
import { HELPERS } from '../interpreter/runtime-imports.ts';
import { HANDLER_SLOTS, POSTED_ANSWERS } from '../layout/memory-map.ts';
import { IMPORT_MODULE } from '../wasm/module-builder.ts';
import { type CodePage, INSTRUCTION_BYTES, type RegionSource } from './region.ts';
import { type Cover, type ModuleShape, type TranslatedEntry, translate } from './translate.ts';

/** What a translator must know of the machine it works for. */
export interface TranslatedMachine {
  readonly shape: ModuleShape;
  /** The machine's memory when it is shared; else requests carry the code. */
  readonly memory?: WebAssembly.Memory;
}

/** A page of code: its records' address, and its words (see decodedWord) for a reader without the memory. */
export interface RequestedPage {
  /** Distance from the entry's page, in pages. */
  readonly delta: number;
  readonly records: number;
  readonly words?: Int32Array;
}

export interface TranslationRequest {
  readonly id: number;
  /** Answers that had come when it was made. */
  readonly answersSeen: number;
  /** Byte offset of the entry in its page. */
  readonly entry: number;
  readonly pages: readonly RequestedPage[];
  /** Offsets of indirect jumps in the entry's page, and of where they go. */
  readonly jumps: readonly { readonly offset: number; readonly targets: readonly number[] }[];
  /** What profilers call the region. */
  readonly name?: string;
}

export interface AnsweredEntry {
  /** The request's. */
  readonly id: number;
  readonly entry: TranslatedEntry;
}

export interface TranslationAnswer {
  /** Absent when there is no new region. */
  readonly module?: WebAssembly.Module;
  readonly entries: readonly AnsweredEntry[];
}

/** Takes requests; answers come through the events that it was made with, in any order. */
export interface Translator {
  request(requests: readonly TranslationRequest[]): void;
}

/** What a translator tells the machine that it was made for. */
export interface TranslatorEvents {
  answer(answer: TranslationAnswer): void;
  /** The other thread is gone: no more answers will come. */
  failed(reason: string): void;
}

/** How a host makes a translator for a new machine. */
export type TranslatorFactory = (events: TranslatorEvents, machine: TranslatedMachine) => Translator;

/** Carries out the requests of one machine: what the other thread does. */
export class TranslationService {
  private readonly machine: TranslatedMachine;
  private answers = 0;
  /** What the last answers brought. */
  private recent: { readonly answer: number; readonly covers: readonly Cover[] }[] = [];

  constructor(machine: TranslatedMachine) {
    this.machine = machine;
  }

  /** Answers the first requests of a list, as many as fit one module. */
  answer(requests: readonly TranslationRequest[]): TranslationAnswer {
    const { shape, memory } = this.machine;
    const read = memory && sharedReader(memory);
    const seen = requests[0]?.answersSeen ?? 0;
    const batch = requests.filter(({ answersSeen }) => answersSeen === seen);
    // Who has seen a region and asks for code in it has reasons to enter it elsewhere.
    this.recent = this.recent.filter(({ answer }) => answer >= seen);
    const { bytes, entries } = translate(
      batch.map((request) => sourceOf(request, read)),
      shape,
      this.recent.flatMap(({ covers }) => covers),
    );
    const covers = entries.flatMap((entry) => (typeof entry === 'string' ? [] : entry.covers));
    this.recent.push({ answer: this.answers++, covers });
    const module = bytes && new WebAssembly.Module(bytes);
    if (module && memory) compileFunctions(module, memory);
    return {
      ...(module && { module }),
      entries: batch.flatMap(({ id }, index) => {
        const entry = entries[index];
        return entry === undefined ? [] : [{ id, entry }];
      }),
    };
  }

  /** Where memory is shared, tells a thread that may be busy with its guest that an answer has been posted to it. */
  announce(): void {
    const { memory } = this.machine;
    if (memory) Atomics.add(new Int32Array(memory.buffer), POSTED_ANSWERS >> 2, 1);
  }
}

/** What stands for the machine when code is called in order to be compiled. */
let stand: WebAssembly.ModuleImports | undefined;

/**
 * Hosts compile a function when it is first called, on the thread that calls it, for all threads that have the
 * module. So every region is called here, too deep to run.
 */
function compileFunctions(module: WebAssembly.Module, memory: WebAssembly.Memory): void {
  stand ??= {
    ...Object.fromEntries(Object.keys(HELPERS).map((name) => [name, () => 0])),
    handlers: new WebAssembly.Table({ initial: HANDLER_SLOTS, element: 'anyfunc' }),
  };
  const { exports } = new WebAssembly.Instance(module, { [IMPORT_MODULE]: { ...stand, memory } });
  for (const region of Object.values(exports))
    (region as (depth: number, expected: bigint) => number)(DEPTH_OF_NONE, NOWHERE);
}

type ReadWord = (records: number, offset: number) => number | undefined;

function sharedReader({ buffer }: WebAssembly.Memory): ReadWord {
  const words16 = new Uint16Array(buffer);
  const words32 = new Int32Array(buffer);
  return (records, offset) => decodedWord(words16, words32, records, offset);
}

function sourceOf(
  { entry, pages, jumps, name }: TranslationRequest,
  read: ReadWord | undefined,
): RegionSource {
  const codePages = new Map<number, CodePage>(
    pages.map(({ delta, records, words }) => [
      delta,
      {
        records,
        wordAt: (offset) =>
          (words ? words[offset / INSTRUCTION_BYTES] : read?.(records, offset)) || undefined,
      },
    ]),
  );
  return {
    entry,
    page: (delta) => codePages.get(delta),
    jumpTargets: (offset) => jumps.find((jump) => jump.offset === offset)?.targets ?? [],
    ...(name !== undefined && { name }),
  };
}
