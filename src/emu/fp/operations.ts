/**
 * The operations of the slow path, by the mnemonic that needs them: rows give the exact algorithm, and a
 * row's position is its number for callers that can only pass integers (generated code).
 */
import {
  fpAbsoluteDifference,
  fpAdd,
  fpDiv,
  fpMul,
  fpMulAdd,
  fpMulX,
  fpRecipStepFused,
  fpRSqrtStepFused,
  fpSqrt,
  fpSub,
} from './arithmetic.ts';
import { bfDotAdd } from './bfloat.ts';
import { fpCompareEQ, fpCompareGE, fpCompareGT, fpMax, fpMaxNum, fpMin, fpMinNum } from './compare.ts';
import { type FpEnvironment, ROUNDING, type Rounding } from './environment.ts';
import { fpRecipEstimate, fpRecpX, fpRSqrtEstimate } from './estimate.ts';
import { BFLOAT, DOUBLE, type FloatFormat, fpAbs, fpNeg, HALF, SINGLE } from './format.ts';
import { fpRoundInt, fpRoundIntN } from './round-int.ts';

export type UnaryOperation = (format: FloatFormat, operand: bigint, env: FpEnvironment) => bigint;
export type BinaryOperation = (format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment) => bigint;
export type TernaryOperation = (
  format: FloatFormat,
  addend: bigint,
  op1: bigint,
  op2: bigint,
  env: FpEnvironment,
) => bigint;

/** FRINT with a rounding of its own; only FRINTX raises Inexact. */
function integral(rounding: Rounding): UnaryOperation {
  return (format, operand, env) => fpRoundInt(format, operand, env, rounding, false);
}

type Comparison = (format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment) => boolean;

/** AdvSIMD comparisons give a mask of the element's width. */
function mask(compare: Comparison): BinaryOperation {
  return (format, op1, op2, env) => (compare(format, op1, op2, env) ? format.signBit * 2n - 1n : 0n);
}

function absoluteMask(compare: Comparison): BinaryOperation {
  return mask((format, op1, op2, env) => compare(format, fpAbs(format, op1), fpAbs(format, op2), env));
}

export const UNARY_ROWS = {
  FSQRT: fpSqrt,
  FRECPE: fpRecipEstimate,
  FRSQRTE: fpRSqrtEstimate,
  FRECPX: fpRecpX,
  FRINTN: integral(ROUNDING.TIEEVEN),
  FRINTA: integral(ROUNDING.TIEAWAY),
  FRINTP: integral(ROUNDING.POSINF),
  FRINTM: integral(ROUNDING.NEGINF),
  FRINTZ: integral(ROUNDING.ZERO),
  FRINTI: (format, operand, env) => fpRoundInt(format, operand, env, env.rounding, false),
  FRINTX: (format, operand, env) => fpRoundInt(format, operand, env, env.rounding, true),
  FRINT32Z: (format, operand, env) => fpRoundIntN(format, operand, env, ROUNDING.ZERO, 32),
  FRINT32X: (format, operand, env) => fpRoundIntN(format, operand, env, env.rounding, 32),
  FRINT64Z: (format, operand, env) => fpRoundIntN(format, operand, env, ROUNDING.ZERO, 64),
  FRINT64X: (format, operand, env) => fpRoundIntN(format, operand, env, env.rounding, 64),
} satisfies Record<string, UnaryOperation>;
export type UnaryName = keyof typeof UNARY_ROWS;

export const BINARY_ROWS = {
  FADD: fpAdd,
  FSUB: fpSub,
  FMUL: fpMul,
  FNMUL: (format, op1, op2, env) => fpNeg(format, fpMul(format, op1, op2, env)),
  FMULX: fpMulX,
  FDIV: fpDiv,
  FABD: fpAbsoluteDifference,
  FMAX: fpMax,
  FMIN: fpMin,
  FMAXNM: fpMaxNum,
  FMINNM: fpMinNum,
  FRECPS: fpRecipStepFused,
  FRSQRTS: fpRSqrtStepFused,
  FCMEQ: mask(fpCompareEQ),
  FCMGE: mask(fpCompareGE),
  FCMGT: mask(fpCompareGT),
  FACGE: absoluteMask(fpCompareGE),
  FACGT: absoluteMask(fpCompareGT),
} satisfies Record<string, BinaryOperation>;
export type BinaryName = keyof typeof BINARY_ROWS;

/** Operands in the order addend, first factor, second factor. FMLA is FMADD, FMLS is FMSUB. */
export const TERNARY_ROWS = {
  FMADD: fpMulAdd,
  FMSUB: (format, addend, op1, op2, env) => fpMulAdd(format, addend, fpNeg(format, op1), op2, env),
  FNMADD: (format, addend, op1, op2, env) =>
    fpMulAdd(format, fpNeg(format, addend), fpNeg(format, op1), op2, env),
  FNMSUB: (format, addend, op1, op2, env) => fpMulAdd(format, fpNeg(format, addend), op1, op2, env),
  /** A single and two pairs of BFloat16 numbers. */
  BFDOT: (_format, addend, pair1, pair2) => bfDotAdd(addend, pair1, pair2),
} satisfies Record<string, TernaryOperation>;
export type TernaryName = keyof typeof TERNARY_ROWS;
/** Those that multiply and add in one format. */
export type FusedName = Exclude<TernaryName, 'BFDOT'>;

/** Each row's number: its position. */
function numbered<Name extends string>(rows: Record<Name, unknown>): Readonly<Record<Name, number>> {
  const names = Object.keys(rows) as Name[];
  return Object.fromEntries(names.map((name, index) => [name, index])) as Record<Name, number>;
}

export const FP_UNARY = numbered<UnaryName>(UNARY_ROWS);
export const FP_BINARY = numbered<BinaryName>(BINARY_ROWS);
export const FP_TERNARY = numbered<TernaryName>(TERNARY_ROWS);

/** The formats' numbers: as `size` of AdvSIMD elements, log2 of the bytes; BFloat16 stands behind them. */
export const FP_FORMAT = { HALF: 1, SINGLE: 2, DOUBLE: 3, BFLOAT: 4 } as const;

/** Formats by number; number 0 does not occur. */
export const FORMATS: readonly FloatFormat[] = [HALF, HALF, SINGLE, DOUBLE, BFLOAT];
