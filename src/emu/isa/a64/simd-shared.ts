/**
 * What the AdvSIMD groups share: vectors of integer lanes, their operands, permutations, and the notation of
 * arrangements in syntax strings. Arm ARM C1.2.4 (register arrangements), A1.4.1 (vector formats).
 *
 * Operands shorter than a register are read with zeros above, and lane operations map zeros to no
 * saturation; so a scalar is a vector of one lane, and the bits above the result are cleared in one place.
 */
import type { I32, I64, LoadKind, Type, V128, Value } from '../../ir/ir.ts';
import type { Register } from '../row.ts';
import type { Semantics } from '../semantics.ts';

export type LaneBits = 8 | 16 | 32 | 64;

/** A vector of integer lanes, of which the lowest `count` matter. */
export interface Lanes {
  readonly bits: LaneBits;
  readonly count: number;
  /** The prefix of wasm's instructions on such lanes. */
  readonly shape: 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2';
}

export const V_BITS = 128;
export const V_BYTES = 16;
/** Bytes of half a vector: what an arrangement with Q = 0 holds. */
export const D_BYTES = 8;
const SHAPES = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;
export const laneBits = (size: number): LaneBits => (8 << size) as LaneBits;

/** Lanes of 8 << `size` bits in `width` bits. */
export function lanesIn(width: number, size: number): Lanes {
  const bits = laneBits(size);
  return { bits, count: width / bits, shape: SHAPES[size as 0 | 1 | 2 | 3] };
}
/** The arrangement that size and Q name: 64 or 128 bits. */
export const arrangement = (size: number, q: number): Lanes => lanesIn(q ? V_BITS : V_BITS / 2, size);
/** One lane. */
export const scalar = (size: number): Lanes => lanesIn(laneBits(size), size);
export const sizeOf = (l: Lanes): number => Math.log2(l.bits) - 3;
/** As many lanes of twice the width. */
export const wider = (l: Lanes): Lanes => lanesIn(2 * l.bits * l.count, sizeOf(l) + 1);

// ---- Operands and results ----

const ZERO_BYTES: readonly number[] = new Array(V_BYTES).fill(0);
export const zeroV = (b: Semantics): V128 => b.v128(ZERO_BYTES);

/** A vector register's low bits as `l` says, zeros above. */
export function readLanes(b: Semantics, l: Lanes, r: Register): V128 {
  switch (l.bits * l.count) {
    case 128:
      return b.V(r);
    case 64:
      return b.lowV<'v128'>('v128.64zero', r);
    case 32:
      return b.lowV<'v128'>('v128.32zero', r);
    default: {
      const low = b.lowV<'i32'>(l.bits === 16 ? 'i32.16u' : 'i32.8u', r);
      return b.numeric<'v128'>('i32x4.replace_lane', [zeroV(b), low], [0]);
    }
  }
}

/** Writes the lanes that matter and clears the rest of the register. */
export function writeLanes(b: Semantics, l: Lanes, r: Register, value: V128): void {
  const bytes = (l.bits * l.count) / 8;
  if (bytes === V_BYTES) return b.setV(r, value);
  const mask = ZERO_BYTES.map((_, at) => (at < bytes ? 0xff : 0));
  b.setV(r, b.numeric<'v128'>('v128.and', [value, b.v128(mask)]));
}

/** Loads that splat one lane over a vector, by size. */
export const SPLAT_LOADS: readonly LoadKind[] = [
  'v128.8splat',
  'v128.16splat',
  'v128.32splat',
  'v128.64splat',
];
/** The lane at byte `offset` of a register, in every lane. */
export const splatLane = (b: Semantics, size: number, r: Register, offset: I32): V128 =>
  b.laneV<'v128'>(SPLAT_LOADS[size] as LoadKind, r, offset);

/** A general register's low bits in every lane. */
export function splatGeneral(b: Semantics, l: Lanes, r: Register): V128 {
  return b.numeric<'v128'>(`${l.shape}.splat`, [l.bits === 64 ? b.X(r) : b.W(r)]);
}

// ---- Lanes ----

