/**
 * Generates the interpreter's main loop: one WebAssembly function with a br_table over the hot handlers. All
 * other handlers, and translated regions, are called through the table of handlers.
 *
 * The loop keeps in locals: `record`, the record being executed, and `limit`, the record address at which
 * the slice's fuel ends if execution went straight on. So fuel costs nothing on straight code, and two
 * additions and a comparison at a taken branch. `run` returns to TypeScript when the fuel is used up or
 * ATTENTION is set: V8 replaces a function by its optimised form only when it is entered anew.
 */
import { emitInstruction } from '../codegen/emit-body.ts';
import type { OperandSlot } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  DECODED_AREA,
  FETCH_ENTRIES,
  FETCH_ENTRY_SIZE,
  FETCH_RECORDS,
  FIRST_REGION_HANDLER,
  HANDLER_SLOTS,
  HEAT_AREA,
  RECORD_SIZE,
} from '../layout/memory-map.ts';
import { FunctionBuilder, type Label } from '../wasm/function-builder.ts';
import type { ModuleBuilder } from '../wasm/module-builder.ts';
import { HANDLER_PARAMS, HANDLER_RESULTS } from './cold-handler.ts';
import type { Handler } from './handler.ts';
import { HANDLER_OFFSET } from './record.ts';
import { RecordEnvironment } from './record-environment.ts';
import { NOWHERE, REGION_PARAMS, REGION_RESULTS, REGION_RETURNED } from './region-signature.ts';

/** Functions that the main loop calls besides the helpers. */
export interface LoopImports {
  /** Branches have reached this record often. */
  hot(record: number): void;
  /** Decodes the record at an address and what follows it. */
  decode(record: number): void;
  /** Address of the decoded page of PC, or 0 when an exception was taken. */
  fetch(): number;
}

/** Handler numbers with a meaning of their own; the hot handlers follow, then the others. */
export const HANDLER_DECODE = 0;
export const HANDLER_PAGE_END = 1;
export const FIRST_HOT_HANDLER = 2;

const PAGE_MASK = -4096n;
/** A fetch address matches a tag only when it is aligned, too. */
const FETCH_TAG_MASK = PAGE_MASK | 3n;

interface LoopLabels {
  /** Next record: `record` is set. */
  readonly next: Label;
  /** Execution goes on at the address in `target`. */
  readonly far: Label;
  /** PC is set. */
  readonly leave: Label;
}

class LoopEnvironment extends RecordEnvironment {
  near = true;
  private readonly labels: LoopLabels;
  private readonly limit: number;
  private readonly target: number;
  private readonly hot: number;

  constructor(
    record: number,
    helpers: ReadonlyMap<string, number>,
    limit: number,
    target: number,
    hot: number,
    labels: LoopLabels,
  ) {
    super(record, helpers);
    this.hot = hot;
    this.limit = limit;
    this.target = target;
    this.labels = labels;
  }

  next(f: FunctionBuilder): void {
    f.get(this.record);
    f.i32(RECORD_SIZE);
    f.numeric('i32.add');
    f.set(this.record);
    f.br(this.labels.next);
  }
  resync(f: FunctionBuilder): void {
    f.br(this.labels.leave);
  }
  branch(f: FunctionBuilder, slot: OperandSlot): void {
    if (this.near) return this.branchNear(f, slot);
    this.pc(f);
    this.operand(f, { ...slot, kind: 's32' });
    f.numeric('i64.add');
    f.set(this.target);
    f.br(this.labels.far);
  }
  /** The slot holds the distance between the records. */
  private branchNear(f: FunctionBuilder, slot: OperandSlot): void {
    const distance = f.takeLocal('i32');
    this.operand(f, slot);
    f.tee(distance);
    f.get(this.limit);
    f.numeric('i32.add');
    f.i32(-RECORD_SIZE);
    f.numeric('i32.add');
    f.set(this.limit);
    f.get(distance);
    f.get(this.record);
    f.numeric('i32.add');
    f.tee(this.record);
    f.get(this.limit);
    f.freeLocal('i32', distance);
    f.numeric('i32.ge_s');
    f.if(undefined, 'unlikely');
    // Out of fuel: leave through the far path, which looks at it. The branch itself is already counted.
    f.get(this.record);
    f.i32(-RECORD_SIZE);
    f.numeric('i32.add');
    f.set(this.record);
    this.pc(f);
    f.i64(4n);
    f.numeric('i64.add');
    f.set(this.target);
    f.br(this.labels.far);
    f.end();
    emitHeat(f, this.record, this.hot);
    f.br(this.labels.next);
  }
  branchTo(f: FunctionBuilder): void {
    f.set(this.target);
    f.br(this.labels.far);
  }
  afterSlowAccess(f: FunctionBuilder): void {
    f.i32(0);
    f.load('i32.load', CPU_BLOCK + CPU.ATTENTION);
    f.if(undefined, 'unlikely');
    // What is left of the slice goes to FUEL; the next taken branch finds none and leaves.
    f.i32(0);
    f.i32(0);
    f.load('i32.load', CPU_BLOCK + CPU.FUEL);
    f.get(this.limit);
    f.numeric('i32.add');
    f.get(this.record);
    f.numeric('i32.sub');
    f.store('i32.store', CPU_BLOCK + CPU.FUEL);
    f.get(this.record);
    f.set(this.limit);
    f.end();
  }
}

