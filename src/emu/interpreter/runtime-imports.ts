/** The runtime functions that generated code imports: THE list, for interpreter and translated code alike. */
import { wasmPagesFor } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import type { ValueType } from '../wasm/opcodes.ts';

/** Runtime functions that generated code may call: name → number of arguments after the record, result. */
export const HELPERS = {
  readSlow: [3, true],
  writeSlow: [3, true],
  rmwAddress: [3, true],
  systemRead: [2, true],
  systemWrite: [2, true],
  systemOperation: [2, true],
  systemImmediate: [2, true],
  supervisorCall: [1, false],
  hypervisorCall: [1, false],
  secureMonitorCall: [1, false],
  breakpoint: [1, false],
  halt: [1, false],
  undefined: [0, false],
  fpTrap: [0, false],
  spAlignment: [0, false],
  eret: [0, false],
  eretToScratch: [0, false],
  waitForInterrupt: [0, false],
  waitForEvent: [0, false],
  sendEvent: [0, false],
  instructionBarrier: [0, false],
  /** A region's indirect jump went to this record. */
  jumped: [1, false],
  fpUnary: [3, false],
  fpBinary: [3, false],
  fpTernary: [3, false],
  fpCompare: [2, true],
  fpConvert: [4, false],
  fpToFixed: [6, false],
  fpFromFixed: [5, false],
  fpToFixedJS: [0, true],
  fpIntegerEstimate: [2, false],
} as const satisfies Record<string, readonly [number, boolean]>;
export type HelperName = keyof typeof HELPERS;

/**
 * Helpers for accesses that missed the TLB. Code passes the virtual address as an i64; functions in wasm split
 * it for TypeScript, because an i64 would reach JavaScript as a BigInt.
 */
const ACCESSES = ['readSlow', 'writeSlow', 'rmwAddress'] as const satisfies readonly HelperName[];
const ACCESS_PARAMS: readonly ValueType[] = ['i32', 'i64', 'i32'];

/** A module that imports the accesses as TypeScript has them and exports them as code calls them. */
export function accessModule(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const imported = ACCESSES.map((name) => module.importFunction(name, ['i32', 'i32', 'i32', 'i32'], ['i32']));
  ACCESSES.forEach((name, index) => {
    const f = new FunctionBuilder(ACCESS_PARAMS, ['i32']);
    const [record, address, access] = [0, 1, 2];
    f.get(record);
    f.get(address);
    f.numeric('i32.wrap_i64');
    f.get(address);
    f.i64(32n);
    f.numeric('i64.shr_u');
    f.numeric('i32.wrap_i64');
    f.get(access);
    f.call(imported[index] ?? 0);
    f.finish();
    module.addFunction(f, name);
  });
  return module.build();
}

/**
 * Imports the machine's memory, of any size, and every helper; gives the helpers' function indexes by name.
 * Modules that do not depend on the size of the memory are compiled once for all machines.
 */
export function importAll(module: ModuleBuilder, shared: boolean): Map<string, number> {
  module.importMemory('memory', wasmPagesFor(0), shared);
  const indexes = new Map<string, number>();
  for (const [name, [count, result]] of Object.entries(HELPERS)) {
    const isAccess = ACCESSES.some((access) => access === name);
    const params = isAccess ? ACCESS_PARAMS : new Array<ValueType>(count + 1).fill('i32');
    indexes.set(name, module.importFunction(name, params, result ? ['i32'] : []));
  }
  return indexes;
}
