/** DecodeBitMasks (Arm ARM, aarch64/instrs/integer/bitmasks): immediates of logical and bit-field instructions. */

/** The 64-bit mask of a logical immediate, or undefined when the encoding is reserved. */
export function decodeBitMask(n: number, imms: number, immr: number): bigint | undefined {
  const combined = (n << 6) | (~imms & 0x3f);
  const length = 31 - Math.clz32(combined);
  if (length < 1) return undefined;
  const levels = (1 << length) - 1;
  const ones = imms & levels;
  if (ones === levels) return undefined;
  const size = 1n << BigInt(length);
  const rotation = BigInt(immr & levels);
  const element = (1n << BigInt(ones + 1)) - 1n;
  const rotated = ((element >> rotation) | (element << (size - rotation))) & ((1n << size) - 1n);
  let mask = 0n;
  for (let at = 0n; at < 64n; at += size) mask |= rotated << at;
  return mask;
}

/** Bits that a bit-field move takes from the rotated source: wmask AND tmask of DecodeBitMasks. */
export function bitFieldMask(width: 32 | 64, imms: number, immr: number): bigint {
  const count = imms >= immr ? imms - immr + 1 : imms + 1;
  const position = imms >= immr ? 0 : width - immr;
  return ((1n << BigInt(count)) - 1n) << BigInt(position);
}
