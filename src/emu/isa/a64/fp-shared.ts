/**
 * What the floating-point groups share: shapes (one number, or a vector of them), checks on results, and the
 * choice between the host's arithmetic and the exact path in src/emu/fp.
 *
 * Invariant: a result of the host's arithmetic is used only when the architecture's result has the same bits
 * and its exceptions change nothing in FPSR. With FP_FAST set (FPCR default, FPSR.IXC set) that means: no
 * NaN, no overflow, and nothing that was tiny before rounding unless it is exact (Arm ARM shared/functions/
 * float/fpround, FPProcessException).
 */

import { assert } from '../../base/assert.ts';
import { FPCR } from '../../fp/environment.ts';
import { SIGN_SHIFT } from '../../fp/fast-limits.ts';
import { FP_FORMAT } from '../../fp/operations.ts';
import type { F32, F64, I32, I64, Type, V128, Value } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import type { FeatureName } from '../features.ts';
import { floatPattern } from '../float-immediate.ts';
import type { RawFields, Register } from '../row.ts';
import type { Semantics } from '../semantics.ts';

/** Formats as `ftype` numbers them; `sz` knows the first two. */
export const SINGLE = 0;
export const DOUBLE = 1;
export const HALF = 3;

/** How many numbers an operation works on, and of which format. */
export interface Shape {
  /** What wasm names its instructions by; it has none for halves. */
  readonly name: 'f16' | 'f32' | 'f64' | 'f16x8' | 'f32x4' | 'f64x2';
  readonly integer: 'i32' | 'i64' | 'i16x8' | 'i32x4' | 'i64x2';
  /** The type of values; one half is its bit pattern. */
  readonly type: 'i32' | 'f32' | 'f64' | 'v128';
  /** FP_FORMAT, for the exact path. */
  readonly format: number;
  readonly double: boolean;
  readonly half: boolean;
  /** Lanes that matter. In a vector of 64 bits the upper lanes repeat the lower ones. */
  readonly lanes: 1 | 2 | 4 | 8;
  readonly laneBits: 16 | 32 | 64;
  /** The format's smallest normal number, and the least magnitude that rounds to infinity. */
  readonly smallestNormal: number;
  readonly overflow: number;
}
export type Float = I32 | F32 | F64 | V128;
/** One truth value, or one a lane. */
export type Mask = I32 | V128;

const HALF_RANGE = { smallestNormal: 2 ** -14, overflow: 65520 } as const;
const HALF_LANES = {
  format: FP_FORMAT.HALF,
  double: false,
  half: true,
  laneBits: 16,
  ...HALF_RANGE,
} as const;
const SINGLE_LANES = {
  format: FP_FORMAT.SINGLE,
  double: false,
  half: false,
  laneBits: 32,
  smallestNormal: 2 ** -126,
  overflow: Number.POSITIVE_INFINITY,
} as const;
const DOUBLE_LANES = {
  format: FP_FORMAT.DOUBLE,
  double: true,
  half: false,
  laneBits: 64,
  smallestNormal: 2 ** -1022,
  overflow: Number.POSITIVE_INFINITY,
} as const;

const HALF_NUMBER: Shape = { name: 'f16', integer: 'i32', type: 'i32', lanes: 1, ...HALF_LANES };
const SINGLE_NUMBER: Shape = { name: 'f32', integer: 'i32', type: 'f32', lanes: 1, ...SINGLE_LANES };
const DOUBLE_NUMBER: Shape = { name: 'f64', integer: 'i64', type: 'f64', lanes: 1, ...DOUBLE_LANES };
const SCALARS = [SINGLE_NUMBER, DOUBLE_NUMBER, undefined, HALF_NUMBER] as const;
/** One number, of the format that `ftype` or `sz` says. */
export function scalar(ftype: number | boolean): Shape {
  const shape = SCALARS[Number(ftype)];
  assert(shape, 'ftype 2 is unallocated');
  return shape;
}
/** A vector: the format as for `scalar`, and Q of the AdvSIMD encodings. */
export function vector(ftype: number | boolean, q: number): Shape {
  const format = Number(ftype);
  if (format === DOUBLE) return { name: 'f64x2', integer: 'i64x2', type: 'v128', lanes: 2, ...DOUBLE_LANES };
  if (format === HALF)
    return { name: 'f16x8', integer: 'i16x8', type: 'v128', lanes: q ? 8 : 4, ...HALF_LANES };
  return { name: 'f32x4', integer: 'i32x4', type: 'v128', lanes: q ? 4 : 2, ...SINGLE_LANES };
}
/** Singles that stand for the numbers of `s`, which are halves. */
export function singlesOf(s: Shape): Shape {
  return { ...(isVector(s) ? vector(SINGLE, 1) : SINGLE_NUMBER), ...HALF_RANGE };
}
export const isVector = (s: Shape): boolean => s.type === 'v128';
/** A vector of 64 bits. */
const isShort = (s: Shape): boolean => isVector(s) && s.lanes * s.laneBits === 64;

