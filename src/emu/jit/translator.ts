/**
 * Translation on another thread: requests carry the code as it was when it became hot, answers a compiled module.
 * What the answer was made from may have changed by then; the asker compares before it uses it.
 */
import type { CodePage, RegionSource } from './region.ts';
import { type Cover, type ModuleShape, translate } from './translate.ts';

const WORD = 4;

/** A page of code: its records' address and its words, 0 (which is no instruction) where nothing has run yet. */
export interface RequestedPage {
  /** Distance from the entry's page, in pages. */
  readonly delta: number;
  readonly records: number;
  readonly words: Uint32Array;
}

export interface TranslationRequest {
  readonly id: number;
  /** Byte offset of the entry in its page. */
  readonly entry: number;
  readonly pages: readonly RequestedPage[];
  /** Offsets of indirect jumps in the entry's page, and of where they go. */
  readonly jumps: readonly { readonly offset: number; readonly targets: readonly number[] }[];
  readonly shape: ModuleShape;
  /** What profilers call the region. */
  readonly name?: string;
}

export interface TranslationAnswer {
  readonly id: number;
  /** Exports `region`; absent when the entry cannot be translated. */
  readonly module?: WebAssembly.Module;
  readonly sizeBytes: number;
  readonly covers: readonly Cover[];
}

/** Takes requests; answers come through the events that it was made with, in any order. */
export interface Translator {
  request(request: TranslationRequest): void;
}

/** What a translator tells the machine that it was made for. */
export interface TranslatorEvents {
  answer(answer: TranslationAnswer): void;
  /** The other thread is gone: no more answers will come. */
  failed(reason: string): void;
}

/** How a host makes a translator for a new machine. */
export type TranslatorFactory = (events: TranslatorEvents) => Translator;

/** Carries out a request: what the other thread does. */
export function answerRequest(request: TranslationRequest): TranslationAnswer {
  const translated = translate(sourceOf(request), request.shape);
  if (!translated) return { id: request.id, sizeBytes: 0, covers: [] };
  const { bytes, covers } = translated;
  return { id: request.id, module: new WebAssembly.Module(bytes), sizeBytes: bytes.length, covers };
}

function sourceOf({ entry, pages, jumps, name }: TranslationRequest): RegionSource {
  const codePages = new Map<number, CodePage>(
    pages.map(({ delta, records, words }) => [
      delta,
      { records, wordAt: (offset) => words[offset / WORD] || undefined },
    ]),
  );
  return {
    entry,
    page: (delta) => codePages.get(delta),
    jumpTargets: (offset) => jumps.find((jump) => jump.offset === offset)?.targets ?? [],
    ...(name !== undefined && { name }),
  };
}
