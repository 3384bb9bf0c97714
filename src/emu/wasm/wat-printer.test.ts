/** Text of functions: every instruction of the tables, structure, names, hints and marks. */
import { describe, expect, it } from 'vitest';
import { FunctionBuilder } from './function-builder.ts';
import { ATOMIC_RMW, type AtomicOp, LOADS, type LoadOp, NUMERIC, STORES, type StoreOp } from './opcodes.ts';
import { printFunction } from './wat-printer.ts';

/** The lines of a function's body, without its head. */
function linesOf(write: (f: FunctionBuilder) => void): string[] {
  const f = new FunctionBuilder([], []);
  write(f);
  f.finish();
  const lines = printFunction(f).slice(0, -1).split('\n');
  return lines.slice(1).map((line) => line.trim());
}

describe('printFunction', () => {
  it.each(Object.entries(NUMERIC))('names %s with its immediate', (name, { immediateBytes }) => {
    const immediate = Array.from({ length: immediateBytes }, (_, i) => i);
    expect(linesOf((f) => f.numeric(name, immediate))).toEqual([[name, ...immediate].join(' ')]);
  });

  it.each(Object.keys(LOADS) as LoadOp[])('names %s with its offset', (name) => {
    expect(linesOf((f) => f.load(name, 300))[0]).toMatch(new RegExp(`^${name} offset=300 align=\\d+$`));
  });

  it.each(Object.keys(STORES) as StoreOp[])('names %s without an offset of zero', (name) => {
    expect(linesOf((f) => f.store(name, 0))[0]).toMatch(new RegExp(`^${name} align=\\d+$`));
  });

  it.each(Object.keys(ATOMIC_RMW) as AtomicOp[])('names atomic %s of every width', (operation) => {
    expect(linesOf((f) => f.atomic(operation, 'i32', 4, 0))).toEqual([`i32.atomic.rmw.${operation} align=4`]);
    expect(linesOf((f) => f.atomic(operation, 'i64', 2, 8))).toEqual([
      `i64.atomic.rmw16.${operation}_u offset=8 align=2`,
    ]);
  });

  it.each([0, 1, -1, 63, 64, -64, -65, 0x7fff_ffff, -0x8000_0000])('writes the constant %i', (value) => {
    expect(linesOf((f) => f.i32(value))).toEqual([`i32.const ${value}`]);
    expect(linesOf((f) => f.i64(BigInt(value) << 31n))).toEqual([`i64.const ${BigInt(value) << 31n}`]);
  });

  it('indents blocks, names functions and shows hints and marks', () => {
    const f = new FunctionBuilder(['i32', 'i64'], ['i32']);
    const local = f.takeLocal('v128');
    const loop = f.loop();
    const start = f.code.length;
    f.get(0);
    f.if('i32', 'unlikely');
    f.i32(1);
    f.plain('else');
    f.call(3);
    f.end();
    f.brIf(loop);
    f.brTable([loop], loop);
    f.end();
    f.v128(new Array(16).fill(7));
    f.set(local);
    f.memoryCopy();
    f.get(0);
    f.returnCallIndirect(2);
    f.finish();
    const text = printFunction(f, {
      functionName: (index) => (index === 3 ? 'readSlow' : undefined),
      marks: new Map([[start, 'here']]),
    });
    expect(text).toMatchInlineSnapshot(`
      "(func (param i32 i64) (result i32)
        (local v128)
        loop
          ;; here
          local.get 0
          if (result i32) ;; unlikely
            i32.const 1
          else
            call $readSlow
          end
          br_if 0
          br_table 0 0
        end
        v128.const i8x16 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7 0x7
        local.set 2
        memory.copy
        local.get 0
        return_call_indirect (type 2))"
    `);
  });
});
