/**
 * Pointer authentication (FEAT_PAuth; Arm ARM C4.1.94 and C4.1.95, D8.10; shared/functions/pac). The algorithm is
 * IMPLEMENTATION DEFINED (ID_AA64ISAR1_EL1.API): three multiplications, so that signing costs a few nanoseconds.
 * It keeps honest mistakes apart; it is no secret to who can read the machine's memory. A failed AUT gives
 * an address that faults when used (no FEAT_FPAC).
 *
 * The bits that hold the code follow from TCR_EL1: cpu/execution-context.ts keeps them as masks, without bit 55.
 */
import type { I64 } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import { CELL_OFFSET } from '../../layout/system-register-cells.ts';
import { signed } from '../pattern.ts';
import { type RawFields, type Row, row, s32, withFeature } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { branchIndirect, branchWithLink, HINT_PREFIX, viaX16 } from './shared.ts';

type CellName = keyof typeof CELL_OFFSET;
const cell = (b: Semantics, name: CellName, offset = 0) =>
  b.stateLoad<'i64'>('i64', CPU.SYSTEM_REGISTERS + CELL_OFFSET[name] + offset);

interface Key {
  /** As mnemonics name it. */
  readonly letters: 'ia' | 'ib' | 'da' | 'db';
  readonly low: CellName;
  readonly high: CellName;
  /** SCTLR_EL1: without it, the instructions do nothing. */
  readonly enable: number;
  readonly data: boolean;
  /** In failed addresses: 1 for A, 2 for B. */
  readonly errorCode: bigint;
}
const key = (letters: Key['letters'], enable: number): Key => ({
  letters,
  low: `AP${letters.toUpperCase() as 'IA'}KEYLO_EL1`,
  high: `AP${letters.toUpperCase() as 'IA'}KEYHI_EL1`,
  enable,
  data: letters.startsWith('d'),
  errorCode: letters.endsWith('a') ? 1n : 2n,
});
const KEYS: readonly Key[] = [key('ia', 31), key('ib', 30), key('da', 27), key('db', 13)];
const [IA, IB, DA, DB] = KEYS as readonly [Key, Key, Key, Key];

/** Odd constants with well-mixed bits: the fractions of √2, √3 and √5. */
const MULTIPLIERS = [0x6a09_e667_f3bc_c909n, 0xbb67_ae85_84ca_a73bn, 0x3c6e_f372_fe94_f82bn] as const;
const BIT_55 = 1n << 55n;
const TAG_BITS = 8n;
const SIGN_SHIFT = 63n;

/** ComputePAC: 64 bits of which the upper ones serve as code. */
function compute(b: Semantics, pointer: I64, modifier: I64, low: I64, high: I64): I64 {
  const mixed = (value: I64, multiplier: bigint) => {
    const product = b.mul(value, b.i64(multiplier));
    return b.xor(product, b.shrU(product, b.i64(32)));
  };
  const first = mixed(b.xor(pointer, low), MULTIPLIERS[0]);
  const second = mixed(b.add(first, b.xor(modifier, high)), MULTIPLIERS[1]);
  return b.mul(second, b.i64(MULTIPLIERS[2]));
}

/** The bits of the code in addresses of the half that `sign` (0 or −1) selects. */
function codeMask(b: Semantics, sign: I64, { data }: Key): I64 {
  const [low, high] = data
    ? [CPU.PAC_MASK_LOW_DATA, CPU.PAC_MASK_HIGH_DATA]
    : [CPU.PAC_MASK_LOW_CODE, CPU.PAC_MASK_HIGH_CODE];
  return b.select(b.wrap(sign), b.stateLoad('i64', high), b.stateLoad('i64', low)) as I64;
}

/** The address with all bits of the code, and bit 55, equal to the sign. */
function extended(b: Semantics, pointer: I64, sign: I64, mask: I64): I64 {
  const replaced = b.or(mask, b.i64(BIT_55));
  return b.or(b.and(pointer, b.not(replaced)), b.and(sign, replaced));
}

