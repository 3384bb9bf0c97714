/** The passes over an instruction's body, in the order in which they run. Each can be left out. */
import type { Body } from '../ir.ts';
import { foldConstants } from './fold-constants.ts';
import { removeUnused } from './remove-unused.ts';
import { sinkValues } from './sink-values.ts';

export const PASSES = {
  'fold-constants': foldConstants,
  'sink-values': sinkValues,
  'remove-unused': removeUnused,
} as const satisfies Readonly<Record<string, (body: Body) => Body>>;

export type PassName = keyof typeof PASSES;
export const PASS_NAMES = Object.keys(PASSES) as readonly PassName[];

/** The body after all passes but those that are left out. */
export function optimise(body: Body, leftOut: ReadonlySet<string> = NONE): Body {
  return PASS_NAMES.reduce((result, name) => (leftOut.has(name) ? result : PASSES[name](result)), body);
}

const NONE: ReadonlySet<string> = new Set();
