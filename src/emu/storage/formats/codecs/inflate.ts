/**
 * Inflate, RFC 1951: blocks of literals and matches under Huffman codes, from a stream into a window.
 * A round decodes until its input or the window is used up; the block goes on in the next one.
 * hot: codes of up to FAST_BITS bits are one table lookup, longer ones are counted through.
 */
import { assert } from '../../../base/assert.ts';
import { ImageError } from '../image-error.ts';
import { OutputWindow } from './output-window.ts';
import { StreamInput } from './stream-input.ts';

export const DEFLATE_HISTORY_BYTES = 1 << 15;
/** Output of one round at most. */
const ROUND_BYTES = 1 << 18;
const LONGEST_MATCH = 258;
/** A length and a distance with their extra bits take at most 48 bits. */
const SYMBOL_BYTES = 8;
/** A dynamic header: 14 bits, 19 lengths of 3 bits, 320 codes of 7 bits with 7 more. */
const HEADER_BYTES = 640;

const LONGEST_CODE = 15;
const FAST_BITS = 10;
const FAST_MASK = (1 << FAST_BITS) - 1;
const LENGTH_BITS = 4;
const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;

/** Section 3.2.5: base and extra bits of the length symbols from 257, and of the distance symbols. */
const LENGTH_BASE = Uint16Array.of(
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  10,
  11,
  13,
  15,
  17,
  19,
  23,
  27,
  31,
  35,
  43,
  51,
  59,
  67,
  83,
  99,
  115,
  131,
  163,
  195,
  227,
  258,
);
const LENGTH_EXTRA = Uint8Array.of(
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  1,
  1,
  1,
  1,
  2,
  2,
  2,
  2,
  3,
  3,
  3,
  3,
  4,
  4,
  4,
  4,
  5,
  5,
  5,
  5,
  0,
);
const DISTANCE_BASE = Uint16Array.of(
  1,
  2,
  3,
  4,
  5,
  7,
  9,
  13,
  17,
  25,
  33,
  49,
  65,
  97,
  129,
  193,
  257,
  385,
  513,
  769,
  1025,
  1537,
  2049,
  3073,
  4097,
  6145,
  8193,
  12289,
  16385,
  24577,
);
const DISTANCE_EXTRA = Uint8Array.of(
  0,
  0,
  0,
  0,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  5,
  6,
  6,
  7,
  7,
  8,
  8,
  9,
  9,
  10,
  10,
  11,
  11,
  12,
  12,
  13,
  13,
);
/** Section 3.2.7: the order in which lengths of the code lengths' code are stored. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Symbols 16 to 18 repeat a length: which, and how often. */
const REPEATS = [
  { symbol: 16, extraBits: 2, base: 3 },
  { symbol: 17, extraBits: 3, base: 3 },
  { symbol: 18, extraBits: 7, base: 11 },
] as const;
const REPEAT_LAST = 16;

const MOST_LITERALS = 286;
const LENGTH_MASK = (1 << LENGTH_BITS) - 1;
/** Bits are held in 32, and filled up by bytes. */
const HELD_BYTES = 4;
const REFILL_BITS = 24;

/** A canonical code. */
interface HuffmanCode {
  /** By the next FAST_BITS bits: symbol << LENGTH_BITS | length; 0 where the code is longer. */
  readonly fast: Uint16Array;
  /** Number of codes of each length, and all symbols in the order of their codes. */
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

interface Codes {
  readonly literals: HuffmanCode;
  readonly distances: HuffmanCode;
}

type BlockState =
  | { readonly kind: 'header' | 'end' }
  | { readonly kind: 'stored'; left: number }
  | ({ readonly kind: 'codes' } & Codes);

/** Decodes a stream that begins at the input's position; afterwards that is behind its last byte. */
export async function* inflate(input: StreamInput, window: OutputWindow): AsyncGenerator<Uint8Array> {
  const decoder = new Inflate(input, window);
  while (!decoder.hasEnded) {
    await input.fill(HEADER_BYTES);
    window.reserve(ROUND_BYTES);
    decoder.round();
    if (window.untaken >= ROUND_BYTES / 2 || decoder.hasEnded) yield window.take();
  }
}

/** Decodes a stream that is in memory; its output must be `size` bytes, or at least so many. */
export function inflateBytes(bytes: Uint8Array, size: number): Uint8Array {
  const window = new OutputWindow(DEFLATE_HISTORY_BYTES, size + LONGEST_MATCH);
  const decoder = new Inflate(new StreamInput(bytes), window);
  while (!decoder.hasEnded && window.end < size) decoder.round();
  if (window.end < size) {
    throw new ImageError('corrupt', `compressed data of ${size} bytes ends after ${window.end}`);
  }
  return window.bytes.subarray(0, size);
}

class Inflate {
  private readonly input: StreamInput;
  private readonly window: OutputWindow;
  private state: BlockState = { kind: 'header' };
  private isLast = false;
  /** Bits that were read and not used, the next one lowest. */
  private held = 0;
  private heldBits = 0;

