/** Text of bodies, and the verifier, on bodies made by hand. Those of every instruction: jit/bodies.test.ts. */
import { describe, expect, it } from 'vitest';
import { NUMERIC } from '../wasm/opcodes.ts';
import { IrBuilder } from './builder.ts';
import type { Node } from './ir.ts';
import { parseBody } from './parser.ts';
import { printBody } from './printer.ts';
import { type VerifierFacts, verifyBody } from './verifier.ts';

const FACTS: VerifierFacts = {
  signature: (name) => NUMERIC[name],
  isArchitectural: () => true,
  mayLeave: () => true,
};

describe('printBody', () => {
  it('puts comments after semicolons', () => {
    const comment = ({ operation }: Node) => (operation.op === 'pc' ? 'here' : undefined);
    const b = new IrBuilder();
    b.stateStore('i64', 0, b.pc());
    expect(printBody(b.body, comment)).toBe('%0:i64 = pc  ; here\nstate.store store=i64 offset=0 %0');
  });
});

describe('parseBody', () => {
  it('reads constants of every kind', () => {
    const b = new IrBuilder();
    b.stateStore('i32', 0, b.i32(-1));
    b.stateStore('i64', 8, b.i64(-(1n << 63n)));
    b.stateStore('v128', 16, b.v128(Array.from({ length: 16 }, (_, i) => i * 16)));
    const values = parseBody(printBody(b.body)).nodes.filter(({ operation }) => operation.op === 'const');
    expect(values.map(({ operation }) => operation)).toEqual(
      b.body.nodes.filter(({ operation }) => operation.op === 'const').map(({ operation }) => operation),
    );
  });

  it.each([
    ['an unknown operation', 'frobnicate %1'],
    ['an unknown value', 'flags.put %3'],
    ['an unknown attribute', 'resync colour=red'],
    ['a missing attribute', '%0:i32 = flags.holds'],
    ['a brace too many', 'resync\n}'],
    ['a brace too few', '%0:i32 = flags.get\nif %0 {\nresync'],
  ])('says on which line there is %s', (_, text) => {
    expect(() => parseBody(text)).toThrow(SyntaxError);
  });
});

describe('verifyBody', () => {
  const problems = (text: string) => verifyBody(parseBody(text), FACTS);
  const STORE_X0 = 'state.store store=i64 offset=0';

  it('accepts a good body', () => {
    expect(problems(`%0:i64 = pc\n${STORE_X0} %0`)).toEqual([]);
  });

  it.each([
    ['a wrong argument', '%0:i32 = const value=1\nstate.store store=i64 offset=0 %0', 'takes (i64)'],
    ['a wrong number of arguments', '%0:i64 = pc\n%1:i64 = numeric name=i64.add %0', 'takes (i64,i64)'],
    ['a wrong result', '%0:i32 = pc', 'gives i64'],
    ['an unknown numeric operation', '%0:i64 = numeric name=i64.foo', 'is no numeric operation'],
    ['an operation after the end', '%0:i64 = pc\nbranch.to hint=jump %0\n%1:i64 = pc', 'is not the last'],
    ['a number used twice', '%0:i64 = pc\n%0:i64 = pc', 'has the number of another'],
    [
      'a read after a register has been written',
      `%0:i64 = pc\n${STORE_X0} %0\n%1:i32 = guest.read size=8 access=0 %0`,
      'may leave after',
    ],
    ['flags set on one way only', '%0:i32 = flags.get\nif %0 {\nflags.put %0\n}', 'sets flags on one way'],
    ['a resync without a call', 'resync', 'does not follow a call'],
    [
      'a conditional whose results differ',
      '%0:i32 = flags.get\n%5:i32 = if %0 {\n%1:i64 = pc\n=> %1\n} else {\n%2:i32 = flags.get\n=> %2\n}',
      'gives i64',
    ],
  ])('refuses %s', (_, text, problem) => {
    expect(problems(text).join('\n')).toContain(problem);
  });

  it('refuses a value from the other side of a conditional', () => {
    const b = new IrBuilder();
    let inner = b.i32(0);
    b.if(
      b.flags(),
      () => {
        inner = b.i32(5);
        b.putFlags(inner);
      },
      () => b.putFlags(inner),
    );
    expect(verifyBody(b.body, FACTS).join()).toContain('before it is defined');
  });
});
