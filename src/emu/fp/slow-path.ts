/**
 * Floating point for callers that pass 32-bit integers (see lane-calls.ts): operands come as halves, the
 * low one first; results go to two words given at construction, zero-extended;
 * exceptions are added to FPSR through a port.
 *
 * While FPCR is in its default mode, single and double precision first try the host's arithmetic, whose
 * residuals give the exact flags; everything else takes the BigInt algorithms.
 */
import { fpCompare, NZCV } from './compare.ts';
import { fixedToFP, fpConvert, fpToFixed, fpToFixedJS } from './convert.ts';
import { FPCR, FpEnvironment, ROUNDING, type Rounding } from './environment.ts';
import { bfDotAddFast } from './fast-bfloat.ts';
import { FAST_DOUBLE_BINARY, FAST_DOUBLE_UNARY, fusedMultiplyAdd, UNKNOWN } from './fast-double.ts';
import { doubleToFixed, fixedToDouble, fixedToSingle } from './fast-integer.ts';
import {
  convertToSingle,
  FAST_SINGLE_BINARY,
  FAST_SINGLE_UNARY,
  fusedMultiplyAddSingle,
} from './fast-single.ts';
import { DOUBLE } from './format.ts';
import {
  BINARY_ROWS,
  type BinaryName,
  type BinaryOperation,
  FORMATS,
  FP_FORMAT,
  FP_TERNARY,
  type FusedName,
  TERNARY_ROWS,
  type TernaryOperation,
  UNARY_ROWS,
  type UnaryName,
  type UnaryOperation,
} from './operations.ts';

/** FPCR and FPSR of the vCPU that executes. */
export interface FpPorts {
  readFpcr(): number;
  /** Sets bits of FPSR. */
  orFpsr(exceptions: number): void;
}

/** Rounding "as FPCR says", beside the values of ROUNDING. */
export const ROUNDING_CURRENT = 6;

/** The narrowest integers that the host path converts. */
const WORD_BITS = 32;

/** While all of these are clear, the host's arithmetic has the modes that FPCR asks for. */
const FAST_MODE_MASK = FPCR.RMODE | FPCR.FZ;

const UNARY = Object.values(UNARY_ROWS) as UnaryOperation[];
const BINARY = Object.values(BINARY_ROWS) as BinaryOperation[];
const TERNARY = Object.values(TERNARY_ROWS) as TernaryOperation[];

// Host functions by operation number; holes take the BigInt path.
const UNARY_NAMES = Object.keys(UNARY_ROWS) as UnaryName[];
const BINARY_NAMES = Object.keys(BINARY_ROWS) as BinaryName[];
const FAST_DOUBLE_UNARIES = UNARY_NAMES.map((name) => FAST_DOUBLE_UNARY[name]);
const FAST_SINGLE_UNARIES = UNARY_NAMES.map((name) => FAST_SINGLE_UNARY[name]);
const FAST_DOUBLE_BINARIES = BINARY_NAMES.map((name) => FAST_DOUBLE_BINARY[name]);
const FAST_SINGLE_BINARIES = BINARY_NAMES.map((name) => FAST_SINGLE_BINARY[name]);

/** Which factors and addends the fused operations negate, in the order of TERNARY_ROWS. */
const FUSED_SIGNS = {
  FMADD: { addend: 1, factor: 1 },
  FMSUB: { addend: 1, factor: -1 },
  FNMADD: { addend: -1, factor: -1 },
  FNMSUB: { addend: -1, factor: 1 },
} as const satisfies Record<FusedName, { addend: number; factor: number }>;
const FUSED = Object.values(FUSED_SIGNS);

/** One 64-bit register seen as words, numbers and a BigInt. */
class Register {
  readonly words = new Int32Array(2);
  readonly single = new Float32Array(this.words.buffer);
  readonly double = new Float64Array(this.words.buffer);
  readonly bits = new BigUint64Array(this.words.buffer);

  set(low: number, high: number): void {
    this.words[0] = low;
    this.words[1] = high;
  }
}

/** Widths of the formats by number, as masks of the low and high word. */
const LOW_MASK = [0, 0xffff, -1, -1, 0xffff];
const HIGH_MASK = [0, 0, 0, -1, 0];

export interface FpSlowPathOptions {
  /** Always use the BigInt algorithms: the tests' reference. */
  readonly exactOnly?: boolean;
}

/** The engine of the slow path for one vCPU. */
export class FpSlowPath {
  readonly #result: Int32Array;
  readonly #ports: FpPorts;
  readonly #exactOnly: boolean;
  readonly #env = new FpEnvironment();
  readonly #a = new Register();
  readonly #b = new Register();
  readonly #c = new Register();
  readonly #out = new Register();

  /** @param result receives the low and high words of results. */
  constructor(result: Int32Array, ports: FpPorts, options: FpSlowPathOptions = {}) {
    this.#result = result;
    this.#ports = ports;
    this.#exactOnly = options.exactOnly ?? false;
  }

