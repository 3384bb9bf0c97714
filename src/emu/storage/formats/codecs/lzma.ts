/**
 * LZMA as LZMA2 uses it: literals, matches and repeated matches into a window. Names follow the format's own
 * specification (`lc`, `lp`, `pb`, `rep0`…). Invariant: a match reaches back at most to the last reset of the
 * dictionary, and never farther than its size.
 */
import { damaged } from './damage.ts';
import type { OutputWindow } from './output-window.ts';
import {
  CODE,
  EVEN,
  MOVE_BITS,
  PROBABILITY_BITS,
  PROBABILITY_ONE,
  RANGE,
  RangeDecoder,
  TOP_MASK,
} from './range-decoder.ts';

const STATES = 12;
/** States below this follow a literal. */
const LITERAL_STATES = 7;
const MOST_POSITION_STATES = 16;
const SHORTEST_MATCH = 2;
/** LZMA2 allows lc + lp up to 4. */
const MOST_LITERAL_BITS = 4;
const LITERAL_PROBABILITIES = 0x300;
const BYTE_TOP = 0x100;

const LENGTH_LOW_BITS = 3;
const LENGTH_HIGH_BITS = 8;
const LENGTH_LOW_COUNT = 1 << LENGTH_LOW_BITS;
/** Within a length coder: two decisions, then the trees. */
const LENGTH = { choice: 0, choice2: 1, low: 2, mid: 2 + MOST_POSITION_STATES * LENGTH_LOW_COUNT } as const;
const LENGTH_HIGH = LENGTH.mid + MOST_POSITION_STATES * LENGTH_LOW_COUNT;
const LENGTH_PROBABILITIES = LENGTH_HIGH + (1 << LENGTH_HIGH_BITS);

const SLOT_BITS = 6;
const SLOT_TREES = 4;
/** Slots from this on have bits of their own; from the next on, the middle ones have no probabilities. */
const FIRST_EXTRA_SLOT = 4;
const FIRST_DIRECT_SLOT = 14;
const ALIGN_BITS = 4;
const SPECIAL_PROBABILITIES = 128;

/** Where each group of probabilities begins. */
const AT = layOut({
  isMatch: STATES * MOST_POSITION_STATES,
  isRep: STATES,
  isRepG0: STATES,
  isRepG1: STATES,
  isRepG2: STATES,
  isRep0Long: STATES * MOST_POSITION_STATES,
  slot: SLOT_TREES << SLOT_BITS,
  special: SPECIAL_PROBABILITIES,
  align: 1 << ALIGN_BITS,
  matchLength: LENGTH_PROBABILITIES,
  repLength: LENGTH_PROBABILITIES,
  literal: LITERAL_PROBABILITIES << MOST_LITERAL_BITS,
});

function layOut<Group extends string>(sizes: Record<Group, number>): Record<Group | 'end', number> {
  const offsets: Record<string, number> = {};
  let next = 0;
  for (const group in sizes) {
    offsets[group] = next;
    next += sizes[group];
  }
  return { ...offsets, end: next } as Record<Group | 'end', number>;
}

/** The state after a literal, by the state before. */
const AFTER_LITERAL = Uint8Array.of(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5);

export class LzmaDecoder {
  private readonly window: OutputWindow;
  private readonly probabilities = new Uint16Array(AT.end).fill(EVEN);
  private readonly coder = new RangeDecoder(this.probabilities);
  private lc = 0;
  private literalMask = 0;
  private positionMask = 0;
  private state = 0;
  /** Distances of the last four matches, less one. */
  private rep0 = 0;
  private rep1 = 0;
  private rep2 = 0;
  private rep3 = 0;
  /** Bytes since the dictionary was reset. */
  private sinceReset = 0;

  constructor(window: OutputWindow) {
    this.window = window;
  }

  /** False when `properties` is not a value that LZMA2 allows. */
  setProperties(properties: number): boolean {
    const lc = properties % 9;
    const lp = Math.floor(properties / 9) % 5;
    const pb = Math.floor(properties / 45);
    if (pb > 4 || lc + lp > MOST_LITERAL_BITS) return false;
    this.lc = lc;
    this.literalMask = (1 << lp) - 1;
    this.positionMask = (1 << pb) - 1;
    return true;
  }

  resetState(): void {
    this.probabilities.fill(EVEN);
    this.state = 0;
    this.rep0 = this.rep1 = this.rep2 = this.rep3 = 0;
  }

  resetDictionary(): void {
    this.sinceReset = 0;
  }

  /** Bytes that are stored as they are become part of the dictionary. */
  stored(bytes: Uint8Array): void {
    this.window.write(bytes);
    this.sinceReset += bytes.length;
  }

  /** Decodes `size` bytes, for which there is room, from source[from, to). @throws {ImageError} */
  decode(source: Uint8Array<ArrayBuffer>, from: number, to: number, size: number): void {
    const { window, coder } = this;
    const stop = window.end + size;
    const start = window.end - this.sinceReset;
    if (!coder.start(source, from)) throw damaged('a chunk begins wrongly');
    while (window.end < stop) {
      const position = window.end - start;
      const match = (this.state << 4) + (position & this.positionMask);
      if (coder.bit(AT.isMatch + match) === 0) this.literal(position);
      else this.match(match, position, stop);
    }
    this.sinceReset += size;
    if (!coder.finish() || coder.position !== to) throw damaged('a chunk ends wrongly');
  }

