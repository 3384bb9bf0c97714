/**
 * Floating-point operations on numbers or vectors, each defined once for all the instructions that use it:
 * the host's arithmetic, the condition under which it is right (fp-shared.ts), and the exact operation of
 * src/emu/fp behind it. Arm ARM shared/functions/float.
 */
import { type BinaryName, FP_BINARY, FP_UNARY, type UnaryName } from '../../fp/operations.ts';
import type { I32, V128 } from '../../ir/ir.ts';
import type { Register } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { allOf, type Candidate, hostParts, hostShape, joinMasks, onHost } from './fp-half.ts';
import {
  attempt,
  bitsOf,
  bitwise,
  both,
  constant,
  either,
  exactFloat,
  type Float,
  fastResult,
  float,
  fromBits,
  isInRange,
  isNumber,
  isOrdinary,
  isVector,
  isZero,
  keepsDenormals,
  type Mask,
  orQuietNaN,
  patternConstant,
  type Range,
  read,
  roundsToNearest,
  type Shape,
  test,
  write,
} from './fp-shared.ts';

export type Binary = (b: Semantics, s: Shape, x: Float, y: Float) => Float;
export type Unary = (b: Semantics, s: Shape, x: Float) => Float;

export const exactBinary =
  (name: BinaryName): Binary =>
  (b, s, x, y) =>
    exactFloat(b, s, 'fpBinary', [FP_BINARY[name], s.format, s.lanes], [x, y]);
export const exactUnary =
  (name: UnaryName): Unary =>
  (b, s, x) =>
    exactFloat(b, s, 'fpUnary', [FP_UNARY[name], s.format, s.lanes], [x]);

interface Rule {
  /** Where the host's result is right, given that FP_FAST is set. */
  readonly range: Range;
  /** More cases. */
  readonly also?: (b: Semantics, s: Shape, result: Float, x: Float, y: Float) => Mask;
}
/** Sums and differences are exact when they are tiny. */
const SUM: Rule = { range: 'finite' };
/** A zero that comes from a zero is exact; any other has underflowed. */
const PRODUCT: Rule = {
  range: 'ordinary',
  also: (b, s, result, x, y) =>
    either(
      b,
      isOrdinary(b, s, result),
      both(b, isZero(b, s, result), either(b, isZero(b, s, x), isZero(b, s, y))),
    ),
};
const QUOTIENT: Rule = {
  range: 'ordinary',
  also: (b, s, result, x) =>
    either(b, isOrdinary(b, s, result), both(b, isZero(b, s, result), isZero(b, s, x))),
};

/** An operand that is a NaN is the result, and nothing changes its sign after that. */
const PASSES_NANS = true;
const arithmetic =
  (name: BinaryName, { range, also }: Rule, compute: Binary, passesNaNs = false): Binary =>
  (b, s, x, y) => {
    const found = onHost(b, s, [x, y], (w, p, q) => {
      const result = compute(b, w, p, q);
      return {
        result,
        usual: isInRange(b, w, range, result),
        fast: fastResult(b, w, result, range),
        ...(also && { also: () => also(b, w, result, p, q) }),
      };
    });
    const exact = () => exactBinary(name)(b, s, x, y);
    const isPlain = passesNaNs && !isVector(s) && !s.half;
    return attempt(b, found, isPlain ? () => orQuietNaN(b, s, x, y, exact) : exact);
  };
const host =
  (name: string): Binary =>
  (b, s, x, y) =>
    float(b, s, name, x, y);

/** A result that is right unless it is a NaN. */
const number = (b: Semantics, s: Shape, result: Float): Candidate => ({
  result,
  usual: isNumber(b, s, result),
});

