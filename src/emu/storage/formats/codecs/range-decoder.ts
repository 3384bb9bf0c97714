/**
 * The range decoder of LZMA: binary decisions with adaptive probabilities of 11 bits, trees of them, and bits
 * of even odds. Reading beyond the input gives zeros; whoever uses it compares `position` afterwards.
 * hot: each method keeps range and code in locals, because a decision takes about a nanosecond.
 */

export const PROBABILITY_BITS = 11;
export const PROBABILITY_ONE = 1 << PROBABILITY_BITS;
/** Both values as likely. */
export const EVEN = PROBABILITY_ONE / 2;
/** How fast probabilities move. */
export const MOVE_BITS = 5;
/** Below this the range takes in another byte. */
export const TOP_MASK = 0xff00_0000;

/** A zero byte, and the first four bytes of the code. */
export const RANGE_HEADER_BYTES = 5;

/** Where each is in `registers`. */
export const RANGE = 0;
export const CODE = 1;

export class RangeDecoder {
  bytes = new Uint8Array(0);
  position = 0;
  /**
   * Range and code. hot: integers of 32 bits; as properties they would be boxed doubles in Chromium, whose small
   * integers have 31 bits (1.1 to 1.3 of the time).
   */
  readonly registers = new Int32Array(2);
  readonly probabilities: Uint16Array;

  constructor(probabilities: Uint16Array) {
    this.probabilities = probabilities;
  }

  /** Begins at `position`; false when the first byte is not zero as it has to be. */
  start(bytes: Uint8Array<ArrayBuffer>, position: number): boolean {
    this.bytes = bytes;
    this.registers[RANGE] = -1;
    this.registers[CODE] =
      (bytes[position + 1]! << 24) |
      (bytes[position + 2]! << 16) |
      (bytes[position + 3]! << 8) |
      bytes[position + 4]!;
    this.position = position + RANGE_HEADER_BYTES;
    return bytes[position] === 0;
  }

  /** Takes the last byte in; whether the code is used up as it is at the end of a chunk. */
  finish(): boolean {
    const { registers } = this;
    if ((registers[RANGE]! & TOP_MASK) === 0) {
      registers[RANGE] = registers[RANGE]! << 8;
      registers[CODE] = (registers[CODE]! << 8) | this.bytes[this.position++]!;
    }
    return registers[CODE] === 0;
  }

  /** One decision under the probability at `index`. */
  bit(index: number): 0 | 1 {
    const { probabilities, registers } = this;
    let range = registers[RANGE]!;
    let code = registers[CODE]!;
    if ((range & TOP_MASK) === 0) {
      range <<= 8;
      code = (code << 8) | this.bytes[this.position++]!;
    }
    const probability = probabilities[index]!;
    const bound = Math.imul(range >>> PROBABILITY_BITS, probability);
    if (code >>> 0 < bound >>> 0) {
      registers[RANGE] = bound;
      registers[CODE] = code;
      probabilities[index] = probability + ((PROBABILITY_ONE - probability) >> MOVE_BITS);
      return 0;
    }
    registers[RANGE] = range - bound;
    registers[CODE] = code - bound;
    probabilities[index] = probability - (probability >> MOVE_BITS);
    return 1;
  }

  /** A number of `bitCount` bits, highest first, from the tree whose root is at `index` + 1. */
  tree(index: number, bitCount: number): number {
    const { probabilities, bytes, registers } = this;
    const top = 1 << bitCount;
    let range = registers[RANGE]!;
    let code = registers[CODE]!;
    let symbol = 1;
    while (symbol < top) {
      if ((range & TOP_MASK) === 0) {
        range <<= 8;
        code = (code << 8) | bytes[this.position++]!;
      }
      const at = index + symbol;
      const probability = probabilities[at]!;
      const bound = Math.imul(range >>> PROBABILITY_BITS, probability);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probabilities[at] = probability + ((PROBABILITY_ONE - probability) >> MOVE_BITS);
        symbol <<= 1;
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probabilities[at] = probability - (probability >> MOVE_BITS);
        symbol = (symbol << 1) | 1;
      }
    }
    registers[RANGE] = range;
    registers[CODE] = code;
    return symbol - top;
  }

  /** A number of `bitCount` bits, lowest first, from the tree whose root is at `index` + 1. */
  reverseTree(index: number, bitCount: number): number {
    let symbol = 1;
    let result = 0;
    for (let bit = 0; bit < bitCount; bit++) {
      const value = this.bit(index + symbol);
      symbol = (symbol << 1) | value;
      result |= value << bit;
    }
    return result;
  }

  /** A number of `bitCount` bits without probabilities. */
  direct(bitCount: number): number {
    const { registers } = this;
    let range = registers[RANGE]!;
    let code = registers[CODE]!;
    let result = 0;
    for (let bit = 0; bit < bitCount; bit++) {
      if ((range & TOP_MASK) === 0) {
        range <<= 8;
        code = (code << 8) | this.bytes[this.position++]!;
      }
      range >>>= 1;
      code = (code - range) | 0;
      // All ones when the code was below: then the bit is 0 and the subtraction is undone.
      const mask = code >> 31;
      code = (code + (range & mask)) | 0;
      result = (result << 1) + (mask + 1);
    }
    registers[RANGE] = range;
    registers[CODE] = code;
    return result;
  }
}
