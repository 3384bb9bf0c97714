/** Arm ARM C4.1.95, "Data Processing -- Register". */
import type { I32, I64 } from '../../ir/ir.ts';
import { type CrcName, crcStep } from '../crc.ts';
import { type RawFields, type Register, type Row, row, u16, withFeature } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { addFlags, addWithCarry, extend, flagWidth, shift, subFlags } from './shared.ts';

type Int = I32 | I64;

/** Shift amount of a shifted-register operand; amounts above 31 are unallocated for W. */
const shiftAmount = u16(['imm6'], ({ imm6 = 0 }) => imm6);
const shiftValid = ({ sf = 0, imm6 = 0 }: RawFields) => sf === 1 || imm6 < 32;
const unshifted = { plain: ({ imm6 = 0, shift = 0 }: RawFields) => imm6 === 0 && shift === 0 };
const operandOf = (
  b: Semantics,
  f: { sf: number; shift: number; plain: number; Rm: Register; amount: I32 },
): Int => (f.plain ? b.R(f.sf, f.Rm) : shift(b, f.shift, b.R(f.sf, f.Rm), b.amount(f.sf, f.amount) as Int));

interface LogicalRow {
  readonly name: string;
  readonly opc: string;
  readonly invert: boolean;
  readonly flags?: boolean;
  readonly combine: (b: Semantics, x: Int, y: Int) => Int;
}
const and = (b: Semantics, x: Int, y: Int) => b.and(x, y);
const or = (b: Semantics, x: Int, y: Int) => b.or(x, y);
const xor = (b: Semantics, x: Int, y: Int) => b.xor(x, y);
const LOGICAL: readonly LogicalRow[] = [
  { name: 'AND', opc: '00', invert: false, combine: and },
  { name: 'BIC', opc: '00', invert: true, combine: and },
  { name: 'ORR', opc: '01', invert: false, combine: or },
  { name: 'ORN', opc: '01', invert: true, combine: or },
  { name: 'EOR', opc: '10', invert: false, combine: xor },
  { name: 'EON', opc: '10', invert: true, combine: xor },
  { name: 'ANDS', opc: '11', invert: false, flags: true, combine: and },
  { name: 'BICS', opc: '11', invert: true, flags: true, combine: and },
];
const ROR = 3;
/** AND, ORR and EOR with any shift, the others without: what compilers write. */
const COMBINED_WITH_SHIFTS = ['AND', 'ORR', 'EOR'];
const logicalShifted: Row[] = LOGICAL.map(({ name, opc, invert, flags, combine }) =>
  row(
    `${name} (shifted register)`,
    `sf:1 ${opc as '00'} 01010 shift:2 ${(invert ? '1' : '0') as '0'} Rm:5 imm6:6 Rn:5 Rd:5`,
    `${name.toLowerCase()} <Rd>, <Rn>, <Rm>{, <shift> #<imm6>}`,
    {
      hot: ({ shift, plain }) => (plain ? shift === 0 : COMBINED_WITH_SHIFTS.includes(name)),
      valid: shiftValid,
      operands: { amount: shiftAmount },
      specialise: unshifted,
      execute: (f, b) => {
        const operand = operandOf(b, f);
        const result = combine(b, b.R(f.sf, f.Rn), invert ? b.not(operand) : operand);
        if (flags) b.setFlags('logic', flagWidth(f.sf), [result]);
        b.setR(f.Rd, result);
      },
    },
  ),
);