  constructor(input: StreamInput, window: OutputWindow) {
    this.input = input;
    this.window = window;
  }

  get hasEnded(): boolean {
    return this.state.kind === 'end';
  }

  /** Decodes until a block ends or the input or the window's room is used up. */
  round(): void {
    const { state, input } = this;
    if (state.kind === 'header') this.header();
    else if (state.kind === 'stored') this.stored(state);
    else if (state.kind === 'codes') this.codes(state.literals, state.distances);
    if (input.position - (this.heldBits >> 3) > input.limit) throw this.truncated();
    if (this.state.kind === 'end') this.returnBytes();
  }

  private header(): void {
    this.isLast = this.bits(1) === 1;
    const type = this.bits(2);
    if (type === 0) this.storedHeader();
    else if (type === 1) this.state = { kind: 'codes', ...FIXED_CODES };
    else if (type === 2) this.state = { kind: 'codes', ...this.dynamicCodes() };
    else throw this.corrupt('a block of unknown type');
  }

  private storedHeader(): void {
    this.returnBytes();
    const length = this.bits(16);
    if (this.bits(16) !== (~length & 0xffff)) throw this.corrupt('a stored block with a wrong length');
    this.state = { kind: 'stored', left: length };
    if (length === 0) this.endBlock();
  }

  private stored(state: { left: number }): void {
    const { input, window } = this;
    const count = Math.min(state.left, input.available, window.room);
    if (count === 0 && input.isComplete) throw this.truncated();
    window.bytes.set(input.take(count), window.end);
    window.end += count;
    state.left -= count;
    if (state.left === 0) this.endBlock();
  }

  private endBlock(): void {
    this.state = { kind: this.isLast ? 'end' : 'header' };
  }

  /** Section 3.2.7. */
  private dynamicCodes(): Codes {
    const literalCount = this.bits(5) + FIRST_LENGTH;
    const distanceCount = this.bits(5) + 1;
    const lengthCount = this.bits(4) + 4;
    if (literalCount > MOST_LITERALS || distanceCount > DISTANCE_BASE.length) {
      throw this.corrupt('a code with too many symbols');
    }
    const ofLengths = new Uint8Array(CODE_LENGTH_ORDER.length);
    for (const symbol of CODE_LENGTH_ORDER.slice(0, lengthCount)) ofLengths[symbol] = this.bits(3);
    const lengths = this.codeLengths(this.code(ofLengths, false), literalCount + distanceCount);
    if (lengths[END_OF_BLOCK] === 0) throw this.corrupt('a block without an end');
    return {
      literals: this.code(lengths.subarray(0, literalCount), true),
      distances: this.code(lengths.subarray(literalCount), true),
    };
  }

  private codeLengths(code: HuffmanCode, count: number): Uint8Array {
    const lengths = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const symbol = this.symbol(code);
      const repeat = REPEATS.find((row) => row.symbol === symbol);
      if (!repeat) {
        lengths[at++] = symbol;
        continue;
      }
      const times = repeat.base + this.bits(repeat.extraBits);
      const isCopy = symbol === REPEAT_LAST;
      if (at + times > count || (isCopy && at === 0)) throw this.corrupt('a code with wrong lengths');
      lengths.fill(isCopy ? lengths[at - 1]! : 0, at, at + times);
      at += times;
    }
    return lengths;
  }

  private code(lengths: Uint8Array, mayBeIncomplete: boolean): HuffmanCode {
    const code = huffmanCode(lengths, mayBeIncomplete);
    if (!code) throw this.corrupt('a code that is not a prefix code');
    return code;
  }

  /** hot: 5.5 ns a symbol; registers of the loop are locals. */
  private codes(literals: HuffmanCode, distances: HuffmanCode): void {
    const { input, window } = this;
    const { bytes: source } = input;
    const target = window.bytes;
    const { fast } = literals;
    const stop = Math.min(window.end + ROUND_BYTES, target.length) - LONGEST_MATCH;
    const lastPosition = input.isComplete ? input.limit + HELD_BYTES : input.limit - SYMBOL_BYTES;
    let { held, heldBits } = this;
    let { position } = input;
    let { end } = window;
    while (end <= stop && position <= lastPosition) {
      while (heldBits <= REFILL_BITS) {
        held |= source[position++]! << heldBits;
        heldBits += 8;
      }
      const entry = fast[held & FAST_MASK]!;
      let symbol = entry >> LENGTH_BITS;
      if (entry !== 0) {
        held >>>= entry & LENGTH_MASK;
        heldBits -= entry & LENGTH_MASK;
        if (symbol < END_OF_BLOCK) {
          target[end++] = symbol;
          continue;
        }
      }
      this.held = held;
      this.heldBits = heldBits;
      input.position = position;
      window.end = end;
      if (entry === 0) symbol = this.longSymbol(literals);
      if (symbol < END_OF_BLOCK) window.bytes[window.end++] = symbol;
      else if (symbol > END_OF_BLOCK) this.match(symbol - FIRST_LENGTH, distances);
      else return this.endBlock();
      ({ held, heldBits } = this);
      ({ position } = input);
      ({ end } = window);
    }
    this.held = held;
    this.heldBits = heldBits;
    input.position = position;
    window.end = end;
  }

