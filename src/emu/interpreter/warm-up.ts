/**
 * Makes the host optimise the main loop before there is a guest. V8 replaces its quick code of a function by optimised
 * code once it has run for some time, and takes 200 to 300 ms of a processor to make that; so the loop runs over
 * nothing while the guest's files still arrive. Optimised code belongs to the module: all instances of it profit.
 */
import { assert } from '../base/assert.ts';
import { A64_ROWS } from '../isa/a64/index.ts';
import { DECODED_AREA, FETCH_RECORDS, HANDLER_SLOTS, wasmPagesFor } from '../layout/memory-map.ts';
import { IMPORT_MODULE } from '../wasm/module-builder.ts';
import { handlerKey } from './handler-table.ts';
import type { InterpreterImage } from './interpreter-image.ts';
import { HANDLER_OFFSET } from './record.ts';

/** Rounds of a branch to itself: beyond what V8 counts until it thinks that a function is hot. */
export const ROUNDS = 200_000;
/** Runs the image's main loop over a memory of its own; gives the instructions executed. */
export function warmUp({ module, handlers }: InterpreterImage, shared: boolean): number {
  const row = A64_ROWS.find(({ name }) => name === 'B');
  const branch = row && handlers.get(handlerKey({ row, chosen: {}, near: true }));
  assert(branch, 'every image has B');
  const pages = wasmPagesFor(0);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  const view = new DataView(memory.buffer);
  // In memory that is all zero PC is 0, the fetch TLB begins at 0, and its first entry matches.
  view.setUint32(FETCH_RECORDS, DECODED_AREA, true);
  view.setUint16(DECODED_AREA + HANDLER_OFFSET, branch.number, true);
  const imports: WebAssembly.ModuleImports = {
    memory,
    handlers: new WebAssembly.Table({ initial: HANDLER_SLOTS, element: 'anyfunc' }),
  };
  for (const { name, kind } of WebAssembly.Module.imports(module))
    if (kind === 'function') imports[name] = () => 0;
  const { run } = new WebAssembly.Instance(module, { [IMPORT_MODULE]: imports }).exports;
  return ROUNDS - (run as (fuel: number) => number)(ROUNDS);
}
