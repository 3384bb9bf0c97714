/**
 * Random operands that find rounding mistakes, in the manner of TestFloat: exponents at the ends and
 * around special distances, fractions next to zero, ones and halfway patterns, and operands that relate
 * to each other (cancellation, products near overflow and underflow). For tests and the oracle command.
 */
import { FPCR } from './environment.ts';
import { BFLOAT, DOUBLE, type FloatFormat, HALF, SINGLE } from './format.ts';
import type { OperandKind } from './oracle-rows.ts';
import { bitLength } from './real.ts';

/** Random integers in [0, 2^32): xorshift32, so that a seed repeats a run. */
export class RandomWords {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit);
  }

  bits(count: number): bigint {
    const high = BigInt(this.next());
    return BigInt.asUintN(count, (high << 32n) | BigInt(this.next()));
  }
}

/** Bits around which conversions to integers and other formats change their behaviour. */
const SPECIAL_EXPONENTS = [-149, -126, -25, -24, -14, -1, 0, 1, 15, 16, 22, 23, 24, 30, 31, 32];
const SPECIAL_EXPONENTS_WIDE = [51, 52, 53, 62, 63, 64, 127, 128];

function hardExponent(format: FloatFormat, random: RandomWords): number {
  const ones = format.exponentOnes;
  const bias = 1 - format.minimumExponent;
  switch (random.below(8)) {
    case 0:
      return random.below(3);
    case 1:
      return ones - random.below(3);
    case 2:
      return bias + random.below(2 * format.fractionBits + 6) - format.fractionBits - 3;
    case 3: {
      const specials = [...SPECIAL_EXPONENTS, ...SPECIAL_EXPONENTS_WIDE];
      const exponent = bias + specials[random.below(specials.length)]!;
      return Math.min(Math.max(exponent, 0), ones);
    }
    case 4:
      return random.below(format.fractionBits + 4);
    case 5:
      return bias - 3 + random.below(6);
    default:
      return random.below(ones + 1);
  }
}

function hardFraction(format: FloatFormat, random: RandomWords): bigint {
  const width = format.fractionBits;
  const position = random.below(width);
  switch (random.below(8)) {
    case 0:
      return 0n;
    case 1:
      return random.bits(2);
    case 2:
      return format.fractionMask - random.bits(2);
    case 3:
      return 1n << BigInt(position);
    case 4: {
      // A halfway pattern at some place, or one unit beside it.
      const prefix = (random.bits(width) >> BigInt(position)) << BigInt(position);
      const half = 1n << BigInt(position > 0 ? position - 1 : 0);
      return BigInt.asUintN(width, prefix + half + BigInt(random.below(3) - 1));
    }
    case 5:
      return BigInt.asUintN(width, (1n << BigInt(position)) - 1n);
    case 6:
      return (random.bits(width) >> BigInt(position)) << BigInt(position);
    default:
      return random.bits(width);
  }
}

function assemble(format: FloatFormat, sign: number, exponent: number, fraction: bigint): bigint {
  const field = BigInt(Math.min(Math.max(exponent, 0), format.exponentOnes));
  return (sign === 0 ? 0n : format.signBit) | (field << format.fractionShift) | fraction;
}

function exponentField(format: FloatFormat, bits: bigint): number {
  return Number(bits >> format.fractionShift) & format.exponentOnes;
}

/** One operand on its own. */
function hardFloat(format: FloatFormat, random: RandomWords): bigint {
  return assemble(format, random.below(2), hardExponent(format, random), hardFraction(format, random));
}

/** Significant bits of a mantissa, from its leading one to its last. */
function significantBits(format: FloatFormat, bits: bigint): number {
  const fraction = bits & format.fractionMask;
  return fraction === 0n ? 1 : format.fractionBits + 2 - bitLength(fraction & -fraction);
}

/** A factor whose product with `other` has one bit more than fits: halfway between two numbers. */
function halfwayFactor(format: FloatFormat, other: bigint, random: RandomWords): bigint {
  const length = format.fractionBits + 3 - significantBits(format, other) - random.below(2);
  const bits = Math.min(Math.max(length, 1), format.fractionBits + 1) - 1;
  const fraction = (random.bits(bits) | 1n) << BigInt(format.fractionBits - bits);
  const exponent = hardExponent(format, random);
  return assemble(format, random.below(2), exponent, bits === 0 ? 0n : fraction);
}

/** An operand chosen with an eye on an earlier one. */
function relatedFloat(format: FloatFormat, other: bigint, random: RandomWords): bigint {
  const exponent = exponentField(format, other);
  const sign = random.below(2);
  const bias = 1 - format.minimumExponent;
  const jitter = random.below(5) - 2;
  switch (random.below(8)) {
    case 0:
      return other ^ (random.below(2) === 0 ? 0n : format.signBit);
    case 1: {
      const near = BigInt.asUintN(format.width, other + BigInt(jitter));
      return near ^ (random.below(2) === 0 ? 0n : format.signBit);
    }
    case 2:
      return assemble(format, sign, exponent + jitter, hardFraction(format, random));
    case 3:
      return assemble(format, sign, exponent + jitter - format.fractionBits, hardFraction(format, random));
    case 4:
      // Products and quotients near the ends of the exponent range.
      return assemble(format, sign, bias - exponent + jitter, hardFraction(format, random));
    case 5:
      return assemble(format, sign, exponent + bias - 2 + jitter, hardFraction(format, random));
    case 6:
      return halfwayFactor(format, other, random);
    default:
      return hardFloat(format, random);
  }
}

