/** Builds bodies: one method an operation, with constants folded where rows make them often. */
import { assert, fail } from '../base/assert.ts';
import {
  type AtomicKind,
  accessType,
  type Body,
  type FlagKind,
  type I32,
  type I64,
  isTerminator,
  type LoadKind,
  type Node,
  numericType,
  type OperandSlot,
  type Operation,
  type StoreKind,
  type StorePart,
  type Type,
  type V128,
  type Value,
} from './ir.ts';

type Integer = Value<'i32'> | Value<'i64'>;

export class IrBuilder {
  readonly body: Body = { nodes: [] };
  private current: Body = this.body;
  private nextId = 0;

  // Constants.
  i32(value: number): I32 {
    return this.value('i32', { op: 'const', value: value | 0 }, []);
  }
  i64(value: number | bigint): I64 {
    return this.value('i64', { op: 'const', value: BigInt.asIntN(64, BigInt(value)) }, []);
  }
  v128(bytes: readonly number[]): V128 {
    return this.value('v128', { op: 'const', value: bytes }, []);
  }
  /** An integer constant of the type of `like`. */
  constant<T extends Integer>(like: T, value: number | bigint): T {
    return (like.type === 'i32' ? this.i32(Number(BigInt.asIntN(32, BigInt(value)))) : this.i64(value)) as T;
  }

  // Pure operations.
  /** The WebAssembly numeric instruction of that name. */
  numeric<T extends Type = Type>(
    name: string,
    args: readonly Value[],
    lanes: readonly number[] = [],
  ): Value<T> {
    return this.value(numericType(name) as T, { op: 'numeric', name, lanes }, args);
  }
  private sameType<T extends Integer>(name: string, a: T, b: T): T {
    if (a.type !== b.type) fail(`${name} of ${a.type} and ${b.type}`);
    return this.numeric(qualified(a.type, name), [a, b]) as T;
  }
  private compare(name: string, a: Value, b: Value): I32 {
    if (a.type !== b.type) fail(`${name} of ${a.type} and ${b.type}`);
    return this.numeric<'i32'>(qualified(a.type, name), [a, b]);
  }
  add<T extends Integer>(a: T, b: T): T {
    return this.sameType('add', a, b);
  }
  sub<T extends Integer>(a: T, b: T): T {
    return this.sameType('sub', a, b);
  }
  mul<T extends Integer>(a: T, b: T): T {
    return this.sameType('mul', a, b);
  }
  and<T extends Integer>(a: T, b: T): T {
    return this.sameType('and', a, b);
  }
  or<T extends Integer>(a: T, b: T): T {
    return this.sameType('or', a, b);
  }
  xor<T extends Integer>(a: T, b: T): T {
    return this.sameType('xor', a, b);
  }
  /** Shifts take the amount modulo the width, as WebAssembly does. */
  shl<T extends Integer>(a: T, b: T): T {
    return this.sameType('shl', a, b);
  }
  shrU<T extends Integer>(a: T, b: T): T {
    return this.sameType('shr_u', a, b);
  }
  shrS<T extends Integer>(a: T, b: T): T {
    return this.sameType('shr_s', a, b);
  }
  rotr<T extends Integer>(a: T, b: T): T {
    return this.sameType('rotr', a, b);
  }
  not<T extends Integer>(a: T): T {
    return this.xor(a, this.constant(a, -1));
  }
  neg<T extends Integer>(a: T): T {
    return this.sub(this.constant(a, 0), a);
  }
  eqz(a: Integer): I32 {
    return this.numeric<'i32'>(`${a.type}.eqz`, [a]);
  }
  eq(a: Value, b: Value): I32 {
    return this.compare('eq', a, b);
  }
  ne(a: Value, b: Value): I32 {
    return this.compare('ne', a, b);
  }
  ltU(a: Integer, b: Integer): I32 {
    return this.compare('lt_u', a, b);
  }
  ltS(a: Integer, b: Integer): I32 {
    return this.compare('lt_s', a, b);
  }
  geU(a: Integer, b: Integer): I32 {
    return this.compare('ge_u', a, b);
  }
  geS(a: Integer, b: Integer): I32 {
    return this.compare('ge_s', a, b);
  }
  gtS(a: Integer, b: Integer): I32 {
    return this.compare('gt_s', a, b);
  }
  gtU(a: Integer, b: Integer): I32 {
    return this.compare('gt_u', a, b);
  }
  /** The low half. */
  wrap(a: I64): I32 {
    return this.numeric('i32.wrap_i64', [a]);
  }
  zeroExtend(a: I32): I64 {
    return this.numeric('i64.extend_i32_u', [a]);
  }
  signExtend(a: I32): I64 {
    return this.numeric('i64.extend_i32_s', [a]);
  }
  /** `a` when `condition` is not zero, else `b`; both are evaluated. */
  select<T extends Type>(condition: I32, a: Value<T>, b: Value<T>): Value<T> {
    return this.value(a.type, { op: 'select' }, [a, b, condition]);
  }
  operand<T extends 'i32' | 'i64'>(type: T, slot: OperandSlot): Value<T> {
    return this.value(type, { op: 'operand', slot }, []);
  }
  pc(): I64 {
    return this.value('i64', { op: 'pc' }, []);
  }

  fuel(): I32 {
    return this.value('i32', { op: 'fuel' }, []);
  }

