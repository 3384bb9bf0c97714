/**
 * Comparison, minimum and maximum (Arm ARM J1.3, shared/functions/float: FPCompare, FPCompareEQ/GE/GT,
 * FPMax, FPMin, FPMaxNum, FPMinNum).
 */
import { FPSR, type FpEnvironment } from './environment.ts';
import { type FloatFormat, withSign } from './format.ts';
import { fpProcessNaNs, fpUnpack, isNaNType, type Unpacked } from './unpack.ts';

/** PSTATE.NZCV as FPCompare returns it, N at bit 3. */
export const NZCV = { EQUAL: 0b0110, LESS: 0b1000, GREATER: 0b0010, UNORDERED: 0b0011 } as const;

/** A number that orders finite and infinite patterns as their values: sign and magnitude made linear. */
function orderKey(format: FloatFormat, operand: Unpacked, bits: bigint): bigint {
  if (operand.type === 'zero') return 0n;
  return operand.negative ? format.signBit - bits : bits;
}

/** Unpacks both (which may raise IDC) and compares; undefined when either is a NaN, with IOC as asked. */
function order(
  format: FloatFormat,
  op1: bigint,
  op2: bigint,
  signalAllNaNs: boolean,
  env: FpEnvironment,
): number | undefined {
  const a = fpUnpack(format, op1, env);
  const b = fpUnpack(format, op2, env);
  if (isNaNType(a.type) || isNaNType(b.type)) {
    if (signalAllNaNs || a.type === 'snan' || b.type === 'snan') env.raise(FPSR.IOC);
    return undefined;
  }
  const key1 = orderKey(format, a, op1);
  const key2 = orderKey(format, b, op2);
  if (key1 === key2) return 0;
  return key1 < key2 ? -1 : 1;
}

/** FCMP (`signalAllNaNs` false) and FCMPE (true): the NZCV value. */
export function fpCompare(
  format: FloatFormat,
  op1: bigint,
  op2: bigint,
  signalAllNaNs: boolean,
  env: FpEnvironment,
): number {
  const result = order(format, op1, op2, signalAllNaNs, env);
  if (result === undefined) return NZCV.UNORDERED;
  if (result === 0) return NZCV.EQUAL;
  return result < 0 ? NZCV.LESS : NZCV.GREATER;
}

export function fpCompareEQ(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): boolean {
  return order(format, op1, op2, false, env) === 0;
}

export function fpCompareGE(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): boolean {
  const result = order(format, op1, op2, true, env);
  return result !== undefined && result >= 0;
}

export function fpCompareGT(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): boolean {
  const result = order(format, op1, op2, true, env);
  return result !== undefined && result > 0;
}

export function fpMax(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return select(format, op1, op2, true, env);
}

export function fpMin(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return select(format, op1, op2, false, env);
}

function select(format: FloatFormat, op1: bigint, op2: bigint, larger: boolean, env: FpEnvironment): bigint {
  const a = fpUnpack(format, op1, env);
  const b = fpUnpack(format, op2, env);
  const nan = fpProcessNaNs(format, a.type, b.type, op1, op2, env);
  if (nan !== undefined) return nan;
  const key1 = orderKey(format, a, op1);
  const key2 = orderKey(format, b, op2);
  const firstWins = larger ? key1 > key2 : key1 < key2;
  const chosen = firstWins ? a : b;
  if (chosen.type !== 'zero') return firstWins ? op1 : op2;
  // +0 is larger than −0. Where only one operand is zero, both signs agree with the operand's own.
  const negative = larger ? a.negative && b.negative : a.negative || b.negative;
  return withSign(format, negative, 0n);
}

/** FMAXNM: a quiet NaN loses against a number. */
export function fpMaxNum(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  const replacement = withSign(format, true, format.infinity);
  return selectNumber(format, op1, op2, replacement, true, env);
}

/** FMINNM: a quiet NaN loses against a number. */
export function fpMinNum(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return selectNumber(format, op1, op2, format.infinity, false, env);
}

function selectNumber(
  format: FloatFormat,
  op1: bigint,
  op2: bigint,
  replacement: bigint,
  larger: boolean,
  env: FpEnvironment,
): bigint {
  const quiet1 = fpUnpack(format, op1, env).type === 'qnan';
  const quiet2 = fpUnpack(format, op2, env).type === 'qnan';
  if (quiet1 === quiet2) return select(format, op1, op2, larger, env);
  return select(format, quiet1 ? replacement : op1, quiet2 ? replacement : op2, larger, env);
}