interface AddRow {
  readonly name: string;
  readonly op: string;
  readonly flags: boolean;
  readonly combine: (b: Semantics, sf: number, x: Int, y: Int) => Int;
}
const ADD_SUBTRACT: readonly AddRow[] = [
  { name: 'ADD', op: '0 0', flags: false, combine: (b, _, x, y) => b.add(x, y) },
  { name: 'ADDS', op: '0 1', flags: true, combine: addFlags },
  { name: 'SUB', op: '1 0', flags: false, combine: (b, _, x, y) => b.sub(x, y) },
  { name: 'SUBS', op: '1 1', flags: true, combine: subFlags },
];
const addShifted: Row[] = ADD_SUBTRACT.map(({ name, op, combine }) =>
  row(
    `${name} (shifted register)`,
    `sf:1 ${op as '0 0'} 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5`,
    `${name.toLowerCase()} <Rd>, <Rn>, <Rm>{, <shift> #<imm6>}`,
    {
      hot: ({ shift, plain }) => (plain ? shift === 0 : name !== 'ADDS'),
      when: (f) => f.shift !== ROR,
      valid: shiftValid,
      operands: { amount: shiftAmount },
      specialise: unshifted,
      execute: (f, b) => b.setR(f.Rd, combine(b, f.sf, b.R(f.sf, f.Rn), operandOf(b, f))),
    },
  ),
);
const MAX_EXTEND_SHIFT = 4;
const UXTH = 1;
const SXTX = 7;
const addExtended: Row[] = ADD_SUBTRACT.map(({ name, op, flags, combine }) =>
  row(
    `${name} (extended register)`,
    `sf:1 ${op as '0 0'} 01011 00 1 Rm:5 option:3 imm3:3 Rn:5 Rd:5`,
    `${name.toLowerCase()} <Rd${flags ? '' : '|SP'}>, <Rn|SP>, <Rm:option>{, <extend:option/${flags ? 'Rn' : 'Rd.Rn'}>{ #<imm3>}}`,
    {
      // Bytes and half-words of unsigned values, and whatever becomes part of an address.
      hot: ({ sf, option = 0 }) => name !== 'ADDS' && (sf ? option !== SXTX : option <= UXTH),
      valid: ({ imm3 = 0 }) => imm3 <= MAX_EXTEND_SHIFT,
      operands: { amount: u16(['imm3'], ({ imm3 = 0 }) => imm3) },
      execute: ({ sf, option, Rm, Rn, Rd, amount }, b) => {
        const operand = b.shl(extend(b, sf, option, b.X(Rm)) as Int, b.amount(sf, amount) as Int);
        const result = combine(b, sf, b.RSP(sf, Rn), operand);
        if (flags) b.setR(Rd, result);
        else b.setRSP(Rd, result);
      },
    },
  ),
);

const CARRY = [
  { name: 'ADC', op: '0 0', invert: false, flags: false },
  { name: 'ADCS', op: '0 1', invert: false, flags: true },
  { name: 'SBC', op: '1 0', invert: true, flags: false },
  { name: 'SBCS', op: '1 1', invert: true, flags: true },
] as const;
const withCarry: Row[] = CARRY.map(({ name, op, invert, flags }) =>
  row(name, `sf:1 ${op} 11010000 Rm:5 000000 Rn:5 Rd:5`, `${name.toLowerCase()} <Rd>, <Rn>, <Rm>`, {
    hot: true,
    execute: ({ sf, Rm, Rn, Rd }, b) => {
      const operand = b.R(sf, Rm) as Int;
      b.setR(Rd, addWithCarry(b, sf, b.R(sf, Rn) as Int, invert ? b.not(operand) : operand, flags));
    },
  }),
);

/** Conditions without those that compilers hardly write: overflow, and the two that always hold. */
const VS = 6;
const VC = 7;
const AL = 14;
const usualCondition = ({ cond = 0 }: RawFields) => cond !== VS && cond !== VC && cond < AL;

/** CCMN and CCMP: compare when the condition holds, else take the flags from nzcv. */
const compareConditional = (name: 'CCMN' | 'CCMP', immediate: boolean): Row => {
  const op = name === 'CCMP' ? '1' : '0';
  const compare = name === 'CCMP' ? subFlags : addFlags;
  const nzcv = u16(['nzcv'], (f) => f.nzcv ?? 0);
  const run = (b: Semantics, sf: number, cond: number, x: Int, y: () => Int, flags: I32) =>
    b.if(
      b.holds(cond),
      () => {
        compare(b, sf, x, y());
      },
      () => b.putFlags(flags),
    );
  if (immediate)
    return row(
      `${name} (immediate)`,
      `sf:1 ${op} 1 11010010 imm5:5 cond:4 1 0 Rn:5 0 nzcv:4`,
      `${name.toLowerCase()} <Rn>, #<imm5:hex>, #<nzcv:hex>, <cond>`,
      {
        hot: (f) => name === 'CCMP' && usualCondition(f),
        operands: { nzcv, imm: u16(['imm5'], ({ imm5 = 0 }) => imm5) },
        execute: ({ sf, cond, Rn, imm, nzcv: flags }, b) =>
          run(b, sf, cond, b.R(sf, Rn), () => b.amount(sf, imm), flags),
      },
    );
  return row(
    `${name} (register)`,
    `sf:1 ${op} 1 11010010 Rm:5 cond:4 0 0 Rn:5 0 nzcv:4`,
    `${name.toLowerCase()} <Rn>, <Rm>, #<nzcv:hex>, <cond>`,
    {
      hot: (f) => name === 'CCMP' && usualCondition(f),
      operands: { nzcv },
      execute: ({ sf, cond, Rn, Rm, nzcv: flags }, b) =>
        run(b, sf, cond, b.R(sf, Rn), () => b.R(sf, Rm), flags),
    },
  );
};

