/**
 * What rows use to say what an instruction does: the IR builder, plus registers, flags, memory accesses and
 * exceptions in the manual's terms (Arm ARM, shared pseudocode).
 *
 * Order inside `execute`: reads and memory accesses first, register writes last, so that a fault leaves the
 * registers as they were.
 */
import { IrBuilder } from '../ir/builder.ts';
import type { I32, I64, LoadKind, OperandSlot, StoreKind, Type, V128, Value } from '../ir/ir.ts';
import { accessBytes, accessType } from '../ir/ir.ts';
import { CPU, SLOT_SINK, SLOT_SP, SLOT_ZERO } from '../layout/cpu-state.ts';
import { type AccessDescription, accessWord } from '../mmu/access.ts';
import type { BranchTarget, Register } from './row.ts';

/** How an instruction uses a register field; decides what number 31 means and how the number scales. */
export type RegisterRole =
  /** A source: 31 is zero. */
  | 'source'
  /** A destination: a write to 31 goes nowhere. */
  | 'destination'
  /** 31 is the stack pointer. */
  | 'sp'
  /** A register of the SIMD and FP file. */
  | 'vector';

/** Turns register fields, operands and branch distances into what the body can name. */
export interface Resolver {
  /** Byte offset in the register file, or the slot that will hold it. */
  register(register: Register, role: RegisterRole): number | OperandSlot;
  /** The same where the body computes with it, instead of naming a place in the register file. */
  number(register: Register, role: RegisterRole): number | OperandSlot;
  branch(target: BranchTarget): OperandSlot;
}

/** Bytes of a general and of a vector register. */
const X_BYTES = 8;
const V_BYTES = 16;

/** Register numbers plus this give the next register of a list (LD2 … LD4, CASP); wraps at 32 for vectors. */
export function registerOffset(number: number, role: RegisterRole): number {
  if (role === 'vector') return number * V_BYTES;
  if (number !== 31 || role === 'sp') return (number === 31 ? SLOT_SP : number) * X_BYTES;
  return (role === 'source' ? SLOT_ZERO : SLOT_SINK) * X_BYTES;
}

export class Semantics extends IrBuilder {
  private readonly resolver: Resolver;

  constructor(resolver: Resolver) {
    super();
    this.resolver = resolver;
  }

  // ---- General registers ----
  /** Xn as a source; 31 is zero. */
  X(r: Register): I64 {
    return this.readRegister('i64', CPU.X, r, 'source') as I64;
  }
  /** Wn as a source; 31 is zero. */
  W(r: Register): I32 {
    return this.readRegister('i32', CPU.X, r, 'source') as I32;
  }
  /** Xn or SP. */
  XSP(r: Register): I64 {
    return this.readRegister('i64', CPU.X, r, 'sp') as I64;
  }
  /** Wn or Xn by `sf`. */
  R(sf: number, r: Register): I32 | I64 {
    return sf ? this.X(r) : this.W(r);
  }
  /** Wn or WSP, Xn or SP, by `sf`. */
  RSP(sf: number, r: Register): I32 | I64 {
    return this.readRegister(sf ? 'i64' : 'i32', CPU.X, r, 'sp') as I32 | I64;
  }
  /** A destination's old value, for instructions that keep some of its bits; undefined for register 31. */
  oldR(sf: number, r: Register): I32 | I64 {
    return this.readRegister(sf ? 'i64' : 'i32', CPU.X, r, 'destination') as I32 | I64;
  }
  setX(r: Register, value: I64): void {
    this.writeRegister('i64', CPU.X, r, 'destination', value);
  }
  /** Writes a register with an i32 (zero-extended) or an i64. */
  setR(r: Register, value: I32 | I64): void {
    this.setX(r, this.toX(value));
  }
  /** The same for a destination where 31 is SP. */
  setRSP(r: Register, value: I32 | I64): void {
    this.writeRegister('i64', CPU.X, r, 'sp', this.toX(value));
  }
  /** A destination that is a source, too; for register 31 the value is meaningless and goes nowhere. */
  oldX(r: Register): I64 {
    return this.oldR(1, r) as I64;
  }
  /** X0 … X30 by number, where the encoding implies the register. */
  general(number: number): I64 {
    return this.stateLoad('i64', CPU.X + number * X_BYTES);
  }
  setGeneral(number: number, value: I64): void {
    this.stateStore('i64', CPU.X + number * X_BYTES, value);
  }
  stackPointer(): I64 {
    return this.general(SLOT_SP);
  }
  /** X30. */
  setLinkRegister(value: I64): void {
    this.stateStore('i64', CPU.X + LINK_REGISTER * X_BYTES, value);
  }
  /** Zero-extends a W value. */
  toX(value: I32 | I64): I64 {
    return value.type === 'i32' ? this.zeroExtend(value as I32) : (value as I64);
  }
  /** Chooses between i32 and i64 by `sf` for an operand that was declared as i64. */
  sized(sf: number, value: I64): I32 | I64 {
    return sf ? value : this.wrap(value);
  }
  /** Chooses between i32 and i64 by `sf` for an operand that was declared as i32 or u16. */
  amount(sf: number, value: I32): I32 | I64 {
    return sf ? this.zeroExtend(value) : value;
  }

