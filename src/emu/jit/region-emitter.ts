/**
 * Translates a region into one WebAssembly function of type (depth, expected) → where.
 *
 * The function starts where its entry's record stands. It returns the record at which execution goes on, 0 when
 * PC holds the address instead, or REGION_RETURNED when it is at the address `expected`, to which the caller, another
 * region, made the guest return. Invariants at every exit: registers and flags in the state block are exact,
 * PC_BIAS is right for the record, and BUDGET holds the fuel that is left. `depth` bounds the nesting of calls.
 *
 * A guest call becomes a host call, so that the host predicts the return; whatever else happens in between
 * (another stack, a longjmp, an exception) makes the callee return something else, which is handed on.
 */
import { assert, fail } from '../base/assert.ts';
import { emitInstruction } from '../codegen/emit-body.ts';
import type { FlagState } from '../codegen/lazy-flags.ts';
import { noteForm, storeCells } from '../codegen/lazy-flags.ts';
import { REGION_RETURNED } from '../interpreter/region-signature.ts';
import type { OperandSlot } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK, RECORD_SIZE } from '../layout/memory-map.ts';
import type { FunctionBuilder, Label } from '../wasm/function-builder.ts';
import { makeReducible, type ReducibleGraph } from './control-flow.ts';
import { flagStates } from './flag-flow.ts';
import type { KnownBranch } from './lift.ts';
import { type MergedAccesses, mergeAccesses } from './merged-accesses.ts';
import { type Block, INSTRUCTION_BYTES, pageOf, type Region } from './region.ts';
import { type EmitContext, EXPECTED, RegionExits } from './region-exits.ts';

/** Up to so many targets an indirect jump compares one by one. */
const FEW_TARGETS = 3;
export function emitRegion(region: Region, context: EmitContext): FunctionBuilder {
  const blocks = [...region.blocks.values()];
  const indexOf = new Map(blocks.map(({ offset }, index) => [offset, index]));
  const successors = blocks.map((block) => [
    ...new Set(block.successors.map((to) => indexOf.get(to) ?? fail(`block ${to} of the region`))),
  ]);
  return new RegionEmitter(region, blocks, makeReducible({ successors }), context).emit();
}

class RegionEmitter extends RegionExits {
  /** By node; dispatchers, which come after them, have none. */
  private readonly blocks: readonly Block[];
  private readonly graph: ReducibleGraph;
  private readonly flagsIn: readonly FlagState[];
  private readonly labels = new Map<string, Label>();
  /** The node that a dispatcher shall go to. */
  private readonly selector = this.f.takeLocal('i32');
  /** The node being emitted. */
  private node = 0;

  constructor(region: Region, blocks: readonly Block[], graph: ReducibleGraph, context: EmitContext) {
    super(region, context);
    this.blocks = blocks;
    this.graph = graph;
    const blockOf = graph.successors.map((_, node) => blocks[node]);
    this.flagsIn = flagStates(blockOf, graph.successors, graph.shape);
  }

  emit(): FunctionBuilder {
    const { f } = this;
    this.emitEntry();
    this.withExits(() => this.emitTree(0));
    f.finish();
    return f;
  }

  // ---- Structure ----

  private emitEntry(): void {
    const { f } = this;
    this.checkDepth();
    f.i32(0);
    f.load('i64.load', CPU_BLOCK + CPU.PC_BIAS);
    f.i64(BigInt(this.pageRecords(0) >>> 2));
    f.numeric('i64.add');
    f.set(this.pageVa);
    this.loadBudget();
    this.loadRegisters(this.region.entry);
  }

  private emitTree(node: number): void {
    const { f } = this;
    const { shape } = this.graph;
    const merges = (shape.children[node] ?? []).filter((child) => shape.mergePoints.has(child));
    const isLoop = shape.loopHeaders.has(node);
    if (isLoop) this.labels.set(`loop${node}`, f.loop());
    this.emitWithin(node, [...merges].reverse());
    if (isLoop) {
      f.plain('unreachable');
      f.end();
    }
  }

