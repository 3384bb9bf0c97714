/**
 * Condition flags in translated code: the operands of the last instruction that set them, in locals. They are
 * worked out where something reads them: fused into the comparison that a condition asks for, or stored into
 * the state block when the region is left.
 */
import { assert, unreachable } from '../base/assert.ts';
import type { FlagKind } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { emitCondition, emitGetFlags, emitPutFlags, emitSetFlags, pushFloatZero } from './emit-flags.ts';
import type { Push } from './environment.ts';

/** A form in which the flags can be. */
export type FlagForm = 'cells' | 'packed' | `${FlagKind}${32 | 64}`;

/**
 * Several forms at a point where ways meet, one of which the local `form` names while the code runs. So a loop that is
 * entered with the flags in cells and sets them itself does not store them each time round.
 */
export interface FlagMix {
  readonly forms: readonly FlagForm[];
}

/** Where the flags are at a point of a region, as far as it is known statically. */
export type FlagState = FlagForm | FlagMix;

/** Kinds as LAZY_FLAGS_KIND and the local `form` hold them; 0 means cells. */
export const LAZY_KINDS: readonly FlagForm[] = [
  'cells',
  'packed',
  'add32',
  'add64',
  'sub32',
  'sub64',
  'adc32',
  'adc64',
  'logic32',
  'logic64',
  'float64',
];

export function flagForm(kind: FlagKind, width: 32 | 64): FlagForm {
  return `${kind}${width}`;
}

interface Setter {
  readonly kind: FlagKind;
  readonly width: 32 | 64;
}
function setterOf(state: FlagForm): Setter {
  const match = /^(add|sub|adc|logic|float)(32|64)$/.exec(state);
  assert(match, `${state} has no operands`);
  return { kind: match[1] as FlagKind, width: Number(match[2]) as 32 | 64 };
}

/** Locals that hold flag operands, made when first needed; flags may live round a loop, so they share none. */
export class FlagLocals {
  private readonly f: FunctionBuilder;
  private readonly locals = new Map<string, number>();

  constructor(f: FunctionBuilder) {
    this.f = f;
  }

  /** Operand a or b of an instruction of that width. */
  operand(name: 'a' | 'b', width: 32 | 64): number {
    return this.local(`${name}${width}`, width === 64 ? 'i64' : 'i32');
  }
  /** The f64 of a comparison. */
  get float(): number {
    return this.local('float', 'f64');
  }
  get carry(): number {
    return this.local('carry', 'i32');
  }
  get packed(): number {
    return this.local('packed', 'i32');
  }
  /** Of a mix: which form it is, as in LAZY_KINDS. */
  get form(): number {
    return this.local('form', 'i32');
  }

  private local(name: string, type: 'i32' | 'i64' | 'f64'): number {
    const known = this.locals.get(name);
    if (known !== undefined) return known;
    const made = this.f.ownLocal(type);
    this.locals.set(name, made);
    return made;
  }
}

/** Keeps the operands of a flag-setting instruction: arguments as flags.set has them, without the result. */
export function keepOperands(
  f: FunctionBuilder,
  locals: FlagLocals,
  { kind, width }: Setter,
  args: readonly Push[],
): void {
  const [a, b, carry] = args;
  if (kind === 'float') {
    a?.();
    return f.set(locals.float);
  }
  // Logic has one argument, its result.
  a?.();
  f.set(locals.operand('a', width));
  if (kind === 'logic') return;
  b?.();
  f.set(locals.operand('b', width));
  if (kind !== 'adc') return;
  carry?.();
  f.set(locals.carry);
}

/** Notes the form that the flags have where a mix begins. */
export function noteForm(f: FunctionBuilder, locals: FlagLocals, form: FlagForm): void {
  f.i32(LAZY_KINDS.indexOf(form));
  f.set(locals.form);
}

/** Does something for whatever form the flags have, but for cells. */
function forForm(
  f: FunctionBuilder,
  locals: FlagLocals,
  { forms }: FlagMix,
  emit: (form: FlagForm) => void,
): void {
  for (const form of forms) {
    if (form === 'cells') continue;
    pushIsForm(f, locals, form);
    f.if();
    emit(form);
    f.end();
  }
}

/** Pushes an i32 from whatever form the flags have. */
function pushFromForm(
  f: FunctionBuilder,
  locals: FlagLocals,
  { forms: [first, ...rest] }: FlagMix,
  push: (form: FlagForm) => void,
): void {
  assert(first, 'a mix has forms');
  if (rest.length === 0) return push(first);
  pushIsForm(f, locals, first);
  f.if('i32');
  push(first);
  f.plain('else');
  pushFromForm(f, locals, { forms: rest }, push);
  f.end();
}

function pushIsForm(f: FunctionBuilder, locals: FlagLocals, form: FlagForm): void {
  f.get(locals.form);
  f.i32(LAZY_KINDS.indexOf(form));
  f.numeric('i32.eq');
}

