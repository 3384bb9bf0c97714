/**
 * Conversions between doubles and 64-bit integers in two halves, for FPCR in its default mode: FCVTxS,
 * FCVTxU, SCVTF and UCVTF as sums and products that a double holds exactly. Singles and halves use the same,
 * widened.
 */
import { FPSR, ROUNDING, type Rounding } from './environment.ts';
import { roundToOdd, sumError } from './exact-error.ts';
import type { Store } from './fast-narrow.ts';
import { roundTiesToAway, roundTiesToEven, UNKNOWN } from './fast-operations.ts';

const TWO_32 = 2 ** 32;
const HALF_WORD_BITS = 16;
const HALF_WORD = 0xffff;

const ROUNDERS: readonly ((a: number) => number)[] = (() => {
  const rounders: ((a: number) => number)[] = [];
  rounders[ROUNDING.TIEEVEN] = roundTiesToEven;
  rounders[ROUNDING.POSINF] = Math.ceil;
  rounders[ROUNDING.NEGINF] = Math.floor;
  rounders[ROUNDING.ZERO] = Math.trunc;
  rounders[ROUNDING.TIEAWAY] = roundTiesToAway;
  return rounders;
})();

/** Stores `a` × 2^fractionBits as a `width`-bit integer in two words; UNKNOWN when it does not fit. */
export function doubleToFixed(
  a: number,
  width: number,
  fractionBits: number,
  unsigned: boolean,
  rounding: Rounding,
  words: Int32Array,
): number {
  const scaled = a * 2 ** fractionBits;
  const rounded = ROUNDERS[rounding]!(scaled);
  const limit = 2 ** (unsigned ? width : width - 1);
  const smallest = unsigned ? 0 : -limit;
  if (!(rounded < limit && rounded >= smallest)) return UNKNOWN;
  const high = Math.floor(rounded / TWO_32);
  words[0] = rounded - high * TWO_32;
  words[1] = width === 64 ? high : 0;
  if (width === HALF_WORD_BITS) words[0] = words[0]! & HALF_WORD;
  return rounded === scaled ? 0 : FPSR.IXC;
}

/** Stores the integer in two words, divided by 2^fractionBits, rounded to nearest. */
export function fixedToDouble(
  low: number,
  high: number,
  width: number,
  fractionBits: number,
  unsigned: boolean,
  result: Float64Array,
): number {
  const value = assemble(low, high, width, unsigned);
  result[0] = value.nearest * 2 ** -fractionBits;
  return value.error === 0 ? 0 : FPSR.IXC;
}

/** As fixedToDouble, to single or half: 64 bits pass through a double rounded to odd. */
export function fixedToNarrow(
  store: Store,
  low: number,
  high: number,
  width: number,
  fractionBits: number,
  unsigned: boolean,
  result: Float32Array,
): number {
  const value = assemble(low, high, width, unsigned);
  const odd = roundToOdd(value.nearest, value.error) * 2 ** -fractionBits;
  return store(odd, value.error === 0, result);
}

/** The nearest double to an integer, and what it leaves. */
function assemble(
  low: number,
  high: number,
  width: number,
  unsigned: boolean,
): { readonly nearest: number; readonly error: number } {
  if (width < 64) {
    const unused = 32 - width;
    const top = low << unused;
    return { nearest: unsigned ? top >>> unused : top >> unused, error: 0 };
  }
  const highPart = (unsigned ? high >>> 0 : high | 0) * TWO_32;
  const lowPart = low >>> 0;
  const nearest = highPart + lowPart;
  return { nearest, error: sumError(highPart, lowPart, nearest) };
}
