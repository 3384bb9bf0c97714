/**
 * Addition, multiplication, division, square root and the fused forms, rounded once
 * (Arm ARM J1.3, shared/functions/float: FPAdd, FPSub, FPMul, FPMulX, FPDiv, FPSqrt, FPMulAdd,
 * FPRecipStepFused, FPRSqrtStepFused).
 */
import { FPSR, type FpEnvironment, ROUNDING } from './environment.ts';
import { type FloatFormat, fpAbs, fpNeg, withSign } from './format.ts';
import { addReals, divideReals, multiplyReals, type Real, squareRootReal } from './real.ts';
import { fpRound } from './round.ts';
import { fpProcessNaN, fpProcessNaNs, fpProcessNaNs3, fpUnpack, isNaNType, type Unpacked } from './unpack.ts';

/** Bits that a quotient or root needs beyond the fraction: implicit, rounding, sticky. */
const EXTRA_BITS = 3;

function invalid(format: FloatFormat, env: FpEnvironment): bigint {
  env.raise(FPSR.IOC);
  return format.defaultNaN;
}

/** Rounds a sum; an exact zero from cancellation is negative only when rounding towards −∞. */
function roundSum(format: FloatFormat, sum: Real, env: FpEnvironment): bigint {
  if (sum.mantissa === 0n) return withSign(format, env.rounding === ROUNDING.NEGINF, 0n);
  return fpRound(format, sum, env, env.rounding);
}

export function fpAdd(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return addUnpacked(format, fpUnpack(format, op1, env), fpUnpack(format, op2, env), op1, op2, false, env);
}

/** op1 − op2. A NaN in op2 comes out with its own sign. */
export function fpSub(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return addUnpacked(format, fpUnpack(format, op1, env), fpUnpack(format, op2, env), op1, op2, true, env);
}

/** FABD: |op1 − op2|. */
export function fpAbsoluteDifference(
  format: FloatFormat,
  op1: bigint,
  op2: bigint,
  env: FpEnvironment,
): bigint {
  return fpAbs(format, fpSub(format, op1, op2, env));
}

function addUnpacked(
  format: FloatFormat,
  a: Unpacked,
  b: Unpacked,
  op1: bigint,
  op2: bigint,
  subtract: boolean,
  env: FpEnvironment,
): bigint {
  const nan = fpProcessNaNs(format, a.type, b.type, op1, op2, env);
  if (nan !== undefined) return nan;
  const negative2 = b.negative !== subtract;
  const infinite1 = a.type === 'infinity';
  if (infinite1 || b.type === 'infinity') {
    if (infinite1 && b.type === 'infinity' && a.negative !== negative2) return invalid(format, env);
    return withSign(format, infinite1 ? a.negative : negative2, format.infinity);
  }
  if (a.type === 'zero' && b.type === 'zero' && a.negative === negative2) {
    return withSign(format, a.negative, 0n);
  }
  const addend = { negative: negative2, mantissa: b.mantissa, exponent: b.exponent };
  return roundSum(format, addReals(a, addend), env);
}

/** Infinity times zero, in either order. */
function isInfinityTimesZero(a: Unpacked, b: Unpacked): boolean {
  return (a.type === 'infinity' && b.type === 'zero') || (a.type === 'zero' && b.type === 'infinity');
}

export function fpMul(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return multiply(format, op1, op2, env, undefined);
}

/** FMULX: infinity times zero is two, with the product's sign. */
export function fpMulX(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return multiply(format, op1, op2, env, format.two);
}

/** `infinityTimesZero` is the magnitude of that product; undefined makes it an invalid operation. */
function multiply(
  format: FloatFormat,
  op1: bigint,
  op2: bigint,
  env: FpEnvironment,
  infinityTimesZero: bigint | undefined,
): bigint {
  const a = fpUnpack(format, op1, env);
  const b = fpUnpack(format, op2, env);
  const nan = fpProcessNaNs(format, a.type, b.type, op1, op2, env);
  if (nan !== undefined) return nan;
  const negative = a.negative !== b.negative;
  if (isInfinityTimesZero(a, b)) {
    return infinityTimesZero === undefined
      ? invalid(format, env)
      : withSign(format, negative, infinityTimesZero);
  }
  if (a.type === 'infinity' || b.type === 'infinity') return withSign(format, negative, format.infinity);
  if (a.type === 'zero' || b.type === 'zero') return withSign(format, negative, 0n);
  return fpRound(format, multiplyReals(a, b), env, env.rounding);
}

