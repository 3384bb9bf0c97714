/** From a region's source to a WebAssembly module: pure, so that it can run on any thread. */

import { REGION_PARAMS, REGION_RESULTS } from '../interpreter/region-signature.ts';
import { importAll } from '../interpreter/runtime-imports.ts';
import { HANDLER_SLOTS } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import { OutlinedFunctions } from './outlined.ts';
import {
  growRegion,
  INSTRUCTION_BYTES,
  PAGE_BYTES,
  pageOf,
  type Region,
  type RegionLimits,
  type RegionSource,
} from './region.ts';
import { emitRegion } from './region-emitter.ts';

/** How far regions grow. */
export const LIMITS: RegionLimits = { instructions: 400, blocks: 80 };

/** What a module must know of the machine it will run in. */
export interface ModuleShape {
  readonly shared: boolean;
  readonly tailCalls: boolean;
}

/** Bytes from `first` of the decoded page at `records` that a region was made from, as words. */
export interface Cover {
  readonly records: number;
  readonly first: number;
  readonly words: Int32Array;
}

export interface TranslatedRegion {
  readonly exportName: string;
  readonly covers: readonly Cover[];
  /** Size of its function, and of those that no region before it needed. */
  readonly sizeBytes: number;
}

/** What became of an entry: its region; or none, because there is no translating it, or because another region has it. */
export type TranslatedEntry = TranslatedRegion | 'untranslatable' | 'covered';

export interface Translation {
  /** The module; absent when it would be empty. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** In the order of the sources; fewer when the module became too big for the others. */
  readonly entries: readonly TranslatedEntry[];
}

/** A module with so much code takes no more regions: who waits for the first would wait longer. */
const ENOUGH_BYTES = 8 << 10;

/**
 * Translates regions into one module; not those whose entry is part of a region made here before it, or of what
 * `known` covers. A loop nest becomes hot at every head at once, and each head's region would hold all of it.
 */
export function translate(
  sources: readonly RegionSource[],
  shape: ModuleShape,
  known: readonly Cover[] = [],
): Translation {
  const module = new ModuleBuilder();
  const helpers = importAll(module, shape.shared);
  module.importTable('handlers', HANDLER_SLOTS);
  const regionType = module.typeIndex(REGION_PARAMS, REGION_RESULTS);
  const functions = new OutlinedFunctions(module, helpers);
  const covers = [...known];
  const entries: TranslatedEntry[] = [];
  let size = 0;
  for (const source of sources) {
    if (size >= ENOUGH_BYTES) break;
    const records = source.page(0)?.records ?? 0;
    if (covers.some((cover) => overlaps(cover, records, source.entry, source.entry + INSTRUCTION_BYTES))) {
      entries.push('covered');
      continue;
    }
    const region = growRegion(source, LIMITS);
    if (!region) {
      entries.push('untranslatable');
      continue;
    }
    const before = functions.sizeBytes;
    const body = emitRegion(region, { helpers, regionType, tailCalls: shape.tailCalls, functions });
    const sizeBytes = body.code.length + functions.sizeBytes - before;
    const exportName = `region${entries.length}`;
    module.addFunction(body, exportName, source.name);
    const translated = { exportName, covers: coversOf(region), sizeBytes };
    entries.push(translated);
    covers.push(...translated.covers);
    size += translated.sizeBytes;
  }
  return { bytes: size > 0 ? module.build() : undefined, entries };
}

/** Whether a cover has bytes of [first, last) of a decoded page. */
export function overlaps(cover: Cover, records: number, first: number, last: number): boolean {
  const end = cover.first + cover.words.length * INSTRUCTION_BYTES;
  return cover.records === records && cover.first < last && first < end;
}

function coversOf({ blocks, pages }: Region): Cover[] {
  return [...blocks.values()].map(({ offset, instructions }) => {
    const page = pageOf(offset);
    const records = pages.get(page)?.records ?? 0;
    // hot: Int32Array.from asks an iterator, which took a fifth of a translation.
    const words = new Int32Array(instructions.length);
    instructions.forEach(({ lifted }, index) => {
      words[index] = lifted.word;
    });
    return { records, first: offset - page * PAGE_BYTES, words };
  });
}

/** Whether the host compiles tail calls. */
export function hostHasTailCalls(): boolean {
  const module = new ModuleBuilder();
  module.importTable('table', 0);
  const f = new FunctionBuilder([], []);
  f.i32(0);
  f.returnCallIndirect(module.typeIndex([], []));
  f.finish();
  module.addFunction(f);
  return WebAssembly.validate(module.build());
}
