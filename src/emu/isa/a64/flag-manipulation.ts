/**
 * Instructions that compute on the condition flags themselves (FEAT_FlagM, FEAT_FlagM2; Arm ARM C4.1.94 "PSTATE",
 * C4.1.95 "Rotate right into flags", "Evaluate into flags"). Flags are the bits N, Z, C, V from 3 to 0.
 */
import type { I32 } from '../../ir/ir.ts';
import { type Row, row, u16, withFeature } from '../row.ts';
import type { Semantics } from '../semantics.ts';

const [N, Z, C, V] = [3, 2, 1, 0] as const;

const bit = (b: Semantics, flags: I32, at: number) => b.and(b.shrU(flags, b.i32(at)), b.i32(1));
const opposite = (b: Semantics, value: I32) => b.xor(value, b.i32(1));
/** Puts bits at their places. */
function pack(b: Semantics, n: I32, z: I32, c: I32, v: I32): I32 {
  const at = (value: I32, place: number) => b.shl(value, b.i32(place));
  return b.or(b.or(at(n, N), at(z, Z)), b.or(at(c, C), v));
}

const invertCarry = row('CFINV', '1101010100 0 00 000 0100 0000 000 11111', 'cfinv', {
  execute: (_, b) => b.putFlags(b.xor(b.flags(), b.i32(1 << C))),
});

/** RMIF: rotate, mask, insert flags. */
const rotateMaskInsert = row(
  'RMIF',
  '1 01 11010000 imm6:6 00001 Rn:5 0 mask:4',
  'rmif <Xn>, #<imm6>, #<mask>',
  {
    operands: {
      amount: u16(['imm6'], ({ imm6 = 0 }) => imm6),
      mask: u16(['mask'], (f) => f.mask ?? 0),
    },
    execute: ({ Rn, amount, mask }, b) => {
      const rotated = b.wrap(b.rotr(b.X(Rn), b.zeroExtend(amount)));
      const kept = b.and(b.flags(), b.not(mask));
      b.putFlags(b.or(kept, b.and(rotated, mask)));
    },
  },
);

/** SETF8, SETF16: N, Z and V of a value as narrow as this; C stays. */
const evaluate = (bits: 8 | 16, sz: '0' | '1'): Row =>
  row(`SETF${bits}`, `0 01 11010000 000000 ${sz} 0010 Rn:5 0 1101`, `setf${bits} <Wn>`, {
    execute: ({ Rn }, b) => {
      const value = b.W(Rn);
      const sign = bit(b, value, bits - 1);
      const zero = b.eqz(b.shl(value, b.i32(32 - bits)));
      const overflow = b.xor(bit(b, value, bits), sign);
      b.putFlags(pack(b, sign, zero, bit(b, b.flags(), C), overflow));
    },
  });

/** XAFLAG: from the flags of another floating-point comparison, in which Z means unordered or equal, to Arm's. */
const fromExternal = row('XAFLAG', '1101010100 0 00 000 0100 0000 001 11111', 'xaflag', {
  execute: (_, b) => {
    const flags = b.flags();
    const [z, c] = [bit(b, flags, Z), bit(b, flags, C)];
    const notCarry = opposite(b, c);
    b.putFlags(pack(b, b.and(notCarry, opposite(b, z)), b.and(z, c), b.or(c, z), b.and(notCarry, z)));
  },
});

/** AXFLAG: the other way. */
const toExternal = row('AXFLAG', '1101010100 0 00 000 0100 0000 010 11111', 'axflag', {
  execute: (_, b) => {
    const flags = b.flags();
    const v = bit(b, flags, V);
    const z = b.or(bit(b, flags, Z), v);
    b.putFlags(pack(b, b.i32(0), z, b.and(bit(b, flags, C), opposite(b, v)), b.i32(0)));
  },
});

export const flagManipulation: readonly Row[] = [
  ...withFeature('FEAT_FlagM', [invertCarry, rotateMaskInsert, evaluate(8, '0'), evaluate(16, '1')]),
  ...withFeature('FEAT_FlagM2', [fromExternal, toExternal]),
];