/** What the main function calls and with which types, in the module it is added to. */
export interface LoopIndexes {
  readonly helpers: ReadonlyMap<string, number>;
  readonly decode: number;
  readonly fetch: number;
  readonly hot: number;
  readonly coldType: number;
  readonly regionType: number;
}

/** Imports of the main loop besides the helpers. */
export function importLoop(module: ModuleBuilder, helpers: ReadonlyMap<string, number>): LoopIndexes {
  module.importTable('handlers', HANDLER_SLOTS);
  return {
    helpers,
    decode: module.importFunction('decode', ['i32'], []),
    fetch: module.importFunction('fetch', [], ['i32']),
    hot: module.importFunction('hot', ['i32'], []),
    coldType: module.typeIndex(HANDLER_PARAMS, HANDLER_RESULTS),
    regionType: module.typeIndex(REGION_PARAMS, REGION_RESULTS),
  };
}

/**
 * The function `run(fuel)`: executes about `fuel` instructions from the state's PC and returns how many are
 * left (negative: executed more).
 */
export function mainLoop(handlers: readonly Handler[], indexes: LoopIndexes): FunctionBuilder {
  const { helpers, fetch, hot } = indexes;
  const f = new FunctionBuilder(['i32'], ['i32']);
  const left = 0;
  const record = f.takeLocal('i32');
  const limit = f.takeLocal('i32');
  const target = f.takeLocal('i64');
  const scratch = f.takeLocal('i32');
  const recordsToFuel = Math.log2(RECORD_SIZE);

  const usedUp = (extra: number) => {
    f.get(limit);
    f.get(record);
    f.numeric('i32.sub');
    f.i32(-extra);
    f.numeric('i32.add');
    f.set(left);
  };

  f.get(left);
  f.i32(recordsToFuel);
  f.numeric('i32.shl');
  f.set(left);
  const exit = f.block();
  const resync = f.loop();
  const leave = f.block();
  emitEntry(f, exit, target);
  const lookup = f.loop();
  const far = f.block();
  emitLookup(f, { exit, resync, left, record, limit, target, scratch, fetch, hot });
  const next = f.loop();
  const labels: LoopLabels = { next, far, leave };
  const environment = new LoopEnvironment(record, helpers, limit, target, hot, labels);
  emitDispatch(f, handlers, environment, {
    ...indexes,
    record,
    scratch,
    target,
    limit,
    left,
    lookup,
    resync,
    ...labels,
  });
  f.end();
  f.plain('unreachable');
  f.end();
  // far: an instruction that branched.
  usedUp(RECORD_SIZE);
  f.br(lookup);
  f.end();
  f.end();
  // leave: an instruction that ended in the runtime.
  usedUp(RECORD_SIZE);
  f.br(resync);
  f.end();
  f.end();
  f.get(left);
  f.i32(recordsToFuel);
  f.numeric('i32.shr_s');
  f.finish();
  return f;
}

