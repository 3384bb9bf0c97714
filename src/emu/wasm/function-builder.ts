/**
 * Writes the body of one WebAssembly function: instructions in order, locals pooled by type, branch depths
 * from labels, and branch hints (custom section `metadata.code.branch_hint`, branch hinting proposal).
 */
import { assert, fail } from '../base/assert.ts';
import { ByteWriter } from './bytes.ts';
import {
  ATOMIC_RMW,
  ATOMIC_WIDTHS,
  type AtomicOp,
  CONTROL,
  LOADS,
  type LoadOp,
  NUMERIC,
  STORES,
  type StoreOp,
  VALUE_TYPE_CODE,
  type ValueType,
} from './opcodes.ts';

/** A place that branches can name: the depth of its block. */
export interface Label {
  readonly depth: number;
}

export type Hint = 'likely' | 'unlikely';

export class FunctionBuilder {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly code = new ByteWriter();
  /** Offsets in `code` of hinted branches, with 1 for likely. */
  readonly hints: { readonly at: number; readonly likely: 0 | 1 }[] = [];
  private readonly localTypes: ValueType[] = [];
  private readonly free: Partial<Record<ValueType, number[]>> = {};
  private depth = 0;

  constructor(params: readonly ValueType[], results: readonly ValueType[]) {
    this.params = params;
    this.results = results;
  }

  /** Takes a local out of the pool, or makes one. Its content is unknown. */
  takeLocal(type: ValueType): number {
    return this.free[type]?.pop() ?? this.ownLocal(type);
  }

  /**
   * Makes a local that nothing else uses, before or after: for values that live across a loop's back edge, where code
   * emitted earlier runs again. Zero until it is set.
   */
  ownLocal(type: ValueType): number {
    this.localTypes.push(type);
    return this.params.length + this.localTypes.length - 1;
  }

  /** Gives a local back to the pool. */
  freeLocal(type: ValueType, index: number): void {
    (this.free[type] ??= []).push(index);
  }

  get declaredLocals(): readonly ValueType[] {
    return this.localTypes;
  }

  /** An instruction of the NUMERIC table, with its lane or shuffle bytes. */
  numeric(name: string, immediate: readonly number[] = []): void {
    const row = NUMERIC[name] ?? fail(`no wasm instruction ${name}`);
    if (row.immediateBytes !== immediate.length) fail(`${name} takes ${row.immediateBytes} immediate bytes`);
    this.code.bytes(row.code);
    if (immediate.length) this.code.bytes(immediate);
  }

  load(name: LoadOp, offset: number): void {
    this.memory(LOADS[name], offset, name.includes('atomic'));
  }

  store(name: StoreOp, offset: number): void {
    this.memory(STORES[name], offset, name.includes('atomic'));
  }

  /** Atomic read-modify-write of `bytes` bytes, as a value of `type`. */
  atomic(op: AtomicOp, type: 'i32' | 'i64', bytes: number, offset: number): void {
    const full = type === 'i32' ? 4 : 8;
    const width = bytes === full ? type : `${type}.${bytes * 8}`;
    const index = ATOMIC_WIDTHS.indexOf(width as (typeof ATOMIC_WIDTHS)[number]);
    assert(index >= 0, `no atomic of ${bytes} bytes for ${type}`);
    this.code.bytes([0xfe, ATOMIC_RMW[op] + index]);
    this.code.unsigned(Math.log2(bytes));
    this.code.unsigned(offset);
  }

  /** memory.copy: target, source, length on the stack (bulk memory). */
  memoryCopy(): void {
    this.code.bytes([0xfc, 0x0a, 0, 0]);
  }

  private memory(
    row: readonly [readonly number[], ValueType, number],
    offset: number,
    natural: boolean,
  ): void {
    this.code.bytes(row[0]);
    // Atomics must state their natural alignment; for the others the hint is free and 0 is always true.
    this.code.unsigned(natural ? Math.log2(row[2]) : 0);
    this.code.unsigned(offset);
  }

  i32(value: number): void {
    this.code.byte(CONTROL['i32.const']);
    this.code.signed32(value);
  }

  i64(value: bigint): void {
    this.code.byte(CONTROL['i64.const']);
    this.code.signed64(value);
  }

  v128(bytes: readonly number[]): void {
    assert(bytes.length === 16, 'a v128 constant has 16 bytes');
    this.code.bytes([0xfd, 12]);
    this.code.bytes(bytes);
  }

  get(local: number): void {
    this.code.byte(CONTROL['local.get']);
    this.code.unsigned(local);
  }

  set(local: number): void {
    this.code.byte(CONTROL['local.set']);
    this.code.unsigned(local);
  }

  tee(local: number): void {
    this.code.byte(CONTROL['local.tee']);
    this.code.unsigned(local);
  }

  plain(name: 'unreachable' | 'return' | 'drop' | 'select' | 'else'): void {
    this.code.byte(CONTROL[name]);
  }

  block(result?: ValueType): Label {
    return this.open(CONTROL.block, result);
  }

  loop(): Label {
    return this.open(CONTROL.loop, undefined);
  }

  if(result?: ValueType, hint?: Hint): Label {
    this.hint(hint);
    return this.open(CONTROL.if, result);
  }

  end(): void {
    assert(this.depth > 0, 'end without a block');
    this.depth--;
    this.code.byte(CONTROL.end);
  }

  br(label: Label): void {
    this.code.byte(CONTROL.br);
    this.code.unsigned(this.depth - label.depth);
  }

  brIf(label: Label, hint?: Hint): void {
    this.hint(hint);
    this.code.byte(CONTROL.br_if);
    this.code.unsigned(this.depth - label.depth);
  }

  brTable(labels: readonly Label[], fallback: Label): void {
    this.code.byte(CONTROL.br_table);
    this.code.unsigned(labels.length);
    for (const label of labels) this.code.unsigned(this.depth - label.depth);
    this.code.unsigned(this.depth - fallback.depth);
  }

  call(functionIndex: number): void {
    this.code.byte(CONTROL.call);
    this.code.unsigned(functionIndex);
  }

  callIndirect(typeIndex: number): void {
    this.code.byte(CONTROL.call_indirect);
    this.code.unsigned(typeIndex);
    this.code.unsigned(0);
  }

  /** Calls and returns what the callee returns, without keeping a frame (tail calls). */
  returnCallIndirect(typeIndex: number): void {
    this.code.byte(CONTROL.return_call_indirect);
    this.code.unsigned(typeIndex);
    this.code.unsigned(0);
  }

  /** Closes the function. */
  finish(): void {
    assert(this.depth === 0, 'a block is still open at the end of the function');
    this.code.byte(CONTROL.end);
  }

  private open(opcode: number, result: ValueType | undefined): Label {
    this.code.byte(opcode);
    this.code.byte(result ? VALUE_TYPE_CODE[result] : EMPTY_BLOCK);
    return { depth: ++this.depth };
  }

  private hint(hint: Hint | undefined): void {
    if (hint) this.hints.push({ at: this.code.length, likely: hint === 'likely' ? 1 : 0 });
  }
}

/** Block type of a block without result (5.4.1). */
const EMPTY_BLOCK = 0x40;
