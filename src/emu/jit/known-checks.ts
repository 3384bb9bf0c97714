/**
 * Pass over a block: checks that an earlier instruction of the block has made are left out. Whatever could change their
 * answer (CPACR_EL1, the exception level) resynchronises, which ends a block; only SP is followed.
 */
import type { Body, Node, Value } from '../ir/ir.ts';
import { CPU, SLOT_SP } from '../layout/cpu-state.ts';
import type { Lifted } from './lift.ts';
import type { RegionInstruction } from './region.ts';

/** Checks by the helper that they call when they fail: FP and AdvSIMD are enabled; SP is aligned. */
const CHECKS = ['fpTrap', 'spAlignment'] as const;
type Check = (typeof CHECKS)[number];

const SP_CELL = CPU.X + SLOT_SP * 8;
/** A multiple of this added to SP keeps its alignment (Arm ARM D1.8.2). */
const SP_ALIGNMENT = 16n;

interface Facts {
  readonly checks: readonly Check[];
  /** SP is written with something else than itself plus a multiple of 16. */
  readonly losesAlignment: boolean;
}

export function dropKnownChecks(instructions: readonly RegionInstruction[]): readonly RegionInstruction[] {
  const known = new Set<Check>();
  const out: RegionInstruction[] = [];
  for (const instruction of instructions) {
    const { lifted } = instruction;
    const { checks, losesAlignment } = factsOf(lifted);
    const dropped = checks.filter((check) => known.has(check));
    out.push(dropped.length > 0 ? { ...instruction, lifted: withoutChecks(lifted, dropped) } : instruction);
    for (const check of checks) known.add(check);
    if (losesAlignment) known.delete('spAlignment');
  }
  return out;
}

const facts = new WeakMap<Lifted, Facts>();

function factsOf(lifted: Lifted): Facts {
  const found = facts.get(lifted) ?? {
    checks: CHECKS.filter((check) => lifted.body.nodes.some((node) => isCheck(node, check))),
    losesAlignment: losesAlignment(lifted.body),
  };
  facts.set(lifted, found);
  return found;
}

const reduced = new WeakMap<Lifted, Map<string, Lifted>>();

function withoutChecks(lifted: Lifted, dropped: readonly Check[]): Lifted {
  const variants = reduced.get(lifted) ?? new Map<string, Lifted>();
  reduced.set(lifted, variants);
  const name = dropped.join();
  const { body } = lifted;
  const nodes = () => body.nodes.filter((node) => !dropped.some((check) => isCheck(node, check)));
  const variant = variants.get(name) ?? { ...lifted, body: { ...body, nodes: nodes() } };
  variants.set(name, variant);
  return variant;
}

/** Whether the operation does nothing unless the check fails. */
function isCheck({ type, operation }: Node, check: Check): boolean {
  return operation.op === 'if' && type === undefined && !operation.else && calls(operation.then, check);
}

function calls({ nodes }: Body, helper: string): boolean {
  return nodes.some(
    ({ operation }) =>
      (operation.op === 'call' && operation.helper === helper) ||
      (operation.op === 'if' && calls(operation.then, helper)),
  );
}

function losesAlignment({ nodes }: Body): boolean {
  return nodes.some(({ operation, args }) => {
    if (operation.op === 'if')
      return (
        losesAlignment(operation.then) || (operation.else !== undefined && losesAlignment(operation.else))
      );
    return operation.op === 'state.store' && operation.offset === SP_CELL && !isSpPlusMultiple(args[0]);
  });
}

function isSpPlusMultiple(value: Value | undefined): boolean {
  const operation = value?.operation;
  if (operation?.op === 'state.load') return operation.offset === SP_CELL;
  if (operation?.op !== 'numeric' || !/^i64\.(add|sub)$/.test(operation.name)) return false;
  const [base, distance] = value?.args ?? [];
  if (distance?.operation.op !== 'const' || typeof distance.operation.value !== 'bigint') return false;
  return distance.operation.value % SP_ALIGNMENT === 0n && isSpPlusMultiple(base);
}
