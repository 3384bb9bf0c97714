/**
 * The slow path as generated code calls it: operands and results are lanes of 16-byte slots in the vCPU's
 * SCRATCH. Slot 0 receives the result, slots 1, 2 and 3 hold the operands in the order of operations.ts.
 * Every argument is an i32; `lanes` says how many lanes count, 1 for scalars.
 */
import { unsignedRecipEstimate, unsignedRSqrtEstimate } from './estimate.ts';
import { FP_FORMAT } from './operations.ts';
import { type FpPorts, FpSlowPath } from './slow-path.ts';

/** Bytes of a slot. */
export const FP_SLOT_BYTES = 16;
const SLOT_WORDS = FP_SLOT_BYTES / 4;
/** Words of all slots. */
export const FP_SLOT_WORDS = 4 * SLOT_WORDS;
const RESULT = 0;
const FIRST = 1;
const SECOND = 2;
const THIRD = 3;

/** Integers stand in lanes like the floats of their width: 16, 32 or 64 bits. */
const formatOfWidth = (width: number): number => Math.log2(width / 8);
const WORD_FORMAT = 2;

/** Numbers of the integer estimates. */
export const INTEGER_ESTIMATE = { URECPE: 0, URSQRTE: 1 } as const;
const INTEGER_ESTIMATES = [unsignedRecipEstimate, unsignedRSqrtEstimate] as const;

export class FpLaneCalls {
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #result = new Int32Array(2);
  readonly #slowPath: FpSlowPath;
  #low = 0;
  #high = 0;

  /** @param scratch the four slots. */
  constructor(scratch: Int32Array, ports: FpPorts) {
    this.#words = scratch;
    this.#halves = new Uint16Array(scratch.buffer, scratch.byteOffset, scratch.length * 2);
    this.#slowPath = new FpSlowPath(this.#result, ports);
  }

  unary(op: number, format: number, lanes: number): void {
    for (let i = 0; i < lanes; i++) {
      this.#take(FIRST, format, i);
      this.#slowPath.unary(op, format, this.#low, this.#high);
      this.#put(format, i);
    }
  }

  binary(op: number, format: number, lanes: number): void {
    for (let i = 0; i < lanes; i++) {
      this.#take(SECOND, format, i);
      const low = this.#low;
      const high = this.#high;
      this.#take(FIRST, format, i);
      this.#slowPath.binary(op, format, this.#low, this.#high, low, high);
      this.#put(format, i);
    }
  }

  /** Slots: addend, first factor, second factor. */
  ternary(op: number, format: number, lanes: number): void {
    for (let i = 0; i < lanes; i++) {
      this.#take(THIRD, format, i);
      const secondLow = this.#low;
      const secondHigh = this.#high;
      this.#take(SECOND, format, i);
      const firstLow = this.#low;
      const firstHigh = this.#high;
      this.#take(FIRST, format, i);
      this.#slowPath.ternary(op, format, this.#low, this.#high, firstLow, firstHigh, secondLow, secondHigh);
      this.#put(format, i);
    }
  }

  /** Gives NZCV as four bits. */
  compare(format: number, signalling: number): number {
    this.#take(SECOND, format, 0);
    const low = this.#low;
    const high = this.#high;
    this.#take(FIRST, format, 0);
    return this.#slowPath.compare(format, signalling, this.#low, this.#high, low, high);
  }

  convert(from: number, to: number, rounding: number, lanes: number): void {
    for (let i = 0; i < lanes; i++) {
      this.#take(FIRST, from, i);
      this.#slowPath.convert(from, to, rounding, this.#low, this.#high);
      this.#put(to, i);
    }
  }

  toFixed(
    format: number,
    width: number,
    fractionBits: number,
    unsigned: number,
    rounding: number,
    lanes: number,
  ): void {
    for (let i = 0; i < lanes; i++) {
      this.#take(FIRST, format, i);
      this.#slowPath.toFixed(format, width, fractionBits, unsigned, rounding, this.#low, this.#high);
      this.#put(formatOfWidth(width), i);
    }
  }

  fromFixed(format: number, width: number, fractionBits: number, unsigned: number, lanes: number): void {
    for (let i = 0; i < lanes; i++) {
      this.#take(FIRST, formatOfWidth(width), i);
      this.#slowPath.fromFixed(format, width, fractionBits, unsigned, this.#low, this.#high);
      this.#put(format, i);
    }
  }

  /** Gives PSTATE.Z. */
  toFixedJS(): number {
    this.#take(FIRST, FP_FORMAT.DOUBLE, 0);
    const exact = this.#slowPath.toFixedJS(this.#low, this.#high);
    this.#put(WORD_FORMAT, 0);
    return exact;
  }

  /** URECPE and URSQRTE, by INTEGER_ESTIMATE. */
  integerEstimate(op: number, lanes: number): void {
    for (let i = 0; i < lanes; i++)
      this.#words[i] = INTEGER_ESTIMATES[op]!(this.#words[FIRST * SLOT_WORDS + i]!);
  }

  #take(slot: number, format: number, lane: number): void {
    this.#high = 0;
    if (format === FP_FORMAT.DOUBLE) {
      this.#low = this.#words[slot * SLOT_WORDS + 2 * lane]!;
      this.#high = this.#words[slot * SLOT_WORDS + 2 * lane + 1]!;
    } else if (format === FP_FORMAT.SINGLE) this.#low = this.#words[slot * SLOT_WORDS + lane]!;
    else this.#low = this.#halves[2 * slot * SLOT_WORDS + lane]!;
  }

  #put(format: number, lane: number): void {
    if (format === FP_FORMAT.DOUBLE) {
      this.#words[RESULT + 2 * lane] = this.#result[0]!;
      this.#words[RESULT + 2 * lane + 1] = this.#result[1]!;
    } else if (format === FP_FORMAT.SINGLE) this.#words[RESULT + lane] = this.#result[0]!;
    else this.#halves[RESULT + lane] = this.#result[0]!;
  }
}