  // State.
  stateLoad<T extends Type = Type>(load: LoadKind, offset: number, index?: I32): Value<T> {
    return this.value(accessType(load) as T, { op: 'state.load', load, offset }, index ? [index] : []);
  }
  stateStore(store: StoreKind, offset: number, value: Value, index?: I32): void {
    if (value.type !== accessType(store)) fail(`store ${store} of ${value.type}`);
    this.effect({ op: 'state.store', store, offset }, index ? [value, index] : [value]);
  }

  // Guest memory.
  guestRead(va: I64, size: number, access: number): I32 {
    return this.value('i32', { op: 'guest.read', size, access }, [va]);
  }
  guestUpdate(va: I64, size: number, access: number): I32 {
    return this.value('i32', { op: 'guest.update', size, access }, [va]);
  }
  guestWrite(va: I64, size: number, access: number, parts: readonly (StorePart & { value: Value })[]): void {
    const shape = parts.map(({ store, offset }) => ({ store, offset }));
    this.effect({ op: 'guest.write', size, access, parts: shape }, [va, ...parts.map((p) => p.value)]);
  }
  hostLoad<T extends Type = Type>(load: LoadKind, address: I32, offset = 0): Value<T> {
    return this.value(accessType(load) as T, { op: 'host.load', load, offset }, [address]);
  }
  hostStore(store: StoreKind, address: I32, value: Value, offset = 0): void {
    this.effect({ op: 'host.store', store, offset }, [address, value]);
  }
  hostAtomic<T extends 'i32' | 'i64'>(
    kind: AtomicKind,
    bytes: number,
    address: I32,
    values: readonly Value<T>[],
  ): Value<T> {
    const type = values[0]?.type;
    assert(type, 'an atomic needs a value');
    return this.value(type, { op: 'host.atomic', kind, bytes, type }, [address, ...values]);
  }
  hostZero(address: I32, size: number): void {
    this.effect({ op: 'host.zero', size }, [address]);
  }

  // Flags.
  setFlags(kind: FlagKind, width: 32 | 64, args: readonly Value[]): void {
    this.effect({ op: 'flags.set', kind, width }, args);
  }
  putFlags(nzcv: I32): void {
    this.effect({ op: 'flags.put' }, [nzcv]);
  }
  flags(): I32 {
    return this.value('i32', { op: 'flags.get' }, []);
  }
  carry(): I32 {
    return this.value('i32', { op: 'flags.carry' }, []);
  }
  /** Whether the Arm condition code `condition` (0 … 15) holds. */
  holds(condition: number): I32 {
    return condition >= ALWAYS ? this.i32(1) : this.value('i32', { op: 'flags.holds', condition }, []);
  }

  // Control.
  call(helper: string, args: readonly I32[]): I32 {
    return this.value('i32', { op: 'call', helper, result: true }, args);
  }
  callNoResult(helper: string, args: readonly I32[]): void {
    this.effect({ op: 'call', helper, result: false }, args);
  }
  if(condition: I32, then: () => void, otherwise?: () => void, hint?: 'likely' | 'unlikely'): void {
    const thenBody = this.nested(withoutResult(then));
    const elseBody = otherwise ? this.nested(withoutResult(otherwise)) : undefined;
    this.effect({ op: 'if', then: thenBody, else: elseBody, hint }, [condition]);
  }
  /** The result of one of two bodies; only that one runs. */
  choose<T extends Type>(
    condition: I32,
    then: () => Value<T>,
    otherwise: () => Value<T>,
    hint?: 'likely' | 'unlikely',
  ): Value<T> {
    const thenBody = this.nested(then);
    const elseBody = this.nested(otherwise);
    const type = thenBody.result?.type;
    assert(type && type === elseBody.result?.type, 'both sides of a choice give the same type');
    return this.value(type as T, { op: 'if', then: thenBody, else: elseBody, hint }, [condition]);
  }
  branch(slot: OperandSlot): void {
    this.effect({ op: 'branch', slot }, []);
  }
  branchTo(target: I64, hint: 'jump' | 'call' | 'return'): void {
    this.effect({ op: 'branch.to', hint }, [target]);
  }
  resync(): void {
    this.effect({ op: 'resync' }, []);
  }

  private nested(build: () => Value | undefined): Body {
    const outer = this.current;
    const inner: Body = { nodes: [] };
    this.current = inner;
    const result = build();
    this.current = outer;
    if (result) inner.result = result;
    return inner;
  }
  private value<T extends Type>(type: T, operation: Operation, args: readonly Value[]): Value<T> {
    const node = { id: this.nextId++, type, operation, args };
    this.append(node);
    return node;
  }
  private effect(operation: Operation, args: readonly Value[]): void {
    this.append({ id: this.nextId++, type: undefined, operation, args });
  }
  private append(node: Node): void {
    const last = this.current.nodes.at(-1);
    assert(!last || !isTerminator(last.operation), 'an operation after the end of the instruction');
    this.current.nodes.push(node);
  }
}

/** A side of a conditional that gives no value, whatever its last call returned. */
function withoutResult(build: () => void): () => undefined {
  return () => {
    build();
    return undefined;
  };
}

const qualifiedNames = new Map<string, Partial<Record<Type, string>>>();

/** `type.name`, the same string every time: tables are looked up by it. */
function qualified(type: Type, name: string): string {
  let known = qualifiedNames.get(name);
  if (!known) qualifiedNames.set(name, (known = {}));
  return (known[type] ??= `${type}.${name}`);
}

/** Condition codes AL and NV: always. */
const ALWAYS = 14;
