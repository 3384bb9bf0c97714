/**
 * Which guest registers a region reads and writes, and how each is kept.
 *
 * Registers live in wasm locals. A write goes through to the state block at once, except for registers that are
 * written in a loop without calls: those are written back when the region is left. So leaving is cheap where
 * code branches and calls, and loops store nothing.
 */
import type { Body } from '../ir/ir.ts';
import { CPU, SLOT_SP } from '../layout/cpu-state.ts';
import type { Block, Region } from './region.ts';

const X_BYTES = 8;
const V_BYTES = 16;
/** X0 … X30 and SP. */
const X_REGISTERS = 32;
const V_REGISTERS = 32;

/** A register of either file; its number in this file: X0 … X30, SP = 0 … 31, V0 … V31 = 32 … 63. */
export type RegisterId = number;
const V_BASE = X_REGISTERS;
export const SP_ID: RegisterId = SLOT_SP;

export function isVector(id: RegisterId): boolean {
  return id >= V_BASE;
}

/** Offset of a register in the state block. */
export function registerCell(id: RegisterId): number {
  return isVector(id) ? CPU.V + (id - V_BASE) * V_BYTES : CPU.X + id * X_BYTES;
}

/** The register that holds a state offset, and the byte within it; undefined for all other state. */
export function registerAt(offset: number): { readonly id: RegisterId; readonly byte: number } | undefined {
  const x = offset - CPU.X;
  if (x >= 0 && x < X_REGISTERS * X_BYTES) return { id: Math.floor(x / X_BYTES), byte: x % X_BYTES };
  const v = offset - CPU.V;
  if (v >= 0 && v < V_REGISTERS * V_BYTES) return { id: V_BASE + Math.floor(v / V_BYTES), byte: v % V_BYTES };
  return undefined;
}

/** Sets of registers. */
export type RegisterSet = ReadonlySet<RegisterId>;

export interface BlockUse {
  /** Read before written in the block. */
  readonly reads: RegisterSet;
  readonly writes: RegisterSet;
}

export function blockUse(block: Block): BlockUse {
  const reads = new Set<RegisterId>();
  const writes = new Set<RegisterId>();
  const visit = ({ nodes }: Body, conditional: boolean) => {
    for (const { operation } of nodes) {
      if (operation.op === 'if') {
        visit(operation.then, true);
        if (operation.else) visit(operation.else, true);
      }
      if (operation.op !== 'state.load' && operation.op !== 'state.store') continue;
      const at = registerAt(operation.offset);
      if (!at) continue;
      const whole =
        operation.op === 'state.store' &&
        at.byte === 0 &&
        (isVector(at.id) ? operation.store === 'v128' : operation.store === 'i64');
      if (!whole && !writes.has(at.id)) reads.add(at.id);
      if (operation.op === 'state.store') {
        // A conditional write may not happen, so the old value is needed.
        if (conditional && !writes.has(at.id)) reads.add(at.id);
        writes.add(at.id);
      }
    }
  };
  for (const { lifted } of block.instructions) visit(lifted.body, false);
  return { reads, writes };
}

/** Whether a block ends in a call, after which other code may have changed every register. */
export function endsInCall(block: Block): boolean {
  const exits = block.instructions.at(-1)?.lifted.exits;
  return exits !== undefined && (exits.isCall || exits.indirect === 'call');
}

export interface RegisterPlan {
  /** Registers that have a local. */
  readonly used: RegisterSet;
  /** Registers whose writes wait until the region is left. */
  readonly writeBack: RegisterSet;
  /** For each block offset: registers that must be in their locals when it starts. */
  readonly liveIn: ReadonlyMap<number, RegisterSet>;
}

export function planRegisters(region: Region): RegisterPlan {
  const uses = new Map([...region.blocks].map(([offset, block]) => [offset, blockUse(block)]));
  const used = new Set<RegisterId>();
  for (const { reads, writes } of uses.values()) for (const id of [...reads, ...writes]) used.add(id);
  const writeBack = new Set<RegisterId>();
  for (const offset of blocksInCallFreeLoops(region))
    for (const id of uses.get(offset)?.writes ?? []) if (id !== SP_ID) writeBack.add(id);
  return { used, writeBack, liveIn: liveness(region, uses, writeBack) };
}

/** Backwards: what a block reads, and what its successors need and it does not write; written-back registers always. */
function liveness(
  region: Region,
  uses: ReadonlyMap<number, BlockUse>,
  writeBack: RegisterSet,
): Map<number, Set<RegisterId>> {
  const liveIn = new Map<number, Set<RegisterId>>();
  const blocks = [...region.blocks.values()].reverse();
  for (const { offset } of blocks)
    liveIn.set(offset, new Set([...(uses.get(offset)?.reads ?? []), ...writeBack]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of blocks) {
      // After a call everything is read again from the state block.
      if (endsInCall(block)) continue;
      const live = liveIn.get(block.offset);
      const writes = uses.get(block.offset)?.writes;
      for (const next of block.successors)
        for (const id of liveIn.get(next) ?? [])
          if (live && !live.has(id) && !writes?.has(id)) {
            live.add(id);
            changed = true;
          }
    }
  }
  return liveIn;
}

/** Blocks on a cycle that no call interrupts: strongly connected components of the graph without call edges. */
function blocksInCallFreeLoops(region: Region): Set<number> {
  const reach = (from: number): Set<number> => {
    const seen = new Set<number>();
    const work = [from];
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      const block = region.blocks.get(at);
      if (!block || endsInCall(block)) continue;
      for (const next of block.successors)
        if (!seen.has(next)) {
          seen.add(next);
          work.push(next);
        }
    }
    return seen;
  };
  const inLoop = new Set<number>();
  for (const offset of region.blocks.keys()) if (reach(offset).has(offset)) inLoop.add(offset);
  return inLoop;
}
