/** Pointer authentication at EL1 in every engine: what is signed authenticates, and nothing else does. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CODE_ENGINE_NAMES, CODE_RAM, CodeMachine } from '../../testing/code-machine.ts';

const PROGRAM_BYTES = 0x300;
/** EnIA, EnIB, EnDA and EnDB. */
const ENABLE = 0xc800_2000n;
const POINTER = 0x0000_7fff_1234_5678n;
const HIGH_POINTER = 0xffff_8000_1234_5678n;
const MODIFIER = 0x1234_0000_5678_0008n;
/** Bits 63:56 and 54:48, with 48 bits of address and no tags. */
const CODE = 0xff7f_0000_0000_0000n;
const TBI = 0x60_0000_0000n;
const TBID = 3n << 51n;
const ALL_ONES = (1n << 64n) - 1n;
const KEYS = ['APIA', 'APIB', 'APDA', 'APDB', 'APGA'];

/** Constants as MOVZ and MOVK. */
const move = (register: string, value: bigint) =>
  [0n, 16n, 32n, 48n]
    .map((at) => `mov${at === 0n ? 'z' : 'k'} ${register}, #${(value >> at) & 0xffffn}, lsl #${at}`)
    .join('\n');
const keySetUp = KEYS.flatMap((name, index) =>
  ['lo', 'hi'].map(
    (half, at) => `${move('x9', 0x0123_4567_89ab_cdefn * BigInt(2 * index + at + 1))}
    msr ${name.toLowerCase()}key${half}_el1, x9`,
  ),
).join('\n');
const control = (bits: bigint, tcrBits = 0n) => `mrs x9, sctlr_el1\n${move('x10', ENABLE)}\n bic x9, x9, x10
  ${move('x10', bits)}\n orr x9, x9, x10\n msr sctlr_el1, x9
  mrs x9, tcr_el1\n ${move('x10', TBI | TBID)}\n bic x9, x9, x10
  ${move('x10', tcrBits)}\n orr x9, x9, x10\n msr tcr_el1, x9\n isb\n`;

