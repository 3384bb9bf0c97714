/** Which sides of conditionals become functions, and which functions instructions share. */
import { describe, expect, it } from 'vitest';
import { importAll } from '../interpreter/runtime-imports.ts';
import type { Body } from '../ir/ir.ts';
import { assemble } from '../isa/assembler.ts';
import { ModuleBuilder } from '../wasm/module-builder.ts';
import { lift } from './lift.ts';
import { type OutlinedBody, OutlinedFunctions, outlinedBody } from './outlined.ts';

/** The unlikely sides of an instruction that can be functions. */
function outlinedOf(source: string): OutlinedBody[] {
  const word = new DataView(assemble(source, 0n).bytes.slice().buffer).getUint32(0, true);
  const found: OutlinedBody[] = [];
  const visit = ({ nodes }: Body): void => {
    for (const { operation } of nodes) {
      if (operation.op !== 'if') continue;
      const side = operation.hint === 'likely' ? operation.else : operation.then;
      const outlined = side && operation.hint && outlinedBody(side);
      if (outlined) found.push(outlined);
      else for (const body of [operation.then, operation.else]) if (body) visit(body);
    }
  };
  const lifted = lift(word);
  if (lifted) visit(lifted.body);
  return found;
}

function functionsOf(...sources: string[]): OutlinedFunctions {
  const module = new ModuleBuilder();
  const functions = new OutlinedFunctions(module, importAll(module, false));
  for (const source of sources) for (const outlined of outlinedOf(source)) functions.indexOf(outlined);
  return functions;
}

describe('outlined bodies', () => {
  it('take values of their instruction as parameters', () => {
    const [exact, ...others] = outlinedOf('fmul d0, d1, d2');
    expect(others).toEqual([]);
    expect(exact?.values.map(({ type }) => type)).toEqual(['f64', 'f64', 'f64']);
  });

  it('are one function for instructions that differ in registers alone', () => {
    expect(functionsOf('fmul d0, d1, d2', 'fmul d3, d4, d5', 'fmul d6, d6, d6').made.size).toBe(1);
  });

  it('are different for other operations and sizes', () => {
    expect(functionsOf('fmul d0, d1, d2', 'fdiv d0, d1, d2', 'fmul s0, s1, s2').made.size).toBe(3);
  });

  it('are not what traps, writes registers, or is small', () => {
    expect(outlinedOf('add x0, x1, x2')).toEqual([]);
    expect(outlinedOf('ldr x0, [sp]')).toEqual([]);
    expect(outlinedOf('fmov d0, d1')).toEqual([]);
  });
});
