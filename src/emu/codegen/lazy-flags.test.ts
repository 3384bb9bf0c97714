/**
 * Lazy flags against the manual's AddWithCarry: every condition after every kind of instruction, and the ways in
 * which they reach the state block, run as WebAssembly.
 */
import { describe, expect, it } from 'vitest';
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import { IMPORT_MODULE, ModuleBuilder } from '../wasm/module-builder.ts';
import { emitGetFlags } from './emit-flags.ts';
import {
  type FlagForm,
  FlagLocals,
  type FlagMix,
  keepOperands,
  LAZY_KINDS,
  noteForm,
  pushCondition,
  pushPacked,
  storeCells,
  storeLazily,
} from './lazy-flags.ts';
import { settleLazyFlags } from './settle-flags.ts';

const CONDITIONS = 14;
/** Condition LT. */
const LESS_THAN = 11;
const BASE = CPU_BLOCK;
type Width = 32 | 64;

interface Flags {
  readonly n: boolean;
  readonly z: boolean;
  readonly c: boolean;
  readonly v: boolean;
}

/** AddWithCarry (Arm ARM, shared pseudocode): unsigned and signed sums, compared with the result. */
function addWithCarry(width: Width, x: bigint, y: bigint, carry: bigint): Flags {
  const unsigned = BigInt.asUintN(width, x) + BigInt.asUintN(width, y) + carry;
  const signed = BigInt.asIntN(width, x) + BigInt.asIntN(width, y) + carry;
  const result = BigInt.asIntN(width, unsigned);
  return { n: result < 0n, z: result === 0n, c: unsigned >> BigInt(width) !== 0n, v: signed !== result };
}
/** FPCompare with zero (Arm ARM, shared pseudocode). */
function flagsOfNumber(number: number): Flags {
  const unordered = Number.isNaN(number);
  return { n: number < 0, z: number === 0, c: unordered || number >= 0, v: unordered };
}
function expectedFlags(kind: string, width: Width, a: bigint, b: bigint, carry: number): Flags {
  if (kind === 'add') return addWithCarry(width, a, b, 0n);
  if (kind === 'sub') return addWithCarry(width, a, ~b, 1n);
  if (kind === 'adc') return addWithCarry(width, a, b, BigInt(carry));
  if (kind === 'float') return flagsOfNumber(new Float64Array(BigInt64Array.of(a).buffer)[0] ?? 0);
  const result = BigInt.asIntN(width, a);
  return { n: result < 0n, z: result === 0n, c: false, v: false };
}
const packedOf = ({ n, z, c, v }: Flags) =>
  (Number(n) << 3) | (Number(z) << 2) | (Number(c) << 1) | Number(v);

/** ConditionHolds (Arm ARM, shared pseudocode). */
function conditionHolds({ n, z, c, v }: Flags, condition: number): boolean {
  const tests = [z, c, n, v, c && !z, n === v, n === v && !z];
  return (tests[condition >> 1] ?? true) !== ((condition & 1) === 1);
}

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const cells = { words: new Int32Array(memory.buffer), wide: new BigInt64Array(memory.buffer) };

type Export = (a: bigint, b: bigint, carry: number) => number;
/** Functions of (a, b, carry or packed flags) that keep the operands and then do as their emitter says. */
function compile(
  state: FlagForm,
  emitters: Readonly<Record<string, (f: FunctionBuilder, locals: FlagLocals) => void>>,
) {
  const module = new ModuleBuilder();
  module.importMemory('memory', 1, false);
  for (const [name, emit] of Object.entries(emitters)) {
    const f = new FunctionBuilder(['i64', 'i64', 'i32'], ['i32']);
    const locals = new FlagLocals(f);
    const match = /^([a-z]+)(32|64)$/.exec(state);
    const operand = (local: number) => () => {
      f.get(local);
      if (match?.[1] === 'float') f.numeric('f64.reinterpret_i64');
      if (match?.[2] === '32') f.numeric('i32.wrap_i64');
    };
    if (match) {
      const setter = { kind: match[1] as 'add', width: Number(match[2]) as Width };
      keepOperands(f, locals, setter, [operand(0), operand(1), () => f.get(2)]);
    } else {
      f.get(2);
      f.set(locals.packed);
    }
    emit(f, locals);
    f.finish();
    module.addFunction(f, name);
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    [IMPORT_MODULE]: { memory },
  });
  return instance.exports as unknown as Readonly<Record<string, Export>>;
}