/** Maxima and minima give one of their operands; the host agrees about the signs of zeros, not about NaNs. */
const extremum =
  (name: BinaryName, hostName: 'min' | 'max'): Binary =>
  (b, s, x, y) => {
    const found = onHost(b, s, [x, y], (w, p, q) => number(b, w, float(b, w, hostName, p, q)));
    return attempt(b, { mode: keepsDenormals(b, s), ...found }, () => exactBinary(name)(b, s, x, y));
  };

/** Comparisons that give a mask: exact unless an operand is a NaN. */
const comparison =
  (name: BinaryName, hostName: 'eq' | 'ge' | 'gt', absolute = false): Binary =>
  (b, s, x, y) => {
    const [w, xs, ys] = [hostShape(s), hostParts(b, s, x), hostParts(b, s, y)];
    const magnitude = (v: Float) => (absolute ? float(b, w, 'abs', v) : v);
    const masks = xs.map((p, i) => test(b, w, hostName, magnitude(p), magnitude(ys[i] as Float)));
    const numbers = [...xs, ...ys].map((v) => isNumber(b, w, v));
    const result = laneMask(b, s, joinMasks(b, s, masks));
    return attempt(b, { mode: keepsDenormals(b, s), result, usual: allOf(b, numbers) }, () =>
      exactBinary(name)(b, s, x, y),
    );
  };
const HALF_ONES = 0xffff;
/** A mask as a number of the shape: all ones or all zeros. */
function laneMask(b: Semantics, s: Shape, mask: Mask): Float {
  if (isVector(s)) return mask as Float;
  const ones = b.neg(mask as I32);
  if (s.half) return b.and(ones, b.i32(HALF_ONES));
  return fromBits(b, s, s.double ? b.signExtend(ones) : ones);
}

export const BINARY = {
  FADD: arithmetic('FADD', SUM, host('add'), PASSES_NANS),
  FSUB: arithmetic('FSUB', SUM, host('sub'), PASSES_NANS),
  FMUL: arithmetic('FMUL', PRODUCT, host('mul'), PASSES_NANS),
  FNMUL: arithmetic('FNMUL', PRODUCT, (b, s, x, y) => float(b, s, 'neg', float(b, s, 'mul', x, y))),
  FMULX: arithmetic('FMULX', PRODUCT, host('mul')),
  FDIV: arithmetic('FDIV', QUOTIENT, host('div'), PASSES_NANS),
  FABD: arithmetic('FABD', SUM, (b, s, x, y) => float(b, s, 'abs', float(b, s, 'sub', x, y))),
  FMAX: extremum('FMAX', 'max'),
  FMIN: extremum('FMIN', 'min'),
  FMAXNM: extremum('FMAXNM', 'max'),
  FMINNM: extremum('FMINNM', 'min'),
  FCMEQ: comparison('FCMEQ', 'eq'),
  FCMGE: comparison('FCMGE', 'ge'),
  FCMGT: comparison('FCMGT', 'gt'),
  FACGE: comparison('FACGE', 'ge', true),
  FACGT: comparison('FACGT', 'gt', true),
} satisfies Partial<Record<BinaryName, Binary>>;

// ---- One operand ----

const HALF_SIGN = 0x8000n;
/** FABS, FNEG and FMOV change the sign bit alone and process no NaN. */
export const signOperation =
  (name: 'abs' | 'neg'): Unary =>
  (b, s, x) => {
    if (!s.half) return float(b, s, name, x);
    const bits = patternConstant(b, s, name === 'neg' ? HALF_SIGN : HALF_SIGN - 1n);
    return bitwise(b, s, name === 'neg' ? 'xor' : 'and', x as I32 | V128, bits) as Float;
  };

/** Roots neither overflow nor underflow. */
const squareRoot: Unary = (b, s, x) => {
  const found = onHost(b, s, [x], (w, v) => {
    const root = float(b, w, 'sqrt', v);
    const candidate = number(b, w, root);
    return { ...candidate, fast: fastResult(b, w, root, 'finite'), also: () => candidate.usual };
  });
  return attempt(b, found, () => exactUnary('FSQRT')(b, s, x));
};