  /** `merges`: blocks to be placed after this one, the last in order first. */
  private emitWithin(node: number, merges: readonly number[]): void {
    const [last, ...rest] = merges;
    if (last === undefined)
      return this.graph.dispatchers.has(node) ? this.emitDispatcher(node) : this.emitBlock(node);
    this.labels.set(`merge${last}`, this.f.block());
    this.emitWithin(node, rest);
    this.f.end();
    this.emitTree(last);
  }

  private emitBlock(node: number): void {
    const { f } = this;
    const block = this.blocks[node];
    assert(block, 'a block');
    this.node = node;
    this.flagsNow = this.flagsIn[node] ?? 'cells';
    this.dirty = new Set(this.plan.writeBack);
    f.get(this.budget);
    f.i32(-RECORD_SIZE * block.instructions.length);
    f.numeric('i32.add');
    f.set(this.budget);
    const accesses: MergedAccesses = this.context.leftOut?.has('merged-accesses')
      ? new Map()
      : mergeAccesses(block);
    block.instructions.forEach((instruction, index) => {
      this.instruction = instruction;
      this.beginMerged(accesses, index);
      this.context.onInstruction?.(f.code.length, instruction.offset);
      this.following = block.instructions.length - 1 - index;
      emitInstruction(instruction.lifted.body, f, this);
    });
    if (block.instructions.length === 0) this.leaveAt(block.offset);
  }

  /** Goes on at the node that the selector names. */
  private emitDispatcher(node: number): void {
    const { f } = this;
    this.node = node;
    this.flagsNow = this.flagsIn[node] ?? 'cells';
    const targets = this.graph.dispatchers.get(node) ?? [];
    const nexts = [...new Set(targets.map((target) => this.nextTo(target)))];
    const labels = nexts.map(() => f.block()).reverse();
    const [first] = labels;
    assert(first, 'a dispatcher goes somewhere');
    const table = this.blocks.map((_, target) => {
      const label = targets.includes(target) ? labels[nexts.indexOf(this.nextTo(target))] : undefined;
      return label ?? first;
    });
    f.get(this.selector);
    f.brTable(table, first);
    for (const next of nexts) {
      f.end();
      this.within(() => this.enter(next));
    }
  }

  /** Goes on at an offset: within the region where it can, else out of it. */
  private edge(target: number): void {
    const { f } = this;
    const { dispatchers } = this.graph;
    const node = this.successorAt(target);
    if (node === undefined) return this.leaveAt(target);
    const next = this.nextTo(node);
    this.within(() => {
      if (pageOf(target) !== this.currentPage()) this.crossPage(target);
      if (this.isBackwards(next)) this.leaveWithoutBudget(target);
      if (dispatchers.has(next)) {
        f.i32(node);
        f.set(this.selector);
      }
      this.enter(next);
    });
  }

  /** Of the blocks that may follow this one, the one at an offset. */
  private successorAt(offset: number): number | undefined {
    return this.successorBlocks().find((node) => this.blocks[node]?.offset === offset);
  }

  /** Numbers of the blocks that may follow this one. */
  private successorBlocks(): number[] {
    const { successors, dispatchers } = this.graph;
    return (successors[this.node] ?? []).flatMap((next) => dispatchers.get(next) ?? [next]);
  }

  /** The node to which this one goes in order to get to a block. */
  private nextTo(node: number): number {
    const { successors, dispatchers } = this.graph;
    const next = (successors[this.node] ?? []).find(
      (to) => to === node || dispatchers.get(to)?.includes(node),
    );
    return next ?? fail(`a way to node ${node}`);
  }

  /** Emits one of several ways from here; what is known here holds again after it. */
  private within(emit: () => void): void {
    const { conditionals, flagsNow, dirty, instruction, following, node } = this;
    this.conditionals = [];
    emit();
    Object.assign(this, { conditionals, flagsNow, dirty, instruction, following, node });
  }

  private isBackwards(next: number): boolean {
    const { position } = this.graph.shape;
    return (position[next] ?? 0) <= (position[this.node] ?? 0);
  }

  private enter(next: number): void {
    const { f } = this;
    this.reconcileFlags(this.flagsIn[next] ?? 'cells');
    if (this.isBackwards(next)) f.br(this.label(`loop${next}`));
    else if (this.graph.shape.mergePoints.has(next)) f.br(this.label(`merge${next}`));
    else this.emitTree(next);
  }

