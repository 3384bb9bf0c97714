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

/** A set of registers as bits: one word for each file. */
interface RegisterBits {
  x: number;
  v: number;
}

export interface BlockUse {
  /** Read before written in the block. */
  readonly reads: RegisterSet;
  readonly writes: RegisterSet;
}

export function blockUse(block: Block): BlockUse {
  const { reads, writes } = bitsOfBlock(block);
  return { reads: toSet(reads), writes: toSet(writes) };
}

interface Use {
  readonly reads: Readonly<RegisterBits>;
  readonly writes: Readonly<RegisterBits>;
}

/** What an instruction reads, beyond what it has written itself, and writes. */
const useOfBodies = new WeakMap<Body, Use>();

function useOfBody(body: Body): Use {
  const known = useOfBodies.get(body);
  if (known) return known;
  const use = { reads: { x: 0, v: 0 }, writes: { x: 0, v: 0 } };
  noteUses(body, false, use.reads, use.writes);
  useOfBodies.set(body, use);
  return use;
}

function noteUses({ nodes }: Body, conditional: boolean, reads: RegisterBits, writes: RegisterBits): void {
  for (const { operation } of nodes) {
    if (operation.op === 'if') {
      noteUses(operation.then, true, reads, writes);
      if (operation.else) noteUses(operation.else, true, reads, writes);
    }
    if (operation.op !== 'state.load' && operation.op !== 'state.store') continue;
    const at = registerAt(operation.offset);
    if (!at) continue;
    const file = isVector(at.id) ? 'v' : 'x';
    const bit = 1 << (at.id % X_REGISTERS);
    const whole =
      operation.op === 'state.store' && at.byte === 0 && operation.store === (file === 'v' ? 'v128' : 'i64');
    // A conditional write may not happen, so the old value is needed.
    if ((!whole || conditional) && !(writes[file] & bit)) reads[file] |= bit;
    if (operation.op === 'state.store') writes[file] |= bit;
  }
}

function bitsOfBlock({ instructions }: Block): Use {
  const reads = { x: 0, v: 0 };
  const writes = { x: 0, v: 0 };
  for (const { lifted } of instructions) {
    const use = useOfBody(lifted.body);
    reads.x |= use.reads.x & ~writes.x;
    reads.v |= use.reads.v & ~writes.v;
    writes.x |= use.writes.x;
    writes.v |= use.writes.v;
  }
  return { reads, writes };
}

function toSet({ x, v }: RegisterBits): Set<RegisterId> {
  const out = new Set<RegisterId>();
  for (let id = 0; id < X_REGISTERS; id++) if (x & (1 << id)) out.add(id);
  for (let id = 0; id < V_REGISTERS; id++) if (v & (1 << id)) out.add(V_BASE + id);
  return out;
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
  const uses = new Map([...region.blocks].map(([offset, block]) => [offset, bitsOfBlock(block)]));
  const used = { x: 0, v: 0 };
  for (const { reads, writes } of uses.values()) {
    used.x |= reads.x | writes.x;
    used.v |= reads.v | writes.v;
  }
  const writeBack = { x: 0, v: 0 };
  for (const offset of blocksInCallFreeLoops(region)) {
    writeBack.x |= uses.get(offset)?.writes.x ?? 0;
    writeBack.v |= uses.get(offset)?.writes.v ?? 0;
  }
  writeBack.x &= ~(1 << SP_ID);
  const liveIn = liveness(region, uses, writeBack);
  return {
    used: toSet(used),
    writeBack: toSet(writeBack),
    liveIn: new Map([...liveIn].map(([offset, bits]) => [offset, toSet(bits)])),
  };
}

/** Backwards: what a block reads, and what its successors need and it does not write; written-back registers always. */
function liveness(
  region: Region,
  uses: ReadonlyMap<number, Use>,
  writeBack: Readonly<RegisterBits>,
): Map<number, RegisterBits> {
  const liveIn = new Map<number, RegisterBits>();
  const blocks = [...region.blocks.values()].reverse();
  for (const { offset } of blocks) {
    const reads = uses.get(offset)?.reads;
    liveIn.set(offset, { x: (reads?.x ?? 0) | writeBack.x, v: (reads?.v ?? 0) | writeBack.v });
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of blocks) {
      // After a call everything is read again from the state block.
      if (endsInCall(block)) continue;
      const live = liveIn.get(block.offset);
      const writes = uses.get(block.offset)?.writes;
      if (!live || !writes) continue;
      for (const next of block.successors) {
        const needed = liveIn.get(next);
        const x = live.x | ((needed?.x ?? 0) & ~writes.x);
        const v = live.v | ((needed?.v ?? 0) & ~writes.v);
        if (x === live.x && v === live.v) continue;
        live.x = x;
        live.v = v;
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
