/**
 * State of the guest inside a region's function: registers and flags in locals, the addresses and records of its
 * instructions. See registers.ts for when a register is written to the state block, lazy-flags.ts for flags.
 */
import { assert, fail } from '../base/assert.ts';
import { emitMergedLookup, type MergedAddress } from '../codegen/emit-memory.ts';
import { Environment, type Push } from '../codegen/environment.ts';
import {
  type FlagForm,
  FlagLocals,
  type FlagState,
  flagForm,
  keepOperands,
  pushCondition,
  pushPacked,
  storeCells,
} from '../codegen/lazy-flags.ts';
import { readVectorPart, writeVectorPart } from '../codegen/vector-parts.ts';
import { REGION_PARAMS, REGION_RESULTS } from '../interpreter/region-signature.ts';
import type { LoadKind, Operation, StoreKind } from '../ir/ir.ts';
import { CPU, SLOT_SINK } from '../layout/cpu-state.ts';
import { CPU_BLOCK, RECORD_SIZE } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import type { AccessGroup, MergedAccess, MergedAccesses } from './merged-accesses.ts';
import { INSTRUCTION_BYTES, PAGE_BYTES, pageOf, type Region, type RegionInstruction } from './region.ts';
import {
  isVector,
  planRegisters,
  type RegisterId,
  type RegisterPlan,
  registerAt,
  registerCell,
} from './registers.ts';

export const RECORDS_PER_BYTE = RECORD_SIZE / INSTRUCTION_BYTES;
const SINK_CELL = CPU.X + SLOT_SINK * 8;

export abstract class RegionCode extends Environment {
  protected readonly region: Region;
  protected readonly plan: RegisterPlan;
  protected readonly f = new FunctionBuilder(REGION_PARAMS, REGION_RESULTS);
  protected readonly flags = new FlagLocals(this.f);
  /** Virtual address of the entry's page. */
  protected readonly pageVa = this.f.takeLocal('i64');
  /** Fuel left, in bytes of records. */
  protected readonly budget = this.f.takeLocal('i32');
  private readonly locals = new Map<RegisterId, number>();

  // What is known at the point being emitted.
  protected instruction: RegionInstruction | undefined;
  /** Instructions of the block that come after it. A block takes its fuel when it starts. */
  protected following = 0;
  protected flagsNow: FlagState = 'cells';
  /** Written-back registers that the state block may not have. */
  protected dirty = new Set<RegisterId>();
  /** What is looked up together in the block, and the instruction's part in it. */
  private readonly groups = new Map<AccessGroup, number>();
  private access: MergedAccess | undefined;
  protected conditionals: { readonly before: FlagState; setsFlags: boolean }[] = [];

  constructor(region: Region) {
    super();
    this.region = region;
    this.plan = planRegisters(region);
    for (const id of this.plan.used) this.locals.set(id, this.f.takeLocal(isVector(id) ? 'v128' : 'i64'));
  }

  protected pageRecords(page: number): number {
    return this.region.pages.get(page)?.records ?? fail(`page ${page} of the region`);
  }

  protected currentPage(): number {
    return pageOf(this.instruction?.offset ?? this.region.entry);
  }

  protected recordAt(offset: number): number {
    const page = pageOf(offset);
    return this.pageRecords(page) + (offset - page * PAGE_BYTES) * RECORDS_PER_BYTE;
  }

  protected pushAddress(offset: number): void {
    this.f.get(this.pageVa);
    if (offset === 0) return;
    this.f.i64(BigInt(offset));
    this.f.numeric('i64.add');
  }

  protected pushRecord(): void {
    this.f.i32(this.recordAt(this.instruction?.offset ?? 0));
  }

  /** Everything that the state block must hold when other code runs; `refund`: instructions not executed then. */
  protected spill(refund = 0): void {
    for (const id of this.plan.writeBack) if (this.dirty.has(id)) this.storeRegister(id);
    storeCells(this.f, this.stateBase, this.flags, this.flagsNow);
    this.storeBudget(refund);
  }

  protected storeRegister(id: RegisterId): void {
    const { f } = this;
    f.i32(0);
    f.get(this.local(id));
    f.store(isVector(id) ? 'v128.store' : 'i64.store', this.stateBase + registerCell(id));
  }

  protected loadRegister(id: RegisterId): void {
    const { f } = this;
    f.i32(0);
    f.load(isVector(id) ? 'v128.load' : 'i64.load', this.stateBase + registerCell(id));
    f.set(this.local(id));
  }

  /** Loads what the block at an offset needs. */
  protected loadRegisters(offset: number): void {
    for (const id of this.plan.liveIn.get(offset) ?? this.plan.used) this.loadRegister(id);
  }

  protected local(id: RegisterId): number {
    return this.locals.get(id) ?? fail(`register ${id} has a local`);
  }

  protected loadBudget(): void {
    this.f.i32(0);
    this.f.load('i32.load', CPU_BLOCK + CPU.BUDGET);
    this.f.set(this.budget);
  }

  /** Pushes the fuel that is left, with that of `refund` instructions that are not executed. */
  protected pushBudget(refund: number): void {
    this.f.get(this.budget);
    if (refund === 0) return;
    this.f.i32(refund * RECORD_SIZE);
    this.f.numeric('i32.add');
  }

  protected storeBudget(refund = 0): void {
    this.f.i32(0);
    this.pushBudget(refund);
    this.f.store('i32.store', CPU_BLOCK + CPU.BUDGET);
  }

  override fuel(f: FunctionBuilder): void {
    f.get(this.budget);
  }

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

  /** Looks up the accesses that begin with this instruction; lets go of those that ended before it. */
  protected beginMerged(accesses: MergedAccesses, index: number): void {
    const { f } = this;
    this.access = accesses.get(index);
    for (const [group, local] of this.groups) {
      // A block begins where all others have ended.
      if (index > 0 && group.last >= index) continue;
      this.groups.delete(group);
      f.freeLocal('i32', local);
    }
    const group = this.access?.group;
    if (!group || group.first !== index) return;
    const local = f.takeLocal('i32');
    this.groups.set(group, local);
    const { register, distance } = group.start;
    emitMergedLookup(f, this, group, () => this.pushSum(register, distance), local);
  }

  private pushSum(register: RegisterId, distance: number): void {
    this.f.get(this.local(register));
    if (distance === 0) return;
    this.f.i64(BigInt(distance));
    this.f.numeric('i64.add');
  }

  override mergedAddress(operation: Operation): MergedAddress | undefined {
    const { access } = this;
    if (!access || access.operation !== operation) return undefined;
    const local = this.groups.get(access.group);
    assert(local !== undefined, 'the group has been looked up');
    return { local, offset: access.offset };
  }

  override setFlags(
    f: FunctionBuilder,
    { kind, width }: Operation & { op: 'flags.set' },
    args: readonly Push[],
  ): void {
    keepOperands(f, this.flags, { kind, width }, args);
    this.flagsAreSet(flagForm(kind, width));
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

  protected flagsAreSet(form: FlagForm): void {
    this.flagsNow = form;
    const conditional = this.conditionals.at(-1);
    if (conditional) conditional.setsFlags = true;
  }

  protected pack(f: FunctionBuilder): void {
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
}
