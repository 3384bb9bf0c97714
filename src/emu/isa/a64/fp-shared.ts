/**
 * What the floating-point groups share: shapes (one number, or a vector of them), checks on results, and the
 * choice between the host's arithmetic and the exact path in src/emu/fp.
 *
 * Invariant: a result of the host's arithmetic is used only when the architecture's result has the same bits
 * and its exceptions change nothing in FPSR. With FP_FAST set (FPCR default, FPSR.IXC set) that means: no
 * NaN, no overflow, and nothing that was tiny before rounding unless it is exact (Arm ARM shared/functions/
 * float/fpround, FPProcessException).
 */

import { FP_FORMAT } from '../../fp/operations.ts';
import type { F32, F64, I32, I64, Type, V128, Value } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import type { RawFields, Register } from '../row.ts';
import type { Semantics } from '../semantics.ts';

/** Single or double precision: numbered like `ftype` and `sz`. */
export const SINGLE = 0;
export const DOUBLE = 1;

/** How many numbers an operation works on, and of which format. wasm names its instructions by `name`. */
export interface Shape {
  readonly name: 'f32' | 'f64' | 'f32x4' | 'f64x2';
  readonly integer: 'i32' | 'i64' | 'i32x4' | 'i64x2';
  /** The type of values. */
  readonly type: 'f32' | 'f64' | 'v128';
  readonly double: boolean;
  /** Lanes that matter. In a vector of two singles the upper lanes repeat the lower ones. */
  readonly lanes: 1 | 2 | 4;
}
export type Float = F32 | F64 | V128;
/** One truth value, or one a lane. */
export type Mask = I32 | V128;

const F32_SHAPE: Shape = { name: 'f32', integer: 'i32', type: 'f32', double: false, lanes: 1 };
const F64_SHAPE: Shape = { name: 'f64', integer: 'i64', type: 'f64', double: true, lanes: 1 };
/** One number. */
export const scalar = (double: number | boolean): Shape => (double ? F64_SHAPE : F32_SHAPE);
/** A vector: `sz` and Q of the AdvSIMD encodings. */
export function vector(double: number | boolean, q: number): Shape {
  if (double) return { name: 'f64x2', integer: 'i64x2', type: 'v128', double: true, lanes: 2 };
  return { name: 'f32x4', integer: 'i32x4', type: 'v128', double: false, lanes: q ? 4 : 2 };
}
export const isVector = (s: Shape): boolean => s.type === 'v128';
export const formatOf = (s: Shape): number => (s.double ? FP_FORMAT.DOUBLE : FP_FORMAT.SINGLE);

/** Scalar rows: half precision is FEAT_FP16, which is not implemented. */
export const singleOrDouble = ({ ftype = 0 }: RawFields): boolean => ftype <= DOUBLE;
/** Vector rows: 1D does not exist. */
export const notOneDouble = ({ sz = 0, Q = 0 }: RawFields): boolean => sz === SINGLE || Q === 1;

// ---- Registers ----

export function read(b: Semantics, s: Shape, r: Register): Float {
  if (!isVector(s)) return b.lowV<'f32' | 'f64'>(s.type, r) as Float;
  return !s.double && s.lanes === 2 ? b.lowV<'v128'>('v128.64splat', r) : b.V(r);
}

const ZERO_BYTES: readonly number[] = new Array(16).fill(0);
const LOW_HALF = ZERO_BYTES.map((_, at) => (at < 8 ? 0xff : 0));

/** Writes the lanes that matter and clears the rest of the register. */
export function write(b: Semantics, s: Shape, r: Register, value: Float): void {
  if (!isVector(s)) {
    const name = s.double ? 'f64x2.replace_lane' : 'f32x4.replace_lane';
    b.setV(r, b.numeric<'v128'>(name, [b.v128(ZERO_BYTES), value], [0]));
  } else if (!s.double && s.lanes === 2) b.setV(r, b.numeric<'v128'>('v128.and', [value, b.v128(LOW_HALF)]));
  else b.setV(r, value as V128);
}

