/**
 * Translation on another thread: a request names hot code, an answer brings a compiled module with the regions of
 * several requests. The other thread reads decoded code in shared memory, or a copy in the request. Code may
 * change meanwhile; so an answer tells what it was made from, and the asker compares before it uses it.
 */
import { decodedWord } from '../interpreter/decode-cache.ts';
import { DEPTH_OF_NONE, NOWHERE } from '../interpreter/region-signature.ts';
import { HELPERS } from '../interpreter/runtime-imports.ts';
import { HANDLER_SLOTS } from '../layout/memory-map.ts';
import { IMPORT_MODULE } from '../wasm/module-builder.ts';
import type { CodePage, RegionSource } from './region.ts';
import { type Cover, type ModuleShape, translate } from './translate.ts';

const WORD = 4;

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
  /** Byte offset of the entry in its page. */
  readonly entry: number;
  readonly pages: readonly RequestedPage[];
  /** Offsets of indirect jumps in the entry's page, and of where they go. */
  readonly jumps: readonly { readonly offset: number; readonly targets: readonly number[] }[];
  /** What profilers call the region. */
  readonly name?: string;
}

export interface AnsweredRegion {
  /** The request's. */
  readonly id: number;
  /** What the module exports it as; absent when the entry cannot be translated. */
  readonly exportName?: string;
  readonly covers: readonly Cover[];
  readonly sizeBytes: number;
}

export interface TranslationAnswer {
  /** Absent when no region could be translated. */
  readonly module?: WebAssembly.Module;
  readonly regions: readonly AnsweredRegion[];
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

/** Carries out requests, as one module: what the other thread does. */
export function answerRequests(
  requests: readonly TranslationRequest[],
  { shape, memory }: TranslatedMachine,
): TranslationAnswer {
  const read = memory && sharedReader(memory);
  const { bytes, regions } = translate(
    requests.map((request) => sourceOf(request, read)),
    shape,
  );
  const module = bytes && new WebAssembly.Module(bytes);
  if (module && memory) compileFunctions(module, memory);
  return {
    ...(module && { module }),
    regions: requests.map(({ id }, index) => ({ id, covers: [], sizeBytes: 0, ...regions[index] })),
  };
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
      { records, wordAt: (offset) => (words ? words[offset / WORD] : read?.(records, offset)) || undefined },
    ]),
  );
  return {
    entry,
    page: (delta) => codePages.get(delta),
    jumpTargets: (offset) => jumps.find((jump) => jump.offset === offset)?.targets ?? [],
    ...(name !== undefined && { name }),
  };
}
