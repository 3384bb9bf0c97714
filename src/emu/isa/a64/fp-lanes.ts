/** Halves of vectors between singles and doubles: what conversions and fused operations put side by side. */
import type { V128 } from '../../ir/ir.ts';
import type { Semantics } from '../semantics.ts';
import type { Mask } from './fp-shared.ts';

const BYTES: readonly number[] = Array.from({ length: 16 }, (_, at) => at);
/** Bytes for shuffles: the low halves of two vectors, the low words of their doublewords, one upper half. */
const LOW_HALVES = BYTES.map((at) => (at < 8 ? at : at + 8));
const LOW_WORDS = BYTES.map((at) => Math.floor(at / 4) * 8 + (at % 4));
const UPPER_HALF = BYTES.map((at) => 8 + (at % 8));

/** The lower or upper two of four singles as doubles. */
export function promoteHalf(b: Semantics, v: V128, half: 0 | 1): V128 {
  return b.numeric('f64x2.promote_low_f32x4', [half === 0 ? v : upperHalf(b, v)]);
}
/** The upper half, twice. */
export function upperHalf(b: Semantics, v: V128): V128 {
  return b.numeric('i8x16.shuffle', [v, v], UPPER_HALF);
}
/** Two pairs of doubles as four singles. */
export function demotePair(b: Semantics, low: V128, high: V128): V128 {
  const demote = (v: V128): V128 => b.numeric('f32x4.demote_f64x2_zero', [v]);
  return lowHalves(b, demote(low), demote(high));
}
/** The low half of `low`, below that of `high`. */
export function lowHalves(b: Semantics, low: V128, high: V128): V128 {
  return b.numeric('i8x16.shuffle', [low, high], LOW_HALVES);
}
/** The masks of two pairs of doubles as one of four singles. */
export function narrowMasks(b: Semantics, low: Mask, high: Mask): V128 {
  return b.numeric('i8x16.shuffle', [low, high], LOW_WORDS);
}