const SELECT = [
  { name: 'CSEL', op: '0', o2: '00', change: (_: Semantics, x: Int) => x },
  { name: 'CSINC', op: '0', o2: '01', change: (b: Semantics, x: Int) => b.add(x, b.constant(x, 1)) },
  { name: 'CSINV', op: '1', o2: '00', change: (b: Semantics, x: Int) => b.not(x) },
  { name: 'CSNEG', op: '1', o2: '01', change: (b: Semantics, x: Int) => b.neg(x) },
] as const;
const conditionalSelect: Row[] = SELECT.map(({ name, op, o2, change }) =>
  row(
    name,
    `sf:1 ${op} 0 11010100 Rm:5 cond:4 ${o2} Rn:5 Rd:5`,
    `${name.toLowerCase()} <Rd>, <Rn>, <Rm>, <cond>`,
    {
      hot: usualCondition,
      execute: ({ sf, cond, Rm, Rn, Rd }, b) =>
        b.setR(Rd, b.select(b.holds(cond), b.R(sf, Rn), change(b, b.R(sf, Rm) as Int)) as Int),
    },
  ),
);

const threeSource = (
  name: string,
  pattern: string,
  syntax: string,
  hot: boolean,
  compute: (b: Semantics, f: ThreeSource) => Int,
): Row =>
  row(name, pattern as 'sf:1 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5', syntax, {
    hot,
    execute: (f, b) => b.setR(f.Rd, compute(b, f)),
  });
interface ThreeSource {
  readonly sf: number;
  readonly Rm: Register;
  readonly Ra: Register;
  readonly Rn: Register;
}
const signedProduct = (b: Semantics, f: ThreeSource) =>
  b.mul(b.signExtend(b.W(f.Rn)), b.signExtend(b.W(f.Rm)));
const unsignedProduct = (b: Semantics, f: ThreeSource) =>
  b.mul(b.zeroExtend(b.W(f.Rn)), b.zeroExtend(b.W(f.Rm)));
const multiply: Row[] = [
  threeSource(
    'MADD',
    'sf:1 00 11011 000 Rm:5 0 Ra:5 Rn:5 Rd:5',
    'madd <Rd>, <Rn>, <Rm>, <Ra>',
    true,
    (b, f) => b.add(b.R(f.sf, f.Ra), b.mul(b.R(f.sf, f.Rn), b.R(f.sf, f.Rm))),
  ),
  threeSource(
    'MSUB',
    'sf:1 00 11011 000 Rm:5 1 Ra:5 Rn:5 Rd:5',
    'msub <Rd>, <Rn>, <Rm>, <Ra>',
    true,
    (b, f) => b.sub(b.R(f.sf, f.Ra), b.mul(b.R(f.sf, f.Rn), b.R(f.sf, f.Rm))),
  ),
  threeSource(
    'SMADDL',
    '1 00 11011 001 Rm:5 0 Ra:5 Rn:5 Rd:5',
    'smaddl <Xd>, <Wn>, <Wm>, <Xa>',
    true,
    (b, f) => b.add(b.X(f.Ra), signedProduct(b, f)),
  ),
  threeSource(
    'SMSUBL',
    '1 00 11011 001 Rm:5 1 Ra:5 Rn:5 Rd:5',
    'smsubl <Xd>, <Wn>, <Wm>, <Xa>',
    true,
    (b, f) => b.sub(b.X(f.Ra), signedProduct(b, f)),
  ),
  threeSource(
    'UMADDL',
    '1 00 11011 101 Rm:5 0 Ra:5 Rn:5 Rd:5',
    'umaddl <Xd>, <Wn>, <Wm>, <Xa>',
    true,
    (b, f) => b.add(b.X(f.Ra), unsignedProduct(b, f)),
  ),
  threeSource(
    'UMSUBL',
    '1 00 11011 101 Rm:5 1 Ra:5 Rn:5 Rd:5',
    'umsubl <Xd>, <Wn>, <Wm>, <Xa>',
    true,
    (b, f) => b.sub(b.X(f.Ra), unsignedProduct(b, f)),
  ),
  row('SMULH', '1 00 11011 010 Rm:5 0 Ra:5 Rn:5 Rd:5', 'smulh <Xd>, <Xn>, <Xm>', {
    hot: true,
    execute: ({ Rm, Rn, Rd }, b) => b.setX(Rd, highProduct(b, b.X(Rn), b.X(Rm), true)),
  }),
  row('UMULH', '1 00 11011 110 Rm:5 0 Ra:5 Rn:5 Rd:5', 'umulh <Xd>, <Xn>, <Xm>', {
    hot: true,
    execute: ({ Rm, Rn, Rd }, b) => b.setX(Rd, highProduct(b, b.X(Rn), b.X(Rm), false)),
  }),
];

