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
import { assert } from '../base/assert.ts';
import { emitInstruction } from '../codegen/emit-body.ts';
import { Environment, type Push } from '../codegen/environment.ts';
import {
  FlagLocals,
  type FlagState,
  flagState,
  keepOperands,
  pushCondition,
  pushPacked,
  storeCells,
  storeLazily,
} from '../codegen/lazy-flags.ts';
import { REGION_PARAMS, REGION_RESULTS, REGION_RETURNED } from '../interpreter/region-signature.ts';
import type { LoadKind, OperandSlot, Operation, StoreKind } from '../ir/ir.ts';
import { CPU, SLOT_SINK } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  FETCH_ENTRIES,
  FETCH_ENTRY_SIZE,
  FIRST_REGION_HANDLER,
  RECORD_SIZE,
} from '../layout/memory-map.ts';
import { FunctionBuilder, type Label } from '../wasm/function-builder.ts';
import { type FlowShape, makeReducible } from './control-flow.ts';
import { flagStates } from './flag-flow.ts';
import type { KnownBranch } from './lift.ts';
import { type Block, PAGE_BYTES, pageOf, type Region, type RegionInstruction } from './region.ts';
import {
  isVector,
  planRegisters,
  type RegisterId,
  type RegisterPlan,
  registerAt,
  registerCell,
  SP_ID,
} from './registers.ts';

const INSTRUCTION_BYTES = 4;
const SINK_CELL = CPU.X + SLOT_SINK * 8;
const RECORDS_PER_BYTE = RECORD_SIZE / INSTRUCTION_BYTES;
/** Parameters of the region's function. */
const DEPTH = 0;
const EXPECTED = 1;
/** Calls nest at most this deep in the host's stack; deeper ones return to the interpreter. */
const MAX_DEPTH = 120;
/** Blocks that may be copied to make a region reducible. */
const MAX_COPIES = 64;
const FETCH_TAG_MASK = -4096n | 3n;
const RECORDS_ADDRESS = 8;

/** Helpers that neither raise exceptions nor look at registers: nothing is spilled for them. */
export const isArithmeticHelper = (helper: string) => /^(fp(?!Trap)|unsigned)/.test(helper);
const MEMORY_HELPERS = new Set(['readSlow', 'writeSlow', 'rmwAddress']);
/** Helpers that write a general register named by the instruction's Rt. */
const WRITES_RT = new Set(['systemRead', 'systemOperation']);

export interface EmitContext {
  readonly helpers: ReadonlyMap<string, number>;
  readonly regionType: number;
  /** Whether the host has tail calls. */
  readonly tailCalls: boolean;
}

/** The region's function; undefined when its control flow cannot be structured within the limits. */
export function emitRegion(region: Region, context: EmitContext): FunctionBuilder | undefined {
  const offsets = [...region.blocks.keys()];
  const indexOf = new Map(offsets.map((offset, index) => [offset, index]));
  const successors = offsets.map((offset) => [
    ...new Set((region.blocks.get(offset)?.successors ?? []).map((to) => indexOf.get(to) ?? 0)),
  ]);
  const graph = makeReducible({ successors }, MAX_COPIES);
  if (!graph) return undefined;
  const blocks = graph.original.map((index) => {
    const block = region.blocks.get(offsets[index] ?? 0);
    assert(block, 'a block of the region');
    return block;
  });
  return new RegionEmitter(region, blocks, graph.successors, graph.shape, context).emit();
}

class RegionEmitter extends Environment {
  private readonly region: Region;
  private readonly blocks: readonly Block[];
  private readonly successors: readonly (readonly number[])[];
  private readonly shape: FlowShape;
  private readonly context: EmitContext;
  private readonly plan: RegisterPlan;
  private readonly flagsIn: readonly FlagState[];
  private readonly f = new FunctionBuilder(REGION_PARAMS, REGION_RESULTS);
  private readonly locals = new Map<RegisterId, number>();
  private readonly flags = new FlagLocals(this.f);
  private readonly labels = new Map<string, Label>();
  private readonly pageVa = this.f.takeLocal('i64');
  private readonly budget = this.f.takeLocal('i32');
  private readonly exitRecord = this.f.takeLocal('i32');
  /** Goes on at the record in `exitRecord`; everything is spilled. */
  private exit: Label = { depth: 0 };
  /** An access faulted: PC is the vector. */
  private fault: Label = { depth: 0 };