/** The largest number below one half. */
const BELOW_HALF = [0.5 - 2 ** -25, 0.5 - 2 ** -54] as const;
/**
 * To the nearest integer, ties away from zero: adding the number below one half with the operand's sign
 * reaches the next integer from one half on, and never from below.
 */
function nearestAway(b: Semantics, s: Shape, x: Float): Float {
  const sign = patternConstant(b, s, s.double ? 1n << 63n : 1n << 31n);
  const half = bitsOf(b, s, constant(b, s, BELOW_HALF[s.double ? 1 : 0]));
  const signedHalf = fromBits(b, s, bitwise(b, s, 'or', bitwise(b, s, 'and', bitsOf(b, s, x), sign), half));
  return float(b, s, 'trunc', float(b, s, 'add', x, signedHalf));
}

export type Direction = 'N' | 'P' | 'M' | 'Z' | 'A';
const HOST_ROUNDING = { N: 'nearest', P: 'ceil', M: 'floor', Z: 'trunc' } as const;
/** The integer in the given direction, as a number. */
export function roundToIntegral(b: Semantics, s: Shape, direction: Direction, x: Float): Float {
  return direction === 'A' ? nearestAway(b, s, x) : float(b, s, HOST_ROUNDING[direction], x);
}

const onIntegral = (b: Semantics, s: Shape, direction: Direction, x: Float): Candidate =>
  onHost(b, s, [x], (w, v) => number(b, w, roundToIntegral(b, w, direction, v)));
/** FRINT: of these only FRINTX raises Inexact. */
const integral =
  (name: UnaryName, direction: Direction, mode: (b: Semantics, s: Shape) => I32): Unary =>
  (b, s, x) =>
    attempt(b, { mode: mode(b, s), ...onIntegral(b, s, direction, x) }, () => exactUnary(name)(b, s, x));
const integralExact: Unary = (b, s, x) =>
  attempt(b, onIntegral(b, s, 'N', x), () => exactUnary('FRINTX')(b, s, x));

/** FRINT32 and FRINT64: what does not fit is invalid; rounding raises Inexact. */
const integralInRange =
  (name: UnaryName, direction: Direction, bits: 32 | 64): Unary =>
  (b, s, x) => {
    const result = roundToIntegral(b, s, direction, x);
    const limit = 2 ** (bits - 1);
    const usual = both(
      b,
      test(b, s, 'ge', result, constant(b, s, -limit)),
      test(b, s, 'lt', result, constant(b, s, limit)),
    );
    return attempt(b, { result, usual }, () => exactUnary(name)(b, s, x));
  };

export const UNARY = {
  FSQRT: squareRoot,
  FRINTN: integral('FRINTN', 'N', keepsDenormals),
  FRINTP: integral('FRINTP', 'P', keepsDenormals),
  FRINTM: integral('FRINTM', 'M', keepsDenormals),
  FRINTZ: integral('FRINTZ', 'Z', keepsDenormals),
  FRINTA: integral('FRINTA', 'A', keepsDenormals),
  FRINTI: integral('FRINTI', 'N', roundsToNearest),
  FRINTX: integralExact,
  FRINT32Z: integralInRange('FRINT32Z', 'Z', 32),
  FRINT32X: integralInRange('FRINT32X', 'N', 32),
  FRINT64Z: integralInRange('FRINT64Z', 'Z', 64),
  FRINT64X: integralInRange('FRINT64X', 'N', 64),
  FRECPX: exactUnary('FRECPX'),
} satisfies Partial<Record<UnaryName, Unary>>;

/** Reads a register, works on its numbers and writes another. */
export function applyUnary(
  b: Semantics,
  s: Shape,
  operation: Unary,
  { Rn, Rd }: Readonly<Record<'Rn' | 'Rd', Register>>,
): void {
  write(b, s, Rd, operation(b, s, read(b, s, Rn)));
}