/** A constant in every lane. */
export function laneConstant(b: Semantics, l: Lanes, value: bigint): V128 {
  const bits = BigInt.asUintN(l.bits, value);
  return b.v128(ZERO_BYTES.map((_, at) => Number((bits >> BigInt((at * 8) % l.bits)) & 0xffn)));
}
export const mostNegative = (l: Lanes): bigint => 1n << BigInt(l.bits - 1);
export const mostPositive = (l: Lanes): bigint => mostNegative(l) - 1n;
export const allOnes = (b: Semantics): V128 => b.v128(ZERO_BYTES.map(() => 0xff));

/** The wasm instruction `name` on these lanes. */
export function lanewise<T extends Type = 'v128'>(
  b: Semantics,
  l: Lanes,
  name: string,
  ...args: readonly Value[]
): Value<T> {
  return b.numeric<T>(`${l.shape}.${name}`, args);
}
export const andV = (b: Semantics, x: V128, y: V128) => b.numeric<'v128'>('v128.and', [x, y]);
export const orV = (b: Semantics, x: V128, y: V128) => b.numeric<'v128'>('v128.or', [x, y]);
export const xorV = (b: Semantics, x: V128, y: V128) => b.numeric<'v128'>('v128.xor', [x, y]);
export const notV = (b: Semantics, x: V128) => b.numeric<'v128'>('v128.not', [x]);
/** x AND NOT y. */
export const andNotV = (b: Semantics, x: V128, y: V128) => b.numeric<'v128'>('v128.andnot', [x, y]);
/** Bits of x where `mask` has ones, else of y. */
export const selectV = (b: Semantics, mask: V128, x: V128, y: V128) =>
  b.numeric<'v128'>('v128.bitselect', [x, y, mask]);

/** FPSR.QC when any bit of `mask` is set. */
export function saturateWhere(b: Semantics, mask: V128): void {
  b.accumulateSaturation(b.numeric<'i32'>('v128.any_true', [mask]));
}

/** Lane `index` as an i64. */
export function extractLane(b: Semantics, l: Lanes, v: V128, index: number, sign: 's' | 'u'): I64 {
  if (l.bits === 64) return b.numeric<'i64'>('i64x2.extract_lane', [v], [index]);
  const suffix = l.bits === 32 ? '' : `_${sign}`;
  const lane = b.numeric<'i32'>(`${l.shape}.extract_lane${suffix}`, [v], [index]);
  return sign === 's' ? b.signExtend(lane) : b.zeroExtend(lane);
}
/** Puts the low bits of an i64 into lane `index`. */
export function replaceLane(b: Semantics, l: Lanes, v: V128, index: number, value: I64): V128 {
  const lane = l.bits === 64 ? value : b.wrap(value);
  return b.numeric<'v128'>(`${l.shape}.replace_lane`, [v, lane], [index]);
}
/** For what wasm lacks: computes each lane that matters by itself. */
export function mapLanes(
  b: Semantics,
  l: Lanes,
  args: readonly (readonly [V128, 's' | 'u'])[],
  compute: (...lanes: I64[]) => I64,
): V128 {
  let result = zeroV(b);
  for (let index = 0; index < l.count; index++) {
    const lanes = args.map(([v, sign]) => extractLane(b, l, v, index, sign));
    result = replaceLane(b, l, result, index, compute(...lanes));
  }
  return result;
}

// ---- Permutations ----

/**
 * A vector of bytes picked from several sources: byte n of source s is s * 16 + n. A picked byte of −1 may
 * be anything.
 */
export function gather(b: Semantics, sources: readonly V128[], picks: readonly number[]): V128 {
  const used = [...new Set(picks.filter((p) => p >= 0).map((p) => Math.floor(p / V_BYTES)))];
  const first = sources[used[0] ?? 0] as V128;
  if (used.length < 2) return shuffle(b, first, first, (at) => Math.max(picks[at] as number, 0) % V_BYTES);
  let result = first;
  used.slice(1).forEach((source, step) => {
    result = shuffle(b, result, sources[source] as V128, (at) => {
      const pick = picks[at] as number;
      if (pick >= 0 && Math.floor(pick / V_BYTES) === source) return V_BYTES + (pick % V_BYTES);
      // What earlier steps have put in place; in the first step that is still where it was.
      return step === 0 ? Math.max(pick, 0) % V_BYTES : at;
    });
  });
  return result;
}