/** High 64 bits of the 128-bit product, from four products of halves. */
function highProduct(b: Semantics, x: I64, y: I64, isSigned: boolean): I64 {
  const low32 = b.i64(0xffff_ffffn);
  const half = b.i64(32);
  const high = (v: I64) => (isSigned ? b.shrS(v, half) : b.shrU(v, half));
  const x0 = b.and(x, low32);
  const y0 = b.and(y, low32);
  const x1 = high(x);
  const y1 = high(y);
  // Each sum fits: (2^32 − 1)^2 + 2 (2^32 − 1) is below 2^64.
  const middle = b.add(b.mul(x1, y0), b.shrU(b.mul(x0, y0), half));
  const cross = b.add(b.mul(x0, y1), b.and(middle, low32));
  return b.add(b.add(b.mul(x1, y1), high(middle)), high(cross));
}

const VARIABLE_SHIFTS = [
  { name: 'LSLV', op2: '00', type: 0 },
  { name: 'LSRV', op2: '01', type: 1 },
  { name: 'ASRV', op2: '10', type: 2 },
  { name: 'RORV', op2: '11', type: 3 },
] as const;
const twoSource: Row[] = [
  row('UDIV', 'sf:1 0 0 11010110 Rm:5 00001 0 Rn:5 Rd:5', 'udiv <Rd>, <Rn>, <Rm>', {
    hot: true,
    execute: ({ sf, Rm, Rn, Rd }, b) => b.setR(Rd, divide(b, b.R(sf, Rn) as Int, b.R(sf, Rm) as Int, false)),
  }),
  row('SDIV', 'sf:1 0 0 11010110 Rm:5 00001 1 Rn:5 Rd:5', 'sdiv <Rd>, <Rn>, <Rm>', {
    hot: true,
    execute: ({ sf, Rm, Rn, Rd }, b) => b.setR(Rd, divide(b, b.R(sf, Rn) as Int, b.R(sf, Rm) as Int, true)),
  }),
  ...VARIABLE_SHIFTS.map(({ name, op2, type }) =>
    row(name, `sf:1 0 0 11010110 Rm:5 0010 ${op2} Rn:5 Rd:5`, `${name.toLowerCase()} <Rd>, <Rn>, <Rm>`, {
      hot: true,
      execute: ({ sf, Rm, Rn, Rd }, b) => b.setR(Rd, shift(b, type, b.R(sf, Rn) as Int, b.R(sf, Rm) as Int)),
    }),
  ),
];

/** Division by zero gives zero; the most negative value divided by −1 gives itself. */
function divide<T extends Int>(b: Semantics, dividend: T, divisor: T, isSigned: boolean): T {
  const zero = b.constant(dividend, 0);
  const type = dividend.type;
  const quotient = () => b.numeric(`${type}.div_${isSigned ? 's' : 'u'}`, [dividend, divisor]) as T;
  const checked = isSigned
    ? () => b.choose(b.eq(divisor, b.constant(divisor, -1)), () => b.neg(dividend), quotient, 'unlikely') as T
    : quotient;
  return b.choose(b.eqz(divisor), () => zero, checked, 'unlikely') as T;
}