// ---- Operations on shapes ----

/** The wasm instruction `name` for the shape's numbers. */
export function float(b: Semantics, s: Shape, name: string, ...args: readonly Float[]): Float {
  return b.numeric(`${s.name}.${name}`, args) as Float;
}
/** A comparison. */
export function test(b: Semantics, s: Shape, name: string, x: Float, y: Float): Mask {
  return b.numeric(`${s.name}.${name}`, [x, y]) as Mask;
}
/** The wasm instruction `name` on the shape's bit patterns. */
export function integer<T extends Type>(
  b: Semantics,
  s: Shape,
  name: string,
  ...args: readonly Value[]
): Value<T> {
  return b.numeric<T>(`${s.integer}.${name}`, args);
}
/** The bit pattern. */
export function bitsOf(b: Semantics, s: Shape, x: Float): I32 | I64 | V128 {
  return isVector(s) ? (x as V128) : (b.numeric(`${s.integer}.reinterpret_${s.name}`, [x]) as I32 | I64);
}
export function fromBits(b: Semantics, s: Shape, bits: I32 | I64 | V128): Float {
  return isVector(s) ? (bits as V128) : (b.numeric(`${s.name}.reinterpret_${s.integer}`, [bits]) as Float);
}
export function bitwise(
  b: Semantics,
  s: Shape,
  name: 'and' | 'or' | 'xor',
  x: I32 | I64 | V128,
  y: I32 | I64 | V128,
): I32 | I64 | V128 {
  return b.numeric(`${isVector(s) ? 'v128' : s.integer}.${name}`, [x, y]) as I32 | I64 | V128;
}

const asBits = new DataView(new ArrayBuffer(8));
/** The bit pattern of a number in the shape's format. */
export function patternOf(s: Shape, value: number): bigint {
  if (s.double) asBits.setFloat64(0, value);
  else asBits.setFloat32(0, value);
  return s.double ? asBits.getBigUint64(0) : BigInt(asBits.getUint32(0));
}
/** A bit pattern in every lane. */
export function patternConstant(b: Semantics, s: Shape, bits: bigint): I32 | I64 | V128 {
  const width = s.double ? 64n : 32n;
  if (!isVector(s)) return s.double ? b.i64(bits) : b.i32(Number(BigInt.asIntN(32, bits)));
  return b.v128(ZERO_BYTES.map((_, at) => Number((bits >> ((BigInt(at) * 8n) % width)) & 0xffn)));
}
/** A number in every lane. */
export function constant(b: Semantics, s: Shape, value: number): Float {
  return fromBits(b, s, patternConstant(b, s, patternOf(s, value)));
}

export function both(b: Semantics, x: Mask, y: Mask): Mask {
  return x.type === 'i32' ? b.and(x, y as I32) : b.numeric<'v128'>('v128.and', [x, y]);
}
export function either(b: Semantics, x: Mask, y: Mask): Mask {
  return x.type === 'i32' ? b.or(x, y as I32) : b.numeric<'v128'>('v128.or', [x, y]);
}
/** Whether the mask holds in every lane. */
export function every(b: Semantics, mask: Mask): I32 {
  // Lanes are all ones or all zeros, so narrower lanes say the same.
  return mask.type === 'i32' ? mask : b.numeric<'i32'>('i8x16.all_true', [mask]);
}

// ---- Between singles and doubles ----

/** Bytes for shuffles: the low halves of two vectors, the low words of their doublewords, one upper half. */
const LOW_HALVES = ZERO_BYTES.map((_, at) => (at < 8 ? at : at + 8));
const LOW_WORDS = ZERO_BYTES.map((_, at) => Math.floor(at / 4) * 8 + (at % 4));
const UPPER_HALF = ZERO_BYTES.map((_, at) => 8 + (at % 8));

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

// ---- Checks ----

const SMALLEST_NORMAL = [2 ** -126, 2 ** -1022] as const;

