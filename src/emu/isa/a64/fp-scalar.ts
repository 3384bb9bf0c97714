/**
 * Arm ARM C4.1.97, scalar floating point: data processing of one, two and three sources, comparison, select,
 * immediate. Conversions are in fp-conversions.ts.
 */

import { NZCV } from '../../fp/compare.ts';
import { type BinaryName, FP_FORMAT, type FusedName } from '../../fp/operations.ts';
import type { F64, I32 } from '../../ir/ir.ts';
import { expandFloatImmediate, floatPattern } from '../float-immediate.ts';
import { i64, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { convertFormat } from './fp-formats.ts';
import { FUSED } from './fp-fused.ts';
import { hostParts, hostShape } from './fp-half.ts';
import { BINARY, signOperation, UNARY, type Unary } from './fp-operations.ts';
import {
  BY_FTYPE,
  BY_SZ,
  constant,
  DOUBLE,
  either,
  type Float,
  fastResult,
  featureOfFormat,
  float,
  isFormat,
  isQuietOrNone,
  keepsDenormals,
  putOperands,
  read,
  type Shape,
  scalar,
  test,
  write,
} from './fp-shared.ts';

const same: Unary = (_b, _s, x) => x;
const ONE_SOURCE: readonly { name: string; opcode: string; operation: Unary }[] = [
  { name: 'FMOV', opcode: '000000', operation: same },
  { name: 'FABS', opcode: '000001', operation: signOperation('abs') },
  { name: 'FNEG', opcode: '000010', operation: signOperation('neg') },
  { name: 'FSQRT', opcode: '000011', operation: UNARY.FSQRT },
  { name: 'FRINTN', opcode: '001000', operation: UNARY.FRINTN },
  { name: 'FRINTP', opcode: '001001', operation: UNARY.FRINTP },
  { name: 'FRINTM', opcode: '001010', operation: UNARY.FRINTM },
  { name: 'FRINTZ', opcode: '001011', operation: UNARY.FRINTZ },
  { name: 'FRINTA', opcode: '001100', operation: UNARY.FRINTA },
  { name: 'FRINTX', opcode: '001110', operation: UNARY.FRINTX },
  { name: 'FRINTI', opcode: '001111', operation: UNARY.FRINTI },
];
/** FEAT_FRINTTS: not for halves. */
const TO_INTEGER_RANGE: readonly { name: string; opcode: string; operation: Unary }[] = [
  { name: 'FRINT32Z', opcode: '010000', operation: UNARY.FRINT32Z },
  { name: 'FRINT32X', opcode: '010001', operation: UNARY.FRINT32X },
  { name: 'FRINT64Z', opcode: '010010', operation: UNARY.FRINT64Z },
  { name: 'FRINT64X', opcode: '010011', operation: UNARY.FRINT64X },
];
const oneSource: Row[] = ONE_SOURCE.map(({ name, opcode, operation }) =>
  row(
    `${name} (${name === 'FMOV' ? 'register' : 'scalar'})`,
    `0 0 0 11110 ftype:2 1 ${opcode as '000000'} 10000 Rn:5 Rd:5`,
    `${name.toLowerCase()} ${BY_FTYPE}<Rd>, ${BY_FTYPE}<Rn>`,
    {
      fp: true,
      when: isFormat,
      feature: featureOfFormat,
      execute: ({ ftype, Rn, Rd }, b) => {
        const s = scalar(ftype);
        write(b, s, Rd, operation(b, s, read(b, s, Rn)));
      },
    },
  ),
);

const toIntegerRange: Row[] = TO_INTEGER_RANGE.map(({ name, opcode, operation }) =>
  row(
    `${name} (scalar)`,
    `0 0 0 11110 0 sz:1 1 ${opcode as '010000'} 10000 Rn:5 Rd:5`,
    `${name.toLowerCase()} ${BY_SZ}<Rd>, ${BY_SZ}<Rn>`,
    {
      fp: true,
      feature: 'FEAT_FRINTTS',
      execute: ({ sz, Rn, Rd }, b) => {
        const s = scalar(sz);
        write(b, s, Rd, operation(b, s, read(b, s, Rn)));
      },
    },
  ),
);

const TWO_SOURCE = {
  FMUL: '0000',
  FDIV: '0001',
  FADD: '0010',
  FSUB: '0011',
  FMAX: '0100',
  FMIN: '0101',
  FMAXNM: '0110',
  FMINNM: '0111',
  FNMUL: '1000',
} as const satisfies Partial<Record<BinaryName, string>>;
const twoSource: Row[] = Object.entries(TWO_SOURCE).map(([name, opcode]) =>
  row(
    `${name} (scalar)`,
    `0 0 0 11110 ftype:2 1 Rm:5 ${opcode} 10 Rn:5 Rd:5`,
    `${name.toLowerCase()} ${BY_FTYPE}<Rd>, ${BY_FTYPE}<Rn>, ${BY_FTYPE}<Rm>`,
    {
      fp: true,
      when: isFormat,
      feature: featureOfFormat,
      execute: ({ ftype, Rm, Rn, Rd }, b) => {
        const s = scalar(ftype);
        const operation = BINARY[name as keyof typeof TWO_SOURCE];
        write(b, s, Rd, operation(b, s, read(b, s, Rn), read(b, s, Rm)));
      },
    },
  ),
);

const THREE_SOURCE = {
  FMADD: ['0', '0'],
  FMSUB: ['0', '1'],
  FNMADD: ['1', '0'],
  FNMSUB: ['1', '1'],
} as const satisfies Record<FusedName, readonly [o1: string, o0: string]>;
const threeSource: Row[] = Object.entries(THREE_SOURCE).map(([name, [o1, o0]]) =>
  row(
    name,
    `0 0 0 11111 ftype:2 ${o1} Rm:5 ${o0} Ra:5 Rn:5 Rd:5`,
    `${name.toLowerCase()} ${BY_FTYPE}<Rd>, ${BY_FTYPE}<Rn>, ${BY_FTYPE}<Rm>, ${BY_FTYPE}<Ra>`,
    {
      fp: true,
      when: isFormat,
      feature: featureOfFormat,
      execute: ({ ftype, Rm, Ra, Rn, Rd }, b) => {
        const s = scalar(ftype);
        const operation = FUSED[name as FusedName];
        write(b, s, Rd, operation(b, s, read(b, s, Ra), read(b, s, Rn), read(b, s, Rm)));
      },
    },
  ),
);

// ---- FCVT between formats ----

const FORMAT_BY_FTYPE = [FP_FORMAT.SINGLE, FP_FORMAT.DOUBLE, 0, FP_FORMAT.HALF] as const;

const betweenFormats: Row = row(
  'FCVT',
  '0 0 0 11110 ftype:2 1 0001 opc:2 10000 Rn:5 Rd:5',
  'fcvt <opc:s|d||h><Rd>, <ftype:s|d||h><Rn>',
  {
    fp: true,
    when: ({ ftype = 0, opc = 0 }) =>
      ftype !== opc && (FORMAT_BY_FTYPE[ftype] ?? 0) > 0 && (FORMAT_BY_FTYPE[opc] ?? 0) > 0,
    execute: ({ ftype, opc, Rn, Rd }, b) => {
      const [from, to] = [scalar(ftype), scalar(opc)];
      write(b, to, Rd, convertFormat(b, from, to, read(b, from, Rn)));
    },
  },
);

// ---- Comparison ----

const WIDE = scalar(DOUBLE);
/** −1, 0, 1 or NaN for the flags of FPCompare. */
function numberOfFlags(b: Semantics, flags: I32): F64 {
  const sign = b.sub(b.eq(flags, b.i32(NZCV.GREATER)), b.eq(flags, b.i32(NZCV.LESS)));
  const number = b.numeric<'f64'>('f64.convert_i32_s', [sign]);
  const unordered = constant(b, WIDE, Number.NaN) as F64;
  return b.select<'f64'>(b.eq(flags, b.i32(NZCV.UNORDERED)), unordered, number);
}

/**
 * FPCompare: sets the flags; `signalling` compares raise Invalid Operation for every NaN. The difference of finite
 * doubles has the sign of the comparison and is zero only for equals, since denormals are kept.
 */
function compare(b: Semantics, s: Shape, signalling: number, x: Float, y: Float): void {
  const w = hostShape(s);
  const [p, q] = [hostParts(b, s, x)[0] as Float, hostParts(b, s, y)[0] as Float];
  const widened = (v: Float) => (s.double ? v : b.numeric<'f64'>('f64.promote_f32', [v]));
  const difference = float(b, WIDE, 'sub', widened(p), widened(q)) as F64;
  const is = (name: string) => test(b, w, name, p, q) as I32;
  const ordered = () => either(b, either(b, is('lt'), is('gt')), is('eq')) as I32;
  const sign = () => b.numeric<'f64'>('f64.convert_i32_s', [b.sub(is('gt'), is('lt'))]);
  const exact = () => {
    putOperands(b, [x, y]);
    return numberOfFlags(b, b.call('fpCompare', [b.i32(s.format), b.i32(signalling)]));
  };
  const isQuiet = (v: Float) => isQuietOrNone(b, w, v, test(b, w, 'ne', v, v) as I32);
  const unordered = () => constant(b, WIDE, Number.NaN) as F64;
  const keeps = keepsDenormals(b, s);
  const unlessQuiet = () =>
    b.choose(b.and(keeps, b.and(isQuiet(p), isQuiet(q))), unordered, exact, 'unlikely');
  const otherwise = () =>
    b.choose(b.and(keeps, ordered()), sign, signalling ? exact : unlessQuiet, 'unlikely');
  const isUsual = fastResult(b, WIDE, difference, 'finite') as I32;
  b.setFlags('float', 64, [b.choose(isUsual, () => difference, otherwise, 'likely')]);
}

const compares: Row[] = (['FCMP', 'FCMPE'] as const).flatMap((name) => {
  const signalling = name === 'FCMPE' ? '1' : '0';
  const mnemonic = name.toLowerCase();
  return [
    row(
      `${name} (register)`,
      `0 0 0 11110 ftype:2 1 Rm:5 00 1000 Rn:5 ${signalling} 0 000`,
      `${mnemonic} ${BY_FTYPE}<Rn>, ${BY_FTYPE}<Rm>`,
      {
        fp: true,
        when: isFormat,
        feature: featureOfFormat,
        execute: ({ ftype, Rm, Rn }, b) => {
          const s = scalar(ftype);
          compare(b, s, Number(signalling), read(b, s, Rn), read(b, s, Rm));
        },
      },
    ),
    row(
      `${name} (zero)`,
      `0 0 0 11110 ftype:2 1 00000 00 1000 Rn:5 ${signalling} 1 000`,
      `${mnemonic} ${BY_FTYPE}<Rn>, #0.0`,
      {
        fp: true,
        when: isFormat,
        feature: featureOfFormat,
        execute: ({ ftype, Rn }, b) => {
          const s = scalar(ftype);
          compare(b, s, Number(signalling), read(b, s, Rn), constant(b, s, 0));
        },
      },
    ),
    row(
      name.replace('FCMP', 'FCCMP'),
      `0 0 0 11110 ftype:2 1 Rm:5 cond:4 01 Rn:5 ${signalling} nzcv:4`,
      `${mnemonic.replace('fcmp', 'fccmp')} ${BY_FTYPE}<Rn>, ${BY_FTYPE}<Rm>, #<nzcv:hex>, <cond>`,
      {
        fp: true,
        when: isFormat,
        feature: featureOfFormat,
        operands: { flags: u16(['nzcv'], ({ nzcv = 0 }) => nzcv) },
        execute: ({ ftype, cond, Rm, Rn, flags }, b) => {
          const s = scalar(ftype);
          const x = read(b, s, Rn);
          const y = read(b, s, Rm);
          b.if(
            b.holds(cond),
            () => compare(b, s, Number(signalling), x, y),
            () => b.putFlags(flags),
          );
        },
      },
    ),
  ];
});

const select: Row = row(
  'FCSEL',
  '0 0 0 11110 ftype:2 1 Rm:5 cond:4 11 Rn:5 Rd:5',
  `fcsel ${BY_FTYPE}<Rd>, ${BY_FTYPE}<Rn>, ${BY_FTYPE}<Rm>, <cond>`,
  {
    fp: true,
    when: isFormat,
    feature: featureOfFormat,
    execute: ({ ftype, cond, Rm, Rn, Rd }, b) => {
      const s = scalar(ftype);
      write(
        b,
        s,
        Rd,
        b.select<'i32' | 'f32' | 'f64' | 'v128'>(b.holds(cond), read(b, s, Rn), read(b, s, Rm)) as Float,
      );
    },
  },
);

// ---- FMOV (immediate) ----

/** VFPExpandImm: the bit pattern of FMOV's immediate. */
export function expandImmediate(ftype: number, imm8: number): bigint {
  return floatPattern(scalar(ftype).format, expandFloatImmediate(imm8));
}
const immediate: Row = row(
  'FMOV (scalar, immediate)',
  '0 0 0 11110 ftype:2 1 imm8:8 100 00000 Rd:5',
  `fmov ${BY_FTYPE}<Rd>, #<imm8:float>`,
  {
    fp: true,
    when: isFormat,
    feature: featureOfFormat,
    operands: {
      value: i64(['imm8'], ({ imm8 = 0, ftype = 0 }) => expandImmediate(ftype, imm8)),
    },
    execute: ({ Rd, value }, b) => b.setD(Rd, value),
  },
);

export const fpScalar: readonly Row[] = [
  ...oneSource,
  ...toIntegerRange,
  ...twoSource,
  ...threeSource,
  betweenFormats,
  ...compares,
  select,
  immediate,
];
