/**
 * Words that llvm-mc 14 and we tell apart differently, each with the reason: the manual's side is ours.
 */
export interface DecodingDifference {
  readonly what: string;
  readonly why: string;
  /** `row` is the name of our row, undefined when the word is no instruction to us. */
  readonly matches: (word: number, row: string | undefined) => boolean;
  /** What llvm-mc must print for such a word: instructions that we lack would be hidden otherwise. */
  readonly text?: RegExp;
}

const under = (mask: number, value: number) => (word: number, row: string | undefined) =>
  row === undefined && ((word & mask) ^ value) === 0;

/** Masks as signed words, as the operators of JavaScript give them. */
export const DIFFERENT_IN_LLVM: readonly DecodingDifference[] = [
  {
    what: 'MSR and MRS with op0 = 0',
    why: 'no such space of system registers (Arm ARM C4.1.94); llvm-mc names them S0_…',
    matches: under(0xffd8_0000 | 0, 0xd500_0000 | 0),
    text: /\bS0_\d_C\d+_C\d+_\d\b/,
  },
  {
    what: 'exclusive and ordered accesses with bits that should be one',
    why: 'CONSTRAINED UNPREDICTABLE, UNDEFINED here; llvm-mc ignores the bits',
    matches: under(0x3f00_0000, 0x0800_0000),
  },
  {
    what: 'FCMP and FCMPE with zero, and bits in Rm that should be zero',
    why: 'CONSTRAINED UNPREDICTABLE, UNDEFINED here; llvm-mc ignores the bits',
    matches: under(0xff20_fc0f | 0, 0x1e20_2008),
  },
  {
    what: 'DCPS1 to DCPS3',
    why: 'UNDEFINED outside Debug state, which there is none of',
    matches: under(0xffe0_001c | 0, 0xd4a0_0000 | 0),
  },
  {
    what: 'DRPS',
    why: 'UNDEFINED outside Debug state, which there is none of',
    matches: (word) => word >>> 0 === 0xd6bf_03e0,
  },
];
