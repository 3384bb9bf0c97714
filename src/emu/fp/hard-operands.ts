/**
 * Random operands that find rounding mistakes, in the manner of TestFloat: exponents at the ends and
 * around special distances, fractions next to zero, ones and halfway patterns, and operands that relate
 * to each other (cancellation, products near overflow and underflow). For tests and the oracle command,
 * which takes millions a second: numbers are made of parts without BigInt.
 */
import { FPCR } from './environment.ts';
import { BFLOAT, DOUBLE, type FloatFormat, HALF, SINGLE } from './format.ts';
import type { OperandKind } from './oracle-rows.ts';

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

const WORD_BITS = 32;
const TWO_TO_32 = 2 ** WORD_BITS;
/** Powers of two, up to those that fractions are scaled by. hot: a lookup is ten times as fast as `**`. */
const POWERS = Float64Array.from({ length: 2 * WORD_BITS }, (_, n) => 2 ** n);

/** An integer without what is below `unit`, a power of two. hot: `%` on doubles calls a library function. */
function multipleOf(unit: number, integer: number): number {
  return Math.floor(integer / unit) * unit;
}

/** A random integer of `count` bits, of which a double holds as many as the longest fraction has. */
function randomInteger(count: number, random: RandomWords): number {
  if (count <= WORD_BITS) return count === 0 ? 0 : random.next() >>> (WORD_BITS - count);
  return (random.next() >>> (2 * WORD_BITS - count)) * TWO_TO_32 + random.next();
}

/** A number taken apart; the fraction is an integer of the format's fractionBits. */
interface Parts {
  sign: number;
  exponent: number;
  fraction: number;
}

/** Bits around which conversions to integers and other formats change their behaviour. */
const SPECIAL_EXPONENTS = [-149, -126, -25, -24, -14, -1, 0, 1, 15, 16, 22, 23, 24, 30, 31, 32];
const SPECIAL_EXPONENTS_WIDE = [51, 52, 53, 62, 63, 64, 127, 128];
const ALL_SPECIAL_EXPONENTS = [...SPECIAL_EXPONENTS, ...SPECIAL_EXPONENTS_WIDE];

const biasOf = (format: FloatFormat): number => 1 - format.minimumExponent;

function clampExponent(format: FloatFormat, exponent: number): number {
  return Math.min(Math.max(exponent, 0), format.exponentOnes);
}

function hardExponent(format: FloatFormat, random: RandomWords): number {
  const ones = format.exponentOnes;
  const bias = biasOf(format);
  switch (random.below(8)) {
    case 0:
      return random.below(3);
    case 1:
      return ones - random.below(3);
    case 2:
      return bias + random.below(2 * format.fractionBits + 6) - format.fractionBits - 3;
    case 3:
      return bias + ALL_SPECIAL_EXPONENTS[random.below(ALL_SPECIAL_EXPONENTS.length)]!;
    case 4:
      return random.below(format.fractionBits + 4);
    case 5:
      return bias - 3 + random.below(6);
    default:
      return random.below(ones + 1);
  }
}

function hardFraction({ fractionBits }: FloatFormat, random: RandomWords): number {
  const end = POWERS[fractionBits]!;
  const unit = POWERS[random.below(fractionBits)]!;
  switch (random.below(8)) {
    case 0:
      return 0;
    case 1:
      return random.below(4);
    case 2:
      return end - 1 - random.below(4);
    case 3:
      return unit;
    case 4: {
      // A halfway pattern at some place, or one unit beside it.
      const prefix = multipleOf(unit, randomInteger(fractionBits, random));
      const value = prefix + Math.max(unit / 2, 1) + random.below(3) - 1;
      return value < end ? value : value - end;
    }
    case 5:
      return unit - 1;
    case 6:
      return multipleOf(unit, randomInteger(fractionBits, random));
    default:
      return randomInteger(fractionBits, random);
  }
}

/** One operand on its own. */
function hardFloat(format: FloatFormat, random: RandomWords, out: Parts): void {
  out.sign = random.below(2);
  out.exponent = clampExponent(format, hardExponent(format, random));
  out.fraction = hardFraction(format, random);
}

function trailingZeros(integer: number): number {
  const low = integer | 0;
  if (low !== 0) return WORD_BITS - 1 - Math.clz32(low & -low);
  const high = (integer / TWO_TO_32) | 0;
  return 2 * WORD_BITS - 1 - Math.clz32(high & -high);
}

/** Significant bits of a mantissa, from its leading one to its last. */
function significantBits(format: FloatFormat, fraction: number): number {
  return fraction === 0 ? 1 : format.fractionBits + 1 - trailingZeros(fraction);
}

