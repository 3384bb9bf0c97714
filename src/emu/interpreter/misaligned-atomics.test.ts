/** Atomics at misaligned addresses (FEAT_LSE2), in every engine: as if aligned within 16 bytes, a fault beyond. */
import { beforeAll, describe, expect, it } from 'vitest';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine, PAGE } from '../testing/code-machine.ts';

const DATA = CODE_RAM + 8 * PAGE;
const PROGRAM_BYTES = 0x100;
const ROUNDS = 200;

describe.each(CODE_ENGINE_NAMES)('misaligned atomics, %s', (engine) => {
  let machine: CodeMachine;
  let entry: number;
  beforeAll(async () => {
    machine = await CodeMachine.create(engine);
    entry = CODE_RAM;
  });

  /** Runs source with X0 = an address; false when it faults. */
  function run(source: string, address: number): boolean {
    entry += PROGRAM_BYTES;
    machine.writeSource(entry, `${source}\nwfi`);
    return machine.run(entry, address);
  }

  it('add up in a loop, leaving neighbours alone', () => {
    const loop = `mov x1, #${ROUNDS}\n mov w2, #3\n again: ldadd w2, w3, [x0]\n sub x1, x1, #1\n cbnz x1, again
      ldur x4, [x0, #-3]\n ldr x5, [x0]`;
    machine.write(DATA, [0xaaaa_aaaa, 0x0000_00bb, 0]);
    expect(run(loop, DATA + 5)).toBe(true);
    expect(machine.x(3)).toBe(BigInt(3 * (ROUNDS - 1)));
    expect(machine.x(5) & 0xffff_ffffn).toBe(BigInt(3 * ROUNDS));
    expect(machine.x(4) & 0xff_ffffn).toBe(0xbb_aaaan);
  });

  it.each([
    ['swp x2, x3, [x0]', 0x1122_3344_5566_7788n, 5n],
    ['ldclr x2, x3, [x0]', 0x1122_3344_5566_7788n, 0x1122_3344_5566_7788n & ~5n],
    ['ldeor x2, x3, [x0]', 0x1122_3344_5566_7788n, 0x1122_3344_5566_7788n ^ 5n],
    ['ldset x2, x3, [x0]', 0x1122_3344_5566_7788n, 0x1122_3344_5566_7788n | 5n],
    ['ldsmin x2, x3, [x0]', 0x1122_3344_5566_7788n, 5n],
    ['ldumax x2, x3, [x0]', 0x1122_3344_5566_7788n, 0x1122_3344_5566_7788n],
    ['mov x3, x4\n cas x3, x2, [x0]', 0x1122_3344_5566_7788n, 5n],
    ['mov x3, xzr\n cas x3, x2, [x0]', 0x1122_3344_5566_7788n, 0x1122_3344_5566_7788n],
    ['ldxr x3, [x0]\n stxr w6, x2, [x0]', 0x1122_3344_5566_7788n, 5n],
  ])('%s', (source, old, after) => {
    const setUp = 'ldr x4, [x1]\n str x4, [x0]\n mov x2, #5\n';
    machine.write(DATA + 0x100, [0x5566_7788, 0x1122_3344]);
    machine.setX(1, DATA + 0x100);
    expect(run(`${setUp}${source}\n ldr x5, [x0]`, DATA + 3)).toBe(true);
    expect([machine.x(3), machine.x(5)]).toEqual([old, after]);
  });

  it('fail a store-exclusive when another store came between', () => {
    expect(run('ldxr x3, [x0]\n str x0, [x0]\n stxr w6, x2, [x0]', DATA + 3)).toBe(true);
    expect(machine.x(6)).toBe(1n);
  });

  it('fault when they reach beyond 16 bytes', () => {
    expect(run('ldadd x2, x3, [x0]', DATA + 9)).toBe(false);
    expect(run('ldxr x3, [x0]', DATA + 9)).toBe(false);
    expect(run('ldxp x3, x4, [x0]', DATA + 8)).toBe(false);
  });
});