/** Stores the flags into the cells of the state block. */
export function storeCells(f: FunctionBuilder, base: number, locals: FlagLocals, state: FlagState): void {
  if (state === 'cells') return;
  if (typeof state === 'object')
    return forForm(f, locals, state, (form) => storeCells(f, base, locals, form));
  if (state === 'packed') return emitPutFlags(f, base, () => f.get(locals.packed));
  const setter = setterOf(state);
  if (setter.kind === 'float')
    return emitSetFlags(f, base, { op: 'flags.set', ...setter }, [() => f.get(locals.float)]);
  const result = f.takeLocal(setter.width === 64 ? 'i64' : 'i32');
  pushResult(f, locals, setter);
  f.set(result);
  const pushers: Push[] = [];
  if (setter.kind !== 'logic') {
    pushers.push(
      () => f.get(locals.operand('a', setter.width)),
      () => f.get(locals.operand('b', setter.width)),
    );
    if (setter.kind === 'adc') pushers.push(() => f.get(locals.carry));
  }
  pushers.push(() => f.get(result));
  emitSetFlags(f, base, { op: 'flags.set', ...setter }, pushers);
  f.freeLocal(setter.width === 64 ? 'i64' : 'i32', result);
}

/** Leaves the operands where TypeScript settles them (settleLazyFlags): less code than storing the cells. */
export function storeLazily(f: FunctionBuilder, base: number, locals: FlagLocals, state: FlagState): void {
  if (state === 'cells') return;
  if (typeof state === 'object')
    return forForm(f, locals, state, (form) => storeLazily(f, base, locals, form));
  f.i32(0);
  f.i32(LAZY_KINDS.indexOf(state));
  f.store('i32.store', base + CPU.LAZY_FLAGS_KIND);
  if (state === 'packed') {
    f.i32(0);
    f.get(locals.packed);
    return f.store('i32.store', base + CPU.LAZY_FLAGS_CARRY);
  }
  const { kind, width } = setterOf(state);
  if (kind === 'float') {
    f.i32(0);
    f.get(locals.float);
    return f.store('f64.store', base + CPU.LAZY_FLAGS_A);
  }
  const store = (name: 'a' | 'b', cell: number) => {
    f.i32(0);
    f.get(locals.operand(name, width));
    f.store(width === 64 ? 'i64.store' : 'i32.store', base + cell);
  };
  store('a', CPU.LAZY_FLAGS_A);
  if (kind === 'logic') return;
  store('b', CPU.LAZY_FLAGS_B);
  if (kind !== 'adc') return;
  f.i32(0);
  f.get(locals.carry);
  f.store('i32.store', base + CPU.LAZY_FLAGS_CARRY);
}

/** cond<3:1> of CS and CC. */
const CARRY_TEST = 1;

function pushResult(f: FunctionBuilder, locals: FlagLocals, { kind, width }: Setter): void {
  const type = width === 64 ? 'i64' : 'i32';
  f.get(locals.operand('a', width));
  if (kind === 'logic') return;
  f.get(locals.operand('b', width));
  f.numeric(kind === 'sub' ? `${type}.sub` : `${type}.add`);
  if (kind !== 'adc') return;
  f.get(locals.carry);
  if (width === 64) f.numeric('i64.extend_i32_u');
  f.numeric(`${type}.add`);
}

/** Comparison of a and b that a condition asks for after a subtraction; MI and VS have none. */
const AFTER_SUBTRACTION: readonly (string | undefined)[] = [
  'eq',
  'ge_u',
  undefined,
  undefined,
  'gt_u',
  'ge_s',
  'gt_s',
];
/** Comparison of the result with zero after a logical operation; C and V are clear. */
const AFTER_LOGIC: readonly (string | 0)[] = ['eq', 0, 'lt_s', 0, 0, 'ge_s', 'gt_s'];

/**
 * Comparison with zero after FCMP, and whether to invert it; unordered operands (NaN) set C and V, so CS and HI
 * hold then. Arm ARM, shared/functions/float/fpcompare.
 */
const AFTER_FLOAT: readonly (readonly [comparison: string, inverted: boolean] | undefined)[] = [
  ['eq', false],
  ['lt', true],
  ['lt', false],
  undefined,
  ['le', true],
  ['ge', false],
  ['gt', false],
];

/** Pushes whether an Arm condition (below AL) holds. */
export function pushCondition(
  f: FunctionBuilder,
  base: number,
  locals: FlagLocals,
  state: FlagState,
  condition: number,
): void {
  if (state === 'cells') return emitCondition(f, base, condition);
  if (typeof state === 'object')
    return pushFromForm(f, locals, state, (form) => pushCondition(f, base, locals, form, condition));
  if (state === 'packed') pushPackedCondition(f, locals, condition >> 1);
  else pushFused(f, locals, setterOf(state), condition >> 1);
  if (condition & 1) f.numeric('i32.eqz');
}

function pushAfterFloat(f: FunctionBuilder, locals: FlagLocals, test: number): void {
  f.get(locals.float);
  const [comparison, inverted] = AFTER_FLOAT[test] ?? [];
  if (comparison) pushFloatZero(f);
  else f.get(locals.float);
  f.numeric(`f64.${comparison ?? 'ne'}`);
  if (inverted) f.numeric('i32.eqz');
}

