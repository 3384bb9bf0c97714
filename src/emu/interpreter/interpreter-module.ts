/**
 * Generates the interpreter's WebAssembly: one function with a br_table over the hot handlers, and small
 * modules for all the others, made when an instruction first needs them.
 *
 * The loop keeps in locals: `record`, the record being executed, and `limit`, the record address at which
 * the slice's fuel ends if execution went straight on. So fuel costs nothing on straight code, and two
 * additions and a comparison at a taken branch. `run` returns to TypeScript when the fuel is used up or
 * ATTENTION is set: V8 replaces a function by its optimised form only when it is entered anew.
 */
import { emitInstruction } from '../codegen/emit-body.ts';
import { Environment, type Push } from '../codegen/environment.ts';
import type { OperandSlot } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK, FETCH_ENTRIES, FETCH_ENTRY_SIZE, RECORD_SIZE } from '../layout/memory-map.ts';
import { FunctionBuilder, type Label } from '../wasm/function-builder.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import type { ValueType } from '../wasm/opcodes.ts';
import type { Handler } from './handler.ts';
import { HANDLER_OFFSET, type RecordSlot } from './record.ts';

/** Runtime functions that generated code may call: name → number of arguments after the record, result. */
export const HELPERS = {
  readSlow: [3, true],
  writeSlow: [3, true],
  rmwAddress: [3, true],
  systemRead: [2, true],
  systemWrite: [2, true],
  systemOperation: [2, true],
  systemImmediate: [2, true],
  supervisorCall: [1, false],
  hypervisorCall: [1, false],
  secureMonitorCall: [1, false],
  breakpoint: [1, false],
  halt: [1, false],
  undefined: [0, false],
  fpTrap: [0, false],
  spAlignment: [0, false],
  eret: [0, false],
  waitForInterrupt: [0, false],
  waitForEvent: [0, false],
  sendEvent: [0, false],
  instructionBarrier: [0, false],
  fpOperation: [1, false],
} as const satisfies Record<string, readonly [number, boolean]>;
export type HelperName = keyof typeof HELPERS;

/** Functions of the decode cache that the main loop calls besides the helpers. */
export interface LoopImports {
  /** Decodes the record at an address and what follows it. */
  decode(record: number): void;
  /** Address of the decoded page of PC, or 0 when an exception was taken. */
  fetch(): number;
}

/** Handler numbers with a meaning of their own; the hot handlers follow, then the others. */
export const HANDLER_DECODE = 0;
export const HANDLER_PAGE_END = 1;
export const FIRST_HOT_HANDLER = 2;

/** Signature of a handler outside the main loop: record → next record, or 0 when PC was set. */
const COLD_PARAMS: readonly ValueType[] = ['i32'];
const COLD_RESULTS: readonly ValueType[] = ['i32'];

const PAGE_MASK = -4096n;
/** A fetch address matches a tag only when it is aligned, too. */
const FETCH_TAG_MASK = PAGE_MASK | 3n;
const RECORDS_ADDRESS = 8;

function importAll(module: ModuleBuilder, pages: number, shared: boolean): Map<string, number> {
  module.importMemory('memory', pages, shared);
  const indexes = new Map<string, number>();
  for (const [name, [count, result]] of Object.entries(HELPERS)) {
    const params: ValueType[] = new Array(count + 1).fill('i32');
    indexes.set(name, module.importFunction(name, params, result ? ['i32'] : []));
  }
  return indexes;
}

/** Pushes operands from the record in local `record`, and calls helpers with it as first argument. */
abstract class RecordEnvironment extends Environment {
  protected readonly record: number;
  private readonly helpers: ReadonlyMap<string, number>;

  constructor(record: number, helpers: ReadonlyMap<string, number>) {
    super();
    this.record = record;
    this.helpers = helpers;
  }

  operand(f: FunctionBuilder, slot: OperandSlot): void {
    const { kind, offset } = slot as RecordSlot;
    f.get(this.record);
    switch (kind) {
      case 'register':
      case 'u16':
        return f.load('i32.load16_u', offset);
      case 'i32':
      case 'branch':
        return f.load('i32.load', offset);
      case 's32':
        return f.load('i64.load32_s', offset);
      case 'i64':
        return f.load('i64.load', offset);
    }
  }

  pc(f: FunctionBuilder): void {
    f.i32(0);
    f.load('i64.load', CPU_BLOCK + CPU.PC_BIAS);
    f.get(this.record);
    f.i32(2);
    f.numeric('i32.shr_u');
    f.numeric('i64.extend_i32_u');
    f.numeric('i64.add');
  }

