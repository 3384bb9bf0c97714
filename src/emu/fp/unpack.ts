/**
 * From bit patterns to numbers: FPUnpack, FPUnpackCV and the selection of NaN results
 * (Arm ARM J1.3, shared/functions/float: FPUnpackBase, FPProcessNaN, FPProcessNaNs, FPProcessNaNs3).
 */
import { FPSR, type FpEnvironment } from './environment.ts';
import { type FloatFormat, HALF } from './format.ts';
import type { Real } from './real.ts';

/** FPType. */
export type FloatType = 'zero' | 'denormal' | 'normal' | 'infinity' | 'qnan' | 'snan';

/** An operand taken apart. As a `Real` it is meaningful for finite types; others have mantissa 0. */
export interface Unpacked extends Real {
  readonly type: FloatType;
}

export function isNaNType(type: FloatType): boolean {
  return type === 'qnan' || type === 'snan';
}

/** FPUnpack: an operand of arithmetic. AHP does not apply. */
export function fpUnpack(format: FloatFormat, bits: bigint, env: FpEnvironment): Unpacked {
  return unpack(format, bits, env, format === HALF ? env.flushToZero16 : env.flushToZero, false);
}

/** FPUnpackCV: the operand of a conversion between formats. FZ16 does not apply, AHP does. */
export function fpUnpackCV(format: FloatFormat, bits: bigint, env: FpEnvironment): Unpacked {
  return format === HALF
    ? unpack(format, bits, env, false, env.alternativeHalf)
    : unpack(format, bits, env, env.flushToZero, false);
}

/** FPUnpackBase. */
function unpack(
  format: FloatFormat,
  bits: bigint,
  env: FpEnvironment,
  flush: boolean,
  alternativeHalf: boolean,
): Unpacked {
  const signAndExponent = Number(bits >> format.fractionShift);
  const exponentField = signAndExponent & format.exponentOnes;
  const negative = signAndExponent > format.exponentOnes;
  const fraction = BigInt.asUintN(format.fractionBits, bits);
  const exponent = format.minimumExponent - format.fractionBits;
  if (exponentField === 0) {
    if (fraction === 0n) return { type: 'zero', negative, mantissa: 0n, exponent };
    if (!flush) return { type: 'denormal', negative, mantissa: fraction, exponent };
    // Flushing half-precision operands raises nothing.
    if (format !== HALF) env.raise(FPSR.IDC);
    return { type: 'zero', negative, mantissa: 0n, exponent };
  }
  if (exponentField === format.exponentOnes && !alternativeHalf) {
    if (fraction === 0n) return { type: 'infinity', negative, mantissa: 0n, exponent: 0 };
    const type = (fraction & format.quietBit) !== 0n ? 'qnan' : 'snan';
    return { type, negative, mantissa: 0n, exponent: 0 };
  }
  const mantissa = fraction | format.implicitBit;
  return { type: 'normal', negative, mantissa, exponent: exponent + exponentField - 1 };
}

/** FPProcessNaN: the NaN that an operation returns for the NaN operand `bits`. */
export function fpProcessNaN(format: FloatFormat, type: FloatType, bits: bigint, env: FpEnvironment): bigint {
  if (type === 'snan') env.raise(FPSR.IOC);
  return env.defaultNaN ? format.defaultNaN : bits | format.quietBit;
}

/** FPProcessNaNs: the first signalling NaN, else the first quiet one, else undefined. */
export function fpProcessNaNs(
  format: FloatFormat,
  type1: FloatType,
  type2: FloatType,
  bits1: bigint,
  bits2: bigint,
  env: FpEnvironment,
): bigint | undefined {
  if (type1 === 'snan') return fpProcessNaN(format, type1, bits1, env);
  if (type2 === 'snan') return fpProcessNaN(format, type2, bits2, env);
  if (type1 === 'qnan') return fpProcessNaN(format, type1, bits1, env);
  if (type2 === 'qnan') return fpProcessNaN(format, type2, bits2, env);
  return undefined;
}

/** FPProcessNaNs3: the same for three operands. */
export function fpProcessNaNs3(
  format: FloatFormat,
  types: readonly [FloatType, FloatType, FloatType],
  operands: readonly [bigint, bigint, bigint],
  env: FpEnvironment,
): bigint | undefined {
  for (const wanted of ['snan', 'qnan'] as const) {
    const index = types.indexOf(wanted);
    if (index >= 0) return fpProcessNaN(format, wanted, operands[index]!, env);
  }
  return undefined;
}
