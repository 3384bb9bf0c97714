/** Written modules against the host's own reader: they validate, instantiate and compute. */
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './bytes.ts';
import { FunctionBuilder } from './function-builder.ts';
import { IMPORT_MODULE, ModuleBuilder } from './module-builder.ts';
import {
  ATOMIC_RMW,
  ATOMIC_WIDTHS,
  type AtomicOp,
  LOADS,
  type LoadOp,
  NUMERIC,
  STORES,
  type StoreOp,
  type ValueType,
} from './opcodes.ts';

function bytesOf(write: (out: ByteWriter) => void): number[] {
  const out = new ByteWriter();
  write(out);
  return [...out.view()];
}

/** A module with one exported function `f` and a memory of one page. */
function moduleWith(
  params: readonly ValueType[],
  results: readonly ValueType[],
  body: (f: FunctionBuilder) => void,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('memory', 1, true);
  const f = new FunctionBuilder(params, results);
  body(f);
  f.finish();
  module.addFunction(f, 'f');
  return module.build();
}

function instantiate(bytes: Uint8Array<ArrayBuffer>): (...args: (number | bigint)[]) => number | bigint {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { [IMPORT_MODULE]: { memory } });
  return instance.exports.f as (...args: (number | bigint)[]) => number | bigint;
}

/** Pushes some value of a type. */
function push(f: FunctionBuilder, type: ValueType): void {
  if (type === 'i32') return f.i32(1);
  if (type === 'i64') return f.i64(1n);
  if (type === 'v128') return f.v128(new Array(16).fill(1));
  f.i32(0);
  f.load(type === 'f32' ? 'f32.load' : 'f64.load', 0);
}

describe('ModuleBuilder', () => {
  it('fills slots of the table with functions when the module is instantiated', () => {
    const module = new ModuleBuilder();
    module.importTable('table', 8);
    const functions = [7, 9].map((value) => {
      const f = new FunctionBuilder([], ['i32']);
      f.i32(value);
      f.finish();
      return module.addFunction(f);
    });
    module.fillTable(5, functions);
    const table = new WebAssembly.Table({ initial: 8, element: 'anyfunc' });
    new WebAssembly.Instance(new WebAssembly.Module(module.build()), { [IMPORT_MODULE]: { table } });
    const values = Array.from({ length: 8 }, (_, slot) => (table.get(slot) as (() => number) | null)?.());
    expect(values).toEqual([undefined, undefined, undefined, undefined, undefined, 7, 9, undefined]);
  });

  it('carries bytes of its own in a custom section', () => {
    const module = new ModuleBuilder();
    module.addCustomSection('bytes', new Uint8Array([1, 2, 200]));
    const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(module.build()), 'bytes');
    expect([...new Uint8Array(section ?? new ArrayBuffer(0))]).toEqual([1, 2, 200]);
  });
});

