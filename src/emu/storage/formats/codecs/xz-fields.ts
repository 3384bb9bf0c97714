/**
 * The pieces of a .xz file, as "The .xz File Format" version 1.2 names them: stream header and footer (2.1.1,
 * 2.1.2), block header (3.1), index (4). All are checked against the sums that they carry.
 */
import { viewOf } from '../data-view.ts';
import { ImageError } from '../image-error.ts';
import { type Checksum, Crc32, Crc64, crc32, NoChecksum, Sha256Sum } from './checksums.ts';

export const STREAM_HEADER_BYTES = 12;
export const STREAM_FOOTER_BYTES = 12;
/** Blocks, indexes and padding are multiples of this. */
export const XZ_UNIT = 4;
export const LARGEST_BLOCK_HEADER = 1024;
/** The first byte of an index, where a block has the size of its header. */
export const INDEX_INDICATOR = 0;

const HEADER_MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const FOOTER_MAGIC = [0x59, 0x5a];
const CRC_BYTES = 4;
/** A header of twelve bytes and a unit of data. */
const LEAST_BLOCK_BYTES = 16;

/** How the contents of a stream's blocks are checked. */
export interface XzCheck {
  readonly id: number;
  readonly sizeBytes: number;
  readonly create: () => Checksum;
}

/** Section 2.1.1.2: none, CRC-32, CRC-64, SHA-256; no others are defined. */
const CHECKS: readonly XzCheck[] = [
  { id: 0, sizeBytes: 0, create: () => new NoChecksum() },
  { id: 1, sizeBytes: 4, create: () => new Crc32() },
  { id: 4, sizeBytes: 8, create: () => new Crc64() },
  { id: 10, sizeBytes: 32, create: () => new Sha256Sum() },
];

/** Section 5.3: the only filter here, and the names of those that are refused. */
const LZMA2_FILTER = 0x21;
const OTHER_FILTERS: Readonly<Record<number, string>> = {
  3: 'delta',
  4: 'x86',
  5: 'PowerPC',
  6: 'IA-64',
  7: 'ARM',
  8: 'ARM-Thumb',
  9: 'SPARC',
  10: 'ARM64',
  11: 'RISC-V',
};
const LARGEST_DICTIONARY_PROPERTY = 40;
/** Files made with `xz -9` have 64 MiB. */
export const LARGEST_DICTIONARY = 1 << 27;

const BLOCK_FLAG = { filters: 0x03, reserved: 0x3c, compressedSize: 0x40, uncompressedSize: 0x80 } as const;

export interface XzBlockHeader {
  readonly headerBytes: number;
  readonly dictionaryBytes: number;
  /** Without header, padding and check; when the header tells. */
  readonly compressedBytes: number | undefined;
  readonly uncompressedBytes: number | undefined;
}

/** A record of the index. */
export interface XzRecord {
  /** Header, compressed data and check, without the padding to XZ_UNIT. */
  readonly unpaddedBytes: number;
  readonly uncompressedBytes: number;
}

/** The check of this number. @throws {ImageError} when there is none */
export function checkById(id: number, offset: number): XzCheck {
  const row = CHECKS.find((check) => check.id === id);
  if (row) return row;
  throw new ImageError('unsupported', 'the xz file uses features that are not known here', offset);
}

export function parseStreamHeader(bytes: Uint8Array, offset: number): XzCheck {
  if (HEADER_MAGIC.some((byte, at) => bytes[at] !== byte)) {
    throw new ImageError('corrupt', 'this is no xz data', offset);
  }
  expectCrc(bytes.subarray(6, 8), bytes.subarray(8, 12), 'the xz header', offset);
  return parseFlags(bytes[6]!, bytes[7]!, offset);
}

export interface XzFooter {
  readonly check: XzCheck;
  readonly indexBytes: number;
}

export function parseStreamFooter(bytes: Uint8Array, offset: number): XzFooter {
  if (FOOTER_MAGIC.some((byte, at) => bytes[10 + at] !== byte)) {
    throw new ImageError('truncated', 'the xz file does not end as it should: it may be cut off', offset);
  }
  expectCrc(bytes.subarray(4, 10), bytes.subarray(0, 4), 'the end of the xz file', offset);
  const stored = viewOf(bytes).getUint32(4, true);
  return { check: parseFlags(bytes[8]!, bytes[9]!, offset), indexBytes: (stored + 1) * XZ_UNIT };
}

function parseFlags(reserved: number, check: number, offset: number): XzCheck {
  if (reserved === 0) return checkById(check, offset);
  throw new ImageError('unsupported', 'the xz file uses features that are not known here', offset);
}