describe.each(CODE_ENGINE_NAMES)('pointer authentication, %s', (engine) => {
  let machine: CodeMachine;
  let entry: number;
  beforeAll(async () => {
    machine = await CodeMachine.create(engine);
    entry = CODE_RAM;
  });
  beforeEach(() => {
    run(`${keySetUp}\n${control(ENABLE)}`);
  });

  /** Runs source with X0 and X1; gives X0, or undefined when it faults. */
  function run(source: string, x0 = POINTER, x1 = MODIFIER): bigint | undefined {
    entry += PROGRAM_BYTES;
    machine.writeSource(entry, `${source}\nwfi`);
    return machine.run(entry, x0, x1) ? machine.x(0) : undefined;
  }

  it.each(['ia', 'ib', 'da', 'db'])('signs and authenticates with key %s', (key) => {
    for (const pointer of [POINTER, HIGH_POINTER]) {
      const signed = run(`pac${key} x0, x1`, pointer) ?? 0n;
      expect(signed & ~CODE, 'the address').toBe(pointer & ~CODE);
      expect(signed & CODE, 'the code').not.toBe(pointer & CODE);
      expect(run(`aut${key} x0, x1`, signed)).toBe(pointer);
      expect(run(`xpac${key.startsWith('i') ? 'i' : 'd'} x0`, signed)).toBe(pointer);
      const poison = (key.endsWith('a') ? 1n : 2n) << 61n;
      const failed = (pointer & ~(3n << 61n)) | poison;
      expect(run(`aut${key} x0, x1`, signed, MODIFIER ^ (1n << 63n)), 'another modifier').toBe(failed);
      expect(run(`aut${key} x0, x1`, signed ^ 4n), 'another address').toBe(failed ^ 4n);
      expect(run(`pac${key[0]}z${key[1]} x0\n aut${key[0]}z${key[1]} x0`, pointer)).toBe(pointer);
    }
  });

  it('gives different codes for different keys', () => {
    const codes = ['ia', 'ib', 'da', 'db'].map((key) => run(`pac${key} x0, x1`));
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('signs what is no address so that it fails', () => {
    const signed = run('pacia x0, x1', POINTER | (1n << 60n)) ?? 0n;
    expect(run('autia x0, x1', signed)).not.toBe(POINTER);
  });

  it('does nothing with a key that SCTLR_EL1 does not enable', () => {
    run(control(ENABLE & ~(1n << 30n)));
    expect(run('pacib x0, x1')).toBe(POINTER);
    expect(run('autib x0, x1', POINTER | (1n << 60n))).toBe(POINTER | (1n << 60n));
    expect(run('pacia x0, x1')).not.toBe(POINTER);
  });

  it('leaves ignored top bytes alone: for data with TBI, for instructions unless TBID', () => {
    const tagged = POINTER | (0xa5n << 56n);
    run(control(ENABLE, TBI));
    for (const key of ['ia', 'da']) {
      const signed = run(`pac${key} x0, x1`, tagged) ?? 0n;
      expect(signed >> 56n).toBe(0xa5n);
      expect(run(`aut${key} x0, x1`, signed)).toBe(tagged);
      expect(run(`aut${key} x0, x1`, signed, 0n)).toBe((tagged & ~(3n << 53n)) | (1n << 53n));
    }
    run(control(ENABLE, TBI | TBID));
    expect((run('pacda x0, x1', tagged) ?? 0n) >> 56n).toBe(0xa5n);
    expect(run('xpaci x0', tagged)).toBe(POINTER);
  });

  it('computes a generic code in the upper half', () => {
    const code = run('pacga x0, x0, x1') ?? 0n;
    expect(code & 0xffff_ffffn).toBe(0n);
    expect(code).not.toBe(0n);
    expect(run('pacga x0, x0, x1', POINTER, MODIFIER + 1n)).not.toBe(code);
  });

  it('signs the return address in calls that nest', () => {
    const source = `mov sp, x1\n mov x2, #0\n mov x4, #300
      again: bl f\n sub x4, x4, #1\n cbnz x4, again\n mov x0, x2\n b end
      f: paciasp\n stp x29, x30, [sp, #-16]!\n bl g\n ldp x29, x30, [sp], #16\n autiasp\n ret
      g: pacibsp\n add x2, x2, #1\n retab
      end:`;
    expect(run(source, 0n, BigInt(CODE_RAM + 0x10_0000))).toBe(300n);
  });

  it('branches and calls through authenticated pointers', () => {
    const source = `adr x2, f\n pacia x2, x1\n adr x3, g\n paciza x3\n mov x4, #300\n mov x0, #0
      again: blraa x2, x1\n blraaz x3\n sub x4, x4, #1\n cbnz x4, again
      adr x5, end\n pacib x5, x1\n brab x5, x1
      f: add x0, x0, #1\n ret\n g: add x0, x0, #2\n ret\n end:`;
    expect(run(source)).toBe(900n);
    expect(run('adr x2, f\n pacia x2, x1\n blraaz x2\n f: nop'), 'another modifier').toBeUndefined();
  });

  it('loads through authenticated pointers, and writes the base back', () => {
    const data = BigInt(CODE_RAM + 0x8000);
    machine.write(Number(data), [1, 2, 3, 4, 5, 6]);
    expect(run('pacdza x0\n ldraa x0, [x0, #8]', data)).toBe(0x4_0000_0003n);
    expect(run('pacdzb x0\n ldrab x1, [x0, #16]!\n add x0, x0, x1', data)).toBe(0x6_0000_0005n + data + 16n);
    expect(run('pacdzb x0\n ldraa x0, [x0]', data)).toBeUndefined();
  });

  it('returns from exceptions to the signed ELR_EL1, which stays', () => {
    const source = `adr x2, end\n mov sp, x1\n mov x3, sp\n pacia x2, x3\n msr elr_el1, x2
      mov x4, #0x3c5\n msr spsr_el1, x4\n eretaa\n mov x0, #0\n end: mrs x0, elr_el1\n sub x0, x0, x2`;
    expect(run(source, 1n, BigInt(CODE_RAM + 0x10_0000))).toBe(0n);
  });

  it('reads keys back', () => {
    const lo = run('mrs x0, apiakeylo_el1');
    const hi = run('mrs x0, apdbkeyhi_el1');
    expect([lo, hi]).toEqual([0x0123_4567_89ab_cdefn, (0x0123_4567_89ab_cdefn * 8n) & ALL_ONES]);
  });
});