export function fpDiv(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  const a = fpUnpack(format, op1, env);
  const b = fpUnpack(format, op2, env);
  const nan = fpProcessNaNs(format, a.type, b.type, op1, op2, env);
  if (nan !== undefined) return nan;
  const negative = a.negative !== b.negative;
  const infinite1 = a.type === 'infinity';
  const infinite2 = b.type === 'infinity';
  const zero1 = a.type === 'zero';
  const zero2 = b.type === 'zero';
  if ((infinite1 && infinite2) || (zero1 && zero2)) return invalid(format, env);
  if (infinite1 || zero2) {
    if (!infinite1) env.raise(FPSR.DZC);
    return withSign(format, negative, format.infinity);
  }
  if (zero1 || infinite2) return withSign(format, negative, 0n);
  const precision = format.fractionBits + EXTRA_BITS;
  return fpRound(format, divideReals(a, b, precision), env, env.rounding);
}

export function fpSqrt(format: FloatFormat, operand: bigint, env: FpEnvironment): bigint {
  const a = fpUnpack(format, operand, env);
  if (isNaNType(a.type)) return fpProcessNaN(format, a.type, operand, env);
  if (a.type === 'zero') return withSign(format, a.negative, 0n);
  if (a.negative) return invalid(format, env);
  if (a.type === 'infinity') return format.infinity;
  const precision = format.fractionBits + EXTRA_BITS;
  return fpRound(format, squareRootReal(a, precision), env, env.rounding);
}

/** addend + op1 × op2, rounded once. NaNs are chosen in this order of operands. */
export function fpMulAdd(
  format: FloatFormat,
  addend: bigint,
  op1: bigint,
  op2: bigint,
  env: FpEnvironment,
): bigint {
  const c = fpUnpack(format, addend, env);
  const a = fpUnpack(format, op1, env);
  const b = fpUnpack(format, op2, env);
  const infinityTimesZero = isInfinityTimesZero(a, b);
  const nan = fpProcessNaNs3(format, [c.type, a.type, b.type], [addend, op1, op2], env);
  // A quiet NaN as the addend does not hide the invalid product.
  if (c.type === 'qnan' && infinityTimesZero) return invalid(format, env);
  if (nan !== undefined) return nan;

  const productNegative = a.negative !== b.negative;
  const productInfinite = a.type === 'infinity' || b.type === 'infinity';
  const productZero = a.type === 'zero' || b.type === 'zero';
  const opposite = c.negative !== productNegative;
  if (infinityTimesZero || (c.type === 'infinity' && productInfinite && opposite))
    return invalid(format, env);
  if (c.type === 'infinity') return withSign(format, c.negative, format.infinity);
  if (productInfinite) return withSign(format, productNegative, format.infinity);
  if (c.type === 'zero' && productZero && !opposite) return withSign(format, productNegative, 0n);
  return roundSum(format, addReals(c, multiplyReals(a, b)), env);
}

const TWO: Real = { negative: false, mantissa: 1n, exponent: 1 };
const THREE: Real = { negative: false, mantissa: 3n, exponent: 0 };

/** FRECPS: 2 − op1 × op2. */
export function fpRecipStepFused(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return stepFused(format, op1, op2, env, TWO, 0, format.two);
}

/** FRSQRTS: (3 − op1 × op2) / 2. */
export function fpRSqrtStepFused(format: FloatFormat, op1: bigint, op2: bigint, env: FpEnvironment): bigint {
  return stepFused(format, op1, op2, env, THREE, 1, format.onePointFive);
}

/** (base − op1 × op2) / 2^halvings; the sign of op1 is inverted before NaNs are looked at. */
function stepFused(
  format: FloatFormat,
  op1: bigint,
  op2: bigint,
  env: FpEnvironment,
  base: Real,
  halvings: number,
  infinityTimesZero: bigint,
): bigint {
  const negated = fpNeg(format, op1);
  const a = fpUnpack(format, negated, env);
  const b = fpUnpack(format, op2, env);
  const nan = fpProcessNaNs(format, a.type, b.type, negated, op2, env);
  if (nan !== undefined) return nan;
  if (isInfinityTimesZero(a, b)) return infinityTimesZero;
  if (a.type === 'infinity' || b.type === 'infinity') {
    return withSign(format, a.negative !== b.negative, format.infinity);
  }
  const sum = addReals(base, multiplyReals(a, b));
  return roundSum(format, { ...sum, exponent: sum.exponent - halvings }, env);
}