const oneSource: Row[] = [
  row('RBIT', 'sf:1 1 0 11010110 00000 000000 Rn:5 Rd:5', 'rbit <Rd>, <Rn>', {
    execute: ({ sf, Rn, Rd }, b) => b.setR(Rd, reverseBits(b, b.R(sf, Rn) as Int)),
  }),
  row('REV16', 'sf:1 1 0 11010110 00000 000001 Rn:5 Rd:5', 'rev16 <Rd>, <Rn>', {
    execute: ({ sf, Rn, Rd }, b) => b.setR(Rd, swapGroups(b, b.R(sf, Rn) as Int, 8)),
  }),
  row('REV (32-bit)', '0 1 0 11010110 00000 000010 Rn:5 Rd:5', 'rev <Wd>, <Wn>', {
    hot: true,
    execute: ({ Rn, Rd }, b) => b.setR(Rd, reverseBytes(b, b.W(Rn), 32)),
  }),
  row('REV32', '1 1 0 11010110 00000 000010 Rn:5 Rd:5', 'rev32 <Xd>, <Xn>', {
    execute: ({ Rn, Rd }, b) => b.setR(Rd, reverseBytes(b, b.X(Rn), 32)),
  }),
  row('REV (64-bit)', '1 1 0 11010110 00000 000011 Rn:5 Rd:5', 'rev <Xd>, <Xn>', {
    hot: true,
    execute: ({ Rn, Rd }, b) => b.setR(Rd, reverseBytes(b, b.X(Rn), 64)),
  }),
  row('CLZ', 'sf:1 1 0 11010110 00000 000100 Rn:5 Rd:5', 'clz <Rd>, <Rn>', {
    hot: true,
    execute: ({ sf, Rn, Rd }, b) => b.setR(Rd, countLeadingZeros(b, sf, b.R(sf, Rn) as Int)),
  }),
  row('CLS', 'sf:1 1 0 11010110 00000 000101 Rn:5 Rd:5', 'cls <Rd>, <Rn>', {
    execute: ({ sf, Rn, Rd }, b) => {
      // Leading bits equal to the sign, the sign not counted: leading zeros of x XOR (x >> 1), less one.
      const x = b.R(sf, Rn) as Int;
      const changes = b.xor(x, b.shrS(x, b.constant(x, 1)));
      b.setR(Rd, b.sub(countLeadingZeros(b, sf, changes), b.constant(x, 1)));
    },
  }),
];

function countLeadingZeros<T extends Int>(b: Semantics, sf: number, x: T): T {
  return b.numeric(sf ? 'i64.clz' : 'i32.clz', [x]) as T;
}

/** Swaps neighbouring groups of `bits` bits. */
function swapGroups<T extends Int>(b: Semantics, x: T, bits: 1 | 2 | 4 | 8 | 16): T {
  let mask = 0n;
  for (let at = 0n; at < 64n; at += BigInt(2 * bits)) mask |= ((1n << BigInt(bits)) - 1n) << at;
  const low = b.constant(x, mask);
  const by = b.constant(x, bits);
  return b.or(b.and(b.shrU(x, by), low), b.shl(b.and(x, low), by));
}

/** Reverses the bytes of every word of `width` bits. */
function reverseBytes<T extends Int>(b: Semantics, x: T, width: 32 | 64): T {
  const words = swapGroups(b, swapGroups(b, x, 8), 16);
  return width === 32 ? words : b.rotr(words, b.constant(words, 32));
}

function reverseBits<T extends Int>(b: Semantics, x: T): T {
  const bytes = swapGroups(b, swapGroups(b, swapGroups(b, x, 1), 2), 4);
  return reverseBytes(b, bytes, x.type === 'i64' ? 64 : 32);
}

/** CRC32{C}{B,H,W,X}: the 64-bit form takes an X register. */
const crc = (mnemonic: string, name: CrcName, sz: number): Row =>
  row(
    mnemonic,
    `${sz === 3 ? '1' : '0'} 0 0 11010110 Rm:5 010 ${name === 'crc32c' ? '1' : '0'} ${sz.toString(2).padStart(2, '0') as '00'} Rn:5 Rd:5`,
    `${mnemonic.toLowerCase()} <Wd>, <Wn>, <${sz === 3 ? 'X' : 'W'}m>`,
    { execute: ({ Rm, Rn, Rd }, b) => b.setR(Rd, crcStep(b, name, b.W(Rn), b.X(Rm), 1 << sz)) },
  );
const checksums: Row[] = ['B', 'H', 'W', 'X'].flatMap((size, sz) => [
  crc(`CRC32${size}`, 'crc32', sz),
  crc(`CRC32C${size}`, 'crc32c', sz),
]);

export const dataProcessingRegister: readonly Row[] = [
  ...logicalShifted,
  ...addShifted,
  ...addExtended,
  ...withCarry,
  compareConditional('CCMN', false),
  compareConditional('CCMN', true),
  compareConditional('CCMP', false),
  compareConditional('CCMP', true),
  ...conditionalSelect,
  ...multiply,
  ...twoSource,
  ...oneSource,
  ...withFeature('FEAT_CRC32', checksums),
];