  // What is known at the point being emitted.
  private node = 0;
  private instruction: RegionInstruction | undefined;
  private isLast = false;
  private flagsNow: FlagState = 'cells';
  private dirty = new Set<RegisterId>();
  private conditionals: { readonly before: FlagState; setsFlags: boolean }[] = [];

  constructor(
    region: Region,
    blocks: readonly Block[],
    successors: readonly (readonly number[])[],
    shape: FlowShape,
    context: EmitContext,
  ) {
    super();
    this.region = region;
    this.blocks = blocks;
    this.successors = successors;
    this.shape = shape;
    this.context = context;
    this.plan = planRegisters(region);
    this.flagsIn = flagStates(blocks, successors, shape);
  }

  emit(): FunctionBuilder {
    const { f } = this;
    for (const id of this.plan.used) this.locals.set(id, f.takeLocal(isVector(id) ? 'v128' : 'i64'));
    this.emitEntry();
    this.exit = f.block();
    this.fault = f.block();
    this.emitTree(0);
    f.plain('unreachable');
    f.end();
    for (const id of this.plan.writeBack) this.storeRegister(id);
    this.storeBudget();
    f.i32(0);
    f.plain('return');
    f.end();
    this.emitExit();
    f.finish();
    return f;
  }

  /** Hands over to the region at `exitRecord` without a trip through the interpreter, if there is one. */
  private emitExit(): void {
    const { f } = this;
    if (!this.context.tailCalls) return f.get(this.exitRecord);
    const handler = f.takeLocal('i32');
    f.get(this.budget);
    f.i32(0);
    f.numeric('i32.gt_s');
    f.if(undefined, 'likely');
    f.get(this.exitRecord);
    f.load('i32.load16_u', 0);
    f.tee(handler);
    f.i32(FIRST_REGION_HANDLER);
    f.numeric('i32.ge_u');
    f.if();
    f.get(DEPTH);
    f.get(EXPECTED);
    f.get(handler);
    f.returnCallIndirect(this.context.regionType);
    f.end();
    f.end();
    f.get(this.exitRecord);
  }

  // ---- Structure ----

  private emitEntry(): void {
    const { f } = this;
    f.i32(0);
    f.load('i64.load', CPU_BLOCK + CPU.PC_BIAS);
    f.i64(BigInt(this.pageRecords(0) >>> 2));
    f.numeric('i64.add');
    f.set(this.pageVa);
    this.loadBudget();
    this.loadRegisters(this.region.entry);
  }

  private emitTree(node: number): void {
    const { f, shape } = this;
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
    if (last === undefined) return this.emitBlock(node);
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
    block.instructions.forEach((instruction, index) => {
      this.instruction = instruction;
      this.isLast = index === block.instructions.length - 1;
      emitInstruction(instruction.lifted.body, f, this);
    });
    if (block.instructions.length === 0) this.leaveAt(block.offset);
  }

  /** Goes on at an offset: within the region where it can, else out of it. */
  private edge(target: number): void {
    const { f, shape } = this;
    const from = this.node;
    const node = (this.successors[from] ?? []).find((next) => this.blocks[next]?.offset === target);
    if (node === undefined) return this.leaveAt(target);
    const saved = {
      conditionals: this.conditionals,
      flags: this.flagsNow,
      dirty: this.dirty,
      instruction: this.instruction,
      isLast: this.isLast,
    };
    this.conditionals = [];
    if (pageOf(target) !== this.currentPage()) this.crossPage(target);
    this.reconcileFlags(this.flagsIn[node] ?? 'cells');
    if ((shape.position[node] ?? 0) <= (shape.position[from] ?? 0)) {
      this.leaveWithoutBudget(target);
      f.br(this.label(`loop${node}`));
    } else if (shape.mergePoints.has(node)) f.br(this.label(`merge${node}`));
    else this.emitTree(node);
    this.node = from;
    this.conditionals = saved.conditionals;
    this.flagsNow = saved.flags;
    this.dirty = saved.dirty;
    this.instruction = saved.instruction;
    this.isLast = saved.isLast;
  }

