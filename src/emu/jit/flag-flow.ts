/** In which forms the flags may be when each block of a region starts: forward over the edges. */

import { type FlagForm, type FlagState, flagForm } from '../codegen/lazy-flags.ts';
import { helperKind } from '../interpreter/runtime-imports.ts';
import type { Body } from '../ir/ir.ts';
import type { FlowShape } from './control-flow.ts';
import type { Block } from './region.ts';
import { endsInCall } from './registers.ts';

/** The form in which a block leaves the flags, or undefined when it does not touch them, as no dispatcher does. */
function left(block: Block | undefined): FlagForm | undefined {
  if (!block) return undefined;
  let state: FlagForm | undefined;
  for (const { lifted } of block.instructions) {
    const { sets, callsRuntime } = effectOf(lifted.body);
    state = callsRuntime ? 'cells' : (sets ?? state);
  }
  return endsInCall(block) ? 'cells' : state;
}

/** What an instruction does to the flags. */
interface FlagEffect {
  readonly sets: FlagForm | undefined;
  readonly callsRuntime: boolean;
}
const effects = new WeakMap<Body, FlagEffect>();

function effectOf(body: Body): FlagEffect {
  const known = effects.get(body) ?? { sets: setIn(body), callsRuntime: callsRuntime(body) };
  effects.set(body, known);
  return known;
}

/** The form that an instruction leaves; a conditional that sets flags leaves them packed. */
function setIn({ nodes }: Body): FlagForm | undefined {
  let state: FlagForm | undefined;
  for (const { operation } of nodes) {
    if (operation.op === 'flags.set') state = flagForm(operation.kind, operation.width);
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

/** A block that more forms than this may reach finds the flags in their cells. */
const MAX_FORMS = 4;

/** `blocks`: those of the graph's nodes; dispatchers have none. */
export function flagStates(
  blocks: readonly (Block | undefined)[],
  successors: readonly (readonly number[])[],
  shape: FlowShape,
): FlagState[] {
  const out = blocks.map(left);
  const inForms = blocks.map(() => new Set<FlagForm>());
  inForms[0]?.add('cells');
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of shape.order) {
      const form = out[node];
      const leaving = form ? [form] : formsOf(stateOf(inForms[node]));
      for (const next of successors[node] ?? []) {
        const known = inForms[next];
        for (const each of leaving) {
          if (!known || known.has(each)) continue;
          known.add(each);
          changed = true;
        }
      }
    }
  }
  return inForms.map(stateOf);
}

function stateOf(forms: ReadonlySet<FlagForm> | undefined): FlagState {
  const [first = 'cells', ...others] = forms ?? [];
  if (others.length === 0) return first;
  return others.length < MAX_FORMS ? { forms: [first, ...others] } : 'cells';
}

function formsOf(state: FlagState): readonly FlagForm[] {
  return typeof state === 'object' ? state.forms : [state];
}
