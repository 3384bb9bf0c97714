/** In which form the flags are when each block of a region starts: forward over the edges, where they agree. */

import { type FlagState, flagState } from '../codegen/lazy-flags.ts';
import { helperKind } from '../interpreter/runtime-imports.ts';
import type { Body } from '../ir/ir.ts';
import type { FlowShape } from './control-flow.ts';
import type { Block } from './region.ts';
import { endsInCall } from './registers.ts';

/** The form in which a block leaves the flags, or undefined when it does not touch them. */
function left(block: Block): FlagState | undefined {
  let state: FlagState | undefined;
  for (const { lifted } of block.instructions) {
    state = setIn(lifted.body) ?? state;
    if (callsRuntime(lifted.body)) state = 'cells';
  }
  return endsInCall(block) ? 'cells' : state;
}

/** What an instruction does to the flags; a conditional that sets them leaves them packed. */
function setIn({ nodes }: Body): FlagState | undefined {
  let state: FlagState | undefined;
  for (const { operation } of nodes) {
    if (operation.op === 'flags.set') state = flagState(operation.kind, operation.width);
    if (operation.op === 'flags.put') state = 'packed';
    if (operation.op === 'if' && (setIn(operation.then) || (operation.else && setIn(operation.else))))
      state = 'packed';
  }
  return state;
}

/** Calls outside conditionals, except of floating-point helpers, store the flags first. */
function callsRuntime({ nodes }: Body): boolean {
  return nodes.some(
    ({ operation }) => operation.op === 'call' && helperKind(operation.helper) !== 'arithmetic',
  );
}

export function flagStates(
  blocks: readonly Block[],
  successors: readonly (readonly number[])[],
  shape: FlowShape,
): FlagState[] {
  const out = blocks.map(left);
  const inState: (FlagState | undefined)[] = blocks.map(() => undefined);
  inState[0] = 'cells';
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of shape.order) {
      const state = out[node] ?? inState[node];
      if (!state) continue;
      for (const next of successors[node] ?? []) {
        const known = inState[next];
        const merged: FlagState = known === undefined || known === state ? state : 'cells';
        if (merged === known) continue;
        inState[next] = merged;
        changed = true;
      }
    }
  }
  return inState.map((state) => state ?? 'cells');
}