  private label(name: string): Label {
    const label = this.labels.get(name);
    assert(label, `label ${name}`);
    return label;
  }

  private reconcileFlags(wanted: FlagState): void {
    if (this.flagsNow === wanted) return;
    assert(wanted === 'cells', `flags are ${this.flagsNow} where ${wanted} are expected`);
    storeCells(this.f, this.stateBase, this.flags, this.flagsNow);
  }

  // ---- Leaving ----

  private pageRecords(page: number): number {
    const records = this.region.pages.get(page)?.records;
    assert(records !== undefined, `page ${page} of the region`);
    return records;
  }
  private currentPage(): number {
    return pageOf(this.instruction?.offset ?? this.region.entry);
  }
  private recordAt(offset: number): number {
    const page = pageOf(offset);
    return this.pageRecords(page) + (offset - page * PAGE_BYTES) * RECORDS_PER_BYTE;
  }
  private pushAddress(offset: number): void {
    this.f.get(this.pageVa);
    if (offset === 0) return;
    this.f.i64(BigInt(offset));
    this.f.numeric('i64.add');
  }

  /** Everything that the state block must hold when other code runs. */
  private spill(): void {
    for (const id of this.plan.writeBack) if (this.dirty.has(id)) this.storeRegister(id);
    storeCells(this.f, this.stateBase, this.flags, this.flagsNow);
    this.storeBudget();
  }

  /** Leaves the region for the instruction at an offset. */
  private leaveAt(target: number): void {
    const { f } = this;
    this.spill();
    if (this.region.pages.has(pageOf(target)) && pageOf(target) === this.currentPage()) {
      f.i32(this.recordAt(target));
      f.set(this.exitRecord);
    } else {
      const address = f.takeLocal('i64');
      this.pushAddress(target);
      f.set(address);
      this.findRecord(address);
      f.freeLocal('i64', address);
    }
    f.br(this.exit);
  }

  private leaveWithoutBudget(target: number): void {
    const { f } = this;
    f.get(this.budget);
    f.i32(0);
    f.numeric('i32.le_s');
    f.if(undefined, 'unlikely');
    this.spill();
    f.i32(this.recordAt(target));
    f.plain('return');
    f.end();
  }

  /** Before an edge to another page: it must still be mapped where it was. Sets PC_BIAS for it. */
  private crossPage(target: number): void {
    const { f } = this;
    const page = pageOf(target);
    const records = this.pageRecords(page);
    const entry = f.takeLocal('i32');
    const pushPageAddress = () => this.pushAddress(page * PAGE_BYTES);
    this.pushFetchEntry(pushPageAddress);
    f.tee(entry);
    f.load('i64.load', 0);
    pushPageAddress();
    f.numeric('i64.eq');
    f.get(entry);
    f.load('i32.load', RECORDS_ADDRESS);
    f.i32(records);
    f.numeric('i32.eq');
    f.numeric('i32.and');
    f.freeLocal('i32', entry);
    f.numeric('i32.eqz');
    f.if(undefined, 'unlikely');
    this.spill();
    f.i32(0);
    this.pushAddress(target);
    f.store('i64.store', CPU_BLOCK + CPU.PC);
    f.i32(0);
    f.plain('return');
    f.end();
    f.i32(0);
    this.pushBias(page);
    f.store('i64.store', CPU_BLOCK + CPU.PC_BIAS);
  }

  /** PC_BIAS while code of a page runs. */
  private pushBias(page: number): void {
    this.pushAddress(page * PAGE_BYTES);
    this.f.i64(BigInt(this.pageRecords(page) >>> 2));
    this.f.numeric('i64.sub');
  }

  private pushFetchEntry(address: Push): void {
    const { f } = this;
    address();
    f.numeric('i32.wrap_i64');
    f.i32(12 - Math.log2(FETCH_ENTRY_SIZE));
    f.numeric('i32.shr_u');
    f.i32((FETCH_ENTRIES - 1) * FETCH_ENTRY_SIZE);
    f.numeric('i32.and');
    f.i32(0);
    f.load('i32.load', CPU_BLOCK + CPU.FETCH_TLB);
    f.numeric('i32.add');
  }