/** Leaves when something wants attention, else takes PC as the target. */
function emitEntry(f: FunctionBuilder, exit: Label, target: number): void {
  f.i32(0);
  f.load('i32.load', CPU_BLOCK + CPU.ATTENTION);
  f.brIf(exit, 'unlikely');
  f.i32(0);
  f.load('i64.load', CPU_BLOCK + CPU.PC);
  f.set(target);
}

interface LookupParts {
  readonly exit: Label;
  readonly resync: Label;
  readonly left: number;
  readonly record: number;
  readonly limit: number;
  readonly target: number;
  readonly scratch: number;
  readonly fetch: number;
  readonly hot: number;
}

/** From `target` to `record`, PC_BIAS and `limit`, by the fetch TLB or the decode cache. */
function emitLookup(
  f: FunctionBuilder,
  { exit, resync, left, record, limit, target, scratch, fetch, hot }: LookupParts,
): void {
  const storePc = () => {
    f.i32(0);
    f.get(target);
    f.store('i64.store', CPU_BLOCK + CPU.PC);
  };
  f.get(left);
  f.i32(0);
  f.numeric('i32.le_s');
  f.if(undefined, 'unlikely');
  storePc();
  f.br(exit);
  f.end();
  f.get(target);
  f.numeric('i32.wrap_i64');
  f.i32(12 - Math.log2(FETCH_ENTRY_SIZE));
  f.numeric('i32.shr_u');
  f.i32((FETCH_ENTRIES - 1) * FETCH_ENTRY_SIZE);
  f.numeric('i32.and');
  f.i32(0);
  f.load('i32.load', CPU_BLOCK + CPU.FETCH_TLB);
  f.numeric('i32.add');
  f.tee(scratch);
  f.load('i64.load', 0);
  f.get(target);
  f.i64(FETCH_TAG_MASK);
  f.numeric('i64.and');
  f.numeric('i64.eq');
  f.if('i32', 'likely');
  f.get(scratch);
  f.load('i32.load', FETCH_RECORDS);
  f.plain('else');
  storePc();
  f.call(fetch);
  f.tee(scratch);
  f.numeric('i32.eqz');
  f.if(undefined, 'unlikely');
  // A vector that cannot be fetched either must not loop for ever.
  f.get(left);
  f.i32(RECORD_SIZE);
  f.numeric('i32.sub');
  f.set(left);
  f.br(resync);
  f.end();
  f.i32(0);
  f.load('i64.load', CPU_BLOCK + CPU.PC);
  f.set(target);
  f.get(scratch);
  f.end();
  f.get(target);
  f.numeric('i32.wrap_i64');
  f.i32(0xffc);
  f.numeric('i32.and');
  f.i32(2);
  f.numeric('i32.shl');
  f.numeric('i32.add');
  f.tee(record);
  f.get(left);
  f.numeric('i32.add');
  f.set(limit);
  f.i32(0);
  f.get(target);
  f.get(record);
  f.i32(2);
  f.numeric('i32.shr_u');
  f.numeric('i64.extend_i32_u');
  f.numeric('i64.sub');
  f.store('i64.store', CPU_BLOCK + CPU.PC_BIAS);
  emitHeat(f, record, hot);
}

/** Counts that a branch reached the record in a local. */
function emitHeat(f: FunctionBuilder, record: number, hot: number): void {
  const heat = f.takeLocal('i32');
  const count = f.takeLocal('i32');
  f.get(record);
  f.i32(Math.log2(RECORD_SIZE));
  f.numeric('i32.shr_u');
  f.tee(heat);
  f.get(heat);
  f.load('i32.load8_u', HEAT_BASE);
  f.i32(1);
  f.numeric('i32.sub');
  f.tee(count);
  f.store('i32.store8', HEAT_BASE);
  f.get(count);
  f.numeric('i32.eqz');
  f.if(undefined, 'unlikely');
  f.get(record);
  f.call(hot);
  f.end();
  f.freeLocal('i32', heat);
  f.freeLocal('i32', count);
}
/** Added to a record's address / 16: where its count is. */
const HEAT_BASE = HEAT_AREA - DECODED_AREA / RECORD_SIZE;

