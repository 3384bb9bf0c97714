/**
 * From exact numbers to bit patterns: FPRound and FPRoundCV (Arm ARM J1.3, shared/functions/float,
 * FPRoundBase). Tininess is detected before rounding; flushing to zero comes before everything else and
 * raises Underflow without Inexact.
 */
import { FPSR, type FpEnvironment, ROUNDING, type Rounding } from './environment.ts';
import { type FloatFormat, HALF, withSign } from './format.ts';
import { bitLength, FRACTION, type Fraction, type Real, shiftRight } from './real.ts';

/** FPRound: rounds a result of arithmetic. `value` is not zero. */
export function fpRound(format: FloatFormat, value: Real, env: FpEnvironment, rounding: Rounding): bigint {
  return round(format, value, env, rounding, format === HALF ? env.flushToZero16 : env.flushToZero, false);
}

/** FPRoundCV: rounds the result of a conversion between formats: FZ16 does not apply, AHP does. */
export function fpRoundCV(format: FloatFormat, value: Real, env: FpEnvironment, rounding: Rounding): bigint {
  return format === HALF
    ? round(format, value, env, rounding, false, env.alternativeHalf)
    : round(format, value, env, rounding, env.flushToZero, false);
}

/** FPRoundBase. */
function round(
  format: FloatFormat,
  value: Real,
  env: FpEnvironment,
  rounding: Rounding,
  flush: boolean,
  alternativeHalf: boolean,
): bigint {
  const { negative } = value;
  const valueExponent = bitLength(value.mantissa) - 1 + value.exponent;
  const tiny = valueExponent < format.minimumExponent;
  if (tiny && flush) {
    env.raise(FPSR.UFC);
    return withSign(format, negative, 0n);
  }
  const unitExponent = (tiny ? format.minimumExponent : valueExponent) - format.fractionBits;
  const { quotient, fraction } = shiftRight(value.mantissa, unitExponent - value.exponent);
  const inexact = fraction !== FRACTION.ZERO;
  if (tiny && inexact) env.raise(FPSR.UFC);

  let mantissa = quotient;
  if (roundsAwayFromZero(rounding, fraction, negative, mantissa)) mantissa += 1n;
  else if (inexact && rounding === ROUNDING.ODD) mantissa |= 1n;

  // The implicit bit of a normal mantissa adds one to the exponent field, and so does a carry out of a
  // mantissa of ones, of a denormal's too: its field is 0 and grows to 1.
  const exponentsBelow = tiny ? 0 : valueExponent - format.minimumExponent;
  const magnitude = (BigInt(exponentsBelow) << format.fractionShift) + mantissa;
  if (alternativeHalf) return finishAlternativeHalf(format, negative, magnitude, inexact, env);
  if (magnitude >= format.infinity) {
    env.raise(FPSR.OFC | FPSR.IXC);
    return overflowResult(format, negative, rounding);
  }
  if (inexact) env.raise(FPSR.IXC);
  return withSign(format, negative, magnitude);
}

/** The alternative half format has no infinities: its largest number is the result of overflow. */
function finishAlternativeHalf(
  format: FloatFormat,
  negative: boolean,
  magnitude: bigint,
  inexact: boolean,
  env: FpEnvironment,
): bigint {
  if (magnitude >= format.signBit) {
    env.raise(FPSR.IOC);
    return withSign(format, negative, format.signBit - 1n);
  }
  if (inexact) env.raise(FPSR.IXC);
  return withSign(format, negative, magnitude);
}

/** What rounding a number beyond the largest gives. */
export function overflowResult(format: FloatFormat, negative: boolean, rounding: Rounding): bigint {
  const toInfinity =
    rounding === ROUNDING.TIEEVEN ||
    rounding === ROUNDING.TIEAWAY ||
    rounding === (negative ? ROUNDING.NEGINF : ROUNDING.POSINF);
  return withSign(format, negative, toInfinity ? format.infinity : format.maxNormal);
}

/** Whether a magnitude `mantissa` + `fraction` goes up to the next integer. */
export function roundsAwayFromZero(
  rounding: Rounding,
  fraction: Fraction,
  negative: boolean,
  mantissa: bigint,
): boolean {
  switch (rounding) {
    case ROUNDING.TIEEVEN:
      if (fraction !== FRACTION.HALF) return fraction === FRACTION.ABOVE_HALF;
      return BigInt.asUintN(1, mantissa) === 1n;
    case ROUNDING.TIEAWAY:
      return fraction >= FRACTION.HALF;
    case ROUNDING.POSINF:
      return fraction !== FRACTION.ZERO && !negative;
    case ROUNDING.NEGINF:
      return fraction !== FRACTION.ZERO && negative;
    case ROUNDING.ZERO:
    case ROUNDING.ODD:
      return false;
  }
}

/** A number rounded to an integer: its magnitude, and whether rounding changed the number. */
export interface Integral {
  readonly magnitude: bigint;
  readonly inexact: boolean;
}

/** RoundDown and round up as `rounding` says: the integer step of FPToFixed, FPRoundInt and FPRoundIntN. */
export function roundToIntegral(value: Real, rounding: Rounding): Integral {
  const { quotient, fraction } = shiftRight(value.mantissa, -value.exponent);
  const up = roundsAwayFromZero(rounding, fraction, value.negative, quotient);
  return { magnitude: up ? quotient + 1n : quotient, inexact: fraction !== FRACTION.ZERO };
}
