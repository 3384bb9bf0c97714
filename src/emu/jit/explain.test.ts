/** Accounts of small regions. */
import { describe, expect, it } from 'vitest';
import { assemble } from '../isa/assembler.ts';
import { addImmediate, b, bl, br, cbnz, ldrW, nop, ret, subImmediate } from '../testing/instructions.ts';
import { type ExplainOptions, explainRegion } from './explain.ts';
import type { RegionSource } from './region.ts';
import type { LeftOut } from './region-passes.ts';

/** SVC #0. */
const SVC = 0xd4000001;
const PAGE = 0xffff_8000_0801_0000n;

function sourceOf(words: readonly number[], jumps: readonly number[] = []): RegionSource {
  return {
    entry: 0,
    page: (delta) => (delta === 0 ? { records: 0, wordAt: (offset) => words[offset / 4] } : undefined),
    jumpTargets: () => jumps,
  };
}
/** The account without sizes, which change with every improvement of the emitter. */
const brief = (
  words: readonly number[],
  options: Partial<ExplainOptions> = {},
  jumps: readonly number[] = [],
) =>
  explainRegion(sourceOf(words, jumps), { pageAddress: PAGE, ir: false, wat: false, ...options }).replace(
    SIZES,
    '',
  );
const SIZES = /, \d+ bytes of WebAssembly, [\d.]+ an instruction/;

describe('explainRegion', () => {
  it('shows blocks, registers and ways of a loop', () => {
    expect(brief([addImmediate(1, 1, 2), subImmediate(0, 0, 1), cbnz(0, -2), ret])).toMatchInlineSnapshot(`
      "region at 0xffff800008010000: 4 instructions, 2 blocks, 1 page

      registers in locals: x0 x1 x30
        loaded on entry: x0 x1 x30
        written back when the region is left: x0 x1

      block 0xffff800008010000, from 0xffff800008010000
        0xffff800008010000: 91000821  add x1, x1, #0x2
        0xffff800008010004: d1000400  sub x0, x0, #0x1
        0xffff800008010008: b5ffffc0  cbnz x0, 0xffff800008010000
        -> goes to 0xffff800008010000
        -> goes to 0xffff80000801000c

      block 0xffff80000801000c, from 0xffff800008010000
        0xffff80000801000c: d65f03c0  ret
        -> returns to a computed address"
    `);
  });

  it('shows the IR with the names of registers', () => {
    expect(brief([ldrW(1, 2), ret], { ir: true })).toMatchInlineSnapshot(`
      "region at 0xffff800008010000: 2 instructions, 1 block, 1 page

      registers in locals: x1 x2 x30
        loaded on entry: x2 x30
        written back when the region is left: none

      block 0xffff800008010000
        0xffff800008010000: b9400041  ldr w1, [x2]
                  %1:i64 = state.load load=i64 offset=16  ; x2
                  %3:i32 = guest.read size=4 access=18436 %1
                  %4:i64 = host.load load=i64.32u offset=0 %3
                  state.store store=i64 offset=8 %4  ; x1
        0xffff800008010004: d65f03c0  ret
                  %0:i64 = state.load load=i64 offset=240  ; x30
                  branch.to hint=return %0
        -> returns to a computed address"
    `);
  });

  it('shows what each pass does to an instruction', () => {
    const text = brief([ldrW(1, 2), ret], { ir: true, passes: true });
    expect(
      text
        .split('\n')
        .slice(6, 21)
        .map((line) => line.trim()),
    ).toEqual([
      'block 0xffff800008010000',
      '0xffff800008010000: b9400041  ldr w1, [x2]',
      '; as the row says',
      '%0:i64 = const value=0',
      '%1:i64 = state.load load=i64 offset=16  ; x2',
      '%2:i64 = numeric name=i64.add %1 %0',
      '%3:i32 = guest.read size=4 access=18436 %2',
      '%4:i64 = host.load load=i64.32u offset=0 %3',
      'state.store store=i64 offset=8 %4  ; x1',
      '; after fold-constants',
      '%0:i64 = const value=0',
      '%1:i64 = state.load load=i64 offset=16  ; x2',
      '%3:i32 = guest.read size=4 access=18436 %1',
      '%4:i64 = host.load load=i64.32u offset=0 %3',
      'state.store store=i64 offset=8 %4  ; x1',
    ]);
  });

  it('leaves passes out', () => {
    const text = brief([ldrW(1, 2), ret], { ir: true, without: new Set(['fold-constants']) });
    expect(text).toContain('numeric name=i64.add');
  });

  const wordsOf = (source: string) => {
    const { bytes } = assemble(source, 0n);
    return [...new Uint32Array(bytes.slice().buffer)];
  };

  it.each([
    ['known-checks', 'fmul d0, d0, d1\nfmul d2, d2, d3\nret', 'helper=fpTrap', [1, 2]],
    ['merged-accesses', 'ldr x1, [x0]\nldr x2, [x0, #8]\nret', 'call $probe', [1, 0]],
    ['outlined', 'fmul d0, d0, d1\nfmul d2, d2, d3\nret', 'call $fpBinary', [1, 2]],
  ] as const)('leaves out %s of blocks and regions', (pass, source, trace, [withIt, without]) => {
    const count = (leftOut: LeftOut) =>
      brief(wordsOf(source), { ir: true, wat: true, without: leftOut }).split(trace).length - 1;
    expect(count(new Set())).toBe(withIt);
    expect(count(new Set([pass]))).toBe(without);
  });

  it('shows WebAssembly with the instruction that each part belongs to', () => {
    const text = brief([addImmediate(1, 1, 2), ret], { wat: true });
    expect(text).toContain(';; 0xffff800008010000: add x1, x1, #0x2');
    expect(text).toContain(';; 0xffff800008010004: ret');
    expect(text).toContain('i64.add');
  });

  it.each([
    ['calls', [bl(16), ret], ['calls 0xffff800008010040', 'comes back to 0xffff800008010004']],
    ['system calls', [SVC], ['ends in the runtime']],
    ['other pages', [b(1024)], ['leaves: its page is not mapped']],
    ['code that has not run', [b(100)], ['leaves: that code has not run yet']],
    ['what is no instruction', [nop, b(1), 0x0001_0000], ['leaves: that word is no instruction']],
    ['computed jumps', [br(1), nop, ret], ['jumps to a computed address, seen to be none']],
  ])('says why the region ends at %s', (_, words, reasons) => {
    for (const reason of reasons) expect(brief(words)).toContain(reason);
  });

  it('names the targets of a computed jump that have been seen', () => {
    expect(brief([br(1), nop, ret], {}, [8])).toContain('seen to be 0xffff800008010008');
  });

  it('says that a limit has been reached', () => {
    const text = brief([cbnz(0, 2), b(3), nop, ret, ret], { limits: { instructions: 100, blocks: 2 } });
    expect(text).toContain('reached its limit of 2 blocks');
  });

  it('says that there is no region where nothing can be translated', () => {
    expect(brief([0x0001_0000])).toContain('no region at 0xffff800008010000');
  });
});