  /** Puts the record of the address in a local into `exitRecord` and sets PC_BIAS; leaves when the fetch TLB lacks it. */
  private findRecord(target: number): void {
    const { f } = this;
    const entry = f.takeLocal('i32');
    this.pushFetchEntry(() => f.get(target));
    f.tee(entry);
    f.load('i64.load', 0);
    f.get(target);
    f.i64(FETCH_TAG_MASK);
    f.numeric('i64.and');
    f.numeric('i64.ne');
    f.if(undefined, 'unlikely');
    f.i32(0);
    f.get(target);
    f.store('i64.store', CPU_BLOCK + CPU.PC);
    f.i32(0);
    f.plain('return');
    f.end();
    f.get(target);
    f.numeric('i32.wrap_i64');
    f.i32(0xffc);
    f.numeric('i32.and');
    f.i32(Math.log2(RECORDS_PER_BYTE));
    f.numeric('i32.shl');
    f.get(entry);
    f.load('i32.load', RECORDS_ADDRESS);
    f.numeric('i32.add');
    f.set(this.exitRecord);
    f.i32(0);
    f.get(target);
    f.get(this.exitRecord);
    f.i32(2);
    f.numeric('i32.shr_u');
    f.numeric('i64.extend_i32_u');
    f.numeric('i64.sub');
    f.store('i64.store', CPU_BLOCK + CPU.PC_BIAS);
    f.freeLocal('i32', entry);
  }

  /**
   * Calls the region at `exitRecord`, if there is one, and goes on at `back` when it returns there; otherwise
   * leaves for that record. State is spilled.
   */
  private callRegion(back: number): void {
    const { f } = this;
    const handler = f.takeLocal('i32');
    f.get(this.exitRecord);
    f.load('i32.load16_u', 0);
    f.tee(handler);
    f.i32(FIRST_REGION_HANDLER);
    f.numeric('i32.lt_u');
    f.get(DEPTH);
    f.i32(MAX_DEPTH);
    f.numeric('i32.gt_u');
    f.numeric('i32.or');
    f.brIf(this.exit, 'unlikely');
    f.get(DEPTH);
    f.i32(1);
    f.numeric('i32.add');
    this.pushAddress(back);
    f.get(handler);
    f.callIndirect(this.context.regionType);
    f.freeLocal('i32', handler);
    f.tee(this.exitRecord);
    f.i32(REGION_RETURNED);
    f.numeric('i32.ne');
    f.if(undefined, 'unlikely');
    f.get(this.exitRecord);
    f.plain('return');
    f.end();
    f.i32(0);
    this.pushBias(pageOf(back));
    f.store('i64.store', CPU_BLOCK + CPU.PC_BIAS);
    this.loadBudget();
    f.get(this.budget);
    f.i32(0);
    f.numeric('i32.le_s');
    f.if(undefined, 'unlikely');
    f.i32(this.recordAt(back));
    f.plain('return');
    f.end();
  }

  /** After a call: on at the return address, with everything read again. */
  private continueAfterCall(back: number): void {
    this.flagsNow = 'cells';
    this.loadRegisters(back);
    this.dirty = new Set();
    this.instruction = this.instruction && { ...this.instruction, offset: back };
    this.edge(back);
  }

  // ---- Registers ----

  private storeRegister(id: RegisterId): void {
    const { f } = this;
    f.i32(0);
    f.get(this.local(id));
    f.store(isVector(id) ? 'v128.store' : 'i64.store', this.stateBase + registerCell(id));
  }
  private loadRegister(id: RegisterId): void {
    const { f } = this;
    f.i32(0);
    f.load(isVector(id) ? 'v128.load' : 'i64.load', this.stateBase + registerCell(id));
    f.set(this.local(id));
  }
  /** Loads what the block at an offset needs. */
  private loadRegisters(offset: number): void {
    for (const id of this.plan.liveIn.get(offset) ?? this.plan.used) this.loadRegister(id);
  }
  private local(id: RegisterId): number {
    const local = this.locals.get(id);
    assert(local !== undefined, `register ${id} has a local`);
    return local;
  }
  private loadBudget(): void {
    this.f.i32(0);
    this.f.load('i32.load', CPU_BLOCK + CPU.BUDGET);
    this.f.set(this.budget);
  }
  private storeBudget(): void {
    this.f.i32(0);
    this.f.get(this.budget);
    this.f.store('i32.store', CPU_BLOCK + CPU.BUDGET);
  }

