/** AdvSIMDExpandImm (Arm ARM, shared/functions/vector): the 64 bits of a modified immediate. */
import { expandImmediate as expandFloat } from './fp-scalar.ts';
import { DOUBLE, HALF, SINGLE } from './fp-shared.ts';

const BYTE = 0xffn;
const replicate = (value: bigint, bits: number): bigint => {
  let result = 0n;
  for (let at = 0; at < 64; at += bits) result |= value << BigInt(at);
  return result;
};

/** `mode` is cmode, 4 bits. */
export function expandImmediate(op: number, mode: number, imm8: number): bigint {
  const byte = BigInt(imm8);
  const kind = mode >> 1;
  if (kind < 4) return replicate(byte << BigInt(8 * kind), 32);
  if (kind < 6) return replicate(byte << BigInt(8 * (kind & 1)), 16);
  if (kind === 6) {
    // MSL: ones are shifted in.
    const by = mode & 1 ? 16n : 8n;
    return replicate((byte << by) | ((1n << by) - 1n), 32);
  }
  if ((mode & 1) === 0) return op ? bytesFromBits(imm8) : replicate(byte, 8);
  return op ? expandFloat(DOUBLE, imm8) : replicate(expandFloat(SINGLE, imm8), 32);
}

/** FMOV (vector, immediate) of halves: o2 = 1 beside cmode 1111. */
export const expandHalfImmediate = (imm8: number): bigint => replicate(expandFloat(HALF, imm8), 16);

/** Each bit of imm8 becomes a byte of zeros or ones. */
function bytesFromBits(imm8: number): bigint {
  let result = 0n;
  for (let bit = 0; bit < 8; bit++) if ((imm8 >> bit) & 1) result |= BYTE << BigInt(8 * bit);
  return result;
}
