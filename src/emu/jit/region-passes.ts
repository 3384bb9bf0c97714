/** Passes over blocks and regions; those over an instruction's body stand in ir/passes. Each of them all can be left out. */
import { PASS_NAMES } from '../ir/passes/optimise.ts';

const REGION_PASS_NAMES = ['known-checks', 'merged-accesses', 'outlined'] as const;
export const ALL_PASS_NAMES = [...PASS_NAMES, ...REGION_PASS_NAMES] as const;

export type PassName = (typeof ALL_PASS_NAMES)[number];
/** Passes to leave out. */
export type LeftOut = ReadonlySet<PassName>;

export const NOTHING_LEFT_OUT: LeftOut = new Set();