  // ---- Vector registers ----
  V(r: Register): V128 {
    return this.readRegister('v128', CPU.V, r, 'vector') as V128;
  }
  /** Reads the low part of a vector register. */
  lowV<T extends Type>(load: LoadKind, r: Register): Value<T> {
    return this.laneV(load, r, 0);
  }
  /** Reads with `load` at byte `offset` of a vector register: one lane, or one lane splat over a vector. */
  laneV<T extends Type>(load: LoadKind, r: Register, offset: number | I32): Value<T> {
    const byte = typeof offset === 'number' ? offset : constantOf(offset);
    if (byte === undefined) {
      const at = this.resolver.number(r, 'vector');
      const register = typeof at === 'number' ? this.i32(at) : this.operand('i32', at);
      return this.stateLoad(load, CPU.V, this.add(register, offset as I32));
    }
    const at = this.resolver.register(r, 'vector');
    if (typeof at !== 'number') return this.stateLoad(load, CPU.V + byte, this.operand('i32', at));
    if (load.startsWith('v128.')) return this.partOfV(load, r, byte) as Value<T>;
    return this.stateLoad(load, CPU.V + at + byte);
  }
  /** The translator keeps registers whole: a splat or zero-extending load is an operation on one. */
  private partOfV(load: LoadKind, r: Register, byte: number): V128 {
    const bytes = accessBytes(load);
    const zeroExtends = load.endsWith('zero');
    const zero = this.v128(ZERO_V);
    if (zeroExtends && byte === 0)
      return this.numeric('v128.and', [this.V(r), this.v128(ZERO_V.map((_, at) => (at < bytes ? 0xff : 0)))]);
    const pick = (at: number) => (at < bytes || !zeroExtends ? byte + (at % bytes) : V_BYTES);
    return this.numeric(
      'i8x16.shuffle',
      [this.V(r), zero],
      ZERO_V.map((_, at) => pick(at)),
    );
  }
  setV(r: Register, value: V128): void {
    this.writeRegister('v128', CPU.V, r, 'vector', value);
  }
  /** Writes the low 64 bits of a vector register and clears the rest. */
  setD(r: Register, value: I64): void {
    this.setV(r, this.numeric('i64x2.replace_lane', [this.v128(ZERO_V), value], [0]));
  }
  /** Writes the low bits from an i32 (already zero-extended from its size) and clears the rest. */
  setS(r: Register, value: I32): void {
    this.setV(r, this.numeric('i32x4.replace_lane', [this.v128(ZERO_V), value], [0]));
  }
  /** FPSR.QC: cumulative saturation, set when `saturated` (0 or 1) is. */
  accumulateSaturation(saturated: I32): void {
    const old = this.stateLoad<'i32'>('i32', CPU.FPSR);
    this.stateStore('i32', CPU.FPSR, this.or(old, this.shl(saturated, this.i32(FPSR_QC_BIT))));
  }
  /** The register `step` after `r` in a list of vector registers. */
  nextV(r: Register, step: number): Register {
    return step === 0
      ? r
      : {
          ...r,
          field: `${r.field}+${step}`,
          ...(r.number === undefined ? {} : { number: (r.number + step) % 32 }),
        };
  }
  /** The register after `r`, for pairs (CASP). */
  nextX(r: Register): Register {
    return this.nextV(r, 1);
  }