  // ---- Environment ----

  override loadState(f: FunctionBuilder, kind: LoadKind, offset: number, index: Push | undefined): void {
    const at = index ? undefined : registerAt(offset);
    if (!at) return super.loadState(f, kind, offset, index);
    f.get(this.local(at.id));
    if (isVector(at.id)) return readVectorPart(f, kind, at.byte);
    if (kind === 'i32') return f.numeric('i32.wrap_i64');
    assert(kind === 'i64' && at.byte === 0, `load ${kind} of a general register`);
  }

  override storeState(
    f: FunctionBuilder,
    kind: StoreKind,
    offset: number,
    value: Push,
    index: Push | undefined,
  ): void {
    const at = index ? undefined : registerAt(offset);
    if (!at && offset === SINK_CELL) {
      // Never read; but the value may be a load that faults.
      value();
      return f.plain('drop');
    }
    if (!at) return super.storeState(f, kind, offset, value, index);
    if (isVector(at.id) && kind !== 'v128')
      writeVectorPart(f, kind, at.byte, () => f.get(this.local(at.id)), value);
    else value();
    f.set(this.local(at.id));
    if (this.plan.writeBack.has(at.id)) this.dirty.add(at.id);
    else this.storeRegister(at.id);
  }

  override setFlags(
    f: FunctionBuilder,
    { kind, width }: Operation & { op: 'flags.set' },
    args: readonly Push[],
  ): void {
    keepOperands(f, this.flags, { kind, width }, args);
    this.flagsAreSet(flagState(kind, width));
  }
  override putFlags(f: FunctionBuilder, nzcv: Push): void {
    nzcv();
    f.set(this.flags.packed);
    this.flagsAreSet('packed');
  }
  override getFlags(f: FunctionBuilder): void {
    pushPacked(f, this.stateBase, this.flags, this.flagsNow);
  }
  override holds(f: FunctionBuilder, condition: number): void {
    pushCondition(f, this.stateBase, this.flags, this.flagsNow, condition);
  }
  /** Both sides of a conditional that sets flags leave them packed. */
  override beginIf(): void {
    this.conditionals.push({ before: this.flagsNow, setsFlags: false });
  }
  override beginElse(f: FunctionBuilder): void {
    const conditional = this.conditionals.at(-1);
    assert(conditional, 'inside a conditional');
    if (conditional.setsFlags) this.pack(f);
    this.flagsNow = conditional.before;
  }
  override endIf(f: FunctionBuilder): void {
    const conditional = this.conditionals.pop();
    if (conditional?.setsFlags) this.pack(f);
  }
  private flagsAreSet(state: FlagState): void {
    this.flagsNow = state;
    const conditional = this.conditionals.at(-1);
    if (conditional) conditional.setsFlags = true;
  }
  private pack(f: FunctionBuilder): void {
    if (this.flagsNow === 'packed') return;
    pushPacked(f, this.stateBase, this.flags, this.flagsNow);
    f.set(this.flags.packed);
    this.flagsNow = 'packed';
  }

  operand(): void {
    assert(false, 'the translator knows every operand');
  }
  pc(): void {
    this.pushAddress(this.instruction?.offset ?? 0);
  }
  private pushRecord(): void {
    this.f.i32(this.recordAt(this.instruction?.offset ?? 0));
  }

  call(f: FunctionBuilder, helper: string, args: readonly Push[]): void {
    const index = this.context.helpers.get(helper);
    assert(index !== undefined, `helper ${helper}`);
    const memory = MEMORY_HELPERS.has(helper);
    const arithmetic = isArithmeticHelper(helper);
    if (memory) storeLazily(f, this.stateBase, this.flags, this.flagsNow);
    else if (!arithmetic) this.spill();
    this.pushRecord();
    for (const push of args) push();
    f.call(index);
    if (memory || arithmetic) return;
    if (WRITES_RT.has(helper)) this.reloadRt();
    // MSR NZCV; the block's cells are right in any case.
    if (this.conditionals.length === 0) this.flagsNow = 'cells';
  }
  private reloadRt(): void {
    for (const id of this.plan.used) if (id === this.instruction?.lifted.rt) this.loadRegister(id);
  }

