/** The Huffman code of Zstandard's literals, RFC 8878 section 4.2: its description, and its streams. */
import { damaged } from './damage.ts';
import { BackwardBits, fseTable, readDistribution } from './fse.ts';

const LONGEST_CODE = 11;
const MOST_WEIGHTS = 255;
const WEIGHT_ACCURACY = 6;
const WEIGHT_SYMBOLS = LONGEST_CODE + 2;
/** First bytes from this on: weights are stored as they are, in four bits each. */
const DIRECT = 128;
const SYMBOL_SHIFT = 4;
const LENGTH_MASK = (1 << SYMBOL_SHIFT) - 1;

/** By the next `bits` bits: symbol << SYMBOL_SHIFT | length of its code. */
export interface HuffmanTable {
  readonly bits: number;
  readonly entries: Uint16Array;
}

/** Section 4.2.1. */
export function readHuffmanTable(
  bytes: Uint8Array,
  from: number,
  to: number,
): { readonly table: HuffmanTable; readonly end: number } {
  const first = from < to ? bytes[from]! : 0;
  const start = from + 1;
  const count = first - DIRECT + 1;
  const end = start + (first >= DIRECT ? (count + 1) >> 1 : first);
  if (first === 0 || end > to) throw damaged('a code description beyond its block');
  if (first < DIRECT) return { table: tableOf(compressedWeights(bytes, start, end)), end };
  const weights = Array.from({ length: count }, (_, at) => {
    const pair = bytes[start + (at >> 1)]!;
    return at & 1 ? pair & 0xf : pair >> 4;
  });
  return { table: tableOf(weights), end };
}

/** Section 4.2.1.2: two states take turns until the bits are used up. */
function compressedWeights(bytes: Uint8Array, from: number, to: number): number[] {
  const limits = { accuracy: WEIGHT_ACCURACY, symbols: WEIGHT_SYMBOLS };
  const { distribution, end } = readDistribution(bytes, from, to, limits);
  const { accuracy, symbols, bits, bases } = fseTable(distribution);
  const input = new BackwardBits(bytes, end, to);
  const states = [input.read(accuracy), input.read(accuracy)];
  if (input.position < 0) throw damaged('a code description that is too short');
  const weights: number[] = [];
  for (let turn = 0; weights.length < MOST_WEIGHTS; turn ^= 1) {
    const state = states[turn]!;
    weights.push(symbols[state]!);
    states[turn] = bases[state]! + input.read(bits[state]!);
    if (input.position >= 0) continue;
    weights.push(symbols[states[turn ^ 1]!]!);
    return weights;
  }
  throw damaged('a code of too many symbols');
}

/** Section 4.2.1: the last weight is what is missing to a whole power of two. */
function tableOf(known: readonly number[]): HuffmanTable {
  let sum = 0;
  for (const weight of known) sum += weight === 0 ? 0 : 2 ** (weight - 1);
  const bits = sum === 0 ? LONGEST_CODE + 1 : 32 - Math.clz32(sum);
  const missing = 2 ** bits - sum;
  if (bits > LONGEST_CODE || known.length > MOST_WEIGHTS || (missing & (missing - 1)) !== 0) {
    throw damaged('a code that is not a prefix code');
  }
  const weights = [...known, 32 - Math.clz32(missing)];
  const entries = new Uint16Array(1 << bits);
  let at = 0;
  for (let weight = 1; weight <= bits; weight++) {
    for (const [symbol, own] of weights.entries()) {
      if (own !== weight) continue;
      entries.fill((symbol << SYMBOL_SHIFT) | (bits + 1 - weight), at, at + (1 << (weight - 1)));
      at += 1 << (weight - 1);
    }
  }
  return { bits, entries };
}

/** Section 4.2.2. hot: 4 ns a literal; fills target[at, end) from the stream in bytes[from, to). */
export function readHuffmanStream(
  { bits, entries }: HuffmanTable,
  bytes: Uint8Array,
  [from, to]: readonly [number, number],
  target: Uint8Array,
  [at, end]: readonly [number, number],
): void {
  const tail = new BackwardBits(bytes, from, to);
  const mask = (1 << bits) - 1;
  let { position } = tail;
  let out = at;
  for (; out < end && position >= bits; out++) {
    const low = position - bits;
    const byte = from + (low >> 3);
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16);
    const entry = entries[(word >>> (low & 7)) & mask]!;
    target[out] = entry >> SYMBOL_SHIFT;
    position -= entry & LENGTH_MASK;
  }
  for (; out < end; out++) {
    tail.position = position;
    const entry = entries[tail.read(bits)]!;
    target[out] = entry >> SYMBOL_SHIFT;
    position -= entry & LENGTH_MASK;
    if (position < 0) break;
  }
  if (position !== 0) throw damaged('a stream of literals does not end where it should');
}