interface DispatchParts extends LoopLabels, LoopIndexes {
  readonly record: number;
  readonly scratch: number;
  readonly target: number;
  readonly limit: number;
  readonly left: number;
  readonly lookup: Label;
  readonly resync: Label;
}

/** The br_table, the two handlers of our own, the hot handlers and the call of the others. */
function emitDispatch(
  f: FunctionBuilder,
  handlers: readonly Handler[],
  environment: LoopEnvironment,
  parts: DispatchParts,
): void {
  const { record, scratch, coldType, decode, target, limit, left, lookup, next, leave } = parts;
  const cold = f.block();
  const labels: Label[] = [];
  for (let i = 0; i < FIRST_HOT_HANDLER + handlers.length; i++) labels.unshift(f.block());
  f.get(record);
  f.load('i32.load16_u', HANDLER_OFFSET);
  f.brTable(labels, cold);

  f.end();
  f.get(record);
  f.call(decode);
  f.br(next);

  f.end();
  // Page end: the next page is looked up like a branch target, but no instruction is counted.
  environment.pc(f);
  f.set(target);
  f.get(limit);
  f.get(record);
  f.numeric('i32.sub');
  f.set(left);
  f.br(lookup);

  for (const handler of handlers) {
    f.end();
    environment.near = handler.near;
    emitInstruction(handler.body, f, environment);
  }

  f.end();
  emitRegionCall(f, environment, parts);
  f.get(record);
  f.get(scratch);
  f.callIndirect(coldType);
  f.tee(scratch);
  f.numeric('i32.eqz');
  f.brIf(leave, 'unlikely');
  f.get(scratch);
  f.set(record);
  f.br(next);
}

/** Adds BUDGET to the count of translated instructions, or takes it off. */
function emitCountTranslated(f: FunctionBuilder, operation: 'i64.add' | 'i64.sub'): void {
  f.i32(0);
  f.i32(0);
  f.load('i64.load', CPU_BLOCK + CPU.COUNT_TRANSLATED);
  f.i32(0);
  f.load('i64.load32_s', CPU_BLOCK + CPU.BUDGET);
  f.numeric(operation);
  f.store('i64.store', CPU_BLOCK + CPU.COUNT_TRANSLATED);
}

/** Calls the region at `record` if there is one; its number is in `scratch` otherwise. */
function emitRegionCall(f: FunctionBuilder, environment: LoopEnvironment, parts: DispatchParts): void {
  const { record, scratch, regionType, hot, target, limit, left, lookup, next, resync } = parts;
  f.get(record);
  f.load('i32.load16_u', HANDLER_OFFSET);
  f.tee(scratch);
  f.i32(FIRST_REGION_HANDLER);
  f.numeric('i32.ge_u');
  f.if();
  f.i32(0);
  f.get(limit);
  f.get(record);
  f.numeric('i32.sub');
  f.store('i32.store', CPU_BLOCK + CPU.BUDGET);
  // Translated code has executed the difference between the fuel before and after.
  emitCountTranslated(f, 'i64.add');
  f.i32(0);
  f.i64(NOWHERE);
  f.get(scratch);
  f.callIndirect(regionType);
  f.set(record);
  emitCountTranslated(f, 'i64.sub');
  f.i32(0);
  f.load('i32.load', CPU_BLOCK + CPU.BUDGET);
  f.set(left);
  // A guest that returns to NOWHERE: that is a misaligned address.
  f.get(record);
  f.i32(REGION_RETURNED);
  f.numeric('i32.eq');
  f.if(undefined, 'unlikely');
  f.i64(NOWHERE);
  f.set(target);
  f.br(lookup);
  f.end();
  f.get(record);
  f.numeric('i32.eqz');
  f.brIf(resync, 'unlikely');
  f.get(record);
  f.get(left);
  f.numeric('i32.add');
  f.set(limit);
  f.get(left);
  f.i32(0);
  f.numeric('i32.gt_s');
  f.if(undefined, 'likely');
  // A way out of a region that is taken often deserves a region where it leads.
  emitHeat(f, record, hot);
  f.br(next);
  f.end();
  environment.pc(f);
  f.set(target);
  f.br(lookup);
  f.end();
}