/** Finite and above the smallest normal number: neither overflowed nor tiny before rounding. */
export function isOrdinary(b: Semantics, s: Shape, result: Float): Mask {
  const magnitude = float(b, s, 'abs', result);
  const smallest = constant(b, s, SMALLEST_NORMAL[s.double ? DOUBLE : SINGLE]);
  return both(b, test(b, s, 'gt', magnitude, smallest), isFiniteNumber(b, s, result));
}
export function isFiniteNumber(b: Semantics, s: Shape, x: Float): Mask {
  return test(b, s, 'lt', float(b, s, 'abs', x), constant(b, s, Number.POSITIVE_INFINITY));
}
export function isZero(b: Semantics, s: Shape, x: Float): Mask {
  return test(b, s, 'eq', x, constant(b, s, 0));
}
export function isNumber(b: Semantics, s: Shape, x: Float): Mask {
  return test(b, s, 'eq', x, x);
}

/** FP_FAST: FPCR is in its default mode and Inexact changes nothing. */
export function fastMode(b: Semantics): I32 {
  return b.stateLoad<'i32'>('i32', CPU.FP_FAST);
}

/** FPCR.RMode and FPCR.FZ. */
const FPCR_RMODE = 3 << 22;
const FPCR_FZ = 1 << 24;
/** FPCR.FZ = 0: what is exact raises nothing. */
export function keepsDenormals(b: Semantics): I32 {
  return b.eqz(b.and(b.stateLoad<'i32'>('i32', CPU.FPCR), b.i32(FPCR_FZ)));
}
/** The same and rounding to nearest. */
export function roundsToNearest(b: Semantics): I32 {
  return b.eqz(b.and(b.stateLoad<'i32'>('i32', CPU.FPCR), b.i32(FPCR_FZ | FPCR_RMODE)));
}

// ---- The exact path ----

const SLOT_BYTES = 16;

export type ExactHelper =
  | 'fpUnary'
  | 'fpBinary'
  | 'fpTernary'
  | 'fpConvert'
  | 'fpToFixed'
  | 'fpFromFixed'
  | 'fpIntegerEstimate';

/** Calls the exact path (src/emu/fp/lane-calls): operands and result go through SCRATCH. */
export function exactly<T extends 'i32' | 'i64' | 'f32' | 'f64' | 'v128'>(
  b: Semantics,
  helper: ExactHelper,
  args: readonly (number | I32)[],
  operands: readonly Value[],
  result: T,
): Value<T> {
  putOperands(b, operands);
  b.callNoResult(
    helper,
    args.map((arg) => (typeof arg === 'number' ? b.i32(arg) : arg)),
  );
  return b.stateLoad<T>(result, CPU.SCRATCH);
}
/** Operands for the exact path: slot 0 is for the result. */
export function putOperands(b: Semantics, operands: readonly Value[]): void {
  for (const [i, operand] of operands.entries())
    b.stateStore(operand.type, CPU.SCRATCH + (i + 1) * SLOT_BYTES, operand);
}

interface Attempt<T extends Value> {
  /** Conditions outside the numbers; FP_FAST when absent. */
  readonly mode?: I32;
  readonly result: T;
  /** Whether `result` may be used, in the common case. */
  readonly usual: Mask;
  /** Further cases in which it may be used, tested when the usual ones fail. */
  readonly also?: () => Mask;
}

/** The host's result where it is right, else the exact path's. */
export function attempt<T extends Value>(
  b: Semantics,
  { mode = fastMode(b), result, usual, also }: Attempt<T>,
  exact: () => T,
): T {
  const ifAlso = also
    ? () => b.choose(b.and(mode, every(b, also())), () => result, exact, 'unlikely')
    : exact;
  return b.choose(b.and(mode, every(b, usual)), () => result, ifAlso, 'likely') as T;
}

// ---- Syntax ----

/** The letter of a scalar register by `ftype` or `sz`, before `<Rd>`. */
export const BY_FTYPE = '<ftype:s|d>';
export const BY_SZ = '<sz:s|d>';
/** Arrangement by sz and Q. */
export const T = '<sz.Q:2s|4s|1d|2d>';