  private label(name: string): Label {
    const label = this.labels.get(name);
    assert(label, `label ${name}`);
    return label;
  }

  private reconcileFlags(wanted: FlagState): void {
    const { flagsNow } = this;
    if (flagsNow === wanted) return;
    if (wanted === 'cells') storeCells(this.f, this.stateBase, this.flags, flagsNow);
    else if (typeof flagsNow === 'string') noteForm(this.f, this.flags, flagsNow);
  }

  /** After a call: on at the return address, with everything read again. */
  private continueAfterCall(back: number): void {
    this.flagsNow = 'cells';
    this.loadRegisters(back);
    this.dirty = new Set();
    this.instruction = this.instruction && { ...this.instruction, offset: back };
    this.edge(back);
  }

  next(): void {
    const { instruction } = this;
    if (this.following === 0 && instruction) this.edge(instruction.offset + INSTRUCTION_BYTES);
  }

  branch(_f: FunctionBuilder, slot: OperandSlot): void {
    const { instruction } = this;
    assert(instruction, 'an instruction');
    const target = instruction.offset + (slot as KnownBranch).distance;
    if (!instruction.lifted.exits.isCall) return this.edge(target);
    const back = instruction.offset + INSTRUCTION_BYTES;
    if (!this.continues(back)) return this.leaveAt(target);
    this.spill();
    this.findRecordAt(target);
    this.callRegion(back);
    this.continueAfterCall(back);
  }

  branchTo(f: FunctionBuilder, hint: 'jump' | 'call' | 'return'): void {
    const { instruction } = this;
    assert(instruction, 'an instruction');
    const address = f.takeLocal('i64');
    f.set(address);
    if (hint === 'jump') this.jumpWithinRegion(address);
    this.spill();
    if (hint === 'return') {
      f.get(address);
      f.get(EXPECTED);
      f.numeric('i64.eq');
      f.if(undefined, 'likely');
      f.i32(REGION_RETURNED);
      f.plain('return');
      f.end();
      this.exitTo(address);
      return f.freeLocal('i64', address);
    }
    this.findRecord(address);
    f.freeLocal('i64', address);
    if (hint === 'jump') this.countJump();
    const back = instruction.offset + INSTRUCTION_BYTES;
    if (hint !== 'call' || !this.continues(back)) return f.br(this.exit);
    this.callRegion(back);
    this.continueAfterCall(back);
  }

  /** An indirect jump to one of the targets that were seen before; falls through for any other. */
  private jumpWithinRegion(address: number): void {
    const { f } = this;
    const targets = this.successorBlocks().map((node) => this.blocks[node]?.offset ?? 0);
    if (targets.length === 0) return;
    if (targets.length <= FEW_TARGETS) {
      for (const target of targets) {
        f.get(address);
        this.pushAddress(target);
        f.numeric('i64.eq');
        f.if();
        this.edge(target);
        f.end();
      }
      return;
    }
    const first = Math.min(...targets);
    const slots = (Math.max(...targets) - first) / INSTRUCTION_BYTES + 1;
    const otherwise = f.block();
    const labels = targets.map(() => f.block()).reverse();
    const index = f.takeLocal('i64');
    // A misaligned address keeps its low bits on top, and so is out of range.
    f.get(address);
    this.pushAddress(first);
    f.numeric('i64.sub');
    f.i64(BigInt(Math.log2(INSTRUCTION_BYTES)));
    f.numeric('i64.rotr');
    f.tee(index);
    f.i64(BigInt(slots));
    f.numeric('i64.ge_u');
    f.brIf(otherwise, 'unlikely');
    f.get(index);
    f.numeric('i32.wrap_i64');
    f.freeLocal('i64', index);
    const table = new Array<Label>(slots).fill(otherwise);
    targets.forEach((target, i) => {
      table[(target - first) / INSTRUCTION_BYTES] = labels[i] ?? otherwise;
    });
    f.brTable(table, otherwise);
    for (const target of targets) {
      f.end();
      this.edge(target);
    }
    f.end();
  }

  /** Whether the region goes on at an offset after a call. */
  private continues(offset: number): boolean {
    return this.successorAt(offset) !== undefined;
  }
}
