/** Checks that a block leaves out: words lifted and put one after the other. */
import { describe, expect, it } from 'vitest';
import { printBody } from '../ir/printer.ts';
import { assemble } from '../isa/assembler.ts';
import { dropKnownChecks } from './known-checks.ts';
import { lift } from './lift.ts';

/** For each line of assembly, the helpers of the checks that are left in its body. */
function checksOf(...source: string[]): string[] {
  const words = new Uint32Array(assemble(source.join('\n')).bytes.slice().buffer);
  const instructions = [...words].map((word, index) => {
    const lifted = lift(word | 0);
    if (!lifted) throw new Error(`${source[index]} is not an instruction`);
    return { offset: index * 4, lifted };
  });
  return dropKnownChecks(instructions).map(({ lifted }) =>
    [...printBody(lifted.body).matchAll(/helper=(fpTrap|spAlignment)/g)].map((match) => match[1]).join(),
  );
}

describe('dropKnownChecks', () => {
  it('checks once that FP is enabled', () => {
    expect(checksOf('fadd d0, d1, d2', 'add x0, x0, #1', 'fmul d0, d0, d0')).toEqual(['fpTrap', '', '']);
  });

  it('checks SP once while it moves by multiples of 16', () => {
    expect(
      checksOf(
        'stp x29, x30, [sp, #-32]!',
        'str x0, [sp, #24]',
        'sub sp, sp, #64',
        'ldr x1, [sp], #16',
        'ldr x2, [sp]',
      ),
    ).toEqual(['spAlignment', '', '', '', '']);
  });

  it.each(['add sp, sp, #8', 'mov sp, x3', 'ldr x1, [sp], #24'])('checks SP again after %s', (change) => {
    expect(checksOf('ldr x0, [sp]', change, 'ldr x2, [sp]').at(-1)).toBe('spAlignment');
  });

  it('keeps one check of two when only the other is known', () => {
    expect(checksOf('ldr x0, [sp]', 'ldr d0, [sp]')).toEqual(['spAlignment', 'fpTrap']);
  });
});