/** A factor whose product with `other` has one bit more than fits: halfway between two numbers. */
function halfwayFactor(format: FloatFormat, other: Parts, random: RandomWords, out: Parts): void {
  const { fractionBits } = format;
  const length = fractionBits + 3 - significantBits(format, other.fraction) - random.below(2);
  const bits = Math.min(Math.max(length, 1), fractionBits + 1) - 1;
  const odd = multipleOf(2, randomInteger(bits, random)) + 1;
  out.fraction = bits === 0 ? 0 : odd * POWERS[fractionBits - bits]!;
  out.sign = random.below(2);
  out.exponent = clampExponent(format, hardExponent(format, random));
}

/** The number `distance` patterns away, across the ends of the fraction. */
function neighbour(format: FloatFormat, other: Parts, distance: number, out: Parts): void {
  const end = POWERS[format.fractionBits]!;
  const moved = other.fraction + distance;
  const carry = Math.floor(moved / end);
  out.exponent = clampExponent(format, other.exponent + carry);
  out.fraction = moved - carry * end;
}

/** An operand chosen with an eye on an earlier one. */
function relatedFloat(format: FloatFormat, other: Parts, random: RandomWords, out: Parts): void {
  const { exponent } = other;
  const bias = biasOf(format);
  const jitter = random.below(5) - 2;
  out.sign = random.below(2);
  switch (random.below(8)) {
    case 0:
      return neighbour(format, other, 0, out);
    case 1:
      return neighbour(format, other, jitter, out);
    case 2:
      return withExponent(format, exponent + jitter, random, out);
    case 3:
      return withExponent(format, exponent + jitter - format.fractionBits, random, out);
    case 4:
      // Products and quotients near the ends of the exponent range.
      return withExponent(format, bias - exponent + jitter, random, out);
    case 5:
      return withExponent(format, exponent + bias - 2 + jitter, random, out);
    case 6:
      return halfwayFactor(format, other, random, out);
    default:
      return hardFloat(format, random, out);
  }
}

function withExponent(format: FloatFormat, exponent: number, random: RandomWords, out: Parts): void {
  out.exponent = clampExponent(format, exponent);
  out.fraction = hardFraction(format, random);
}

/** How far an addend lies from the product, in lengths of a fraction. */
const PRODUCT_DISTANCES = [0, 0, 0, -1, 1, -2, -2.5, -3];

/** An addend near the product of the first two operands, where cancellation is hardest. */
function nearProduct(format: FloatFormat, a: Parts, b: Parts, random: RandomWords, out: Parts): void {
  const exponent = a.exponent + b.exponent - biasOf(format);
  const distance = Math.trunc(format.fractionBits * PRODUCT_DISTANCES[random.below(8)]!);
  out.sign = random.below(2);
  withExponent(format, exponent + distance + random.below(3) - 1, random, out);
}

/** About the same number in another format. */
function inFormat(from: FloatFormat, to: FloatFormat, parts: Parts, out: Parts): Parts {
  if (from === to) return parts;
  out.sign = parts.sign;
  out.exponent = clampExponent(to, parts.exponent + from.minimumExponent - to.minimumExponent);
  const scale = POWERS[Math.abs(to.fractionBits - from.fractionBits)]!;
  out.fraction =
    to.fractionBits < from.fractionBits ? Math.floor(parts.fraction / scale) : parts.fraction * scale;
  return out;
}

/** A pattern of 64 bits, as its low and high word. */
interface Words {
  low: number;
  high: number;
}

/** Significant bits of integers that lie halfway between two numbers of a format. */
const HALFWAY_LENGTHS = [HALF, SINGLE, DOUBLE].map((format) => format.fractionBits + 2);

function shiftLeft(out: Words, count: number): void {
  if (count >= WORD_BITS) {
    out.high = out.low << (count - WORD_BITS);
    out.low = 0;
  } else if (count > 0) {
    out.high = (out.high << count) | (out.low >>> (WORD_BITS - count));
    out.low <<= count;
  }
}

function addSmall(out: Words, value: number): void {
  const sum = (out.low >>> 0) + value;
  out.high = (out.high + Math.floor(sum / TWO_TO_32)) | 0;
  out.low = sum | 0;
}

function negate(out: Words): void {
  out.low = -out.low | 0;
  out.high = out.low === 0 ? -out.high | 0 : ~out.high;
}

function randomWords(out: Words, count: number, random: RandomWords): void {
  out.high = count > WORD_BITS ? random.next() >>> (2 * WORD_BITS - count) : 0;
  out.low = count > WORD_BITS ? random.next() | 0 : random.next() >>> (WORD_BITS - count);
}

