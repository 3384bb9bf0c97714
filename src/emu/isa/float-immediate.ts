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
