/**
 * Conversions between formats and to and from integers and fixed-point numbers
 * (Arm ARM J1.3, shared/functions/float: FPConvert, FPToFixed, FixedToFP, FPToFixedJS).
 */
import { FPSR, type FpEnvironment, ROUNDING, type Rounding } from './environment.ts';
import { type FloatFormat, HALF, withSign } from './format.ts';
import { fpRound, fpRoundCV, roundToIntegral } from './round.ts';
import { fpUnpack, fpUnpackCV, isNaNType } from './unpack.ts';

/** FPConvert: FCVT, FCVTN, FCVTL (current rounding) and FCVTXN (round to odd). */
export function fpConvert(
  from: FloatFormat,
  to: FloatFormat,
  operand: bigint,
  env: FpEnvironment,
  rounding: Rounding,
): bigint {
  const a = fpUnpackCV(from, operand, env);
  const alternativeHalf = to === HALF && env.alternativeHalf;
  if (isNaNType(a.type)) {
    if (a.type === 'snan' || alternativeHalf) env.raise(FPSR.IOC);
    if (alternativeHalf) return withSign(to, a.negative, 0n);
    return env.defaultNaN ? to.defaultNaN : convertNaN(from, to, operand, a.negative);
  }
  if (a.type === 'infinity') {
    if (!alternativeHalf) return withSign(to, a.negative, to.infinity);
    env.raise(FPSR.IOC);
    return withSign(to, a.negative, to.signBit - 1n);
  }
  if (a.type === 'zero') return withSign(to, a.negative, 0n);
  return fpRoundCV(to, a, env, rounding);
}

/** FPConvertNaN: keeps the sign and the top of the payload, quiet. */
function convertNaN(from: FloatFormat, to: FloatFormat, operand: bigint, negative: boolean): bigint {
  const payload = operand & from.fractionMask;
  const distance = to.fractionShift - from.fractionShift;
  const moved = distance >= 0n ? payload << distance : payload >> -distance;
  return withSign(to, negative, to.defaultNaN | moved);
}

/** A number that is a multiple of a greater power of two than this exceeds every integer result. */
const BEYOND_INTEGERS = 128;

/** FPToFixed: FCVTxS and FCVTxU: `width` bits as an unsigned pattern, saturated. NaN gives 0. */
export function fpToFixed(
  format: FloatFormat,
  operand: bigint,
  width: number,
  fractionBits: number,
  unsigned: boolean,
  env: FpEnvironment,
  rounding: Rounding,
): bigint {
  const a = fpUnpack(format, operand, env);
  if (isNaNType(a.type)) {
    env.raise(FPSR.IOC);
    return 0n;
  }
  const largest = (1n << BigInt(unsigned ? width : width - 1)) - 1n;
  const smallest = unsigned ? 0n : -largest - 1n;
  const exponent = a.exponent + fractionBits;
  if (a.type === 'infinity' || (a.mantissa !== 0n && exponent > BEYOND_INTEGERS)) {
    env.raise(FPSR.IOC);
    return BigInt.asUintN(width, a.negative ? smallest : largest);
  }
  const { negative, mantissa } = a;
  const { magnitude, inexact } = roundToIntegral({ negative, mantissa, exponent }, rounding);
  const value = negative ? -magnitude : magnitude;
  if (value > largest || value < smallest) {
    env.raise(FPSR.IOC);
    return BigInt.asUintN(width, value < 0n ? smallest : largest);
  }
  if (inexact) env.raise(FPSR.IXC);
  return BigInt.asUintN(width, value);
}

/** FixedToFP: SCVTF and UCVTF of a `width`-bit pattern with `fractionBits` bits after the point. */
export function fixedToFP(
  format: FloatFormat,
  operand: bigint,
  width: number,
  fractionBits: number,
  unsigned: boolean,
  env: FpEnvironment,
): bigint {
  const value = unsigned ? BigInt.asUintN(width, operand) : BigInt.asIntN(width, operand);
  if (value === 0n) return 0n;
  const negative = value < 0n;
  const real = { negative, mantissa: negative ? -value : value, exponent: -fractionBits };
  return fpRound(format, real, env, env.rounding);
}

const JS_INTEGER_BITS = 32;

/** FJCVTZS: JavaScript's ToInt32, and whether the operand was exactly that integer (PSTATE.Z). */
export function fpToFixedJS(
  format: FloatFormat,
  operand: bigint,
  env: FpEnvironment,
): { readonly value: bigint; readonly exact: boolean } {
  const a = fpUnpack(format, operand, env);
  if (isNaNType(a.type) || a.type === 'infinity') {
    env.raise(FPSR.IOC);
    return { value: 0n, exact: false };
  }
  const { magnitude, inexact } = roundToIntegral(a, ROUNDING.ZERO);
  const value = a.negative ? -magnitude : magnitude;
  const wrapped = BigInt.asUintN(JS_INTEGER_BITS, value);
  if (value !== BigInt.asIntN(JS_INTEGER_BITS, value)) {
    env.raise(FPSR.IOC);
    return { value: wrapped, exact: false };
  }
  if (inexact) env.raise(FPSR.IXC);
  const negativeZero = a.type === 'zero' && a.negative;
  const flushed = a.type === 'zero' && (operand & format.fractionMask) !== 0n;
  return { value: wrapped, exact: !inexact && !negativeZero && !flushed };
}
