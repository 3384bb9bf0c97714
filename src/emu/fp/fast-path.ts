/**
 * The host path of all operations: operands and results in registers that are words, numbers and a BigInt at
 * once. Methods return the exact FPSR bits, or UNKNOWN when the BigInt algorithms must decide; for FPCR
 * with RMode = 0. Flushing (FZ, FZ16) changes nothing while no operand is denormal and no result was tiny,
 * which `flushesNothing` says afterwards; DN and AHP change only NaNs and conversions of halves.
 */
import { NZCV } from './compare.ts';
import type { Rounding } from './environment.ts';
import { FAST_DOUBLE } from './fast-double.ts';
import {
  BFLOAT_TOP,
  DOUBLE_TOP,
  FAST_ESTIMATES,
  HALF_TOP,
  SINGLE_TOP,
  type TopWord,
} from './fast-estimate.ts';
import { halfPattern, readHalf } from './fast-half.ts';
import { doubleToFixed, fixedToDouble, fixedToNarrow } from './fast-integer.ts';
import { FAST_HALF, FAST_SINGLE, storeBfloat, storeHalf, storeSingle } from './fast-narrow.ts';
import {
  FAST_COMPARISONS,
  type FastFormat,
  fastBinaries,
  fastUnaries,
  type Numbers,
  UNKNOWN,
} from './fast-operations.ts';
import {
  BINARY_ROWS,
  type BinaryName,
  FP_FORMAT,
  type FusedName,
  UNARY_ROWS,
  type UnaryName,
} from './operations.ts';

/** One 64-bit register seen as words, numbers and a BigInt. */
export class Register {
  readonly words = new Int32Array(2);
  readonly single = new Float32Array(this.words.buffer);
  readonly double = new Float64Array(this.words.buffer);
  readonly bits = new BigUint64Array(this.words.buffer);

  set(low: number, high: number): void {
    this.words[0] = low;
    this.words[1] = high;
  }
  /** Its number in `format`. */
  number(format: number): number {
    if (format === FP_FORMAT.DOUBLE) return this.double[0]!;
    return format === FP_FORMAT.SINGLE ? this.single[0]! : readHalf(this.words[0]!);
  }
}

// Host functions by operation number; holes take the BigInt path.
const UNARY_NAMES = Object.keys(UNARY_ROWS) as UnaryName[];
const BINARY_NAMES = Object.keys(BINARY_ROWS) as BinaryName[];
const ESTIMATES = UNARY_NAMES.map((name) => FAST_ESTIMATES[name]);
const COMPARISONS = BINARY_NAMES.map((name) => FAST_COMPARISONS[name]);
function tablesOf<Result extends Numbers>(format: FastFormat<Result>) {
  const [unaries, binaries] = [fastUnaries(format), fastBinaries(format)];
  return {
    unaries: UNARY_NAMES.map((name) => unaries[name]),
    binaries: BINARY_NAMES.map((name) => binaries[name]),
    fused: format.fused,
  };
}
const DOUBLES = tablesOf(FAST_DOUBLE);
/** By format: halves, singles. */
const NARROW = [undefined, tablesOf(FAST_HALF), tablesOf(FAST_SINGLE)];
const TOP_WORDS: readonly (TopWord | undefined)[] = [undefined, HALF_TOP, SINGLE_TOP, DOUBLE_TOP, BFLOAT_TOP];

/** Which factors and addends the fused operations negate, in the order of TERNARY_ROWS. */
const FUSED_SIGNS = {
  FMADD: { addend: 1, factor: 1 },
  FMSUB: { addend: 1, factor: -1 },
  FNMADD: { addend: -1, factor: -1 },
  FNMSUB: { addend: -1, factor: 1 },
} as const satisfies Record<FusedName, { addend: number; factor: number }>;
const FUSED = Object.values(FUSED_SIGNS);

const HALF_MASK = 0xffff;
const BFLOAT_BITS = 16;
const ALL_ONES = -1;

export class FastPath {
  readonly a = new Register();
  readonly b = new Register();
  readonly c = new Register();
  readonly out = new Register();

  unary(op: number, format: number): number {
    const estimate = ESTIMATES[op];
    if (estimate) return this.#estimate(format, estimate(this.#topWord(this.a, format), TOP_WORDS[format]!));
    const x = this.a.number(format);
    if (format === FP_FORMAT.DOUBLE) return DOUBLES.unaries[op]?.(x, this.out.double) ?? UNKNOWN;
    return this.#narrow(format, NARROW[format]?.unaries[op]?.(x, this.out.single) ?? UNKNOWN);
  }

  binary(op: number, format: number): number {
    const x = this.a.number(format);
    const y = this.b.number(format);
    const compare = COMPARISONS[op];
    if (compare) return this.#mask(format, compare(x, y));
    if (format === FP_FORMAT.DOUBLE) return DOUBLES.binaries[op]?.(x, y, this.out.double) ?? UNKNOWN;
    return this.#narrow(format, NARROW[format]?.binaries[op]?.(x, y, this.out.single) ?? UNKNOWN);
  }

