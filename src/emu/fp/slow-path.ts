/**
 * Floating point for callers that pass 32-bit integers (see lane-calls.ts): operands come as halves, the
 * low one first; results go to two words given at construction, zero-extended;
 * exceptions are added to FPSR through a port.
 *
 * While FPCR rounds to nearest, the host's arithmetic is tried first, whose residuals give the exact flags;
 * everything else takes the BigInt algorithms.
 */
import { fpCompare } from './compare.ts';
import { fixedToFP, fpConvert, fpToFixed, fpToFixedJS } from './convert.ts';
import { FPCR, FpEnvironment, ROUNDING, type Rounding } from './environment.ts';
import { bfDotAddFast } from './fast-bfloat.ts';
import { UNKNOWN } from './fast-operations.ts';
import { FastPath, type Register } from './fast-path.ts';
import { DOUBLE } from './format.ts';
import {
  BINARY_ROWS,
  type BinaryOperation,
  FORMATS,
  FP_FORMAT,
  FP_TERNARY,
  TERNARY_ROWS,
  type TernaryOperation,
  UNARY_ROWS,
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

const UNARY = Object.values(UNARY_ROWS) as UnaryOperation[];
const BINARY = Object.values(BINARY_ROWS) as BinaryOperation[];
const TERNARY = Object.values(TERNARY_ROWS) as TernaryOperation[];

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
  readonly #fast = new FastPath();

  /** @param result receives the low and high words of results. */
  constructor(result: Int32Array, ports: FpPorts, options: FpSlowPathOptions = {}) {
    this.#result = result;
    this.#ports = ports;
    this.#exactOnly = options.exactOnly ?? false;
  }

  /** Runs the unary operation numbered `op` (FP_UNARY) in `format` (FP_FORMAT). */
  unary(op: number, format: number, low: number, high: number): void {
    const fast = this.#fast;
    fast.a.set(low, high);
    if (this.#mayUseHost(format, 1) && this.#finishFast(format, fast.unary(op, format))) return;
    const env = this.#beginExact();
    this.#finishExact(UNARY[op]!(FORMATS[format]!, this.#operand(fast.a, format), env));
  }

  /** Runs the binary operation numbered `op` (FP_BINARY). */
  binary(op: number, format: number, aLow: number, aHigh: number, bLow: number, bHigh: number): void {
    const fast = this.#fast;
    fast.a.set(aLow, aHigh);
    fast.b.set(bLow, bHigh);
    if (this.#mayUseHost(format, 2) && this.#finishFast(format, fast.binary(op, format))) return;
    const env = this.#beginExact();
    const op1 = this.#operand(fast.a, format);
    const op2 = this.#operand(fast.b, format);
    this.#finishExact(BINARY[op]!(FORMATS[format]!, op1, op2, env));
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
    const fast = this.#fast;
    fast.c.set(cLow, cHigh);
    fast.a.set(aLow, aHigh);
    fast.b.set(bLow, bHigh);
    if (op === FP_TERNARY.BFDOT && !this.#exactOnly) {
      // Whatever FPCR says, and raising nothing.
      this.#deliver(bfDotAddFast(cLow, aLow, bLow), 0);
      return;
    }
    if (this.#mayUseHost(format, 3) && this.#finishFast(format, fast.ternary(op, format))) return;
    const env = this.#beginExact();
    const addend = this.#operand(fast.c, format);
    const factor1 = this.#operand(fast.a, format);
    const factor2 = this.#operand(fast.b, format);
    this.#finishExact(TERNARY[op]!(FORMATS[format]!, addend, factor1, factor2, env));
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
    const fast = this.#fast;
    fast.a.set(aLow, aHigh);
    fast.b.set(bLow, bHigh);
    if (this.#mayUseHost(format, 2)) {
      const flags = fast.compare(format);
      if (flags !== UNKNOWN) return flags;
    }
    const env = this.#beginExact();
    const op1 = this.#operand(fast.a, format);
    const op2 = this.#operand(fast.b, format);
    const flags = fpCompare(FORMATS[format]!, op1, op2, signalling !== 0, env);
    this.#raise(env.exceptions);
    return flags;
  }

  /** FCVT between formats; `rounding` is ROUNDING.ODD for FCVTXN, else ROUNDING_CURRENT. */
  convert(from: number, to: number, rounding: number, low: number, high: number): void {
    const fast = this.#fast;
    fast.a.set(low, high);
    if (rounding === ROUNDING_CURRENT && this.#mayConvertByHost(from)) {
      if (this.#finishFast(to, fast.convert(from, to))) return;
    }
    const env = this.#beginExact();
    const operand = this.#operand(fast.a, from);
    this.#finishExact(fpConvert(FORMATS[from]!, FORMATS[to]!, operand, env, this.#rounding(rounding)));
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
    const fast = this.#fast;
    fast.a.set(low, high);
    const isUnsigned = unsigned !== 0;
    if (this.#mayUseHost(format, 1)) {
      const direction = rounding === ROUNDING_CURRENT ? ROUNDING.TIEEVEN : (rounding as Rounding);
      const exceptions = fast.toFixed(format, width, fractionBits, isUnsigned, direction);
      if (exceptions !== UNKNOWN) {
        this.#raise(exceptions);
        this.#deliver(fast.out.words[0]!, fast.out.words[1]!);
        return;
      }
    }
    const env = this.#beginExact();
    const operand = this.#operand(fast.a, format);
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
    const fast = this.#fast;
    fast.a.set(low, high);
    const isUnsigned = unsigned !== 0;
    if (this.#mayUseHost(format, 0)) {
      if (this.#finishFast(format, fast.fromFixed(format, width, fractionBits, isUnsigned))) return;
    }
    const env = this.#beginExact();
    const operand = fast.a.bits[0]!;
    this.#finishExact(fixedToFP(FORMATS[format]!, operand, width, fractionBits, isUnsigned, env));
  }

  /** FJCVTZS: stores the integer, returns PSTATE.Z. */
  toFixedJS(low: number, high: number): number {
    this.#fast.a.set(low, high);
    const env = this.#beginExact();
    const { value, exact } = fpToFixedJS(DOUBLE, this.#fast.a.bits[0]!, env);
    this.#finishExact(value);
    return exact ? 1 : 0;
  }

  /** FPCR's bit that flushes denormals of `format`. */
  #flushes(format: number): boolean {
    return (this.#ports.readFpcr() & (format === FP_FORMAT.HALF ? FPCR.FZ16 : FPCR.FZ)) !== 0;
  }

  /** Whether the host's arithmetic has the modes that FPCR asks for, for these operands (the first of a, b, c). */
  #mayUseHost(format: number, operands: number): boolean {
    if (this.#exactOnly || (this.#ports.readFpcr() & FPCR.RMODE) !== 0) return false;
    return operands === 0 || !this.#flushes(format) || this.#fast.readsNoDenormals(format, operands);
  }
  /** Conversions between formats have halves as AHP says, and never flush them. */
  #mayConvertByHost(from: number): boolean {
    if (this.#exactOnly || (this.#ports.readFpcr() & (FPCR.RMODE | FPCR.AHP)) !== 0) return false;
    return from === FP_FORMAT.HALF || !this.#flushes(from) || this.#fast.readsNoDenormals(from, 1);
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

  #deliver(low: number, high: number): void {
    this.#result[0] = low;
    this.#result[1] = high;
  }

  /** Delivers what the host path left in its output, unless it did not decide the case. */
  #finishFast(format: number, exceptions: number): boolean {
    if (exceptions === UNKNOWN) return false;
    const { words } = this.#fast.out;
    if (this.#flushes(format) && !this.#fast.givesNothingTiny(format, exceptions)) return false;
    this.#deliver(words[0]!, format === FP_FORMAT.DOUBLE ? words[1]! : 0);
    this.#raise(exceptions);
    return true;
  }

  #finishExact(bits: bigint): void {
    const { out } = this.#fast;
    out.bits[0] = bits;
    this.#deliver(out.words[0]!, out.words[1]!);
    this.#raise(this.#env.exceptions);
  }
}
