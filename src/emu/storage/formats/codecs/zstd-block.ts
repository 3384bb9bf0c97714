/**
 * A compressed block of Zstandard, RFC 8878 section 3.1.1.3: literals, and sequences that mix them with matches.
 * Invariant: a block gives at most BLOCK_BYTES, so that work is bounded by the size of the input.
 */
import { damaged } from './damage.ts';
import { BackwardBits, constantTable, type FseTable, fseTable, readDistribution } from './fse.ts';
import type { OutputWindow } from './output-window.ts';
import { type HuffmanTable, readHuffmanStream, readHuffmanTable } from './zstd-huffman.ts';

/** No block is larger, compressed or not. */
export const BLOCK_BYTES = 1 << 17;

const LITERALS = { raw: 0, repeated: 1, compressed: 2, treeless: 3 } as const;
const MODE = { predefined: 0, repeated: 1, compressed: 2, same: 3 } as const;
const STREAMS = 4;
const JUMP_TABLE_BYTES = 6;

/** By size format: bytes of the header, bits of each size, number of streams (section 3.1.1.3.1.1). */
const COMPRESSED_FORMATS = [
  { headerBytes: 3, sizeBits: 10, streams: 1 },
  { headerBytes: 3, sizeBits: 10, streams: STREAMS },
  { headerBytes: 4, sizeBits: 14, streams: STREAMS },
  { headerBytes: 5, sizeBits: 18, streams: STREAMS },
] as const;
const RAW_HEADER_BYTES = [1, 2, 1, 3] as const;

/** A symbol stands for its base and so many extra bits. */
interface Codes {
  readonly bases: Int32Array;
  readonly extraBits: Uint8Array;
}

