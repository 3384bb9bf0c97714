/**
 * BFDotAdd without FEAT_EBF16 (Arm ARM J1.3, shared/functions/float/bfloat: BFDotAdd, BFMulH, BFAdd, BFRound):
 * FPCR has no say and FPSR stays. Denormals are zeros, NaN results the default NaN; every product and sum is
 * rounded to single by rounding to odd, and what overflows is infinite.
 */
import { FPCR, FPSR, FpEnvironment, ROUNDING } from './environment.ts';
import { BFLOAT, type FloatFormat, SINGLE, withSign } from './format.ts';
import { addReals, multiplyReals, type Real } from './real.ts';
import { fpRound } from './round.ts';
import { fpUnpack, isNaNType, type Unpacked } from './unpack.ts';

const FLUSHING = new FpEnvironment(FPCR.FZ);

/** BFUnpack. */
const unpack = (format: FloatFormat, bits: bigint): Unpacked => fpUnpack(format, bits, FLUSHING);

/** BFRound of a number that is not zero. */
function bfRound(value: Real): bigint {
  FLUSHING.exceptions = 0;
  const bits = fpRound(SINGLE, value, FLUSHING, ROUNDING.ODD);
  const overflows = (FLUSHING.exceptions & FPSR.OFC) !== 0;
  return overflows ? withSign(SINGLE, value.negative, SINGLE.infinity) : bits;
}

/** BFMulH. */
function bfMul(op1: bigint, op2: bigint): bigint {
  const a = unpack(BFLOAT, op1);
  const b = unpack(BFLOAT, op2);
  if (isNaNType(a.type) || isNaNType(b.type)) return SINGLE.defaultNaN;
  const negative = a.negative !== b.negative;
  const isInfinite = a.type === 'infinity' || b.type === 'infinity';
  const isZero = a.type === 'zero' || b.type === 'zero';
  if (isInfinite && isZero) return SINGLE.defaultNaN;
  if (isInfinite) return withSign(SINGLE, negative, SINGLE.infinity);
  return isZero ? withSign(SINGLE, negative, 0n) : bfRound(multiplyReals(a, b));
}

/** BFAdd. */
function bfAdd(op1: bigint, op2: bigint): bigint {
  const a = unpack(SINGLE, op1);
  const b = unpack(SINGLE, op2);
  if (isNaNType(a.type) || isNaNType(b.type)) return SINGLE.defaultNaN;
  const infinite = [a, b].filter(({ type }) => type === 'infinity');
  if (infinite.length === 2 && a.negative !== b.negative) return SINGLE.defaultNaN;
  if (infinite[0]) return withSign(SINGLE, infinite[0].negative, SINGLE.infinity);
  if (a.type === 'zero' && b.type === 'zero') return withSign(SINGLE, a.negative && b.negative, 0n);
  const sum = addReals(a, b);
  return sum.mantissa === 0n ? 0n : bfRound(sum);
}

const lower = (pair: bigint) => BigInt.asUintN(BFLOAT.width, pair);
const upper = (pair: bigint) => pair >> BigInt(BFLOAT.width);

/** BFDotAdd: `addend` is a single, the others are pairs of BFloat16 numbers. */
export function bfDotAdd(addend: bigint, pair1: bigint, pair2: bigint): bigint {
  const low = bfMul(lower(pair1), lower(pair2));
  const high = bfMul(upper(pair1), upper(pair2));
  return bfAdd(addend, bfAdd(low, high));
}
