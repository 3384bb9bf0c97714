/**
 * Rounding to an integral number in the same format (Arm ARM J1.3, shared/functions/float: FPRoundInt,
 * FPRoundIntN).
 */
import { FPSR, type FpEnvironment, ROUNDING, type Rounding } from './environment.ts';
import { type FloatFormat, withSign } from './format.ts';
import { fpRound, roundToIntegral } from './round.ts';
import { fpProcessNaN, fpUnpack, isNaNType } from './unpack.ts';

/** An integral magnitude always fits the format it came from; zero keeps the operand's sign. */
function pack(format: FloatFormat, negative: boolean, magnitude: bigint, env: FpEnvironment): bigint {
  if (magnitude === 0n) return withSign(format, negative, 0n);
  return fpRound(format, { negative, mantissa: magnitude, exponent: 0 }, env, ROUNDING.ZERO);
}

/** FPRoundInt: FRINTN, A, M, P, Z, I, and FRINTX, which alone raises Inexact (`exact`). */
export function fpRoundInt(
  format: FloatFormat,
  operand: bigint,
  env: FpEnvironment,
  rounding: Rounding,
  exact: boolean,
): bigint {
  const a = fpUnpack(format, operand, env);
  if (isNaNType(a.type)) return fpProcessNaN(format, a.type, operand, env);
  if (a.type === 'infinity') return operand;
  if (a.type === 'zero') return withSign(format, a.negative, 0n);
  // No fraction bits: already integral, and shifting a huge exponent out would be wasted work.
  if (a.exponent >= 0) return operand;
  const { magnitude, inexact } = roundToIntegral(a, rounding);
  if (inexact && exact) env.raise(FPSR.IXC);
  return pack(format, a.negative, magnitude, env);
}

/** FPRoundIntN: FRINT32x and FRINT64x: what does not fit `integerBits` becomes the smallest integer. */
export function fpRoundIntN(
  format: FloatFormat,
  operand: bigint,
  env: FpEnvironment,
  rounding: Rounding,
  integerBits: number,
): bigint {
  const a = fpUnpack(format, operand, env);
  if (a.type === 'zero') return withSign(format, a.negative, 0n);
  const limit = 1n << BigInt(integerBits - 1);
  const finite = a.type === 'normal' || a.type === 'denormal';
  if (finite && a.exponent < integerBits) {
    const { magnitude, inexact } = roundToIntegral(a, rounding);
    if (magnitude < limit || (a.negative && magnitude === limit)) {
      if (inexact) env.raise(FPSR.IXC);
      return pack(format, a.negative, magnitude, env);
    }
  }
  env.raise(FPSR.IOC);
  return pack(format, true, limit, env);
}
