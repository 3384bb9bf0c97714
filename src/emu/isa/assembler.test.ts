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
    // What GNU as 2.40 makes of offsets that only the unscaled form can hold.
    ['ldr x3, [x2, #-4]', 0xf85fc043],
    ['ldr w3, [x2, #7]', 0xb8407043],
    ['str x3, [sp, #-256]', 0xf81003e3],
    ['ldrb w3, [x2, #-1]', 0x385ff043],
    ['strh w3, [x2, #-2]', 0x781fe043],
    ['ldrsw x3, [x2, #-4]', 0xb89fc043],
    ['ldrsh w3, [x2, #1]', 0x78c01043],
    ['ldr q3, [x2, #-16]', 0x3cdf0043],
    ['str d3, [x2, #4]', 0xfc004043],
    ['prfm pldl1keep, [x2, #-8]', 0xf89f8040],
    ['ldr x3, [x2, #8]', 0xf9400443],
    // … and of the other spellings.
    ['add x0, x1, #-4', 0xd1001020],
    ['subs w0, w1, #-4', 0x31001020],
    ['cmp x0, #-1', 0xb100041f],
    ['mov x0, 1', 0xd2800020],
    ['ldr x0, [fp, 8]', 0xf94007a0],
    ['add x0, x1, x2, lsl 3', 0x8b020c20],
    ['stp x29, lr, [sp, -16]!', 0xa9bf7bfd],
    ['beq 8', 0x54000040],
    ['b.hs #8', 0x54000042],
    ['tbz w0, 3, 8', 0x36180040],
    ['mrs x1, s3_0_c0_c0_0', 0xd5380001],
    ['msr S3_0_C1_C0_0, x1', 0xd5181001],
    ['mrs x1, s3_1_c11_c0_2', 0xd539b041],
    ['cset w0, lo', 0x1a9f27e0],
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
      .ascii "//\\n\\x78"
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

  it('takes comments, several statements in a line, and the names of GNU as', () => {
    const source = `.text; .global start
      SIZE = 3 /* a comment
      of two lines; nop */ ; start: nop; nop // nop; nop
      .short 1; .p2align 2; .4byte SIZE, ';'
      .string "a;b", "\\101\\"\\xff"`;
    expect([...assemble(source).bytes]).toEqual([
      ...[0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5, 1, 0, 0, 0, 3, 0, 0, 0, 59, 0, 0, 0],
      ...[97, 59, 98, 0, 65, 34, 255, 0],
    ]);
  });

  it('places literals at .ltorg and at the end, each value once', () => {
    const source = 'ldr x0, =end\n.ltorg\nldr w1, =1 << 20\nldr x2, =7; ldr x3, =7\nend:';
    const { bytes, symbols } = assemble(source, ORIGIN);
    const list = words({ bytes });
    expect(list.slice(0, 4)).toEqual([0x58000040, 0, Number(ORIGIN) + 28, 0]);
    expect(list.slice(4)).toEqual([0x18000061, 0x58000062, 0x58000043, 1 << 20, 7, 0]);
    expect([...symbols.keys()]).toEqual(['end']);
  });

  it.each([
    ['nop\n  frob x1', 2, 3, 'no instruction "frob"'],
    ['  add x0, x1, y2', 1, 15, '"y2" does not fit here'],
    ['addd x0, x1, x2', 1, 1, '"add" is one'],
    ['main\nnop', 1, 1, 'a label is written "main:"'],
    ['b.xx main', 1, 1, 'no condition "xx"; there are eq ne'],
    ['add x0, x1 x2', 1, 11, 'a comma is missing before "x2"'],
    ['add x0,x1', 1, 10, 'an operand is missing; add is written add <Rd'],
    ['add x0, x1, x2, x3', 1, 17, '"x3" does not fit here'],
    ['svc', 1, 4, 'operands are missing; svc is written svc #<imm>'],
    ['add w0,w1,x2', 1, 11, '"x2" does not fit here; "w2" would'],
    ['ldr x0, [w1]', 1, 10, '"x1" would'],
    ['mov r0, #1', 1, 5, '"x0" would'],
    ['mov x31, #1', 1, 5, '31 is "xzr", "wzr" or "sp"'],
    ['mov x0, x32', 1, 9, '"x32" is no register: the last is x30'],
    ['add x0, x1, #5000', 1, 14, '"5000" is not possible here, only from 0 to 4095;'],
    [
      'ldr x0, [ x1, #0x101 ]',
      1,
      16,
      '"0x101" is not possible here, only multiples of 8 from 0 to 32760, or from -256',
    ],
    ['ldp x0, x1, [sp, #4]', 1, 19, 'only multiples of 8 from -512 to 504'],
    ['lsl w0, w1, #32', 1, 14, '"32" is not possible here, only from'],
    ['movk w0, #1, lsl #32', 1, 19, 'only 0 or 16'],
    ['bfi w0, w1, #30, #4', 1, 19, 'only 1 or 2'],
    ['tbz w0, #40, .', 1, 10, 'only from 0 to 31'],
    ['and x0, x1, #5', 1, 14, 'only a row of ones, rotated and repeated'],
    ['and x0, x1, #0', 1, 14, 'only a row of ones, rotated and repeated'],
    ['mov x0, #0x12345678', 1, 10, 'movz and movk'],
    ['fmov d0, #0.1', 1, 11, 'n/16'],
    ['ldr x0, [x1', 1, 12, '"]" is missing'],
    ['ldr x0, x1', 1, 9, '"x1" is a register and no label; memory at the address in it is "[x1]"'],
    ['add v0.4s, v1.4s, v2.2s', 1, 19, '"v2.2s" does not fit here; add is written add <Vd>.<T>'],
    ['mrs x0, foo_el1', 1, 9, '"foo_el1" does not fit here; mrs is written mrs <Xt>, <system register>'],
    ['ldr x0, =nowhere', 1, 10, '"nowhere" is not defined'],
    ['.word 1,,2', 1, 9, 'a value is missing'],
    ['.balign 3', 1, 9, 'no power of two'],
    ['.ascii "a", "b\\q"', 1, 15, 'no escape "\\q"'],
    ['.ascii "abc', 1, 8, 'strings in double quotes'],
    ['b nowhere', 1, 3, '"nowhere" is not defined'],
    ['far: .space 0x200000\ncbz x0, far', 2, 9, 'too far'],
    ['.word 1, undefined', 1, 10, '"undefined" is not defined'],
    ['.byte 300', 1, 7, 'does not fit into a byte'],
    ['a: nop\na: nop', 2, 1, '"a" is defined twice'],
    ['.byte 1\nnop', 2, 1, 'must be aligned'],
    ['mov x0, #(1', 1, 10, 'without ")"'],
    ['.bogus', 1, 1, 'no directive'],
    ['.ascii 5', 1, 8, 'strings in double quotes'],
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
