/**
 * The manual's preferred aliases (Arm ARM C6.2, "is an alias of"): the row an alias belongs to, its
 * syntax, and when it is preferred. The first that applies is taken.
 */
import { decodeBitMask } from './bitmask.ts';
import type { RawFields } from './row.ts';
import { SYSTEM_OPERATIONS } from './system-operation-names.ts';

export interface Alias {
  /** Name of the row. */
  readonly of: string;
  readonly syntax: string;
  readonly when: (f: RawFields) => boolean;
}

const ZR = 31;
const ALWAYS = 14;
const always = () => true;
const alias = (of: string, syntax: string, when: Alias['when'] = always): Alias => ({
  of,
  syntax,
  when,
});
const is31 = (name: string) => (f: RawFields) => f[name] === ZR;
const width = (f: RawFields) => (f.sf ? 64 : 32);
const [rd31, rn31, rm31, ra31, rt31] = ['Rd', 'Rn', 'Rm', 'Ra', 'Rt'].map(is31) as [
  Alias['when'],
  Alias['when'],
  Alias['when'],
  Alias['when'],
  Alias['when'],
];
const plain = (f: RawFields) => f.shift === 0 && f.imm6 === 0;

const IMMEDIATE = '#<imm12:hex>{, lsl #<12*sh>}';
const SHIFTED = '<Rm>{, <shift> #<imm6>}';
const EXTENDED = '<Rm:option>{, <extend:option/Rn>{ #<imm3>}}';
const arithmetic: readonly Alias[] = [
  alias(
    'ADD (immediate)',
    'mov <Rd|SP>, <Rn|SP>',
    (f) => f.sh === 0 && f.imm12 === 0 && (rd31(f) || rn31(f)),
  ),
  alias('ADDS (immediate)', `cmn <Rn|SP>, ${IMMEDIATE}`, rd31),
  alias('SUBS (immediate)', `cmp <Rn|SP>, ${IMMEDIATE}`, rd31),
  alias('ADDS (shifted register)', `cmn <Rn>, ${SHIFTED}`, rd31),
  alias('SUBS (shifted register)', `cmp <Rn>, ${SHIFTED}`, rd31),
  alias('SUB (shifted register)', `neg <Rd>, ${SHIFTED}`, rn31),
  alias('SUBS (shifted register)', `negs <Rd>, ${SHIFTED}`, rn31),
  alias('ADDS (extended register)', `cmn <Rn|SP>, ${EXTENDED}`, rd31),
  alias('SUBS (extended register)', `cmp <Rn|SP>, ${EXTENDED}`, rd31),
  alias('SBC', 'ngc <Rd>, <Rm>', rn31),
  alias('SBCS', 'ngcs <Rd>, <Rm>', rn31),
  alias('MADD', 'mul <Rd>, <Rn>, <Rm>', ra31),
  alias('MSUB', 'mneg <Rd>, <Rn>, <Rm>', ra31),
  alias('SMADDL', 'smull <Xd>, <Wn>, <Wm>', ra31),
  alias('SMSUBL', 'smnegl <Xd>, <Wn>, <Wm>', ra31),
  alias('UMADDL', 'umull <Xd>, <Wn>, <Wm>', ra31),
  alias('UMSUBL', 'umnegl <Xd>, <Wn>, <Wm>', ra31),
  ...['lsl', 'lsr', 'asr', 'ror'].map((name) => alias(`${name.toUpperCase()}V`, `${name} <Rd>, <Rn>, <Rm>`)),
];

/** MoveWidePreferred: a logical immediate that MOVZ or MOVN can make, too. */
function moveWidePreferred(f: RawFields): boolean {
  const bits = width(f);
  const mask = BigInt.asUintN(bits, decodeBitMask(f.N ?? 0, f.imms ?? 0, f.immr ?? 0) ?? 0n);
  const oneHalfWord = (value: bigint) => {
    for (let at = 0n; at < BigInt(bits); at += 16n) if ((value & ~(0xffffn << at)) === 0n) return true;
    return false;
  };
  return oneHalfWord(mask) || oneHalfWord(BigInt.asUintN(bits, ~mask));
}
const HALF_WORD = 0xffff;
const logical: readonly Alias[] = [
  alias('ANDS (immediate)', 'tst <Rn>, #<bitmask>', rd31),
  alias('ANDS (shifted register)', `tst <Rn>, ${SHIFTED}`, rd31),
  alias('ORR (immediate)', 'mov <Rd|SP>, #<bitmask>', (f) => rn31(f) && (rd31(f) || !moveWidePreferred(f))),
  alias('ORR (shifted register)', 'mov <Rd>, <Rm>', (f) => rn31(f) && plain(f)),
  alias('ORN (shifted register)', `mvn <Rd>, ${SHIFTED}`, rn31),
  alias('MOVZ', 'mov <Rd>, #<wide-immediate>', (f) => f.imm16 !== 0 || f.hw === 0),
  alias(
    'MOVN',
    'mov <Rd>, #<inverted-wide-immediate>',
    (f) => (f.imm16 !== 0 || f.hw === 0) && (f.sf === 1 || f.imm16 !== HALF_WORD),
  ),
];

