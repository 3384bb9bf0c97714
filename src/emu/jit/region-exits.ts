/**
 * How a region's code reaches other code: helpers of the runtime, the interpreter, other regions.
 *
 * Invariants at every exit: registers and flags in the state block are exact, PC_BIAS is right for the record that
 * is returned, and BUDGET holds the fuel that is left.
 */
import { assert } from '../base/assert.ts';
import type { OutlinedCall, Push } from '../codegen/environment.ts';
import { type FlagForm, noteForm, storeCells, storeLazily } from '../codegen/lazy-flags.ts';
import { REGION_RETURNED } from '../interpreter/region-signature.ts';
import { helperKind } from '../interpreter/runtime-imports.ts';
import type { Body } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  DECODED_AREA,
  FETCH_ENTRIES,
  FETCH_ENTRY_SIZE,
  FETCH_RECORDS,
  FIRST_REGION_HANDLER,
  HEAT_AREA,
  RECORD_SIZE,
} from '../layout/memory-map.ts';
import type { FunctionBuilder, Label } from '../wasm/function-builder.ts';
import { type OutlinedFunctions, outlinedBody } from './outlined.ts';
import { PAGE_BYTES, pageOf, type Region } from './region.ts';
import { RECORDS_PER_BYTE, RegionCode } from './region-code.ts';
import type { LeftOut } from './region-passes.ts';

/** Parameters of the region's function. */
const DEPTH = 0;
export const EXPECTED = 1;
/** One indirect jump of eight that leave a region is looked at. */
const JUMP_SAMPLE_MASK = 7;
/** Calls nest at most this deep in the host's stack; deeper ones return to the interpreter. */
const MAX_DEPTH = 120;
const NO_RECORD = 0;
const FETCH_TAG_MASK = -4096n | 3n;

/** Helpers that write a general register named by the instruction's Rt. */
const WRITES_RT = new Set(['systemRead', 'systemOperation']);

export interface EmitContext {
  /** Function indexes of the helpers. */
  readonly helpers: ReadonlyMap<string, number>;
  readonly regionType: number;
  /** Whether the host has tail calls. */
  readonly tailCalls: boolean;
  readonly leftOut?: LeftOut;
  /** The module's functions besides regions. */
  readonly functions: OutlinedFunctions;
  /** Told where in the code each instruction begins, by its offset in the region. */
  readonly onInstruction?: (codeOffset: number, offset: number) => void;
}

export abstract class RegionExits extends RegionCode {
  protected readonly context: EmitContext;
  protected readonly exitRecord = this.f.takeLocal('i32');
  protected readonly exitAddress = this.f.takeLocal('i64');
  /** Goes on at the record in `exitRecord`, or at the address in `exitAddress`; everything is spilled. */
  protected exit: Label = { depth: 0 };
  private exitFar: Label = { depth: 0 };
  private goesFar = false;
  /**
   * The same after spilling, what all the ways out share: `form` is the form of the flags; at the address when there is
   * NO_RECORD.
   */
  private leave: Label = { depth: 0 };
  /** Forms of the flags with which the region is left. */
  private readonly leavingForms = new Set<FlagForm>();
  /** An access faulted: PC is the vector. */
  protected fault: Label = { depth: 0 };

  constructor(region: Region, context: EmitContext) {
    super(region);
    this.context = context;
  }

  /** Everything inside `emit` can leave the region. */
  protected withExits(emit: () => void): void {
    const { f } = this;
    this.exit = f.block();
    this.exitFar = f.block();
    this.leave = f.block();
    this.fault = f.block();
    emit();
    f.plain('unreachable');
    f.end();
    this.writeBackAll();
    this.storeBudget();
    f.i32(0);
    f.plain('return');
    f.end();
    if (this.leavingForms.size > 0) {
      this.spillAll();
      f.get(this.exitRecord);
      f.brIf(this.exit);
    }
    f.end();
    if (this.goesFar) this.findRecord(this.exitAddress);
    f.end();
    this.emitExit();
  }

  private writeBackAll(): void {
    for (const id of this.plan.writeBack) this.storeRegister(id);
  }

