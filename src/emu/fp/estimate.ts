/**
 * Reciprocal and reciprocal square root estimates, and FRECPX (Arm ARM J1.3, shared/functions/float:
 * RecipEstimate, RecipSqrtEstimate, FPRecipEstimate, FPRSqrtEstimate, FPRecpX, UnsignedRecipEstimate,
 * UnsignedRSqrtEstimate). The estimates have 8 bits after the leading one; FEAT_RPRES is not implemented.
 */
import { FPSR, type FpEnvironment } from './environment.ts';
import { type FloatFormat, HALF, withSign } from './format.ts';
import { bitLength } from './real.ts';
import { overflowResult } from './round.ts';
import { fpProcessNaN, fpUnpack, isNaNType } from './unpack.ts';

/** Estimates take and give 9-bit numbers: a leading one and this many bits. */
const ESTIMATE_BITS = 8;
const ESTIMATE_MASK = 0xff;

/** RecipEstimate: `scaled`/512 in [0.5, 1) to its reciprocal in 1/256, rounded. */
export function recipEstimate(scaled: number): number {
  const midpoint = scaled * 2 + 1;
  const reciprocal = Math.floor(2 ** 19 / midpoint);
  return (reciprocal + 1) >> 1;
}

/** RecipSqrtEstimate: `scaled`/512 in [0.25, 1) to the reciprocal of its root in 1/256, rounded. */
export function recipSqrtEstimate(scaled: number): number {
  return RECIP_SQRT_ESTIMATES[scaled]!;
}
const SMALLEST_SCALED = 128;
const RECIP_SQRT_ESTIMATES = Uint16Array.from({ length: 512 }, (_, scaled) => {
  if (scaled < SMALLEST_SCALED) return 0;
  const midpoint = scaled < 256 ? scaled * 2 + 1 : ((scaled & ~1) + 1) * 2;
  let root = 512;
  while (midpoint * (root + 1) * (root + 1) < 2 ** 28) root += 1;
  return (root + 1) >> 1;
});

/** A mantissa's leading one and the eight bits after it. */
function leadingNine(mantissa: bigint, length: number): number {
  const surplus = length - 1 - ESTIMATE_BITS;
  return Number(surplus >= 0 ? mantissa >> BigInt(surplus) : mantissa << BigInt(-surplus));
}

/** Assembles sign, exponent field and an estimate; fields 0 and −1 give denormals. */
function packEstimate(format: FloatFormat, negative: boolean, field: number, estimate: number): bigint {
  const denormalShift = field > 0 ? 0 : 1 - field;
  const leading = field > 0 ? estimate & ESTIMATE_MASK : estimate;
  const fraction = (BigInt(leading) << BigInt(format.fractionBits - ESTIMATE_BITS)) >> BigInt(denormalShift);
  const exponent = BigInt(Math.max(field, 0)) << format.fractionShift;
  return withSign(format, negative, exponent | fraction);
}

/** FRECPE. */
export function fpRecipEstimate(format: FloatFormat, operand: bigint, env: FpEnvironment): bigint {
  const a = fpUnpack(format, operand, env);
  if (isNaNType(a.type)) return fpProcessNaN(format, a.type, operand, env);
  if (a.type === 'infinity') return withSign(format, a.negative, 0n);
  if (a.type === 'zero') {
    env.raise(FPSR.DZC);
    return withSign(format, a.negative, format.infinity);
  }
  const length = bitLength(a.mantissa);
  const valueExponent = length - 1 + a.exponent;
  // 1/x overflows below 2^(minimum − 2); 2^-16, 2^-128, 2^-1024.
  if (valueExponent < format.minimumExponent - 2) {
    env.raise(FPSR.OFC | FPSR.IXC);
    return overflowResult(format, a.negative, env.rounding);
  }
  const flush = format === HALF ? env.flushToZero16 : env.flushToZero;
  if (flush && valueExponent >= -format.minimumExponent) {
    env.raise(FPSR.UFC);
    return withSign(format, a.negative, 0n);
  }
  const bias = 1 - format.minimumExponent;
  const field = bias - 1 - valueExponent;
  return packEstimate(format, a.negative, field, recipEstimate(leadingNine(a.mantissa, length)));
}

/** FRSQRTE. */
export function fpRSqrtEstimate(format: FloatFormat, operand: bigint, env: FpEnvironment): bigint {
  const a = fpUnpack(format, operand, env);
  if (isNaNType(a.type)) return fpProcessNaN(format, a.type, operand, env);
  if (a.type === 'zero') {
    env.raise(FPSR.DZC);
    return withSign(format, a.negative, format.infinity);
  }
  if (a.negative) {
    env.raise(FPSR.IOC);
    return format.defaultNaN;
  }
  if (a.type === 'infinity') return 0n;
  const length = bitLength(a.mantissa);
  const valueExponent = length - 1 + a.exponent;
  const bias = 1 - format.minimumExponent;
  // The value is scaled by a power of four into [0.25, 1): an even exponent leaves it below a half.
  const nine = leadingNine(a.mantissa, length);
  const scaled = (valueExponent & 1) === 0 ? nine >> 1 : nine;
  const field = bias + Math.floor((-valueExponent - 1) / 2);
  return packEstimate(format, false, field, recipSqrtEstimate(scaled));
}

/** FRECPX: the power of two with the inverted exponent. */
export function fpRecpX(format: FloatFormat, operand: bigint, env: FpEnvironment): bigint {
  const a = fpUnpack(format, operand, env);
  if (isNaNType(a.type)) return fpProcessNaN(format, a.type, operand, env);
  const field = Number(operand >> format.fractionShift) & format.exponentOnes;
  // Zeros and denormals have no finite inverse: the largest finite exponent stands for it.
  const inverted = field === 0 ? format.exponentOnes - 1 : format.exponentOnes - field;
  return withSign(format, a.negative, BigInt(inverted) << format.fractionShift);
}

const ALL_ONES = 0xffff_ffff;
const ESTIMATE_TOP = 2 ** 23;

/** URECPE: a 32-bit fixed-point fraction; 0.5 and above have estimates. */
export function unsignedRecipEstimate(operand: number): number {
  const scaled = operand >>> 23;
  return scaled < 256 ? ALL_ONES : recipEstimate(scaled) * ESTIMATE_TOP;
}

/** URSQRTE: a 32-bit fixed-point fraction; 0.25 and above have estimates. */
export function unsignedRSqrtEstimate(operand: number): number {
  const scaled = operand >>> 23;
  return scaled < 128 ? ALL_ONES : recipSqrtEstimate(scaled) * ESTIMATE_TOP;
}