const topBit = (f: RawFields) => f.imms === width(f) - 1;
const inserts = (f: RawFields) => (f.imms ?? 0) < (f.immr ?? 0);
const extendsFrom = (bits: number) => (f: RawFields) => f.immr === 0 && f.imms === bits - 1;
const word = (f: RawFields) => f.sf === 0;
const bitField: readonly Alias[] = [
  alias('SBFM', 'asr <Rd>, <Rn>, #<immr>', topBit),
  alias('SBFM', 'sxtb <Rd>, <Wn>', extendsFrom(8)),
  alias('SBFM', 'sxth <Rd>, <Wn>', extendsFrom(16)),
  alias('SBFM', 'sxtw <Rd>, <Wn>', (f) => f.sf === 1 && extendsFrom(32)(f)),
  alias('SBFM', 'sbfiz <Rd>, <Rn>, #<field-lsb>, #<field-width>', inserts),
  alias('SBFM', 'sbfx <Rd>, <Rn>, #<immr>, #<extract-width>'),
  alias('BFM', 'bfc <Rd>, #<field-lsb>, #<field-width>', (f) => inserts(f) && rn31(f)),
  alias('BFM', 'bfi <Rd>, <Rn>, #<field-lsb>, #<field-width>', inserts),
  alias('BFM', 'bfxil <Rd>, <Rn>, #<immr>, #<extract-width>'),
  alias('UBFM', 'lsr <Rd>, <Rn>, #<immr>', topBit),
  alias('UBFM', 'lsl <Rd>, <Rn>, #<lsl-amount>', (f) => (f.imms ?? 0) + 1 === f.immr),
  alias('UBFM', 'uxtb <Rd>, <Wn>', (f) => word(f) && extendsFrom(8)(f)),
  alias('UBFM', 'uxth <Rd>, <Wn>', (f) => word(f) && extendsFrom(16)(f)),
  alias('UBFM', 'ubfiz <Rd>, <Rn>, #<field-lsb>, #<field-width>', inserts),
  alias('UBFM', 'ubfx <Rd>, <Rn>, #<immr>, #<extract-width>'),
  alias('EXTR', 'ror <Rd>, <Rn>, #<imms>', (f) => f.Rn === f.Rm),
];

const real = (f: RawFields) => (f.cond ?? 0) < ALWAYS;
const sameSources = (f: RawFields) => real(f) && f.Rn === f.Rm;
const select: readonly Alias[] = [
  alias('CSINC', 'cset <Rd>, <inverted-cond>', (f) => real(f) && rn31(f) && rm31(f)),
  alias('CSINC', 'cinc <Rd>, <Rn>, <inverted-cond>', (f) => sameSources(f) && !rn31(f)),
  alias('CSINV', 'csetm <Rd>, <inverted-cond>', (f) => real(f) && rn31(f) && rm31(f)),
  alias('CSINV', 'cinv <Rd>, <Rn>, <inverted-cond>', (f) => sameSources(f) && !rn31(f)),
  alias('CSNEG', 'cneg <Rd>, <Rn>, <inverted-cond>', sameSources),
];