  // ---- Memory ----
  /** The base register of a load or store: Xn, or SP with its alignment check (SPAlignmentFault). */
  base(r: Register, isSp: number): I64 {
    if (!isSp) return this.XSP(r);
    const sp = this.stateLoad<'i64'>('i64', CPU.X + SLOT_SP * X_BYTES);
    const misaligned = this.and(this.wrap(sp), this.i32(SP_ALIGNMENT_MASK));
    this.if(
      misaligned,
      () => {
        const checked = this.stateLoad<'i32'>('i32', CPU.SP_ALIGNMENT_CHECKED);
        this.if(checked, () => this.trap('spAlignment', []), undefined, 'unlikely');
      },
      undefined,
      'unlikely',
    );
    return sp;
  }
  /** Reads `load` at a virtual address. */
  load<T extends 'i32' | 'i64' | 'f32' | 'f64' | 'v128'>(
    va: I64,
    load: LoadKind,
    extra: Partial<AccessDescription> = {},
  ): Value<T> {
    const bytes = accessBytes(load);
    return this.hostLoad(load, this.readAddress(va, bytes, extra));
  }
  /** Host address of `sizeBytes` readable bytes at a virtual address. */
  readAddress(va: I64, sizeBytes: number, extra: Partial<AccessDescription> = {}): I32 {
    return this.guestRead(va, sizeBytes, accessWord({ sizeBytes, read: true, ...extra }));
  }
  /** Host address of RAM to update in place. */
  updateAddress(va: I64, sizeBytes: number, extra: Partial<AccessDescription> = {}): I32 {
    return this.guestUpdate(va, sizeBytes, accessWord({ sizeBytes, write: true, ...extra }));
  }
  /** Writes one value at a virtual address. */
  store(va: I64, store: StoreKind, value: Value, extra: Partial<AccessDescription> = {}): void {
    this.storeAll(va, [{ store, value }], extra);
  }
  /** Writes values one after the other, all or none. */
  storeAll(
    va: I64,
    values: readonly { store: StoreKind; value: Value }[],
    extra: Partial<AccessDescription> = {},
  ): void {
    let at = 0;
    const parts = values.map(({ store, value }) => {
      const offset = at;
      at += accessBytes(store);
      return { store, offset, value };
    });
    const elementBytes = accessBytes(values[0]?.store ?? 'i32');
    this.guestWrite(va, at, accessWord({ sizeBytes: at, elementBytes, write: true, ...extra }), parts);
  }

  // ---- Control and exceptions ----
  /** Ends the instruction: goes on at PC + distance. */
  goto(target: BranchTarget): void {
    this.branch(this.resolver.branch(target));
  }
  /** Goes to PC + distance when `condition` is not zero, else to the next instruction. */
  gotoIf(condition: I32, target: BranchTarget): void {
    this.if(condition, () => this.goto(target));
  }
  /** Ends the instruction through the runtime, which sets PC: exceptions, and whatever changes the context. */
  trap(helper: string, args: readonly I32[]): void {
    this.callNoResult(helper, args);
    this.resync();
  }
  /** Calls the runtime; any result but CONTINUE (0) means that PC was set. */
  callRuntime(helper: string, args: readonly I32[]): void {
    this.if(this.call(helper, args), () => this.resync(), undefined, 'unlikely');
  }
  /** Traps when CPACR_EL1 disables FP and AdvSIMD at this EL (CheckFPAdvSIMDEnabled64). */
  checkFpEnabled(): void {
    this.if(
      this.stateLoad<'i32'>('i32', CPU.FP_TRAPPED),
      () => this.trap('fpTrap', []),
      undefined,
      'unlikely',
    );
  }
  /** The register field's slot number, for helpers that read or write the register themselves. */
  slotNumber(r: Register, role: 'source' | 'destination'): I32 {
    const at = this.resolver.number(r, role);
    return typeof at === 'number' ? this.i32(at / X_BYTES) : this.shrU(this.operand('i32', at), this.i32(3));
  }

  private readRegister(load: LoadKind, offset: number, r: Register, role: RegisterRole): Value {
    const at = this.resolver.register(r, role);
    if (typeof at !== 'number') return this.stateLoad(load, offset, this.operand('i32', at));
    const zero = SLOT_ZERO * X_BYTES;
    if (role === 'source' && at === zero) return accessType(load) === 'i64' ? this.i64(0) : this.i32(0);
    return this.stateLoad(load, offset + at);
  }
  private writeRegister(
    store: StoreKind,
    offset: number,
    r: Register,
    role: RegisterRole,
    value: Value,
  ): void {
    const at = this.resolver.register(r, role);
    if (typeof at === 'number') this.stateStore(store, offset + at, value);
    else this.stateStore(store, offset, value, this.operand('i32', at));
  }
}

function constantOf(value: I32): number | undefined {
  return value.operation.op === 'const' ? (value.operation.value as number) : undefined;
}

const LINK_REGISTER = 30;
const FPSR_QC_BIT = 27;
/** SP must be a multiple of 16 as a base register (Arm ARM D1.8.2). */
const SP_ALIGNMENT_MASK = 15;
const ZERO_V: readonly number[] = new Array(16).fill(0);