/** Near a power of two or thrice one, halfway between two numbers of some format, or anything; of either sign. */
function hardInteger(width: number, random: RandomWords, out: Words): void {
  const length = random.below(width) + 1;
  const near = random.below(3) - 1;
  const choice = random.below(4);
  out.high = 0;
  if (choice === 1) {
    const bits = HALFWAY_LENGTHS[random.below(HALFWAY_LENGTHS.length)]!;
    randomWords(out, bits, random);
    out.low |= 1;
    shiftLeft(out, random.below(Math.max(width - bits, 1)));
  } else if (choice === 3) randomWords(out, length, random);
  else {
    out.low = choice === 0 ? 1 : 3;
    shiftLeft(out, length - 1);
  }
  if (choice !== 3) addSmall(out, near);
  if (random.below(2) === 0) negate(out);
  if (width === WORD_BITS) out.high = 0;
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

const newParts = (): Parts => ({ sign: 0, exponent: 0, fraction: 0 });
const MOST_OPERANDS = 3;

/** Writes operands of cases, one case after the other. */
export class HardOperands {
  readonly #kinds: readonly OperandKind[];
  readonly #random: RandomWords;
  /** Numbers of each operand: one, or two in pairs. */
  readonly #parts = Array.from({ length: MOST_OPERANDS }, () => [newParts(), newParts()] as const);
  readonly #converted = [newParts(), newParts()] as const;
  readonly #integer: Words = { low: 0, high: 0 };

  constructor(kinds: readonly OperandKind[], random: RandomWords) {
    this.#kinds = kinds;
    this.#random = random;
  }

  /** Makes a case: low and high word of each operand in turn. */
  next(out: Int32Array): void {
    for (let index = 0; index < this.#kinds.length; index++) {
      const kind = this.#kinds[index]!;
      if (kind === 'w' || kind === 'x') {
        hardInteger(kind === 'w' ? WORD_BITS : 2 * WORD_BITS, this.#random, this.#integer);
        out[2 * index] = this.#integer.low;
        out[2 * index + 1] = this.#integer.high;
      } else this.#float(kind, index, out);
    }
  }

  /** One or two numbers with an eye on the operands before them. */
  #float(kind: FloatOperand, index: number, out: Int32Array): void {
    const { format, count } = NUMBERS[kind];
    const [low, high] = this.#parts[index]!;
    this.#number(format, index, 0, low);
    if (count === 2) {
      if (this.#random.below(2) === 0) relatedFloat(format, low, this.#random, high);
      else this.#number(format, index, 1, high);
    }
    writeFloat(format, low, out, 2 * index);
    if (count === 1) return;
    if (format === SINGLE) out[2 * index + 1] = narrowPattern(format, high);
    else out[2 * index] = out[2 * index]! | (narrowPattern(format, high) << format.width);
  }

  /** The number at `part` of an operand. */
  #number(format: FloatFormat, index: number, part: 0 | 1, out: Parts): void {
    const random = this.#random;
    if (index === 0) return hardFloat(format, random, out);
    const from = NUMBERS[this.#kinds[0] as FloatOperand].format;
    const first = inFormat(from, format, this.#parts[0]![part], this.#converted[0]);
    if (index === 1 || random.below(3) === 0) return relatedFloat(format, first, random, out);
    const second = inFormat(from, format, this.#parts[1]![part], this.#converted[1]);
    nearProduct(format, first, second, random, out);
  }
}

function narrowPattern({ fractionBits, width }: FloatFormat, parts: Parts): number {
  return (parts.sign << (width - 1)) | (parts.exponent << fractionBits) | parts.fraction;
}

function writeFloat(format: FloatFormat, parts: Parts, out: Int32Array, at: number): void {
  if (format !== DOUBLE) {
    out[at] = narrowPattern(format, parts);
    out[at + 1] = 0;
    return;
  }
  const top = Math.floor(parts.fraction / TWO_TO_32);
  out[at] = parts.fraction - top * TWO_TO_32;
  out[at + 1] = (parts.sign << 31) | (parts.exponent << (format.fractionBits - WORD_BITS)) | top;
}

/** Operands for one case. */
export function hardOperands(kinds: readonly OperandKind[], random: RandomWords): bigint[] {
  const words = new Int32Array(2 * kinds.length);
  new HardOperands(kinds, random).next(words);
  return [...new BigUint64Array(words.buffer)];
}

/** FPCR: the default mode in two cases of five, otherwise any combination of the modes. */
export function hardFpcr(random: RandomWords): number {
  if (random.below(5) < 2) return 0;
  const any = FPCR.FZ16 | FPCR.RMODE | FPCR.FZ | FPCR.DN | FPCR.AHP;
  return random.next() & any;
}
