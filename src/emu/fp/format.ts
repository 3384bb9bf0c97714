/**
 * The interchange formats of IEEE 754-2019, 3.4, as descriptors that the algorithms of this folder read.
 * A value is an unsigned BigInt bit pattern: sign, then exponent, then fraction.
 */

/** The two facts that define a binary interchange format, and what follows from them. */
export interface FloatFormat {
  readonly name: 'half' | 'bfloat' | 'single' | 'double';
  readonly width: number;
  readonly exponentBits: number;
  readonly fractionBits: number;
  /** Exponent of the smallest normal number; the bias is one more than its negative. */
  readonly minimumExponent: number;
  /** The exponent field of infinities and NaNs. */
  readonly exponentOnes: number;
  /** The fraction's width as a shift count. */
  readonly fractionShift: bigint;
  readonly signBit: bigint;
  readonly fractionMask: bigint;
  /** The implicit leading one of normal numbers: 2^fractionBits. */
  readonly implicitBit: bigint;
  /** Top bit of the fraction: set in quiet NaNs. */
  readonly quietBit: bigint;
  readonly infinity: bigint;
  readonly maxNormal: bigint;
  readonly defaultNaN: bigint;
  readonly two: bigint;
  readonly onePointFive: bigint;
}

function deriveFormat(name: FloatFormat['name'], exponentBits: number, fractionBits: number): FloatFormat {
  const bias = 2 ** (exponentBits - 1) - 1;
  const exponentOnes = 2 ** exponentBits - 1;
  const fractionShift = BigInt(fractionBits);
  const implicitBit = 1n << fractionShift;
  const infinity = BigInt(exponentOnes) << fractionShift;
  const quietBit = implicitBit >> 1n;
  return {
    name,
    width: 1 + exponentBits + fractionBits,
    exponentBits,
    fractionBits,
    minimumExponent: 1 - bias,
    exponentOnes,
    fractionShift,
    signBit: 1n << BigInt(exponentBits + fractionBits),
    fractionMask: implicitBit - 1n,
    implicitBit,
    quietBit,
    infinity,
    maxNormal: infinity - 1n,
    defaultNaN: infinity | quietBit,
    two: BigInt(bias + 1) << fractionShift,
    onePointFive: (BigInt(bias) << fractionShift) | quietBit,
  };
}

export const HALF = deriveFormat('half', 5, 10);
/** BFloat16: a single without the lower half of its fraction. */
export const BFLOAT = deriveFormat('bfloat', 8, 7);
export const SINGLE = deriveFormat('single', 8, 23);
export const DOUBLE = deriveFormat('double', 11, 52);

/** FPZero, FPInfinity, FPMaxNormal and their kin: `magnitude` with the sign asked for. */
export function withSign(format: FloatFormat, negative: boolean, magnitude: bigint): bigint {
  return negative ? format.signBit | magnitude : magnitude;
}

/** FPNeg without FEAT_AFP: inverts the sign, of NaNs too. */
export function fpNeg(format: FloatFormat, bits: bigint): bigint {
  return bits ^ format.signBit;
}

/** FPAbs without FEAT_AFP: clears the sign, of NaNs too. */
export function fpAbs(format: FloatFormat, bits: bigint): bigint {
  return bits & ~format.signBit;
}