  next(): void {
    const { instruction } = this;
    if (this.isLast && instruction) this.edge(instruction.offset + INSTRUCTION_BYTES);
  }

  branch(f: FunctionBuilder, slot: OperandSlot): void {
    const { instruction } = this;
    assert(instruction, 'an instruction');
    const target = instruction.offset + (slot as KnownBranch).distance;
    if (!instruction.lifted.exits.isCall) return this.edge(target);
    const back = instruction.offset + INSTRUCTION_BYTES;
    if (!this.continues(back)) return this.leaveAt(target);
    this.spill();
    if (this.region.pages.has(pageOf(target)) && pageOf(target) === this.currentPage()) {
      f.i32(this.recordAt(target));
      f.set(this.exitRecord);
    } else {
      const address = f.takeLocal('i64');
      this.pushAddress(target);
      f.set(address);
      this.findRecord(address);
      f.freeLocal('i64', address);
    }
    this.callRegion(back);
    this.continueAfterCall(back);
  }

  branchTo(f: FunctionBuilder, hint: 'jump' | 'call' | 'return'): void {
    const { instruction } = this;
    assert(instruction, 'an instruction');
    const address = f.takeLocal('i64');
    f.set(address);
    this.spill();
    if (hint === 'return') {
      f.get(address);
      f.get(EXPECTED);
      f.numeric('i64.eq');
      f.if(undefined, 'likely');
      f.i32(REGION_RETURNED);
      f.plain('return');
      f.end();
    }
    this.findRecord(address);
    f.freeLocal('i64', address);
    const back = instruction.offset + INSTRUCTION_BYTES;
    if (hint !== 'call' || !this.continues(back)) return f.br(this.exit);
    this.callRegion(back);
    this.continueAfterCall(back);
  }

  /** Whether the region goes on at an offset after a call. */
  private continues(offset: number): boolean {
    return (this.successors[this.node] ?? []).some((next) => this.blocks[next]?.offset === offset);
  }

  resync(f: FunctionBuilder): void {
    f.i32(0);
    f.plain('return');
  }

  leaveIfZero(f: FunctionBuilder): void {
    f.numeric('i32.eqz');
    f.brIf(this.fault, 'unlikely');
  }

  /** An interrupt that the access raised waits for the end of the slice, or until the guest unmasks it. */
  afterSlowAccess(): void {}
}

const LANES = { i32: 4, i64: 8, f32: 4, f64: 8 } as const;
const SHAPE = { i32: 'i32x4', i64: 'i64x2', f32: 'f32x4', f64: 'f64x2' } as const;

/** From the register on the stack to what a load of that kind at that byte would give. */
function readVectorPart(f: FunctionBuilder, kind: LoadKind, byte: number): void {
  if (kind === 'v128') return assert(byte === 0, 'an aligned vector');
  const [type, width] = kind.split('.') as [keyof typeof LANES, string | undefined];
  if (!width) return f.numeric(`${SHAPE[type]}.extract_lane`, [byte / LANES[type]]);
  const sign = width.endsWith('s') ? 's' : 'u';
  const bits = Number.parseInt(width, 10);
  if (bits === 32) {
    f.numeric('i32x4.extract_lane', [byte / 4]);
    return f.numeric(`i64.extend_i32_${sign}`);
  }
  f.numeric(bits === 8 ? `i8x16.extract_lane_${sign}` : `i16x8.extract_lane_${sign}`, [(byte * 8) / bits]);
  if (type === 'i64') f.numeric(`i64.extend_i32_${sign}`);
}

/** Pushes the register with the part that a store of that kind at that byte would change. */
function writeVectorPart(
  f: FunctionBuilder,
  kind: StoreKind,
  byte: number,
  register: Push,
  value: Push,
): void {
  const [type, width] = kind.split('.') as [keyof typeof LANES, string | undefined];
  register();
  value();
  if (!width) return f.numeric(`${SHAPE[type]}.replace_lane`, [byte / LANES[type]]);
  const bits = Number(width);
  if (type === 'i64') f.numeric('i32.wrap_i64');
  f.numeric(`${bits === 8 ? 'i8x16' : bits === 16 ? 'i16x8' : 'i32x4'}.replace_lane`, [(byte * 8) / bits]);
}