/** Whether the upper eight bits belong to the code, rather than being a tag that is ignored. */
const ownsTopByte = (b: Semantics, mask: I64) => b.wrap(b.shrU(mask, b.i64(SIGN_SHIFT)));

/** AddPAC. The sign is bit 55 where top bytes are ignored in some half, else bit 63. */
function addCode(b: Semantics, k: Key, pointer: I64, modifier: I64): I64 {
  const shift = b.stateLoad<'i64'>('i64', k.data ? CPU.PAC_SIGN_SHIFT_DATA : CPU.PAC_SIGN_SHIFT_CODE);
  const sign = b.shrS(b.shl(pointer, shift), b.i64(SIGN_SHIFT));
  const mask = codeMask(b, sign, k);
  const plain = extended(b, pointer, sign, mask);
  const code = compute(b, plain, modifier, cell(b, k.low), cell(b, k.high));
  // What was no address before gets a code that fails: the second highest bit of the field is inverted.
  const inverted = b.select(ownsTopByte(b, mask), b.i64(1n << 62n), b.i64(1n << 54n)) as I64;
  const wrong = b.select(b.ne(pointer, plain), inverted, b.i64(0)) as I64;
  return b.or(b.and(plain, b.not(mask)), b.and(b.xor(code, wrong), mask));
}

const signOf = (b: Semantics, pointer: I64) => b.shrS(b.shl(pointer, b.i64(TAG_BITS)), b.i64(SIGN_SHIFT));

/** Strip: the address without its code. */
function strip(b: Semantics, k: Key, pointer: I64): I64 {
  const sign = signOf(b, pointer);
  return extended(b, pointer, sign, codeMask(b, sign, k));
}

/** Auth. */
function authenticate(b: Semantics, k: Key, pointer: I64, modifier: I64): I64 {
  const sign = signOf(b, pointer);
  const mask = codeMask(b, sign, k);
  const plain = extended(b, pointer, sign, mask);
  const code = compute(b, plain, modifier, cell(b, k.low), cell(b, k.high));
  const differs = b.ne(b.and(b.xor(code, pointer), mask), b.i64(0));
  const place = b.select(ownsTopByte(b, mask), b.i64(61), b.i64(53)) as I64;
  const cleared = b.and(plain, b.not(b.shl(b.i64(3), place)));
  const failed = () => b.or(cleared, b.shl(b.i64(k.errorCode), place));
  return b.choose(differs, failed, () => plain, 'unlikely');
}

type Operation = (b: Semantics, k: Key, pointer: I64, modifier: I64) => I64;

/** SCTLR_EL1.EnIA and its relatives: without the key's bit the pointer stays as it is. */
function ifEnabled(b: Semantics, k: Key, pointer: I64, run: () => I64): I64 {
  const sctlr = b.stateLoad<'i32'>('i32', CPU.SYSTEM_REGISTERS + CELL_OFFSET.SCTLR_EL1);
  return b.choose(b.and(sctlr, b.i32(1 << k.enable)), run, () => pointer);
}

const apply = (b: Semantics, operation: Operation, k: Key, pointer: I64, modifier: I64) =>
  ifEnabled(b, k, pointer, () => operation(b, k, pointer, modifier));

// ---- Data processing ----

const bits = (value: number, width: number) => value.toString(2).padStart(width, '0') as '0';

const OPERATIONS = [
  { mnemonic: 'pac', operation: addCode, opcode: 0b000 },
  { mnemonic: 'aut', operation: authenticate, opcode: 0b001 },
] as const;