  private spillAll(): void {
    this.writeBackAll();
    storeCells(this.f, this.stateBase, this.flags, { forms: [...this.leavingForms] });
    this.storeBudget();
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

  private spillAndLeave(): void {
    const { f, flagsNow } = this;
    const forms = typeof flagsNow === 'object' ? flagsNow.forms : [flagsNow];
    for (const form of forms) this.leavingForms.add(form);
    if (typeof flagsNow === 'string') noteForm(f, this.flags, flagsNow);
    f.br(this.leave);
  }

  private leaveForRecord(offset: number): void {
    this.f.i32(this.recordAt(offset));
    this.f.set(this.exitRecord);
    this.spillAndLeave();
  }

  private leaveForAddress(offset: number): void {
    this.pushAddress(offset);
    this.f.set(this.exitAddress);
    this.f.i32(NO_RECORD);
    this.f.set(this.exitRecord);
    this.goesFar = true;
    this.spillAndLeave();
  }

  /** Goes on at the address in a local; everything is spilled. */
  protected exitTo(address: number): void {
    this.f.get(address);
    this.f.set(this.exitAddress);
    this.goesFar = true;
    this.f.br(this.exitFar);
  }

  /** Leaves the region for the instruction at an offset. */
  protected leaveAt(target: number): void {
    if (this.isInThisPage(target)) this.leaveForRecord(target);
    else this.leaveForAddress(target);
  }

  private isInThisPage(offset: number): boolean {
    return this.region.pages.has(pageOf(offset)) && pageOf(offset) === this.currentPage();
  }

  /** Puts the record of an offset into `exitRecord`, known in the page that runs and looked up elsewhere. */
  protected findRecordAt(target: number): void {
    const { f } = this;
    if (this.isInThisPage(target)) {
      f.i32(this.recordAt(target));
      f.set(this.exitRecord);
    } else {
      const address = f.takeLocal('i64');
      this.pushAddress(target);
      f.set(address);
      this.findRecord(address);
      f.freeLocal('i64', address);
    }
  }

  protected leaveWithoutBudget(target: number): void {
    const { f } = this;
    f.get(this.budget);
    f.i32(0);
    f.numeric('i32.le_s');
    f.if(undefined, 'unlikely');
    this.leaveForRecord(target);
    f.end();
  }

  /** Before an edge to another page: it must still be mapped where it was. Sets PC_BIAS for it. */
  protected crossPage(target: number): void {
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
    f.load('i32.load', FETCH_RECORDS);
    f.i32(records);
    f.numeric('i32.eq');
    f.numeric('i32.and');
    f.freeLocal('i32', entry);
    f.numeric('i32.eqz');
    f.if(undefined, 'unlikely');
    this.leaveForAddress(target);
    f.end();
    f.i32(0);
    this.pushBias(page);
    f.store('i64.store', CPU_BLOCK + CPU.PC_BIAS);
  }

  /** PC_BIAS while code of a page runs. */
  protected pushBias(page: number): void {
    this.pushAddress(page * PAGE_BYTES);
    this.f.i64(BigInt(this.pageRecords(page) >>> 2));
    this.f.numeric('i64.sub');
  }

  protected pushFetchEntry(address: Push): void {
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
  protected findRecord(target: number): void {
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
    f.load('i32.load', FETCH_RECORDS);
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
   * Counts an indirect jump that left the region, on the heat of its own record; now and then the runtime hears
   * where it went (jit/jump-targets).
   */
  protected countJump(): void {
    const { f } = this;
    const heat = HEAT_AREA + (this.recordAt(this.instruction?.offset ?? 0) - DECODED_AREA) / RECORD_SIZE;
    const count = f.takeLocal('i32');
    f.i32(0);
    f.i32(0);
    f.load('i32.load8_u', heat);
    f.i32(1);
    f.numeric('i32.sub');
    f.tee(count);
    f.store('i32.store8', heat);
    f.get(count);
    f.i32(JUMP_SAMPLE_MASK);
    f.numeric('i32.and');
    f.numeric('i32.eqz');
    f.freeLocal('i32', count);
    f.if(undefined, 'unlikely');
    const index = this.context.helpers.get('jumped');
    assert(index !== undefined, 'helper jumped');
    this.pushRecord();
    f.get(this.exitRecord);
    f.call(index);
    f.end();
  }

  /** Refuses to run below too many callers: the entry's record goes up to the interpreter, which begins anew. */
  protected checkDepth(): void {
    const { f } = this;
    f.get(DEPTH);
    f.i32(MAX_DEPTH);
    f.numeric('i32.gt_u');
    f.if(undefined, 'unlikely');
    f.i32(this.recordAt(this.region.entry));
    f.plain('return');
    f.end();
  }

  /**
   * Calls the region at `exitRecord`, if there is one, and goes on at `back` when it returns there; otherwise
   * leaves for that record. State is spilled.
   */
  protected callRegion(back: number): void {
    const { f } = this;
    const handler = f.takeLocal('i32');
    f.get(this.exitRecord);
    f.load('i32.load16_u', 0);
    f.tee(handler);
    f.i32(FIRST_REGION_HANDLER);
    f.numeric('i32.lt_u');
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

  override outlined(body: Body): OutlinedCall | undefined {
    if (this.context.leftOut?.has('outlined')) return undefined;
    const outlined = outlinedBody(body);
    return outlined && { ...outlined, index: this.context.functions.indexOf(outlined) };
  }

  call(f: FunctionBuilder, helper: string, args: readonly Push[]): void {
    const index = this.context.helpers.get(helper);
    assert(index !== undefined, `helper ${helper}`);
    const kind = helperKind(helper);
    if (kind === 'trap' && this.instruction?.offset !== this.region.entry) return this.leaveToTrap();
    if (kind === 'access') storeLazily(f, this.stateBase, this.flags, this.flagsNow);
    else if (kind !== 'arithmetic') this.spill(this.following);
    this.pushRecord();
    for (const push of args) push();
    f.call(index);
    if (kind === 'access' || kind === 'arithmetic') return;
    if (WRITES_RT.has(helper)) this.reloadRt();
    // MSR NZCV; the block's cells are right in any case.
    if (this.conditionals.length === 0) this.flagsNow = 'cells';
  }

  /** The interpreter executes the instruction that traps; so it cannot be that where it would come here. */
  private leaveToTrap(): void {
    this.pushBudget(this.following + 1);
    this.f.set(this.budget);
    this.leaveForRecord(this.instruction?.offset ?? 0);
  }

  protected reloadRt(): void {
    for (const id of this.plan.used) if (id === this.instruction?.lifted.rt) this.loadRegister(id);
  }

  resync(f: FunctionBuilder): void {
    f.i32(0);
    f.plain('return');
  }

  leaveIfZero(f: FunctionBuilder): void {
    f.numeric('i32.eqz');
    if (this.following === 0) return f.brIf(this.fault, 'unlikely');
    f.if(undefined, 'unlikely');
    this.pushBudget(this.following);
    f.set(this.budget);
    f.br(this.fault);
    f.end();
  }

  /** An interrupt that the access raised waits for the end of the slice, or until the guest unmasks it. */
  afterSlowAccess(): void {}
}