describe('ByteWriter', () => {
  it.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [624485, [0xe5, 0x8e, 0x26]],
    [0xffff_ffff, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('writes the unsigned number %i in LEB128', (value, bytes) => {
    expect(bytesOf((out) => out.unsigned(value))).toEqual(bytes);
  });

  it.each([
    [0, [0]],
    [63, [0x3f]],
    [64, [0xc0, 0x00]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [0x7fff_ffff, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-0x8000_0000, [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('writes the signed number %i in LEB128', (value, bytes) => {
    expect(bytesOf((out) => out.signed32(value))).toEqual(bytes);
    expect(bytesOf((out) => out.signed64(BigInt(value)))).toEqual(bytes);
  });

  it('grows when more is written than it has room for', () => {
    const long = Array.from({ length: 5000 }, (_, i) => i & 0xff);
    expect(bytesOf((out) => out.bytes(long))).toEqual(long);
    expect(bytesOf((out) => long.forEach((byte) => void out.byte(byte)))).toEqual(long);
  });
});

describe('constants', () => {
  it.each([0n, 1n, -1n, 63n, 64n, 2n ** 31n, -(2n ** 31n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)])(
    'reach the host unchanged: %d',
    (value) => {
      expect(instantiate(moduleWith([], ['i64'], (f) => f.i64(value)))()).toBe(value);
    },
  );
});

describe('the table of instructions', () => {
  it.each(Object.entries(NUMERIC))('has the type that the host expects of %s', (name, row) => {
    const bytes = moduleWith([], [row.result], (f) => {
      for (const type of row.args) push(f, type);
      f.numeric(name, new Array(row.immediateBytes).fill(0));
    });
    // The JavaScript interface carries no v128, but a module may.
    expect(WebAssembly.validate(bytes)).toBe(true);
  });

  it.each(Object.entries(LOADS))('has the type that the host expects of %s', (name, [, type]) => {
    const bytes = moduleWith([], [type], (f) => {
      f.i32(0);
      f.load(name as LoadOp, 16);
    });
    expect(WebAssembly.validate(bytes)).toBe(true);
  });

  it.each(Object.entries(STORES))('has the type that the host expects of %s', (name, [, type]) => {
    const bytes = moduleWith([], [], (f) => {
      f.i32(0);
      push(f, type);
      f.store(name as StoreOp, 16);
    });
    expect(WebAssembly.validate(bytes)).toBe(true);
  });

  const atomics = Object.keys(ATOMIC_RMW).flatMap((op) =>
    ATOMIC_WIDTHS.map((width) => [op as AtomicOp, width] as const),
  );
  it.each(atomics)('has the type that the host expects of an atomic %s of %s', (op, width) => {
    const [type = 'i32', bits] = width.split('.') as ['i32' | 'i64', string?];
    const bytes = moduleWith([], [type], (f) => {
      f.i32(0);
      push(f, type);
      if (op === 'cmpxchg') push(f, type);
      f.atomic(op, type, bits ? Number(bits) / 8 : type === 'i32' ? 4 : 8, 8);
    });
    expect(WebAssembly.validate(bytes)).toBe(true);
  });
});

describe('FunctionBuilder', () => {
  it('branches to the block that a label names, however deep it stands', () => {
    const select = instantiate(
      moduleWith(['i32'], ['i32'], (f) => {
        const result = f.takeLocal('i32');
        const outer = f.block();
        const middle = f.block();
        const inner = f.block();
        f.get(0);
        f.brTable([inner, middle], outer);
        f.end();
        f.i32(10);
        f.set(result);
        f.br(outer);
        f.end();
        f.i32(20);
        f.set(result);
        f.end();
        f.get(result);
      }),
    );
    expect([0, 1, 2, 99].map((n) => select(n))).toEqual([10, 20, 0, 0]);
  });

  it('loops back to a loop label', () => {
    const sum = instantiate(
      moduleWith(['i32'], ['i32'], (f) => {
        const total = f.takeLocal('i32');
        const again = f.loop();
        f.get(total);
        f.get(0);
        f.numeric('i32.add');
        f.set(total);
        f.get(0);
        f.i32(-1);
        f.numeric('i32.add');
        f.tee(0);
        f.brIf(again, 'likely');
        f.end();
        f.get(total);
      }),
    );
    expect(sum(10)).toBe(55);
  });

  it('gives a freed local to the next taker of its type only', () => {
    const f = new FunctionBuilder(['i64'], []);
    const [a, b] = [f.takeLocal('i32'), f.takeLocal('i64')];
    f.freeLocal('i32', a);
    expect(f.takeLocal('i64')).not.toBe(a);
    expect(f.takeLocal('i32')).toBe(a);
    expect([a, b]).toEqual([1, 2]);
    expect(f.declaredLocals).toEqual(['i32', 'i64', 'i64']);
  });

  it('refuses unknown instructions and open blocks', () => {
    const f = new FunctionBuilder([], []);
    expect(() => f.numeric('i32.frobnicate')).toThrow(/no wasm instruction/);
    expect(() => f.numeric('i8x16.shuffle')).toThrow(/16 immediate bytes/);
    f.block();
    expect(() => f.finish()).toThrow(/still open/);
  });
});

describe('branch hints', () => {
  /** Content of the hint section: function index, and offset and value of each hint. */
  function hintsOf(bytes: Uint8Array<ArrayBuffer>) {
    const sections = WebAssembly.Module.customSections(
      new WebAssembly.Module(bytes),
      'metadata.code.branch_hint',
    );
    return sections.map((section) => [...new Uint8Array(section)]);
  }

  it('stand at the offset of their branch from the start of the locals', () => {
    const bytes = moduleWith(['i32'], [], (f) => {
      f.takeLocal('i64');
      f.get(0);
      f.if(undefined, 'unlikely');
      f.end();
      const out = f.block();
      f.get(0);
      f.brIf(out, 'likely');
      f.end();
    });
    // One function, number 0, two hints. Locals take 3 bytes, local.get 2, if 2, end 1, block 2, local.get 2.
    expect(hintsOf(bytes)).toEqual([[1, 0, 2, 5, 1, 0, 12, 1, 1]]);
    const code = [...bytes];
    // The locals are one run of one i64; `if` is 0x04 and `br_if` 0x0d.
    const locals = code.lastIndexOf(0x7e) - 2;
    expect([code[locals + 5], code[locals + 12]]).toEqual([0x04, 0x0d]);
  });

  it('are absent when no branch has one', () => {
    expect(hintsOf(moduleWith([], [], () => {}))).toEqual([]);
  });
});