/** Which values of `ftype` are formats. */
export const isFormat = ({ ftype = 0 }: RawFields): boolean => SCALARS[ftype] !== undefined;
/** The feature that `ftype` asks for. */
export const featureOfFormat = ({ ftype = 0 }: RawFields): FeatureName | undefined =>
  ftype === HALF ? 'FEAT_FP16' : undefined;
/** Vector rows: 1D does not exist. */
export const notOneDouble = ({ sz = 0, Q = 0 }: RawFields): boolean => sz === SINGLE || Q === 1;

// ---- Registers ----

export function read(b: Semantics, s: Shape, r: Register): Float {
  if (s.half && !isVector(s)) return b.lowV<'i32'>('i32.16u', r);
  if (!isVector(s)) return b.lowV<'f32' | 'f64'>(s.type, r) as Float;
  return isShort(s) ? b.lowV<'v128'>('v128.64splat', r) : b.V(r);
}

const ZERO_BYTES: readonly number[] = new Array(16).fill(0);
const LOW_HALF = ZERO_BYTES.map((_, at) => (at < 8 ? 0xff : 0));

/** Writes the lanes that matter and clears the rest of the register. */
export function write(b: Semantics, s: Shape, r: Register, value: Float): void {
  if (value.type === 'i32') b.setS(r, value);
  else if (!isVector(s)) {
    const name = s.double ? 'f64x2.replace_lane' : 'f32x4.replace_lane';
    b.setV(r, b.numeric<'v128'>(name, [b.v128(ZERO_BYTES), value], [0]));
  } else if (isShort(s)) b.setV(r, b.numeric<'v128'>('v128.and', [value, b.v128(LOW_HALF)]));
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
  if (isVector(s) || s.half) return x as I32 | V128;
  return b.numeric(`${s.integer}.reinterpret_${s.name}`, [x]) as I32 | I64;
}
export function fromBits(b: Semantics, s: Shape, bits: I32 | I64 | V128): Float {
  if (isVector(s) || s.half) return bits as I32 | V128;
  return b.numeric(`${s.name}.reinterpret_${s.integer}`, [bits]) as Float;
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

/** A bit pattern in every lane. */
export function patternConstant(b: Semantics, s: Shape, bits: bigint): I32 | I64 | V128 {
  if (!isVector(s)) return s.double ? b.i64(bits) : b.i32(Number(BigInt.asIntN(32, bits)));
  const width = BigInt(s.laneBits);
  return b.v128(ZERO_BYTES.map((_, at) => Number((bits >> ((BigInt(at) * 8n) % width)) & 0xffn)));
}
/** A number in every lane. */
export function constant(b: Semantics, s: Shape, value: number): Float {
  return fromBits(b, s, patternConstant(b, s, floatPattern(s.format, value)));
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

// ---- Checks ----

/** Finite; or finite and above the smallest normal number: neither overflowed nor tiny before rounding. */
export type Range = 'finite' | 'ordinary';

export function isInRange(b: Semantics, s: Shape, range: Range, result: Float): Mask {
  return range === 'finite' ? isFiniteNumber(b, s, result) : isOrdinary(b, s, result);
}
export function isOrdinary(b: Semantics, s: Shape, result: Float): Mask {
  const magnitude = float(b, s, 'abs', result);
  const smallest = constant(b, s, s.smallestNormal);
  return both(b, test(b, s, 'gt', magnitude, smallest), isFiniteNumber(b, s, result));
}
export function isFiniteNumber(b: Semantics, s: Shape, x: Float): Mask {
  return test(b, s, 'lt', float(b, s, 'abs', x), constant(b, s, s.overflow));
}
export function isZero(b: Semantics, s: Shape, x: Float): Mask {
  return test(b, s, 'eq', x, constant(b, s, 0));
}
export function isNumber(b: Semantics, s: Shape, x: Float): Mask {
  return test(b, s, 'eq', x, x);
}

/** Cells with a format's limits (fp/fast-limits.ts), below which nothing is while FP_FAST is clear. */
const SINGLE_CELLS = {
  finite: CPU.FP_FINITE_S,
  smallest: CPU.FP_SMALLEST_S,
  ordinary: CPU.FP_ORDINARY_S,
} as const;
const DOUBLE_CELLS = {
  finite: CPU.FP_FINITE_D,
  smallest: CPU.FP_SMALLEST_D,
  ordinary: CPU.FP_ORDINARY_D,
} as const;

/**
 * FP_FAST is set and the result is finite, or ordinary (or as tiny as it likes, once FPSR has noted Underflow), in one
 * comparison; undefined for halves, whose range no cell
 * has, and for vectors, which a limit from memory made slower.
 */
export function fastResult(b: Semantics, s: Shape, result: Float, range: Range): I32 | undefined {
  if (isVector(s) || s.overflow !== Number.POSITIVE_INFINITY) return undefined;
  const cells = s.double ? DOUBLE_CELLS : SINGLE_CELLS;
  const integers = s.integer as 'i32' | 'i64';
  const one = patternConstant(b, s, BigInt(SIGN_SHIFT));
  const pattern = integer(b, s, 'shl', bitsOf(b, s, result), one);
  if (range === 'finite') return integer<'i32'>(b, s, 'lt_u', pattern, b.stateLoad(integers, cells.finite));
  const above = integer(b, s, 'sub', pattern, b.stateLoad(integers, cells.smallest));
  return integer<'i32'>(b, s, 'lt_u', above, b.stateLoad(integers, cells.ordinary));
}

/** FP_FAST: FPCR is in its default mode and Inexact changes nothing. */
export function fastMode(b: Semantics): I32 {
  return b.stateLoad<'i32'>('i32', CPU.FP_FAST);
}

/** FPCR's bit that flushes denormals of this format. */
const flushBit = (s: Shape) => (s.half ? FPCR.FZ16 : FPCR.FZ);
const fpcrClear = (b: Semantics, bits: number) =>
  b.eqz(b.and(b.stateLoad<'i32'>('i32', CPU.FPCR), b.i32(bits)));
/** FPCR.FZ (FZ16) = 0: what is exact raises nothing. */
export function keepsDenormals(b: Semantics, s: Shape): I32 {
  return fpcrClear(b, flushBit(s));
}
/** The same and rounding to nearest. */
export function roundsToNearest(b: Semantics, s: Shape): I32 {
  return fpcrClear(b, flushBit(s) | FPCR.RMODE);
}
/** The operand that is returned when one or both are quiet NaNs and none is signalling (FPProcessNaNs); else `otherwise`. */
export function orQuietNaN(b: Semantics, s: Shape, x: Float, y: Float, otherwise: () => Float): Float {
  const [isNaN1, isNaN2] = [test(b, s, 'ne', x, x), test(b, s, 'ne', y, y)] as [I32, I32];
  // FPCR.FZ: the other operand could be a denormal, which is noted when it is flushed.
  const isPlain = b.and(fpcrClear(b, FPCR.FZ | FPCR.DN), b.or(isNaN1, isNaN2));
  const isQuiet = b.and(isQuietOrNone(b, s, x, isNaN1), isQuietOrNone(b, s, y, isNaN2));
  return b.choose(
    b.and(isPlain, isQuiet),
    () => b.select<'f32' | 'f64'>(isNaN1, x as F32 | F64, y as F32 | F64),
    otherwise,
    'unlikely',
  );
}
/** Of a number, of which it is known whether it is a NaN. */
export function isQuietOrNone(b: Semantics, s: Shape, x: Float, notANumber: I32): I32 {
  const quiet = bitwise(
    b,
    s,
    'and',
    bitsOf(b, s, x),
    patternConstant(b, s, s.double ? 1n << 51n : 1n << 22n),
  );
  return b.or(b.eqz(notANumber), integer<'i32'>(b, s, 'ne', quiet, patternConstant(b, s, 0n)));
}
/** FPCR.AHP = 0: halves are those of IEEE 754, also in conversions between formats, which ignore FZ16. */
export function standardHalves(b: Semantics): I32 {
  return fpcrClear(b, FPCR.AHP);
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
export function exactly<T extends Type>(
  b: Semantics,
  helper: ExactHelper,
  args: readonly (number | I32)[],
  operands: readonly Value[],
  result: T,
): Value<T> {
  callExact(b, helper, args, operands);
  return b.stateLoad<T>(result, CPU.SCRATCH);
}
/** The same for a result of this shape. */
export function exactFloat(
  b: Semantics,
  s: Shape,
  helper: ExactHelper,
  args: readonly (number | I32)[],
  operands: readonly Value[],
): Float {
  callExact(b, helper, args, operands);
  return b.stateLoad(s.type === 'i32' ? 'i32.16u' : s.type, CPU.SCRATCH) as Float;
}
function callExact(
  b: Semantics,
  helper: ExactHelper,
  args: readonly (number | I32)[],
  operands: readonly Value[],
): void {
  putOperands(b, operands);
  b.callNoResult(
    helper,
    args.map((arg) => (typeof arg === 'number' ? b.i32(arg) : arg)),
  );
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
  /** `usual` and FP_FAST in one test, where there is one. */
  readonly fast?: I32 | undefined;
  /** Further cases in which it may be used, tested when the usual ones fail. */
  readonly also?: () => Mask;
}

/** The host's result where it is right, else the exact path's. */
export function attempt<T extends Value>(
  b: Semantics,
  { mode = fastMode(b), result, usual, fast, also }: Attempt<T>,
  exact: () => T,
): T {
  const ifAlso = also
    ? () => b.choose(b.and(mode, every(b, also())), () => result, exact, 'unlikely')
    : exact;
  return b.choose(fast ?? b.and(mode, every(b, usual)), () => result, ifAlso, 'likely') as T;
}

// ---- Syntax ----

/** The letter of a scalar register by `ftype` or `sz`, before `<Rd>`. */
export const BY_FTYPE = '<ftype:s|d||h>';
export const BY_SZ = '<sz:s|d>';
/** Arrangement of halves by Q. */
export const HALVES = '<Q:4h|8h>';
/** Arrangement by sz and Q. */
export const T = '<sz.Q:2s|4s|1d|2d>';