  call(f: FunctionBuilder, helper: string, args: readonly Push[]): void {
    const index = this.helpers.get(helper);
    if (index === undefined) throw new Error(`no helper ${helper}`);
    f.get(this.record);
    for (const push of args) push();
    f.call(index);
  }

  leaveIfZero(f: FunctionBuilder): void {
    f.numeric('i32.eqz');
    f.if(undefined, 'unlikely');
    this.resync(f);
    f.end();
  }
}

class ColdEnvironment extends RecordEnvironment {
  next(f: FunctionBuilder): void {
    f.get(this.record);
    f.i32(RECORD_SIZE);
    f.numeric('i32.add');
  }
  resync(f: FunctionBuilder): void {
    f.i32(0);
    f.plain('return');
  }
  branch(): void {
    throw new Error('a row with a branch must be hot');
  }
  branchTo(): void {
    throw new Error('a row with a branch must be hot');
  }
  afterSlowAccess(): void {
    // The main loop sees ATTENTION at the next resync or slice end.
  }
}

/** Compiles one handler outside the main loop into a module that exports `handler`. */
export function coldHandlerModule(handler: Handler, pages: number, shared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const helpers = importAll(module, pages, shared);
  const f = new FunctionBuilder(COLD_PARAMS, COLD_RESULTS);
  emitInstruction(handler.body, f, new ColdEnvironment(0, helpers));
  const last = handler.body.nodes.at(-1)?.operation.op;
  if (last === 'resync') f.plain('unreachable');
  f.finish();
  module.addFunction(f, 'handler');
  return module.build();
}

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

  constructor(
    record: number,
    helpers: ReadonlyMap<string, number>,
    limit: number,
    target: number,
    labels: LoopLabels,
  ) {
    super(record, helpers);
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
    f.numeric('i32.le_s');
    f.brIf(this.labels.next, 'likely');
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

/**
 * The main module: exports `run(fuel)`: executes about `fuel` instructions from the state's PC and returns
 * how many are left (negative: executed more).
 */
export function interpreterModule(
  hot: readonly Handler[],
  pages: number,
  shared: boolean,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const helpers = importAll(module, pages, shared);
  module.importTable('cold', 0);
  const decode = module.importFunction('decode', ['i32'], []);
  const fetch = module.importFunction('fetch', [], ['i32']);
  const coldType = module.typeIndex(COLD_PARAMS, COLD_RESULTS);

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
  emitLookup(f, { exit, resync, left, record, limit, target, scratch, fetch });
  const next = f.loop();
  const labels: LoopLabels = { next, far, leave };
  const environment = new LoopEnvironment(record, helpers, limit, target, labels);
  emitDispatch(f, hot, environment, {
    record,
    scratch,
    coldType,
    decode,
    target,
    limit,
    left,
    lookup,
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
  module.addFunction(f, 'run');
  return module.build();
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
}

/** From `target` to `record`, PC_BIAS and `limit`, by the fetch TLB or the decode cache. */
function emitLookup(
  f: FunctionBuilder,
  { exit, resync, left, record, limit, target, scratch, fetch }: LookupParts,
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
  f.load('i32.load', RECORDS_ADDRESS);
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
}

interface DispatchParts extends LoopLabels {
  readonly record: number;
  readonly scratch: number;
  readonly coldType: number;
  readonly decode: number;
  readonly target: number;
  readonly limit: number;
  readonly left: number;
  readonly lookup: Label;
}

/** The br_table, the two handlers of our own, the hot handlers and the call of the others. */
function emitDispatch(
  f: FunctionBuilder,
  hot: readonly Handler[],
  environment: LoopEnvironment,
  parts: DispatchParts,
): void {
  const { record, scratch, coldType, decode, target, limit, left, lookup, next, leave } = parts;
  const cold = f.block();
  const labels: Label[] = [];
  for (let i = 0; i < FIRST_HOT_HANDLER + hot.length; i++) labels.unshift(f.block());
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

  for (const handler of hot) {
    f.end();
    environment.near = handler.near;
    emitInstruction(handler.body, f, environment);
  }

  f.end();
  f.get(record);
  f.get(record);
  f.load('i32.load16_u', HANDLER_OFFSET);
  f.callIndirect(coldType);
  f.tee(scratch);
  f.numeric('i32.eqz');
  f.brIf(leave, 'unlikely');
  f.get(scratch);
  f.set(record);
  f.br(next);
}
