/** The IR's own grammar of names against the table of WebAssembly instructions that carry it out. */
import { describe, expect, it } from 'vitest';
import { LOADS, NUMERIC, STORES } from '../wasm/opcodes.ts';
import { IrBuilder } from './builder.ts';
import { accessBytes, accessType, type LoadKind, numericType, type StoreKind } from './ir.ts';

describe('numericType', () => {
  it.each(Object.entries(NUMERIC))('is the type of the result of %s', (name, { result }) => {
    expect(numericType(name)).toBe(result);
  });
});

const LOAD_KINDS: readonly [LoadKind, keyof typeof LOADS][] = [
  ['i32', 'i32.load'],
  ['i64', 'i64.load'],
  ['f32', 'f32.load'],
  ['f64', 'f64.load'],
  ['v128', 'v128.load'],
  ['i32.8s', 'i32.load8_s'],
  ['i32.16u', 'i32.load16_u'],
  ['i64.32s', 'i64.load32_s'],
  ['i64.8u', 'i64.load8_u'],
  ['v128.32zero', 'v128.load32_zero'],
  ['v128.64zero', 'v128.load64_zero'],
  ['v128.8splat', 'v128.load8_splat'],
];
const STORE_KINDS: readonly [StoreKind, keyof typeof STORES][] = [
  ['i32', 'i32.store'],
  ['v128', 'v128.store'],
  ['i32.8', 'i32.store8'],
  ['i64.16', 'i64.store16'],
  ['i64.32', 'i64.store32'],
];

describe('kinds of access', () => {
  it.each(LOAD_KINDS)('load %s as the wasm instruction %s does', (kind, name) => {
    const [, type, bytes] = LOADS[name];
    expect([accessType(kind), accessBytes(kind)]).toEqual([type, bytes]);
  });

  it.each(STORE_KINDS)('store %s as the wasm instruction %s does', (kind, name) => {
    const [, type, bytes] = STORES[name];
    expect([accessType(kind), accessBytes(kind)]).toEqual([type, bytes]);
  });
});

describe('IrBuilder', () => {
  it('keeps operations in the order of the calls, nested ones in their body', () => {
    const b = new IrBuilder();
    const condition = b.stateLoad<'i32'>('i32', 0);
    b.if(
      condition,
      () => b.stateStore('i32', 4, b.i32(1)),
      () => b.stateStore('i32', 8, b.i32(2)),
    );
    b.stateStore('i32', 12, condition);
    expect(b.body.nodes.map(({ operation }) => operation.op)).toEqual(['state.load', 'if', 'state.store']);
    const branch = b.body.nodes[1]?.operation;
    expect(branch?.op === 'if' && branch.then.nodes.map(({ operation }) => operation.op)).toEqual([
      'const',
      'state.store',
    ]);
  });

  it('refuses operands of different types', () => {
    const b = new IrBuilder();
    expect(() => b.eq(b.i32(1), b.i64(1))).toThrow(/eq of i32 and i64/);
    expect(() => b.stateStore('i32', 0, b.i64(1))).toThrow(/store i32 of i64/);
  });

  it('refuses operations after the end of the instruction', () => {
    const b = new IrBuilder();
    b.resync();
    expect(() => b.i32(1)).toThrow(/after the end/);
  });

  it('gives an always-condition as a constant', () => {
    const b = new IrBuilder();
    expect([14, 15].map((condition) => b.holds(condition).operation)).toEqual([
      { op: 'const', value: 1 },
      { op: 'const', value: 1 },
    ]);
    expect(b.holds(13).operation.op).toBe('flags.holds');
  });
});