  /** On the addend in c and the factors in a and b. */
  ternary(op: number, format: number): number {
    const { addend, factor } = FUSED[op]!;
    const x = factor * this.a.number(format);
    const y = this.b.number(format);
    const z = addend * this.c.number(format);
    if (format === FP_FORMAT.DOUBLE) return DOUBLES.fused(z, x, y, this.out.double);
    return this.#narrow(format, NARROW[format]?.fused(z, x, y, this.out.single) ?? UNKNOWN);
  }

  /** NZCV of a comparison, or UNKNOWN. */
  compare(format: number): number {
    const x = this.a.number(format);
    const y = this.b.number(format);
    if (x === y) return NZCV.EQUAL;
    if (x < y) return NZCV.LESS;
    return x > y ? NZCV.GREATER : UNKNOWN;
  }

  /** FCVT; halves as IEEE 754 has them. */
  convert(from: number, to: number): number {
    const value = this.a.number(from);
    if (Number.isNaN(value)) return UNKNOWN;
    if (to === FP_FORMAT.BFLOAT) {
      const exceptions = storeBfloat(value, true, this.out.single);
      this.out.words[0] = this.out.words[0]! >>> BFLOAT_BITS;
      return exceptions === UNKNOWN ? 0 : exceptions;
    }
    if (to === FP_FORMAT.DOUBLE) {
      this.out.double[0] = value;
      return 0;
    }
    const store = to === FP_FORMAT.SINGLE ? storeSingle : storeHalf;
    const exceptions = this.#narrow(to, store(value, true, this.out.single));
    // Infinities stay what they are.
    return exceptions === UNKNOWN ? 0 : exceptions;
  }

  toFixed(
    format: number,
    width: number,
    fractionBits: number,
    unsigned: boolean,
    rounding: Rounding,
  ): number {
    const value = this.a.number(format);
    return doubleToFixed(value, width, fractionBits, unsigned, rounding, this.out.words);
  }

  /** The integer is in a. */
  fromFixed(format: number, width: number, fractionBits: number, unsigned: boolean): number {
    const [low, high] = [this.a.words[0]!, this.a.words[1]!];
    const { double, single } = this.out;
    if (format === FP_FORMAT.DOUBLE) return fixedToDouble(low, high, width, fractionBits, unsigned, double);
    const store = format === FP_FORMAT.SINGLE ? storeSingle : storeHalf;
    return this.#narrow(format, fixedToNarrow(store, low, high, width, fractionBits, unsigned, single));
  }

  /** Whether flushing would have left the first `operands` of a, b and c as they are. */
  readsNoDenormals(format: number, operands: number): boolean {
    return (
      !this.#isDenormal(this.a, format) &&
      (operands < 2 || !this.#isDenormal(this.b, format)) &&
      (operands < 3 || !this.#isDenormal(this.c, format))
    );
  }

  /** Whether the result in `out` was not tiny before rounding. */
  givesNothingTiny(format: number, exceptions: number): boolean {
    // The smallest normal numbers may have been tiny.
    if (this.#exponentField(this.out, format) > 1) return true;
    return exceptions === 0 && this.#isZero(this.out, format);
  }

  #topWord(register: Register, format: number): number {
    return register.words[format === FP_FORMAT.DOUBLE ? 1 : 0]!;
  }

  #isDenormal(register: Register, format: number): boolean {
    return this.#exponentField(register, format) === 0 && !this.#isZero(register, format);
  }

  #exponentField(register: Register, format: number): number {
    const { exponentOnes, fractionBits } = TOP_WORDS[format]!;
    return (this.#topWord(register, format) >>> fractionBits) & exponentOnes;
  }

  #isZero(register: Register, format: number): boolean {
    const { signMask } = TOP_WORDS[format]!;
    const magnitude = this.#topWord(register, format) & (signMask ^ ((signMask << 1) - 1));
    return magnitude === 0 && (format !== FP_FORMAT.DOUBLE || register.words[0] === 0);
  }

  #estimate(format: number, topWord: number | undefined): number {
    if (topWord === undefined) return UNKNOWN;
    if (format === FP_FORMAT.DOUBLE) this.out.set(0, topWord);
    else this.out.set(format === FP_FORMAT.HALF ? topWord & HALF_MASK : topWord, 0);
    return 0;
  }

  #mask(format: number, holds: boolean | undefined): number {
    if (holds === undefined) return UNKNOWN;
    const ones = holds ? ALL_ONES : 0;
    this.out.set(format === FP_FORMAT.HALF ? ones & HALF_MASK : ones, ones);
    return 0;
  }

  /** Numbers of narrow formats were stored as singles. */
  #narrow(format: number, exceptions: number): number {
    if (format === FP_FORMAT.HALF) this.out.words[0] = halfPattern(this.out.words[0]!);
    return exceptions;
  }
}
