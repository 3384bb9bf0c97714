/**
 * The interpreter's image: one WebAssembly module with the main loop and, if asked for, every handler outside it,
 * which describes the handlers' records in a custom section. It depends on nothing but the rows, the layout and
 * what the host's compiler knows, so a build makes it once (src/cli/interpreter-plugin.ts) and pages load it;
 * elsewhere a thread makes it when it starts.
 *
 * Invariant: an image is used only when its identity says that it was made from these rows and this layout.
 */

import { A64_ROWS } from '../isa/a64/index.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  DECODED_AREA,
  FETCH_AREA,
  FIRST_REGION_HANDLER,
  HEAT_AREA,
  RAM_OFFSET,
  TLB_AREA,
} from '../layout/memory-map.ts';
import { HOST_FUSES } from '../wasm/host-fusion.ts';
import { BOUNDED_SWIZZLE } from '../wasm/host-swizzle.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import { coldHandler } from './cold-handler.ts';
import {
  coldHandlers,
  type HandlerEntry,
  handlerKey,
  hotHandlers,
  undefinedInstruction,
} from './handler-table.ts';
import { FIRST_HOT_HANDLER, importLoop, mainLoop } from './interpreter-module.ts';
import type { RecordSlot } from './record.ts';
import { importAll } from './runtime-imports.ts';

export interface InterpreterImage {
  readonly module: WebAssembly.Module;
  /** The handlers in it by their key, with their numbers. */
  readonly handlers: ReadonlyMap<string, HandlerEntry>;
}

const DESCRIPTION_SECTION = 'bramble.handlers';

/** What the custom section says, as JSON. */
interface ImageDescription {
  readonly identity: number;
  /** Where operands lie in a record: the different ways, of which there are fewer than handlers. */
  readonly layouts: readonly (readonly RecordSlot[])[];
  /** Key and number of a layout for each handler, in the order of their numbers. */
  readonly handlers: readonly (readonly [key: string, layout: number])[];
}

/** Generates an image for memories that are shared or not, with the hot handlers only or with all. */
export function buildInterpreterImage(shared: boolean, which: 'hot' | 'all'): Uint8Array<ArrayBuffer> {
  const hot = hotHandlers();
  const cold = [undefinedInstruction(), ...(which === 'all' ? coldHandlers() : [])];
  const module = new ModuleBuilder();
  const helpers = importAll(module, shared);
  const indexes = importLoop(module, helpers);
  module.addFunction(mainLoop(hot, indexes), 'run', 'interpreter');
  const functions = cold.map((handler) =>
    module.addFunction(coldHandler(handler, helpers), undefined, `handler ${handler.row.name}`),
  );
  module.fillTable(FIRST_HOT_HANDLER + hot.length, functions);
  const layouts = new Map<string, number>();
  const layoutOf = (slots: readonly RecordSlot[]): number => {
    const text = JSON.stringify(slots);
    const index = layouts.get(text) ?? layouts.size;
    layouts.set(text, index);
    return index;
  };
  const description: ImageDescription = {
    identity: imageIdentity(),
    handlers: [...hot, ...cold].map((handler) => [handlerKey(handler), layoutOf(handler.slots)]),
    layouts: [...layouts.keys()].map((text) => JSON.parse(text) as RecordSlot[]),
  };
  module.addCustomSection(DESCRIPTION_SECTION, new TextEncoder().encode(JSON.stringify(description)));
  return module.build();
}

/** What a module says about itself; undefined when it is no image, or one of other rows or for another host. */
export function readInterpreterImage(module: WebAssembly.Module): InterpreterImage | undefined {
  const [section] = WebAssembly.Module.customSections(module, DESCRIPTION_SECTION);
  if (!section) return undefined;
  const { identity, layouts, handlers } = JSON.parse(new TextDecoder().decode(section)) as ImageDescription;
  if (identity !== imageIdentity()) return undefined;
  const entries = new Map<string, HandlerEntry>();
  for (const [key, layout] of handlers)
    entries.set(key, { number: FIRST_HOT_HANDLER + entries.size, slots: layouts[layout] ?? [] });
  return { module, handlers: entries };
}

/** Where generated code finds things besides the state. */
const MEMORY_MAP = [
  CPU_BLOCK,
  TLB_AREA,
  FETCH_AREA,
  DECODED_AREA,
  HEAT_AREA,
  RAM_OFFSET,
  FIRST_REGION_HANDLER,
];

/** FNV-1a, over numbers. */
const HASH_START = 0x811c_9dc5;
const HASH_FACTOR = 0x0100_0193;

/**
 * Distinguishes sets of rows, layouts of memory and hosts. What a row does is not part of it: a build makes image and
 * program from the same files.
 */
function imageIdentity(): number {
  let hash = HASH_START;
  const add = (value: number) => {
    hash = Math.imul(hash ^ value, HASH_FACTOR);
  };
  for (const { pattern, name } of A64_ROWS) {
    add(pattern.mask);
    add(pattern.value);
    add(name.length);
  }
  for (const offset of Object.values(CPU)) add(offset);
  for (const at of MEMORY_MAP) add(at);
  for (const fact of [HOST_FUSES, BOUNDED_SWIZZLE === 'i8x16.swizzle']) add(fact ? 1 : 0);
  return hash >>> 0;
}
