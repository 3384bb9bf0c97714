/**
 * SSHL, USHL and their rounding and saturating forms: each lane shifted by the signed low byte of the other
 * vector's lane, left when positive. wasm shifts all lanes alike, so each lane is computed as an i64.
 */
import type { I32, I64 } from '../../ir/ir.ts';
import type { Semantics } from '../semantics.ts';
import type { LaneOperation } from './simd-lanes.ts';
import { mapLanes } from './simd-shared.ts';

interface ShiftOptions {
  readonly rounding?: boolean;
  readonly saturating?: boolean;
}
type Sign = 's' | 'u';

const I64_BITS = 64;
const SIGNED_MAXIMUM = (1n << 63n) - 1n;

export const shiftByRegister =
  (sign: Sign, { rounding = false, saturating = false }: ShiftOptions): LaneOperation =>
  (b, l, x, y) => {
    let saturated: I32 = b.i32(0);
    const result = mapLanes(
      b,
      l,
      [
        [x, sign],
        [y, 's'],
      ],
      (value, lane) => {
        const amount = b.numeric<'i64'>('i64.extend8_s', [lane]);
        const isLeft = b.geS(amount, b.i64(0));
        const right = shiftRight(b, value, b.neg(amount), sign, rounding);
        if (!saturating) return b.select(isLeft, shiftLeft(b, value, amount), right);
        const left = shiftLeftSaturating(b, value, amount, l.bits, sign);
        saturated = b.or(saturated, b.and(isLeft, left.saturated));
        return b.select(isLeft, left.value, right);
      },
    );
    if (saturating) b.accumulateSaturation(saturated);
    return result;
  };

/** x << n for n of 0 and more. */
function shiftLeft(b: Semantics, x: I64, n: I64): I64 {
  return b.select(b.ltU(n, b.i64(I64_BITS)), b.shl(x, n), b.i64(0));
}

/** The same in a lane of `bits` bits, which is worked on at the top of the i64. */
function shiftLeftSaturating(
  b: Semantics,
  x: I64,
  n: I64,
  bits: number,
  sign: Sign,
): { value: I64; saturated: I32 } {
  const unused = b.i64(I64_BITS - bits);
  const back = (v: I64, by: I64) => (sign === 's' ? b.shrS(v, by) : b.shrU(v, by));
  const top = b.shl(x, unused);
  const shifted = shiftLeft(b, top, n);
  const lost = b.select(b.ltU(n, b.i64(I64_BITS)), b.ne(back(shifted, n), top), b.ne(top, b.i64(0)));
  const limit = sign === 's' ? b.xor(b.shrS(top, b.i64(I64_BITS - 1)), b.i64(SIGNED_MAXIMUM)) : b.i64(-1);
  return { value: back(b.select(lost, limit, shifted), unused), saturated: lost };
}

/** x >> n for n of 1 and more; rounding adds the last bit that is shifted out. */
function shiftRight(b: Semantics, x: I64, n: I64, sign: Sign, rounding: boolean): I64 {
  const before = b.sub(n, b.i64(1));
  const one = b.i64(1);
  const inRange = b.ltU(before, b.i64(I64_BITS));
  const almost =
    sign === 's'
      ? b.shrS(x, b.select(inRange, before, b.i64(I64_BITS - 1)))
      : b.select(inRange, b.shrU(x, before), b.i64(0));
  const result = sign === 's' ? b.shrS(almost, one) : b.shrU(almost, one);
  return rounding ? b.add(result, b.and(almost, one)) : result;
}