const oneSource: Row[] = OPERATIONS.flatMap(({ mnemonic, operation, opcode }) =>
  KEYS.flatMap((k, index) => {
    const { letters } = k;
    const zero = `${mnemonic}${letters.replace(/^(.)/, '$1z')}`;
    return [
      row(
        `${mnemonic}${letters}`.toUpperCase(),
        `1 1 0 11010110 00001 000 ${bits((opcode << 2) | index, 3)} Rn:5 Rd:5`,
        `${mnemonic}${letters} <Xd>, <Xn|SP>`,
        {
          execute: ({ Rn, Rd }, b) => b.setX(Rd, apply(b, operation, k, b.oldX(Rd), b.XSP(Rn))),
        },
      ),
      row(
        zero.toUpperCase(),
        `1 1 0 11010110 00001 001 ${bits((opcode << 2) | index, 3)} 11111 Rd:5`,
        `${zero} <Xd>`,
        {
          execute: ({ Rd }, b) => b.setX(Rd, apply(b, operation, k, b.oldX(Rd), b.i64(0))),
        },
      ),
    ];
  }),
);

const stripping: Row[] = [
  { name: 'XPACI', d: '0', k: IA },
  { name: 'XPACD', d: '1', k: DA },
].map(({ name, d, k }) =>
  row(name, `1 1 0 11010110 00001 01000 ${d as '0'} 11111 Rd:5`, `${name.toLowerCase()} <Xd>`, {
    execute: ({ Rd }, b) => b.setX(Rd, strip(b, k, b.oldX(Rd))),
  }),
);

const CODE_HALF = 32n;
const generic = row('PACGA', '1 0 0 11010110 Rm:5 001100 Rn:5 Rd:5', 'pacga <Xd>, <Xn>, <Xm|SP>', {
  execute: ({ Rm, Rn, Rd }, b) => {
    const code = compute(b, b.X(Rn), b.XSP(Rm), cell(b, 'APGAKEYLO_EL1'), cell(b, 'APGAKEYHI_EL1'));
    b.setX(Rd, b.shl(b.shrU(code, b.i64(CODE_HALF)), b.i64(CODE_HALF)));
  },
});

// ---- Hints ----

const [X16, X17, X30] = [16, 17, 30] as const;

interface HintForm {
  readonly name: string;
  readonly number: number;
  readonly k: Key;
  readonly operation: Operation;
  readonly register: number;
  readonly modifier: (b: Semantics) => I64;
}
const hintForms = (
  suffix: string,
  first: number,
  register: number,
  modifier: HintForm['modifier'],
): HintForm[] =>
  OPERATIONS.flatMap(({ mnemonic, operation }, operationIndex) =>
    [IA, IB].map((k, keyIndex) => ({
      name: `${mnemonic}${k.letters}${suffix}`.toUpperCase(),
      number: first + 4 * operationIndex + 2 * keyIndex,
      k,
      operation,
      register,
      modifier,
    })),
  );

/** PACIASP and its relatives are hints, so that CPUs without the feature run past them. */
const HINTS: readonly HintForm[] = [
  ...hintForms('1716', 8, X17, (b) => b.general(X16)),
  ...hintForms('Z', 24, X30, (b) => b.i64(0)),
  ...hintForms('SP', 25, X30, (b) => b.stackPointer()),
];

/** What a function does to its return address, seven million times in a boot. */
const FRAMES = ['PACIASP', 'AUTIASP'];

const hintRow = (name: string, number: number, execute: (b: Semantics) => void): Row =>
  row(name, `${HINT_PREFIX} ${bits(number, 7)} 11111`, `hint #0x${number.toString(16)}`, {
    hot: FRAMES.includes(name),
    execute: (_, b) => execute(b),
  });

const hints: Row[] = [
  ...HINTS.map(({ name, number, k, operation, register, modifier }) =>
    hintRow(name, number, (b) =>
      b.setGeneral(register, apply(b, operation, k, b.general(register), modifier(b))),
    ),
  ),
  hintRow('XPACLRI', 7, (b) => b.setGeneral(X30, strip(b, IA, b.general(X30)))),
];

// ---- Branches ----