/** An addend near the product of the first two operands, where cancellation is hardest. */
function nearProduct(format: FloatFormat, a: bigint, b: bigint, random: RandomWords): bigint {
  const bias = 1 - format.minimumExponent;
  const exponent = exponentField(format, a) + exponentField(format, b) - bias;
  const distance = format.fractionBits * [0, 0, 0, -1, 1, -2, -2.5, -3][random.below(8)]!;
  const shift = Math.trunc(distance) + random.below(3) - 1;
  return assemble(format, random.below(2), exponent + shift, hardFraction(format, random));
}

/** Significant bits of integers that lie halfway between two numbers of a format. */
const HALFWAY_LENGTHS = [HALF, SINGLE, DOUBLE].map((format) => format.fractionBits + 2);

function hardInteger(kind: 'w' | 'x', random: RandomWords): bigint {
  const width = kind === 'w' ? 32 : 64;
  const length = random.below(width) + 1;
  const sign = random.below(2) === 0 ? 1n : -1n;
  const near = BigInt(random.below(3) - 1);
  const power = 1n << BigInt(length - 1);
  switch (random.below(4)) {
    case 0:
      return BigInt.asUintN(width, sign * (power + near));
    case 1: {
      const bits = HALFWAY_LENGTHS[random.below(HALFWAY_LENGTHS.length)]!;
      const odd = random.bits(bits) | 1n;
      return BigInt.asUintN(width, sign * ((odd << BigInt(random.below(Math.max(width - bits, 1)))) + near));
    }
    case 2:
      return BigInt.asUintN(width, sign * (power * 3n + near));
    default:
      return BigInt.asUintN(width, sign * random.bits(length));
  }
}

/** About the same number in another format. */
function inFormat(from: FloatFormat, to: FloatFormat, bits: bigint): bigint {
  if (from === to) return bits;
  const exponent = exponentField(from, bits) + from.minimumExponent - to.minimumExponent;
  const distance = to.fractionShift - from.fractionShift;
  const fraction = bits & from.fractionMask;
  const moved = distance >= 0n ? fraction << distance : fraction >> -distance;
  return assemble(to, (bits & from.signBit) === 0n ? 0 : 1, exponent, moved);
}

/** An operand's format, and how many of its numbers an operand holds. */
const NUMBERS = {
  h: { format: HALF, count: 1 },
  b: { format: BFLOAT, count: 1 },
  s: { format: SINGLE, count: 1 },
  d: { format: DOUBLE, count: 1 },
  hh: { format: HALF, count: 2 },
  bb: { format: BFLOAT, count: 2 },
  ss: { format: SINGLE, count: 2 },
} as const;
type FloatOperand = keyof typeof NUMBERS;

/** Operands for one case. */
export function hardOperands(kinds: readonly OperandKind[], random: RandomWords): bigint[] {
  const operands: bigint[] = [];
  for (const kind of kinds) {
    if (kind === 'w' || kind === 'x') operands.push(hardInteger(kind, random));
    else operands.push(hardFloats(kind, kinds[0] as FloatOperand, operands, random));
  }
  return operands;
}

/** One or two numbers with an eye on the operands before them, which are of the kind `earlier`. */
function hardFloats(
  kind: FloatOperand,
  earlier: FloatOperand,
  [first, second]: readonly bigint[],
  random: RandomWords,
): bigint {
  const { format, count } = NUMBERS[kind];
  const from = NUMBERS[earlier].format;
  const part = (at: number) => {
    const like = (bits: bigint | undefined) =>
      bits === undefined
        ? undefined
        : inFormat(from, format, BigInt.asUintN(from.width, bits >> BigInt(at * from.width)));
    return hardNumber(format, like(first), like(second), random);
  };
  const low = part(0);
  if (count === 1) return low;
  const high = random.below(2) === 0 ? relatedFloat(format, low, random) : part(1);
  return (high << BigInt(format.width)) | low;
}

function hardNumber(
  format: FloatFormat,
  first: bigint | undefined,
  second: bigint | undefined,
  random: RandomWords,
): bigint {
  if (first === undefined) return hardFloat(format, random);
  if (second !== undefined && random.below(3) !== 0) return nearProduct(format, first, second, random);
  return relatedFloat(format, first, random);
}

/** FPCR: the default mode in two cases of five, otherwise any combination of the modes. */
export function hardFpcr(random: RandomWords): number {
  if (random.below(5) < 2) return 0;
  const any = FPCR.FZ16 | FPCR.RMODE | FPCR.FZ | FPCR.DN | FPCR.AHP;
  return random.next() & any;
}
