/**
 * Inflate, RFC 1951: blocks of literals and matches under Huffman codes, from a stream into a window.
 * A round decodes until its input or the window is used up; the block goes on in the next one.
 * hot: codes of up to FAST_BITS bits are one table lookup, longer ones are counted through.
 */
import type { ImageError } from '../image-error.ts';
import { damaged, endsEarly } from './damage.ts';
import {
  type Codes,
  DISTANCES,
  FAST_MASK,
  FIXED_CODES,
  type HuffmanCode,
  huffmanCode,
  LENGTH_BITS,
  LENGTH_MASK,
  LENGTHS,
  LONGEST_CODE,
} from './inflate-codes.ts';
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

const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;

/** Section 3.2.7: the order in which lengths of the code lengths' code are stored. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Symbols 16 to 18 repeat a length: which, and how often. */
const REPEATS = [
  { symbol: 16, extraBits: 2, base: 3 },
  { symbol: 17, extraBits: 3, base: 3 },
  { symbol: 18, extraBits: 7, base: 11 },
] as const;
const REPEAT_LAST = 16;
/** Literals, the end, and lengths: symbols above have no meaning. */
const MOST_LITERALS = 286;

/** Bits are held in 32, and filled up by bytes. */
const HELD_BYTES = 4;
const REFILL_BITS = 24;

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
    throw damaged(`${size} bytes should be in it, and ${window.end} are`);
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
    if (literalCount > MOST_LITERALS || distanceCount > DISTANCES.count) {
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
    if (lengthSymbol >= LENGTHS.count) throw this.corrupt('an unknown length');
    const length = LENGTHS.bases[lengthSymbol]! + this.bits(LENGTHS.extraBits[lengthSymbol]!);
    const symbol = this.symbol(distances);
    if (symbol >= DISTANCES.count) throw this.corrupt('an unknown distance');
    const distance = DISTANCES.bases[symbol]! + this.bits(DISTANCES.extraBits[symbol]!);
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
    return endsEarly(input.offset + input.available);
  }

  private corrupt(what: string): ImageError {
    return damaged(what, this.input.offset);
  }
}