/** BRAA, BLRAA, RETAA and the others by M, which selects key B. */
const branches: Row[] = [IA, IB].flatMap((k) => {
  const m = bits(Number(k === IB), 1);
  const letters = k.letters[1];
  const target = (b: Semantics, pointer: I64, modifier: I64) => apply(b, authenticate, k, pointer, modifier);
  return [
    row(
      `BRA${letters}`.toUpperCase(),
      `1101011 1 000 11111 00001 ${m} Rn:5 Rm:5`,
      `bra${letters} <Xn>, <Xm|SP>`,
      {
        hot: true,
        specialise: viaX16,
        execute: ({ Rn, Rm, viaX16 }, b) => branchIndirect(b, target(b, b.X(Rn), b.XSP(Rm)), viaX16),
      },
    ),
    row(`BRA${letters}Z`.toUpperCase(), `1101011 0 000 11111 00001 ${m} Rn:5 11111`, `bra${letters}z <Xn>`, {
      hot: true,
      specialise: viaX16,
      execute: ({ Rn, viaX16 }, b) => branchIndirect(b, target(b, b.X(Rn), b.i64(0)), viaX16),
    }),
    row(
      `BLRA${letters}`.toUpperCase(),
      `1101011 1 001 11111 00001 ${m} Rn:5 Rm:5`,
      `blra${letters} <Xn>, <Xm|SP>`,
      {
        hot: true,
        execute: ({ Rn, Rm }, b) => branchWithLink(b, target(b, b.X(Rn), b.XSP(Rm))),
      },
    ),
    row(
      `BLRA${letters}Z`.toUpperCase(),
      `1101011 0 001 11111 00001 ${m} Rn:5 11111`,
      `blra${letters}z <Xn>`,
      {
        hot: true,
        execute: ({ Rn }, b) => branchWithLink(b, target(b, b.X(Rn), b.i64(0))),
      },
    ),
    row(`RETA${letters}`.toUpperCase(), `1101011 0 010 11111 00001 ${m} 11111 11111`, `reta${letters}`, {
      hot: true,
      execute: (_, b) => b.branchTo(target(b, b.general(X30), b.stackPointer()), 'return'),
    }),
    row(`ERETA${letters}`.toUpperCase(), `1101011 0 100 11111 00001 ${m} 11111 11111`, `ereta${letters}`, {
      execute: (_, b) => {
        const address = target(b, cell(b, 'ELR_EL1'), b.stackPointer());
        b.stateStore('i64', CPU.SCRATCH, address);
        b.trap('eretToScratch', []);
      },
    }),
  ];
});

// ---- Loads ----

const OFFSET_UNIT = 8;
const loads: Row[] = [DA, DB].flatMap((k) => {
  const m = bits(Number(k === DB), 1);
  const mnemonic = `ldra${k.letters[1]}`;
  const options = {
    specialise: { spBase: ({ Rn = 0 }: RawFields) => Rn === 31 },
    operands: {
      offset: s32(['S', 'imm9'], ({ S = 0, imm9 = 0 }) => signed((S << 9) | imm9, 10) * OFFSET_UNIT),
    },
  };
  return (['0', '1'] as const).map((w) =>
    row(
      `${mnemonic.toUpperCase()}${w === '1' ? ' pre-indexed' : ''}`,
      `11 111 0 00 ${m} S:1 1 imm9:9 ${w} 1 Rn:5 Rt:5`,
      w === '1'
        ? `${mnemonic} <Xt>, [<Xn|SP>{, #<sS.imm9*8>}]!`
        : `${mnemonic} <Xt>, [<Xn|SP>{, #<sS.imm9*8>}]`,
      {
        ...options,
        execute: ({ Rn, Rt, spBase, offset }, b) => {
          const base = b.base(Rn, spBase);
          const va = b.add(apply(b, authenticate, k, base, b.i64(0)), offset);
          const value = b.load<'i64'>(va, 'i64');
          if (w === '1') b.setRSP(Rn, va);
          b.setX(Rt, value);
        },
      },
    ),
  );
});

export const pointerAuthentication: readonly Row[] = withFeature('FEAT_PAuth', [
  ...oneSource,
  ...stripping,
  generic,
  ...hints,
  ...branches,
  ...loads,
]);