/** wasm's shuffle: byte `pick(n)` of x (0 … 15) or y (16 … 31) at each n. */
export function shuffle(b: Semantics, x: V128, y: V128, pick: (at: number) => number): V128 {
  const lanes = ZERO_BYTES.map((_, at) => pick(at));
  return b.numeric<'v128'>('i8x16.shuffle', [x, y], lanes);
}

/** Picks whole lanes of x and y: `pick(n)` is a lane of x, or of y when it is at least 128 / bits. */
export function shuffleLanes(
  b: Semantics,
  l: Lanes,
  x: V128,
  y: V128,
  pick: (index: number) => number,
): V128 {
  const bytes = l.bits / 8;
  return shuffle(b, x, y, (at) => pick(Math.floor(at / bytes)) * bytes + (at % bytes));
}

/** Even (`odd` = 0) or odd lanes of x, then those of y, in the lanes that matter. */
export function everySecondLane(b: Semantics, l: Lanes, x: V128, y: V128, odd: 0 | 1): V128 {
  const half = l.count / 2;
  const all = V_BITS / l.bits;
  return shuffleLanes(b, l, x, y, (at) => {
    const index = at % l.count;
    return index < half ? 2 * index + odd : all + 2 * (index - half) + odd;
  });
}

/**
 * Packs the low (`half` = 0) or high halves of wide lanes: into the low half of the register, or, by Q, over
 * the high half of `old`.
 */
export function packHalves(b: Semantics, wide: Lanes, x: V128, half: 0 | 1, old?: V128): V128 {
  const bytes = wide.bits / 16;
  const pick = (at: number) => 2 * bytes * Math.floor(at / bytes) + half * bytes + (at % bytes);
  if (old) return shuffle(b, old, x, (at) => (at < D_BYTES ? at : V_BYTES + pick(at - D_BYTES)));
  return shuffle(b, x, zeroV(b), (at) => (at < D_BYTES ? pick(at) : V_BYTES));
}

// ---- Syntax ----
// `<f.g>` is the number that fields f and g form when joined; `<f.g:a|b|…>` the alternative that it chooses.
// `<32-f>` and `<f/2>` are computed from a field; `:hex`, `:float` and `:bytes` say how an immediate is
// shown (bytes: each bit stands for a byte of ones). `<Vd>` is v and the register's number, `<Vt+1>` the next
// register's; a range of registers that goes on from V31 to V0 is shown as a list. `<Rd>` straight after a
// letter is the number alone.

/** Arrangement by size and Q. */
export const T = '<size.Q:8b|16b|4h|8h|2s|4s|1d|2d>';
/** The arrangement of 128 bits with lanes twice as wide. */
export const TA = '<size:8h|4s|2d|1q>';
/** 2 in mnemonics that work on the upper half. */
export const SECOND = '<Q:|2>';
/** A scalar register by size, and by size with lanes twice as wide: `<V>` before `<Rd>`. */
export const SCALAR = '<size:b|h|s|d>';
export const SCALAR_WIDE = '<size:h|s|d|q>';
/** Arrangement of lanes of a fixed size, by Q. */
export const arrangementText = (size: number): string =>
  `<Q:${D_BYTES >> size}${LANE_LETTERS[size]}|${V_BYTES >> size}${LANE_LETTERS[size]}>`;
export const LANE_LETTERS = ['b', 'h', 's', 'd', 'q'] as const;

/** Consecutive registers, from one whose field the syntax calls `first`. */
export function registerList(first: string, count: number, lanes: string): string {
  if (count === 1) return `{<${first}>.${lanes}}`;
  const separator = count === 2 ? ', ' : '-';
  return `{<${first}>.${lanes}${separator}<${first}+${count - 1}>.${lanes}}`;
}