/** Hints by CRm:op2. */
const HINTS: Readonly<Record<number, string>> = {
  16: 'esb',
  17: 'psb csync',
  18: 'tsb csync',
  20: 'csdb',
  22: 'clearbhb',
  32: 'bti',
  34: 'bti c',
  36: 'bti j',
  38: 'bti jc',
};
/** Hints that have rows of their own. */
const NAMED_HINTS = [
  'nop',
  'yield',
  'wfe',
  'wfi',
  'sev',
  'sevl',
  'xpaclri',
  'pacia1716',
  'pacib1716',
  'autia1716',
  'autib1716',
  'paciaz',
  'paciasp',
  'pacibz',
  'pacibsp',
  'autiaz',
  'autiasp',
  'autibz',
  'autibsp',
];
const OP2_BITS = 3;
const system: readonly Alias[] = [
  ...NAMED_HINTS.map((name) => alias(name.toUpperCase(), name)),
  ...Object.entries(HINTS).map(([number, text]) =>
    alias('HINT', text, (f) => (((f.imm4 ?? 0) << OP2_BITS) | (f.imm3 ?? 0)) === Number(number)),
  ),
  alias('DSB', 'ssbb', (f) => f.imm4 === 0),
  alias('DSB', 'pssbb', (f) => f.imm4 === 4),
  ...['DC ZVA', 'DC CVAC', 'DC CVAU', 'DC CVAP', 'DC CVADP', 'DC CIVAC', 'IC IVAU'].map((name) =>
    alias(name, `${name.toLowerCase()}, <Xt>`),
  ),
  ...SYSTEM_OPERATIONS.map(({ name, op1, crn, crm, op2, register }) =>
    alias(
      'SYS',
      register ? `${name}, <Xt>` : name,
      (f) => f.op1 === op1 && f.CRn === crn && f.CRm === crm && f.op2 === op2,
    ),
  ),
];

/** LDADD and the like without acquire, whose result nobody takes: STADD. */
const COMBINE = ['add', 'clr', 'eor', 'set', 'smax', 'smin', 'umax', 'umin'];
const SIZES = [
  { suffix: 'b', register: 'W' },
  { suffix: 'h', register: 'W' },
  { suffix: '', register: 'W' },
  { suffix: '', register: 'X' },
] as const;
const atomics: readonly Alias[] = COMBINE.flatMap((operation) =>
  SIZES.flatMap(({ suffix, register }) =>
    ['', 'l'].map((order) =>
      alias(
        `LD${operation}${order}${suffix}`.toUpperCase().concat(` (${register})`),
        `st${operation}${order}${suffix} <${register}s>, [<Xn|SP>]`,
        rt31,
      ),
    ),
  ),
);

const elements = (row: string, name: string, register: string) =>
  alias(`INS (${row}, ${name})`, `mov <Vd>.${name.toLowerCase()}[<index>], ${register}`);
const halves = (letter: 'S' | 'U', name: string, wide: string, narrow: string) =>
  alias(
    `${letter}SHLL, ${letter}SHLL2 (${name})`,
    `${letter.toLowerCase()}xtl<Q:|2> <Vd>.${wide}, <Vn>.<Q:${narrow}>`,
    (f) => f.imm === 0,
  );
const vectors: readonly Alias[] = [
  alias('ORR (vector)', 'mov <Vd>.<Q:8b|16b>, <Vn>.<Q:8b|16b>', (f) => f.Rn === f.Rm),
  alias('NOT (vector)', 'mvn <Vd>.<Q:8b|16b>, <Vn>.<Q:8b|16b>'),
  alias('UMOV (S to W)', 'mov <Wd>, <Vn>.s[<index>]'),
  alias('UMOV (D to X)', 'mov <Xd>, <Vn>.d[<index>]'),
  ...['B', 'H', 'S', 'D'].flatMap((name) => {
    const letter = name.toLowerCase();
    return [
      alias(`DUP (scalar, ${name})`, `mov ${letter}<Rd>, <Vn>.${letter}[<index>]`),
      elements('general', name, name === 'D' ? '<Xn>' : '<Wn>'),
    ];
  }),
  ...[1, 2, 4, 8].map((bytes, i) =>
    elements('element', 'BHSD'[i] ?? '', `<Vn>.${'bhsd'[i]}[<imm4/${bytes}>]`),
  ),
  ...(['S', 'U'] as const).flatMap((letter) => [
    halves(letter, 'B', '8h', '8b|16b'),
    halves(letter, 'H', '4s', '4h|8h'),
    halves(letter, 'S', '2d', '2s|4s'),
  ]),
];

export const ALIASES: readonly Alias[] = [
  ...arithmetic,
  ...logical,
  ...bitField,
  ...select,
  ...system,
  ...atomics,
  ...vectors,
];
