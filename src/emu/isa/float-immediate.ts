/** Immediates of FMOV, and numbers as bit patterns. */
import { FP_FORMAT } from '../fp/operations.ts';

/** VFPExpandImm (Arm ARM, shared/functions/float): the value of an 8-bit immediate of FMOV. */
const SIGN = 0x80;
const FRACTION_MASK = 0xf;
const FRACTION_SIZE = 16;

export function expandFloatImmediate(imm8: number): number {
  const sign = imm8 & SIGN ? -1 : 1;
  // Three bits of exponent, the first inverted: −3 … 4.
  const exponent = (((imm8 >> 4) & 7) ^ 4) - 3;
  return sign * (1 + (imm8 & FRACTION_MASK) / FRACTION_SIZE) * 2 ** exponent;
}

const asBits = new DataView(new ArrayBuffer(8));
const HALF_FRACTION_BITS = 10;
const HALF_SIGN = 0x8000;
const SINGLE_TO_HALF = { fractionBits: 23 - HALF_FRACTION_BITS, bias: (127 - 15) << HALF_FRACTION_BITS };

/** The bit pattern of a number in a format (FP_FORMAT); a half must be zero or a normal number, exactly. */
export function floatPattern(format: number, value: number): bigint {
  if (format === FP_FORMAT.DOUBLE) {
    asBits.setFloat64(0, value);
    return asBits.getBigUint64(0);
  }
  asBits.setFloat32(0, value);
  const single = asBits.getUint32(0);
  if (format === FP_FORMAT.SINGLE || value === 0) return BigInt(single);
  const magnitude = ((single & ~(1 << 31)) >>> SINGLE_TO_HALF.fractionBits) - SINGLE_TO_HALF.bias;
  return BigInt(magnitude | (value < 0 ? HALF_SIGN : 0));
}
