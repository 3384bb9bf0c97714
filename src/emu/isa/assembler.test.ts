/** The assembler: it reads all that objdump prints, and whole programs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AssemblyError, assemble } from './assembler.ts';
import { encodeInstruction } from './assembler-instructions.ts';
import { disassemble } from './disassembler.ts';

const FIXTURE = new URL('disassembly.vectors.json', import.meta.url);
const recorded = (JSON.parse(readFileSync(FIXTURE, 'utf8')) as string[]).flatMap((line) => {
  const [address = '', word = '', ...texts] = line.split('|');
  return texts.map((text) => ({ pc: BigInt(`0x${address}`), word: Number.parseInt(word, 16), text }));
});

describe('encodeInstruction', () => {
  it('gives the recorded word for all that objdump prints, or another that prints the same', () => {
    const different = recorded.filter(({ pc, word, text }) => {
      const ours = encodeInstruction(text, pc);
      return ours !== word && disassemble(ours, pc) !== disassemble(word, pc);
    });
    expect(different).toEqual([]);
    const ambiguous = recorded.filter(({ pc, word, text }) => encodeInstruction(text, pc) !== word);
    expect(ambiguous.length / recorded.length).toBeLessThan(0.02);
  });

  it.each([
    ['MOV  X1,SP', 0x910003e1],
    ['mov x0, #-1', 0x92800000],
    ['mov w0, #0xffff0000', 0x52bfffe0],
    ['mov x3, #0x5555555555555555', 0xb200f3e3],
    ['and x0, x1, #~15', 0x927cec20],
    ['ldr x0, [ x1 , #(1 << 3) * 2 ]', 0xf9400820],
    ["cmp w0, #'q'", 0x7101c41f],
    ['fmov d0, #1.0', 0x1e6e1000],
    ['fmov s2, #-0.5', 0x1e3c1002],
    ['ret', 0xd65f03c0],
    ['ld4 {v30.16b, v31.16b, v0.16b, v1.16b}, [sp]', 0x4c4003fe],
    ['msr daifset, #15', 0xd5034fdf],
    ['mrs x0, CurrentEL', 0xd5384240],
    ['dc civac, x0', 0xd50b7e20],
  ])('reads %s', (text, word) => {
    expect(encodeInstruction(text, 0n).toString(16)).toBe(word.toString(16));
  });
});

const words = ({ bytes }: { bytes: Uint8Array }) => [...new Uint32Array(bytes.slice().buffer)];
const ORIGIN = 0x4000_0000n;

describe('assemble', () => {
  it('resolves labels before and after their use, by name and by number', () => {
    const source = 'start: b end\n1: cbz x0, 1f\nb 1b\n1: adr x1, start\nend: bl start + 4\n';
    expect(words(assemble(source, ORIGIN))).toEqual([
      0x14000004, 0xb4000040, 0x17ffffff, 0x10ffffa1, 0x97fffffd,
    ]);
  });

  it('places numbers, text, constants and padding', () => {
    const source = `.equ ANSWER, 6 * 7   // a constant
      .byte ANSWER, -1, 'a'
      .ascii "//\\n\\x"
      .balign 8
      .hword 0x1234
      .asciz "é"
      .space 3
      .quad end - 1
      end:`;
    const { bytes, symbols } = assemble(source, ORIGIN);
    expect([...bytes.subarray(0, 8)]).toEqual([42, 255, 97, 47, 47, 10, 120, 0]);
    expect([...bytes.subarray(8, 16)]).toEqual([0x34, 0x12, 0xc3, 0xa9, 0, 0, 0, 0]);
    expect(new DataView(bytes.buffer).getBigUint64(16, true)).toBe(ORIGIN + 23n);
    expect(symbols).toEqual(
      new Map([
        ['ANSWER', 42n],
        ['end', ORIGIN + 24n],
      ]),
    );
  });

  it.each([
    ['nop\n  frob x1', 2, 3, 'no instruction "frob"'],
    ['  add x0, x1, y2', 1, 15, 'operands do not fit'],
    ['b nowhere', 1, 3, '"nowhere" is not defined'],
    ['far: .space 0x200000\ncbz x0, far', 2, 9, 'too far'],
    ['.word 1, undefined', 1, 10, '"undefined" is not defined'],
    ['.byte 300', 1, 7, 'does not fit into 1 bytes'],
    ['a: nop\na: nop', 2, 1, '"a" is defined twice'],
    ['.byte 1\nnop', 2, 1, 'must be aligned'],
    ['mov x0, #(1', 1, 10, 'without ")"'],
    ['.bogus', 1, 1, 'no directive'],
    ['.ascii 5', 1, 8, 'one string'],
    ['.equ A, 1 / 0', 1, 11, 'division by zero'],
    ['.space -1', 1, 8, 'not possible'],
  ])('says where and what is wrong in %j', (source, line, column, message) => {
    let error: unknown;
    try {
      assemble(source);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(AssemblyError);
    expect(error).toMatchObject({ line, column, message: expect.stringContaining(message) });
  });
});
