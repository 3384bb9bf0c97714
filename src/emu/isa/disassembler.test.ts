/** The disassembler against GNU objdump: recorded words of every row (npm run oracle:disassembly -- --record). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { A64_ROWS, a64Decoder } from './a64/index.ts';
import { disassemble, instructionText } from './disassembler.ts';

const FIXTURE = new URL('disassembly.vectors.json', import.meta.url);
const recorded = (JSON.parse(readFileSync(FIXTURE, 'utf8')) as string[]).map((line) => {
  const [address = '', word = '', plain = '', preferred = plain] = line.split('|');
  return { pc: BigInt(`0x${address}`), word: Number.parseInt(word, 16), plain, preferred };
});

describe('disassemble', () => {
  it('prints what objdump prints when aliases are off', () => {
    for (const { pc, word, plain } of recorded) expect(disassemble(word, pc)).toBe(plain);
  });

  it('prints the preferred alias when aliases are on', () => {
    for (const { pc, word, preferred } of recorded)
      expect(disassemble(word, pc, { aliases: true })).toBe(preferred);
  });

  it('has recorded words for every row', () => {
    const rows = new Set(recorded.map(({ word }) => a64Decoder.decode(word)?.row.name));
    expect(A64_ROWS.filter(({ name }) => !rows.has(name)).map(({ name }) => name)).toEqual([]);
  });

  it('names every operand of every row', () => {
    for (const row of A64_ROWS) expect(instructionText(row, {}, 0n)).not.toMatch(/[<>]|undefined/);
  });

  it('prints the word when it is not an instruction', () => {
    expect(disassemble(0xffff_ffff, 0n)).toBe('.inst 0xffffffff ; undefined');
    expect(disassemble(0x0001_0000, 0n)).toBe('.inst 0x00010000 ; undefined');
  });

  it('wraps branch targets at the ends of the address space', () => {
    expect(disassemble(0x17ff_ffff, 0n)).toBe('b 0xfffffffffffffffc');
    expect(disassemble(0x1400_0001, 0xffff_ffff_ffff_fffcn)).toBe('b 0x0');
  });

  it('prints the number of a system register without a name', () => {
    expect(disassemble(0xd53f_f203, 0n)).toBe('mrs x3, s3_7_c15_c2_0');
    expect(disassemble(0xd513_0500, 0n)).toBe('msr dbgdtrtx_el0, x0');
    expect(disassemble(0xd533_0500, 0n)).toBe('mrs x0, dbgdtrrx_el0');
  });
});