function pushFused(f: FunctionBuilder, locals: FlagLocals, setter: Setter, test: number): void {
  if (setter.kind === 'float') return pushAfterFloat(f, locals, test);
  const type = setter.width === 64 ? 'i64' : 'i32';
  const zero = () => (setter.width === 64 ? f.i64(0n) : f.i32(0));
  const comparison = setter.kind === 'sub' ? AFTER_SUBTRACTION[test] : undefined;
  if (comparison) {
    f.get(locals.operand('a', setter.width));
    f.get(locals.operand('b', setter.width));
    return f.numeric(`${type}.${comparison}`);
  }
  if (setter.kind === 'logic') {
    const name = AFTER_LOGIC[test];
    if (!name) return f.i32(0);
    f.get(locals.operand('a', setter.width));
    zero();
    return f.numeric(`${type}.${name}`);
  }
  pushGeneral(f, locals, setter, test);
}

/** Any condition from the four flags, each worked out for itself. */
function pushGeneral(f: FunctionBuilder, locals: FlagLocals, setter: Setter, test: number): void {
  const type = setter.width === 64 ? 'i64' : 'i32';
  const zero = () => (setter.width === 64 ? f.i64(0n) : f.i32(0));
  const a = () => f.get(locals.operand('a', setter.width));
  const b = () => f.get(locals.operand('b', setter.width));
  const result = () => pushResult(f, locals, setter);
  const isZero = () => {
    result();
    f.numeric(`${type}.eqz`);
  };
  const isNegative = () => {
    result();
    zero();
    f.numeric(`${type}.lt_s`);
  };
  const overflow = () => {
    a();
    if (setter.kind === 'sub') b();
    else result();
    f.numeric(`${type}.xor`);
    if (setter.kind === 'sub') a();
    else b();
    result();
    f.numeric(`${type}.xor`);
    f.numeric(`${type}.and`);
    zero();
    f.numeric(`${type}.lt_s`);
  };
  const carry = () => pushCarry(f, locals, setter);
  const sameSign = () => {
    isNegative();
    overflow();
    f.numeric('i32.eq');
  };
  const andNotZero = (other: Push) => {
    other();
    isZero();
    f.numeric('i32.eqz');
    f.numeric('i32.and');
  };
  [isZero, carry, isNegative, overflow, () => andNotZero(carry), sameSign, () => andNotZero(sameSign)][
    test
  ]?.();
}

function pushCarry(f: FunctionBuilder, locals: FlagLocals, setter: Setter): void {
  const type = setter.width === 64 ? 'i64' : 'i32';
  const a = () => f.get(locals.operand('a', setter.width));
  switch (setter.kind) {
    case 'logic':
      return f.i32(0);
    case 'float':
      return pushAfterFloat(f, locals, CARRY_TEST);
    case 'sub':
      a();
      f.get(locals.operand('b', setter.width));
      return f.numeric(`${type}.ge_u`);
    case 'add':
      pushResult(f, locals, setter);
      a();
      return f.numeric(`${type}.lt_u`);
    case 'adc':
      pushResult(f, locals, setter);
      a();
      f.numeric(`${type}.le_u`);
      pushResult(f, locals, setter);
      a();
      f.numeric(`${type}.lt_u`);
      f.get(locals.carry);
      return f.plain('select');
    default:
      return unreachable(setter.kind, 'flag kind');
  }
}

/** Conditions on a packed word: N, Z, C, V at bits 3 … 0. */
function pushPackedCondition(f: FunctionBuilder, locals: FlagLocals, test: number): void {
  const bit = (number: number) => {
    f.get(locals.packed);
    f.i32(number);
    f.numeric('i32.shr_u');
    f.i32(1);
    f.numeric('i32.and');
  };
  const [N, Z, C, V] = [3, 2, 1, 0];
  const sameSign = () => {
    bit(N);
    bit(V);
    f.numeric('i32.eq');
  };
  const andNotZero = (other: Push) => {
    other();
    bit(Z);
    f.numeric('i32.eqz');
    f.numeric('i32.and');
  };
  [
    () => bit(Z),
    () => bit(C),
    () => bit(N),
    () => bit(V),
    () => andNotZero(() => bit(C)),
    sameSign,
    () => andNotZero(sameSign),
  ][test]?.();
}

/** Pushes the flags as a packed word. */
export function pushPacked(f: FunctionBuilder, base: number, locals: FlagLocals, state: FlagState): void {
  if (state === 'cells') return emitGetFlags(f, base);
  if (typeof state === 'object')
    return pushFromForm(f, locals, state, (form) => pushPacked(f, base, locals, form));
  if (state === 'packed') return f.get(locals.packed);
  // N, Z, C, V from the top: each shifts what came before it up by one.
  PACKED_ORDER.forEach((condition, index) => {
    if (index > 0) {
      f.i32(1);
      f.numeric('i32.shl');
    }
    pushFused(f, locals, setterOf(state), condition >> 1);
    if (index > 0) f.numeric('i32.or');
  });
}
/** Condition codes MI, EQ, CS, VS: one flag each. */
const PACKED_ORDER = [4, 0, 2, 6];
