/** The face of translated regions, by which the interpreter and other regions call them (jit/region-emitter). */
import type { ValueType } from '../wasm/opcodes.ts';

/** Depth of calls, expected return address → a record, 0 (PC is set) or REGION_RETURNED. */
export const REGION_PARAMS: readonly ValueType[] = ['i32', 'i64'];
export const REGION_RESULTS: readonly ValueType[] = ['i32'];
/** A depth at which every region returns at once and changes nothing. */
export const DEPTH_OF_NONE = -1;
/** The guest went to the expected return address; not a record, as those are aligned. */
export const REGION_RETURNED = 1;
/** The expected return address when there is no caller: no instruction has it. */
export const NOWHERE = -1n;