const VALUES = [
  0n,
  1n,
  2n,
  -1n,
  -2n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 32n,
  1n << 63n,
  (1n << 63n) - 1n,
  // One, minus two and minus infinity as doubles.
  0x3ff0_0000_0000_0000n,
  -0x4000_0000_0000_0000n,
  -0x0010_0000_0000_0000n,
];
const SETTERS = LAZY_KINDS.filter((state) => state !== 'cells' && state !== 'packed');

describe.each(SETTERS)('flags left by %s', (state) => {
  const [, kind = '', width = ''] = /^([a-z]+)(32|64)$/.exec(state) ?? [];
  const bits = Number(width) as Width;
  const functions = compile(state, {
    ...Object.fromEntries(
      Array.from({ length: CONDITIONS }, (_, condition) => [
        `holds${condition}`,
        (f: FunctionBuilder, locals: FlagLocals) => pushCondition(f, BASE, locals, state, condition),
      ]),
    ),
    packed: (f, locals) => pushPacked(f, BASE, locals, state),
    stored: (f, locals) => {
      storeCells(f, BASE, locals, state);
      emitGetFlags(f, BASE);
    },
    lazily: (f, locals) => {
      storeLazily(f, BASE, locals, state);
      f.i32(0);
    },
  });
  const readCells = compile('packed', { cells: (f) => emitGetFlags(f, BASE) });

  const forOperands = (check: (a: bigint, b: bigint, carry: number, flags: Flags) => void) => {
    for (const a of VALUES)
      for (const b of VALUES)
        for (const carry of kind === 'adc' ? [0, 1] : [0])
          check(a, b, carry, expectedFlags(kind, bits, a, b, carry));
  };

  it('answer every condition', () => {
    forOperands((a, b, carry, flags) => {
      for (let condition = 0; condition < CONDITIONS; condition++) {
        const holds = functions[`holds${condition}`]?.(a, b, carry) !== 0;
        expect([condition, a, b, carry, holds]).toEqual([
          condition,
          a,
          b,
          carry,
          conditionHolds(flags, condition),
        ]);
      }
    });
  });

  it('pack, and store into the cells', () => {
    forOperands((a, b, carry, flags) => {
      expect(functions.packed?.(a, b, carry)).toBe(packedOf(flags));
      expect(functions.stored?.(a, b, carry)).toBe(packedOf(flags));
    });
  });

  it('settle from the operands in the state block', () => {
    forOperands((a, b, carry, flags) => {
      functions.lazily?.(a, b, carry);
      expect(cells.words[(BASE + CPU.LAZY_FLAGS_KIND) >> 2]).not.toBe(0);
      settleLazyFlags(cells);
      expect(cells.words[(BASE + CPU.LAZY_FLAGS_KIND) >> 2]).toBe(0);
      expect([a, b, carry, readCells.cells?.(0n, 0n, 0)]).toEqual([a, b, carry, packedOf(flags)]);
    });
  });
});