/** @param bytes the whole header, whose first byte tells its size */
export function parseBlockHeader(bytes: Uint8Array, offset: number): XzBlockHeader {
  const end = bytes.length - CRC_BYTES;
  expectCrc(bytes.subarray(0, end), bytes.subarray(end), 'the header of a block', offset);
  const flags = bytes[1]!;
  const reader = new VliReader(bytes.subarray(0, end), offset, 2);
  if (flags & BLOCK_FLAG.reserved) throw new ImageError('unsupported', 'a block of an unknown kind', offset);
  const compressedBytes = flags & BLOCK_FLAG.compressedSize ? reader.next() : undefined;
  const uncompressedBytes = flags & BLOCK_FLAG.uncompressedSize ? reader.next() : undefined;
  const id = reader.next();
  if (id !== LZMA2_FILTER) throw unknownFilter(id, offset);
  // LZMA2 can only be the last filter, so here it is the only one; it has one byte of properties.
  const isAlone = (flags & BLOCK_FLAG.filters) === 0 && reader.next() === 1;
  if (!isAlone) throw new ImageError('corrupt', 'a block with wrong filters', offset);
  const dictionaryBytes = dictionarySize(bytes[reader.position++]!, offset);
  reader.expectPadding();
  return { headerBytes: bytes.length, dictionaryBytes, compressedBytes, uncompressedBytes };
}

function unknownFilter(id: number, offset: number): ImageError {
  const name = OTHER_FILTERS[id] ?? `number ${id}`;
  return new ImageError(
    'unsupported',
    `the xz file uses the filter ${name}, which is not supported; unpack it with "unxz"`,
    offset,
  );
}

function dictionarySize(property: number, offset: number): number {
  if (property > LARGEST_DICTIONARY_PROPERTY) {
    throw new ImageError('corrupt', 'a block with an unknown dictionary size', offset);
  }
  const size = (2 | (property & 1)) * 2 ** ((property >> 1) + 11);
  if (size <= LARGEST_DICTIONARY) return size;
  throw new ImageError(
    'too-large',
    `unpacking the xz file takes a dictionary of ${size >> 20} MiB, more than the ${LARGEST_DICTIONARY >> 20} allowed here; unpack it with "unxz"`,
    offset,
  );
}

/**
 * @param bytes the whole index, from its indicator to its sum
 * @param roomBytes how long the blocks can be together
 */
export function parseIndex(bytes: Uint8Array, offset: number, roomBytes: number): XzRecord[] {
  const end = bytes.length - CRC_BYTES;
  if (end < XZ_UNIT || bytes[0] !== INDEX_INDICATOR) {
    throw new ImageError('corrupt', 'the index of the xz file is not where it should be', offset);
  }
  expectCrc(bytes.subarray(0, end), bytes.subarray(end), 'the index of the xz file', offset);
  const reader = new VliReader(bytes.subarray(0, end), offset, 1);
  const count = reader.next();
  if (count * LEAST_BLOCK_BYTES > roomBytes) {
    throw new ImageError('corrupt', `the index of the xz file has ${count} blocks, which do not fit`, offset);
  }
  const records: XzRecord[] = [];
  while (records.length < count) {
    const record = { unpaddedBytes: reader.next(), uncompressedBytes: reader.next() };
    if (record.unpaddedBytes === 0)
      throw new ImageError('corrupt', 'the xz index has an empty block', offset);
    records.push(record);
  }
  reader.expectPadding();
  return records;
}

/** Section 1.2: integers of seven bits a byte, lowest first. */
class VliReader {
  position: number;
  private readonly bytes: Uint8Array;
  private readonly offset: number;

  constructor(bytes: Uint8Array, offset: number, position: number) {
    this.bytes = bytes;
    this.offset = offset;
    this.position = position;
  }

  next(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.position++];
      if (byte === undefined || (byte === 0 && scale > 1)) break;
      value += (byte & 0x7f) * scale;
      if (!Number.isSafeInteger(value)) break;
      if (byte < 0x80) return value;
    }
    throw new ImageError('corrupt', 'the xz file has a damaged number', this.offset);
  }

  expectPadding(): void {
    const padding = this.bytes.subarray(this.position);
    if (this.position <= this.bytes.length && padding.every((byte) => byte === 0)) return;
    throw new ImageError('corrupt', 'the xz file has something where padding should be', this.offset);
  }
}

function expectCrc(bytes: Uint8Array, stored: Uint8Array, what: string, offset: number): void {
  if (crc32(bytes) === viewOf(stored).getUint32(0, true)) return;
  throw new ImageError('checksum', `${what} is damaged: its sum does not match`, offset);
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
