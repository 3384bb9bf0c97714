/** From a region's source to a WebAssembly module: pure, so that it can run on any thread. */

import { REGION_PARAMS, REGION_RESULTS } from '../interpreter/region-signature.ts';
import { importAll } from '../interpreter/runtime-imports.ts';
import { HANDLER_SLOTS } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import {
  growRegion,
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
  /** Size of its function. */
  readonly sizeBytes: number;
}

export interface Translation {
  /** The module; absent when no entry could be translated. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** In the order of the sources; undefined for those that cannot be translated. */
  readonly regions: readonly (TranslatedRegion | undefined)[];
}

/** Translates regions into one module. */
export function translate(sources: readonly RegionSource[], shape: ModuleShape): Translation {
  const module = new ModuleBuilder();
  const helpers = importAll(module, shape.shared);
  module.importTable('handlers', HANDLER_SLOTS);
  const regionType = module.typeIndex(REGION_PARAMS, REGION_RESULTS);
  const regions = sources.map((source, index) => {
    const region = growRegion(source, LIMITS);
    const body = region && emitRegion(region, { helpers, regionType, tailCalls: shape.tailCalls });
    if (!body) return undefined;
    const exportName = `region${index}`;
    module.addFunction(body, exportName, source.name);
    return { exportName, covers: coversOf(region), sizeBytes: body.code.length };
  });
  return { bytes: regions.some((region) => region) ? module.build() : undefined, regions };
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