  /** hot: 8 decisions a byte. */
  private literal(position: number): void {
    const { window, coder, probabilities } = this;
    const { bytes } = window;
    const before = position === 0 ? 0 : bytes[window.end - 1]!;
    const context = ((position & this.literalMask) << this.lc) + (before >> (8 - this.lc));
    const base = AT.literal + LITERAL_PROBABILITIES * context;
    if (this.state < LITERAL_STATES) {
      bytes[window.end++] = coder.tree(base, 8);
      this.state = AFTER_LITERAL[this.state]!;
      return;
    }
    const source = coder.bytes;
    const { registers } = coder;
    let range = registers[RANGE]!;
    let code = registers[CODE]!;
    let matched = bytes[window.end - this.rep0 - 1]!;
    let offset = BYTE_TOP;
    let symbol = 1;
    while (symbol < BYTE_TOP) {
      if ((range & TOP_MASK) === 0) {
        range <<= 8;
        code = (code << 8) | source[coder.position++]!;
      }
      matched <<= 1;
      const matchBit = matched & offset;
      const at = base + offset + matchBit + symbol;
      const probability = probabilities[at]!;
      const bound = Math.imul(range >>> PROBABILITY_BITS, probability);
      if (code >>> 0 < bound >>> 0) {
        range = bound;
        probabilities[at] = probability + ((PROBABILITY_ONE - probability) >> MOVE_BITS);
        symbol <<= 1;
        // After the first bit that differs from the matched byte its bits are no context any more.
        offset &= ~matchBit;
      } else {
        range = (range - bound) | 0;
        code = (code - bound) | 0;
        probabilities[at] = probability - (probability >> MOVE_BITS);
        symbol = (symbol << 1) | 1;
        offset &= matchBit;
      }
    }
    registers[RANGE] = range;
    registers[CODE] = code;
    bytes[window.end++] = symbol;
    this.state = AFTER_LITERAL[this.state]!;
  }

  private match(match: number, position: number, stop: number): void {
    const { coder, state } = this;
    const positionState = position & this.positionMask;
    const isAfterLiteral = state < LITERAL_STATES;
    let length = 1;
    if (coder.bit(AT.isRep + state) === 0) {
      this.rep3 = this.rep2;
      this.rep2 = this.rep1;
      this.rep1 = this.rep0;
      length = this.length(AT.matchLength, positionState);
      this.rep0 = this.distance(length);
      this.state = isAfterLiteral ? 7 : 10;
    } else if (this.chooseRep(match)) {
      this.state = isAfterLiteral ? 9 : 11;
    } else {
      length = this.length(AT.repLength, positionState);
      this.state = isAfterLiteral ? 8 : 11;
    }
    if (this.rep0 >= position) throw damaged('a match with what was before the start');
    if (length > stop - this.window.end) throw damaged('a match beyond the end of its chunk');
    this.window.copyMatch(this.rep0 + 1, length);
  }

  /** Moves one of the last four distances to the front; true for a match of one byte with the last of them. */
  private chooseRep(match: number): boolean {
    const { coder, state } = this;
    if (coder.bit(AT.isRepG0 + state) === 0) return coder.bit(AT.isRep0Long + match) === 0;
    let chosen = this.rep1;
    if (coder.bit(AT.isRepG1 + state) === 1) {
      chosen = this.rep2;
      if (coder.bit(AT.isRepG2 + state) === 1) {
        chosen = this.rep3;
        this.rep3 = this.rep2;
      }
      this.rep2 = this.rep1;
    }
    this.rep1 = this.rep0;
    this.rep0 = chosen;
    return false;
  }

  private length(base: number, positionState: number): number {
    const { coder } = this;
    const tree = positionState * LENGTH_LOW_COUNT;
    if (coder.bit(base + LENGTH.choice) === 0) {
      return SHORTEST_MATCH + coder.tree(base + LENGTH.low + tree, LENGTH_LOW_BITS);
    }
    if (coder.bit(base + LENGTH.choice2) === 0) {
      return SHORTEST_MATCH + LENGTH_LOW_COUNT + coder.tree(base + LENGTH.mid + tree, LENGTH_LOW_BITS);
    }
    return SHORTEST_MATCH + 2 * LENGTH_LOW_COUNT + coder.tree(base + LENGTH_HIGH, LENGTH_HIGH_BITS);
  }

  /** The distance less one. 2^32 - 1 would be LZMA's end marker, which LZMA2 does not have: too far. */
  private distance(length: number): number {
    const { coder } = this;
    const tree = Math.min(length - SHORTEST_MATCH, SLOT_TREES - 1);
    const slot = coder.tree(AT.slot + (tree << SLOT_BITS), SLOT_BITS);
    if (slot < FIRST_EXTRA_SLOT) return slot;
    const extraBits = (slot >> 1) - 1;
    const base = ((2 | (slot & 1)) << extraBits) >>> 0;
    if (slot < FIRST_DIRECT_SLOT) return base + coder.reverseTree(AT.special + base - slot, extraBits);
    const middle = coder.direct(extraBits - ALIGN_BITS) * (1 << ALIGN_BITS);
    return base + middle + coder.reverseTree(AT.align, ALIGN_BITS);
  }
}