describe.each(SETTERS)('flags left by %s, or in cells', (form) => {
  const mix: FlagMix = { forms: ['cells', form] };
  const [, kind = '', width = ''] = /^([a-z]+)(32|64)$/.exec(form) ?? [];
  const emitters = (now: FlagForm) => ({
    holds: (f: FunctionBuilder, locals: FlagLocals) => {
      noteForm(f, locals, now);
      pushCondition(f, BASE, locals, mix, LESS_THAN);
    },
    packed: (f: FunctionBuilder, locals: FlagLocals) => {
      noteForm(f, locals, now);
      pushPacked(f, BASE, locals, mix);
    },
    stored: (f: FunctionBuilder, locals: FlagLocals) => {
      noteForm(f, locals, now);
      storeCells(f, BASE, locals, mix);
      emitGetFlags(f, BASE);
    },
    lazily: (f: FunctionBuilder, locals: FlagLocals) => {
      noteForm(f, locals, now);
      storeLazily(f, BASE, locals, mix);
      f.i32(0);
    },
  });
  const asOperands = compile(form, emitters(form));
  const asCells = compile(form, emitters('cells'));
  const cellsFunctions = compile('packed', {
    put: (f, locals) => {
      storeCells(f, BASE, locals, 'packed');
      f.i32(0);
    },
    get: (f) => emitGetFlags(f, BASE),
  });

  it('are the operands when the form says so', () => {
    for (const a of VALUES)
      for (const b of VALUES) {
        const flags = expectedFlags(kind, Number(width) as Width, a, b, 1);
        cellsFunctions.put?.(0n, 0n, packedOf(flags) ^ 0xf);
        expect(asOperands.packed?.(a, b, 1)).toBe(packedOf(flags));
        expect(asOperands.holds?.(a, b, 1) !== 0).toBe(conditionHolds(flags, LESS_THAN));
        asOperands.lazily?.(a, b, 1);
        settleLazyFlags(cells);
        expect(cellsFunctions.get?.(0n, 0n, 0)).toBe(packedOf(flags));
        cellsFunctions.put?.(0n, 0n, packedOf(flags) ^ 0xf);
        expect(asOperands.stored?.(a, b, 1)).toBe(packedOf(flags));
      }
  });

  it.each([0, 5, 8, 15])('are NZCV %i in the cells when the form says so', (nzcv) => {
    const flags = { n: (nzcv & 8) !== 0, z: (nzcv & 4) !== 0, c: (nzcv & 2) !== 0, v: (nzcv & 1) !== 0 };
    cellsFunctions.put?.(0n, 0n, nzcv);
    expect(asCells.packed?.(3n, 5n, 1)).toBe(nzcv);
    expect(asCells.holds?.(3n, 5n, 1) !== 0).toBe(conditionHolds(flags, LESS_THAN));
    asCells.lazily?.(3n, 5n, 1);
    settleLazyFlags(cells);
    expect(asCells.stored?.(3n, 5n, 1)).toBe(nzcv);
  });
});

describe('packed flags', () => {
  const functions = compile('packed', {
    ...Object.fromEntries(
      Array.from({ length: CONDITIONS }, (_, condition) => [
        `holds${condition}`,
        (f: FunctionBuilder, locals: FlagLocals) => pushCondition(f, BASE, locals, 'packed', condition),
      ]),
    ),
    stored: (f, locals) => {
      storeCells(f, BASE, locals, 'packed');
      emitGetFlags(f, BASE);
    },
    lazily: (f, locals) => {
      storeLazily(f, BASE, locals, 'packed');
      f.i32(0);
    },
    cells: (f) => emitGetFlags(f, BASE),
  });
  const NZCV = Array.from({ length: 16 }, (_, i) => i);

  it.each(NZCV)('answer every condition when NZCV is %i', (nzcv) => {
    const flags = { n: (nzcv & 8) !== 0, z: (nzcv & 4) !== 0, c: (nzcv & 2) !== 0, v: (nzcv & 1) !== 0 };
    for (let condition = 0; condition < CONDITIONS; condition++)
      expect(functions[`holds${condition}`]?.(0n, 0n, nzcv) !== 0).toBe(conditionHolds(flags, condition));
  });

  it.each(NZCV)('come back from the cells when NZCV is %i', (nzcv) => {
    expect(functions.stored?.(0n, 0n, nzcv)).toBe(nzcv);
    functions.lazily?.(0n, 0n, nzcv);
    settleLazyFlags(cells);
    expect(functions.cells?.(0n, 0n, 0)).toBe(nzcv);
  });
});
