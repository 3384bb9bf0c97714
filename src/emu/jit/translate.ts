/** From a region's source to a WebAssembly module: pure, so that it can run on any thread. */

import { CPU_PROFILES, type CpuName } from '../cpu/profiles.ts';
import { REGION_PARAMS, REGION_RESULTS } from '../interpreter/region-signature.ts';
import { importAll } from '../interpreter/runtime-imports.ts';
import { decoderFor } from '../isa/a64/index.ts';
import { HANDLER_SLOTS } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import { type Lift, lifter } from './lift.ts';
import { growRegion, PAGE_BYTES, pageOf, type RegionLimits, type RegionSource } from './region.ts';
import { emitRegion } from './region-emitter.ts';

/** How far regions grow. */
export const LIMITS: RegionLimits = { instructions: 400, blocks: 80 };

/** What a module must know of the machine it will run in. */
export interface ModuleShape {
  /** Size of the linear memory in 64 KiB pages. */
  readonly pages: number;
  readonly shared: boolean;
  readonly tailCalls: boolean;
  /** The CPU whose instructions are translated. */
  readonly cpu: CpuName;
}

const lifters = new Map<CpuName, Lift>();

function lifterOf(cpu: CpuName): Lift {
  const known = lifters.get(cpu) ?? lifter(decoderFor(CPU_PROFILES[cpu].features));
  lifters.set(cpu, known);
  return known;
}

/** Bytes [first, last) of the decoded page at `records` that a region was made from. */
export interface Cover {
  readonly records: number;
  readonly first: number;
  readonly last: number;
}

export interface TranslatedRegion {
  /** A module that exports `region`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly covers: readonly Cover[];
}

/** Undefined when the entry cannot be translated. */
export function translate(
  source: RegionSource,
  { pages, shared, tailCalls, cpu }: ModuleShape,
): TranslatedRegion | undefined {
  const region = growRegion({ ...source, lift: lifterOf(cpu) }, LIMITS);
  if (!region) return undefined;
  const module = new ModuleBuilder();
  const helpers = importAll(module, pages, shared);
  module.importTable('handlers', HANDLER_SLOTS);
  const regionType = module.typeIndex(REGION_PARAMS, REGION_RESULTS);
  const body = emitRegion(region, { helpers, regionType, tailCalls });
  if (!body) return undefined;
  module.addFunction(body, 'region', source.name);
  const covers = [...region.blocks.values()].map(({ offset, end }) => {
    const page = pageOf(offset);
    const records = region.pages.get(page)?.records ?? 0;
    return { records, first: offset - page * PAGE_BYTES, last: end - page * PAGE_BYTES };
  });
  return { bytes: module.build(), covers };
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