  private match(lengthSymbol: number, distances: HuffmanCode): void {
    if (lengthSymbol >= LENGTH_BASE.length) throw this.corrupt('an unknown length');
    const length = LENGTH_BASE[lengthSymbol]! + this.bits(LENGTH_EXTRA[lengthSymbol]!);
    const symbol = this.symbol(distances);
    if (symbol >= DISTANCE_BASE.length) throw this.corrupt('an unknown distance');
    const distance = DISTANCE_BASE[symbol]! + this.bits(DISTANCE_EXTRA[symbol]!);
    if (distance > this.window.end) throw this.corrupt('a match with what was before the start');
    this.window.copyMatch(distance, length);
  }

  private symbol(code: HuffmanCode): number {
    this.refill();
    const entry = code.fast[this.held & FAST_MASK]!;
    if (entry === 0) return this.longSymbol(code);
    this.held >>>= entry & LENGTH_MASK;
    this.heldBits -= entry & LENGTH_MASK;
    return entry >> LENGTH_BITS;
  }

  /** Codes of one length are consecutive: counts through the lengths. */
  private longSymbol({ counts, symbols }: HuffmanCode): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LONGEST_CODE; length++) {
      code |= (this.held >>> (length - 1)) & 1;
      const count = counts[length]!;
      if (code - first < count) {
        this.held >>>= length;
        this.heldBits -= length;
        return symbols[index + code - first]!;
      }
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw this.corrupt('an unknown code');
  }

  private bits(count: number): number {
    if (this.heldBits < count) this.refill();
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.heldBits -= count;
    return value;
  }

  /** At least 25 bits are held afterwards: behind the end of the file they are zeros. */
  private refill(): void {
    const { input } = this;
    while (this.heldBits <= REFILL_BITS) {
      this.held |= (input.bytes[input.position++] ?? 0) << this.heldBits;
      this.heldBits += 8;
    }
  }

  /** Gives whole bytes back that were read ahead, and drops the rest of a byte. */
  private returnBytes(): void {
    this.input.position -= this.heldBits >> 3;
    this.held = 0;
    this.heldBits = 0;
  }

  private truncated(): ImageError {
    const { input } = this;
    return new ImageError(
      'truncated',
      'the file ends within compressed data',
      input.offset - input.position + input.limit,
    );
  }

  private corrupt(what: string): ImageError {
    return new ImageError('corrupt', `the compressed data is damaged: ${what}`, this.input.offset);
  }
}

/** Section 3.2.2; undefined when the lengths make no prefix code, or leave codes unused that they may not. */
function huffmanCode(lengths: Uint8Array, mayBeIncomplete: boolean): HuffmanCode | undefined {
  const counts = new Uint16Array(LONGEST_CODE + 1);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  let left = 1;
  const firstIndex = new Uint16Array(LONGEST_CODE + 2);
  for (let length = 1; length <= LONGEST_CODE; length++) {
    left = 2 * left - counts[length]!;
    if (left < 0) return undefined;
    firstIndex[length + 1] = firstIndex[length]! + counts[length]!;
  }
  // One code of one bit, or none at all, is what encoders write where there is nothing to distinguish.
  const used = firstIndex[LONGEST_CODE + 1]!;
  if (left > 0 && !(mayBeIncomplete && used === counts[1] && used <= 1)) return undefined;
  const symbols = new Uint16Array(used);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!;
    if (length > 0) symbols[firstIndex[length]!++] = symbol;
  }
  return { fast: fastTable(counts, symbols), counts, symbols };
}

function fastTable(counts: Uint16Array, symbols: Uint16Array): Uint16Array {
  const fast = new Uint16Array(1 << FAST_BITS);
  let code = 0;
  let index = 0;
  for (let length = 1; length <= FAST_BITS; length++) {
    for (let nth = 0; nth < counts[length]!; nth++, code++, index++) {
      const entry = (symbols[index]! << LENGTH_BITS) | length;
      for (let at = reversed(code, length); at <= FAST_MASK; at += 1 << length) fast[at] = entry;
    }
    code <<= 1;
  }
  return fast;
}

/** Codes stand in the stream with their highest bit first. */
function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) result |= ((code >> bit) & 1) << (length - 1 - bit);
  return result;
}

/** Section 3.2.6. */
function fixedCodes(): Codes {
  const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280, 288);
  const literals = huffmanCode(lengths, false);
  const distances = huffmanCode(new Uint8Array(32).fill(5), false);
  assert(literals && distances, 'the fixed codes are complete');
  return { literals, distances };
}

const FIXED_CODES = fixedCodes();
