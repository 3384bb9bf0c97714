/** The runtime functions that generated code imports: THE list, for interpreter and translated code alike. */
import { wasmPagesFor } from '../layout/memory-map.ts';
import type { ModuleBuilder } from '../wasm/module-builder.ts';
import type { ValueType } from '../wasm/opcodes.ts';
import { ACCESS_PARAMS, ACCESSES } from './access-module.ts';

/**
 * What a helper does with the guest's state: an access looks at it for a fault only, arithmetic neither looks at registers
 * and flags nor raises exceptions, a trap raises the exception that an instruction takes instead of being executed, the
 * runtime may do anything.
 */
export type HelperKind = 'access' | 'arithmetic' | 'trap' | 'runtime';

/** Runtime functions that generated code may call: number of arguments after the record, result, kind. */
export const HELPERS = {
  readSlow: [3, true, 'access'],
  writeSlow: [3, true, 'access'],
  rmwAddress: [3, true, 'access'],
  /** Never faults: 0 when accesses must be made one by one. */
  probe: [3, true, 'arithmetic'],
  systemRead: [2, true, 'runtime'],
  systemWrite: [2, true, 'runtime'],
  systemOperation: [2, true, 'runtime'],
  systemImmediate: [2, true, 'runtime'],
  supervisorCall: [1, false, 'runtime'],
  hypervisorCall: [1, false, 'runtime'],
  secureMonitorCall: [1, false, 'runtime'],
  breakpoint: [1, false, 'runtime'],
  halt: [1, false, 'runtime'],
  undefined: [0, false, 'runtime'],
  fpTrap: [0, false, 'trap'],
  spAlignment: [0, false, 'trap'],
  eret: [0, false, 'runtime'],
  eretToScratch: [0, false, 'runtime'],
  branchTarget: [3, true, 'runtime'],
  waitForInterrupt: [0, false, 'runtime'],
  waitForEvent: [0, false, 'runtime'],
  sendEvent: [0, false, 'runtime'],
  instructionBarrier: [0, false, 'runtime'],
  /** A region's indirect jump went to this record. */
  jumped: [1, false, 'runtime'],
  /** Puts the count of the system counter into SCRATCH, as an f64; told how much fuel is left. */
  counter: [1, false, 'arithmetic'],
  fpUnary: [3, false, 'arithmetic'],
  fpBinary: [3, false, 'arithmetic'],
  fpTernary: [3, false, 'arithmetic'],
  fpCompare: [2, true, 'arithmetic'],
  fpConvert: [4, false, 'arithmetic'],
  fpToFixed: [6, false, 'arithmetic'],
  fpFromFixed: [5, false, 'arithmetic'],
  fpToFixedJS: [0, true, 'arithmetic'],
  fpIntegerEstimate: [2, false, 'arithmetic'],
} as const satisfies Record<string, readonly [number, boolean, HelperKind]>;
export type HelperName = keyof typeof HELPERS;

export function helperKind(name: string): HelperKind {
  return HELPERS[name as HelperName][2];
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
