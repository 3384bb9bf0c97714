/** The runtime functions that generated code imports: THE list, for interpreter and translated code alike. */
import { wasmPagesFor } from '../layout/memory-map.ts';
import type { ModuleBuilder } from '../wasm/module-builder.ts';
import type { ValueType } from '../wasm/opcodes.ts';
import { ACCESS_PARAMS, ACCESSES } from './access-module.ts';

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
  branchTarget: [3, true],
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