  /** Runs the unary operation numbered `op` (FP_UNARY) in `format` (FP_FORMAT). */
  unary(op: number, format: number, low: number, high: number): void {
    const a = this.#a;
    a.set(low, high);
    if (this.#isFastMode() && this.#finishFast(format, this.#fastUnary(op, format))) return;
    const env = this.#beginExact();
    this.#finishExact(UNARY[op]!(FORMATS[format]!, this.#operand(a, format), env));
  }

  /** Runs the binary operation numbered `op` (FP_BINARY). */
  binary(op: number, format: number, aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    const a = this.#a;
    const b = this.#b;
    a.set(aLow, aHigh);
    b.set(bLow, bHigh);
    if (this.#isFastMode() && this.#finishFast(format, this.#fastBinary(op, format))) return;
    const env = this.#beginExact();
    const result = BINARY[op]!(FORMATS[format]!, this.#operand(a, format), this.#operand(b, format), env);
    this.#finishExact(result);
  }

  /** Runs the fused operation numbered `op` (FP_TERNARY) on addend c and factors a and b. */
  ternary(
    op: number,
    format: number,
    cLow: number,
    cHigh: number,
    aLow: number,
    aHigh: number,
    bLow: number,
    bHigh: number,
  ): void {
    this.#c.set(cLow, cHigh);
    this.#a.set(aLow, aHigh);
    this.#b.set(bLow, bHigh);
    if (op === FP_TERNARY.BFDOT && !this.#exactOnly) return this.#dotAdd();
    if (this.#isFastMode() && this.#finishFast(format, this.#fastFused(op, format))) return;
    const env = this.#beginExact();
    const addend = this.#operand(this.#c, format);
    const factor1 = this.#operand(this.#a, format);
    const factor2 = this.#operand(this.#b, format);
    this.#finishExact(TERNARY[op]!(FORMATS[format]!, addend, factor1, factor2, env));
  }

  /** BFDOT, in any mode: it raises nothing. */
  #dotAdd(): void {
    const [addend, pair1, pair2] = [this.#c.words[0]!, this.#a.words[0]!, this.#b.words[0]!];
    this.#out.words[0] = bfDotAddFast(addend, pair1, pair2);
    this.#finishFast(FP_FORMAT.SINGLE, 0);
  }

  #fastUnary(op: number, format: number): number {
    const a = this.#a;
    if (format === FP_FORMAT.DOUBLE) {
      return FAST_DOUBLE_UNARIES[op]?.(a.double[0]!, this.#out.double) ?? UNKNOWN;
    }
    if (format !== FP_FORMAT.SINGLE) return UNKNOWN;
    return FAST_SINGLE_UNARIES[op]?.(a.single[0]!, this.#out.single) ?? UNKNOWN;
  }

  #fastBinary(op: number, format: number): number {
    const a = this.#a;
    const b = this.#b;
    if (format === FP_FORMAT.DOUBLE) {
      return FAST_DOUBLE_BINARIES[op]?.(a.double[0]!, b.double[0]!, this.#out.double) ?? UNKNOWN;
    }
    if (format !== FP_FORMAT.SINGLE) return UNKNOWN;
    return FAST_SINGLE_BINARIES[op]?.(a.single[0]!, b.single[0]!, this.#out.single) ?? UNKNOWN;
  }

  #fastFused(op: number, format: number): number {
    const { addend, factor } = FUSED[op]!;
    const a = this.#a;
    const b = this.#b;
    const c = this.#c;
    if (format === FP_FORMAT.DOUBLE) {
      return fusedMultiplyAdd(addend * c.double[0]!, factor * a.double[0]!, b.double[0]!, this.#out.double);
    }
    if (format !== FP_FORMAT.SINGLE) return UNKNOWN;
    const { single } = this.#out;
    return fusedMultiplyAddSingle(addend * c.single[0]!, factor * a.single[0]!, b.single[0]!, single);
  }

  /** FCMP, FCMPE and, before their conditions, FCCMP: the NZCV value; `signalling` is the E form. */
  compare(
    format: number,
    signalling: number,
    aLow: number,
    aHigh: number,
    bLow: number,
    bHigh: number,
  ): number {
    this.#a.set(aLow, aHigh);
    this.#b.set(bLow, bHigh);
    if (this.#isFastMode() && format !== FP_FORMAT.HALF) {
      const isDouble = format === FP_FORMAT.DOUBLE;
      const a = isDouble ? this.#a.double[0]! : this.#a.single[0]!;
      const b = isDouble ? this.#b.double[0]! : this.#b.single[0]!;
      if (a === b) return NZCV.EQUAL;
      if (a < b) return NZCV.LESS;
      if (a > b) return NZCV.GREATER;
    }
    const env = this.#beginExact();
    const op1 = this.#operand(this.#a, format);
    const op2 = this.#operand(this.#b, format);
    const flags = fpCompare(FORMATS[format]!, op1, op2, signalling !== 0, env);
    this.#raise(env.exceptions);
    return flags;
  }

  /** FCVT between formats; `rounding` is ROUNDING.ODD for FCVTXN, else ROUNDING_CURRENT. */
  convert(from: number, to: number, rounding: number, low: number, high: number): void {
    const a = this.#a;
    a.set(low, high);
    if (this.#isFastMode() && rounding === ROUNDING_CURRENT) {
      if (this.#finishFast(to, this.#fastConvert(from, to))) return;
    }
    const env = this.#beginExact();
    const operand = this.#operand(a, from);
    this.#finishExact(fpConvert(FORMATS[from]!, FORMATS[to]!, operand, env, this.#rounding(rounding)));
  }

  #fastConvert(from: number, to: number): number {
    const a = this.#a;
    if (from === FP_FORMAT.DOUBLE && to === FP_FORMAT.SINGLE) {
      return convertToSingle(a.double[0]!, this.#out.single);
    }
    if (from !== FP_FORMAT.SINGLE || to !== FP_FORMAT.DOUBLE) return UNKNOWN;
    const value = a.single[0]!;
    this.#out.double[0] = value;
    return Number.isNaN(value) ? UNKNOWN : 0;
  }

  /** FCVTxS and FCVTxU to `width` (16, 32, 64) bits with `fractionBits` after the point. */
  toFixed(
    format: number,
    width: number,
    fractionBits: number,
    unsigned: number,
    rounding: number,
    low: number,
    high: number,
  ): void {
    const a = this.#a;
    a.set(low, high);
    const isUnsigned = unsigned !== 0;
    if (format !== FP_FORMAT.HALF && width >= WORD_BITS && this.#isFastMode()) {
      const value = format === FP_FORMAT.DOUBLE ? a.double[0]! : a.single[0]!;
      const direction = rounding === ROUNDING_CURRENT ? ROUNDING.TIEEVEN : (rounding as Rounding);
      const { words } = this.#out;
      const exceptions = doubleToFixed(value, width, fractionBits, isUnsigned, direction, words);
      if (this.#finishFast(FP_FORMAT.DOUBLE, exceptions)) return;
    }
    const env = this.#beginExact();
    const operand = this.#operand(a, format);
    const direction = this.#rounding(rounding);
    this.#finishExact(fpToFixed(FORMATS[format]!, operand, width, fractionBits, isUnsigned, env, direction));
  }

  /** SCVTF and UCVTF from a `width`-bit integer or fixed-point number. */
  fromFixed(
    format: number,
    width: number,
    fractionBits: number,
    unsigned: number,
    low: number,
    high: number,
  ): void {
    const isUnsigned = unsigned !== 0;
    if (this.#isFastMode() && format !== FP_FORMAT.HALF && width >= WORD_BITS) {
      const { double, single } = this.#out;
      const exceptions =
        format === FP_FORMAT.DOUBLE
          ? fixedToDouble(low, high, width, fractionBits, isUnsigned, double)
          : fixedToSingle(low, high, width, fractionBits, isUnsigned, single);
      this.#finishFast(format, exceptions);
      return;
    }
    this.#a.set(low, high);
    const env = this.#beginExact();
    const operand = this.#a.bits[0]!;
    this.#finishExact(fixedToFP(FORMATS[format]!, operand, width, fractionBits, isUnsigned, env));
  }

  /** FJCVTZS: stores the integer, returns PSTATE.Z. */
  toFixedJS(low: number, high: number): number {
    this.#a.set(low, high);
    const env = this.#beginExact();
    const { value, exact } = fpToFixedJS(DOUBLE, this.#a.bits[0]!, env);
    this.#finishExact(value);
    return exact ? 1 : 0;
  }

  #isFastMode(): boolean {
    return !this.#exactOnly && (this.#ports.readFpcr() & FAST_MODE_MASK) === 0;
  }

  #beginExact(): FpEnvironment {
    this.#env.load(this.#ports.readFpcr());
    return this.#env;
  }

  #rounding(rounding: number): Rounding {
    return rounding === ROUNDING_CURRENT ? this.#env.rounding : (rounding as Rounding);
  }

  /** The register's low bits as `format` sees them. */
  #operand(register: Register, format: number): bigint {
    const { words } = register;
    words[0] = words[0]! & LOW_MASK[format]!;
    words[1] = words[1]! & HIGH_MASK[format]!;
    return register.bits[0]!;
  }

  #raise(exceptions: number): void {
    if (exceptions !== 0) this.#ports.orFpsr(exceptions);
  }

  /** Delivers what a fast path left in the output register, unless it did not decide the case. */
  #finishFast(format: number, exceptions: number): boolean {
    if (exceptions === UNKNOWN) return false;
    const { words } = this.#out;
    this.#result[0] = words[0]!;
    this.#result[1] = format === FP_FORMAT.DOUBLE ? words[1]! : 0;
    this.#raise(exceptions);
    return true;
  }

  #finishExact(bits: bigint): void {
    this.#out.bits[0] = bits;
    this.#result[0] = this.#out.words[0]!;
    this.#result[1] = this.#out.words[1]!;
    this.#raise(this.#env.exceptions);
  }
}