/** Section 3.1.1.3.2.1.1: extra bits of the codes behind those that stand for themselves. */
const LITERAL_LENGTHS = codesOf(0, 16, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MATCH_LENGTHS = codesOf(3, 32, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const MOST_OFFSET_CODES = 32;

function codesOf(first: number, plain: number, extra: readonly number[]): Codes {
  const extraBits = Uint8Array.from([...Array<number>(plain).fill(0), ...extra]);
  const bases = new Int32Array(extraBits.length);
  let base = first;
  for (const [code, bits] of extraBits.entries()) {
    bases[code] = base;
    base += 1 << bits;
  }
  return { bases, extraBits };
}

/** Sections 3.1.1.3.2.2: for each of the three tables its default, its limits, and where its mode stands. */
const TABLES = [
  {
    name: 'literalLengths',
    modeShift: 6,
    limits: { accuracy: 9, symbols: 36 },
    accuracy: 6,
    counts: [
      4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1,
      -1, -1,
    ],
  },
  {
    name: 'offsets',
    modeShift: 4,
    limits: { accuracy: 8, symbols: MOST_OFFSET_CODES },
    accuracy: 5,
    counts: [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
  },
  {
    name: 'matchLengths',
    modeShift: 2,
    limits: { accuracy: 9, symbols: 53 },
    accuracy: 6,
    counts: [
      1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
      1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
  },
] as const;
type TableName = (typeof TABLES)[number]['name'];
const RESERVED_MODES = 0x03;

const DEFAULT_TABLES = Object.fromEntries(TABLES.map((row) => [row.name, fseTable(row)])) as Record<
  TableName,
  FseTable
>;

/** What blocks of a frame inherit from those before. */
export class ZstdBlockDecoder {
  private readonly window: OutputWindow;
  private huffman: HuffmanTable | undefined;
  private readonly tables: Partial<Record<TableName, FseTable>> = {};
  private readonly literals = new Uint8Array(BLOCK_BYTES);
  private literalCount = 0;
  /** The last three offsets, latest first. */
  private recent0 = 1;
  private recent1 = 4;
  private recent2 = 8;

  constructor(window: OutputWindow) {
    this.window = window;
  }

  /** Decodes the block in bytes[from, to); BLOCK_BYTES of room are there. @throws {ImageError} */
  decode(bytes: Uint8Array, from: number, to: number): void {
    const afterLiterals = this.readLiterals(bytes, from, to);
    this.readSequences(bytes, afterLiterals, to);
  }

  private readLiterals(bytes: Uint8Array, from: number, to: number): number {
    const first = from < to ? bytes[from]! : 0;
    const type = first & 3;
    const format = ((first >> 2) & 3) as 0 | 1 | 2 | 3;
    if (type === LITERALS.compressed || type === LITERALS.treeless) {
      return this.readCompressedLiterals(bytes, from, to, COMPRESSED_FORMATS[format], type);
    }
    const headerBytes = RAW_HEADER_BYTES[format];
    const size = littleEndian(bytes, from, headerBytes) >> (headerBytes === 1 ? 3 : 4);
    const start = from + headerBytes;
    const end = start + (type === LITERALS.raw ? size : 1);
    if (end > to || size > BLOCK_BYTES) throw damaged('literals beyond their block');
    if (type === LITERALS.raw) this.literals.set(bytes.subarray(start, end));
    else this.literals.fill(bytes[start]!, 0, size);
    this.literalCount = size;
    return end;
  }

  private readCompressedLiterals(
    bytes: Uint8Array,
    from: number,
    to: number,
    { headerBytes, sizeBits, streams }: (typeof COMPRESSED_FORMATS)[number],
    type: number,
  ): number {
    const header = Math.floor(littleEndian(bytes, from, headerBytes) / 16);
    const size = header % 2 ** sizeBits;
    let start = from + headerBytes;
    const end = start + Math.floor(header / 2 ** sizeBits);
    if (end > to || size > BLOCK_BYTES) throw damaged('literals beyond their block');
    if (type === LITERALS.compressed) {
      const read = readHuffmanTable(bytes, start, end);
      this.huffman = read.table;
      start = read.end;
    }
    const { huffman, literals } = this;
    if (!huffman) throw damaged('literals without a code');
    if (streams === 1) readHuffmanStream(huffman, bytes, [start, end], literals, [0, size]);
    else this.readFourStreams(huffman, bytes, start, end, size);
    this.literalCount = size;
    return end;
  }

  private readFourStreams(
    table: HuffmanTable,
    bytes: Uint8Array,
    from: number,
    to: number,
    size: number,
  ): void {
    let start = from + JUMP_TABLE_BYTES;
    const share = (size + STREAMS - 1) >> 2;
    for (let stream = 0; stream < STREAMS; stream++) {
      const isLast = stream === STREAMS - 1;
      const end = isLast ? to : start + littleEndian(bytes, from + 2 * stream, 2);
      const at = stream * share;
      if (end > to || at > size) throw damaged('a stream of literals beyond its block');
      const range = [at, isLast ? size : Math.min(size, at + share)] as const;
      readHuffmanStream(table, bytes, [start, end], this.literals, range);
      start = end;
    }
  }

  private readSequences(bytes: Uint8Array, from: number, to: number): void {
    const first = from < to ? bytes[from]! : undefined;
    if (first === undefined) throw damaged('a block without sequences');
    if (first === 0) {
      if (from + 1 !== to) throw damaged('something behind the last sequence');
      this.copyLiterals(0, this.literalCount);
      return;
    }
    let position = from + 1;
    let count = first;
    if (first === 0xff) {
      count = littleEndian(bytes, position, 2) + 0x7f00;
      position += 2;
    } else if (first >= 0x80) count = ((first - 0x80) << 8) | bytes[position++]!;
    const modes = bytes[position++]!;
    if (position > to || modes & RESERVED_MODES) throw damaged('unknown sequences');
    for (const row of TABLES) {
      position = this.readTable(row, (modes >> row.modeShift) & 3, bytes, position, to);
    }
    this.execute(new BackwardBits(bytes, position, to), count);
  }

  private readTable(
    row: (typeof TABLES)[number],
    mode: number,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): number {
    if (mode === MODE.predefined) this.tables[row.name] = DEFAULT_TABLES[row.name];
    else if (mode === MODE.compressed) {
      const { distribution, end } = readDistribution(bytes, from, to, row.limits);
      this.tables[row.name] = fseTable(distribution);
      return end;
    } else if (mode === MODE.repeated) {
      const symbol = bytes[from]!;
      if (from >= to || symbol >= row.limits.symbols) throw damaged('an unknown symbol');
      this.tables[row.name] = constantTable(symbol);
      return from + 1;
    } else if (!this.tables[row.name]) throw damaged('sequences without a table');
    return from;
  }

  /** Sections 3.1.1.3.2.1.1 and 3.1.1.4. hot: 40 ns a sequence. */
  private execute(bits: BackwardBits, count: number): void {
    const { window } = this;
    const { literalLengths, offsets, matchLengths } = this.tables as Record<TableName, FseTable>;
    const stop = window.end + BLOCK_BYTES;
    let literal = 0;
    let lengthState = bits.read(literalLengths.accuracy);
    let offsetState = bits.read(offsets.accuracy);
    let matchState = bits.read(matchLengths.accuracy);
    for (let left = count; left > 0; left--) {
      const offsetCode = offsets.symbols[offsetState]!;
      const matchCode = matchLengths.symbols[matchState]!;
      const lengthCode = literalLengths.symbols[lengthState]!;
      const offsetValue = 2 ** offsetCode + bits.read(offsetCode);
      const matchLength = MATCH_LENGTHS.bases[matchCode]! + bits.read(MATCH_LENGTHS.extraBits[matchCode]!);
      const literalLength =
        LITERAL_LENGTHS.bases[lengthCode]! + bits.read(LITERAL_LENGTHS.extraBits[lengthCode]!);
      if (left > 1) {
        lengthState = literalLengths.bases[lengthState]! + bits.read(literalLengths.bits[lengthState]!);
        matchState = matchLengths.bases[matchState]! + bits.read(matchLengths.bits[matchState]!);
        offsetState = offsets.bases[offsetState]! + bits.read(offsets.bits[offsetState]!);
      }
      if (bits.position < 0) throw damaged('sequences beyond their block');
      const next = literal + literalLength;
      if (next > this.literalCount || window.end + literalLength + matchLength > stop) {
        throw damaged('a block that is too long');
      }
      this.copyLiterals(literal, next);
      window.copyMatch(this.offset(offsetValue, literalLength === 0), matchLength);
      literal = next;
    }
    if (bits.position !== 0) throw damaged('sequences that end before their block');
    if (window.end + this.literalCount - literal > stop) throw damaged('a block that is too long');
    this.copyLiterals(literal, this.literalCount);
  }

  private copyLiterals(from: number, to: number): void {
    const { window, literals } = this;
    if (to - from > LONG_COPY) window.bytes.set(literals.subarray(from, to), window.end);
    else {
      const { bytes } = window;
      for (let at = from, out = window.end; at < to; ) bytes[out++] = literals[at++]!;
    }
    window.end += to - from;
  }

  /** Section 3.1.1.5: values up to three mean one of the last offsets. */
  private offset(value: number, isAfterMatch: boolean): number {
    if (value > 3) {
      this.recent2 = this.recent1;
      this.recent1 = this.recent0;
      return (this.recent0 = value - 3);
    }
    const which = value - 1 + (isAfterMatch ? 1 : 0);
    if (which === 0) return this.recent0;
    const older = which === 1 ? this.recent1 : this.recent2;
    const offset = which === 3 ? this.recent0 - 1 : older;
    if (which > 1) this.recent2 = this.recent1;
    this.recent1 = this.recent0;
    return (this.recent0 = offset);
  }
}

/** Shorter runs are copied faster by a loop than by a call. */
const LONG_COPY = 32;

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let index = count - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}
