/**
 * .xz: streams of blocks of LZMA2, decoded from start to end, or block by block where the index has told where
 * the blocks are (xz-index.ts). The index is compared with what was decoded.
 */
import { ImageError } from '../image-error.ts';
import { wrongSum } from './damage.ts';
import { decodeLzma2, decodeLzma2Whole } from './lzma2.ts';
import { OutputWindow } from './output-window.ts';
import { StreamInput } from './stream-input.ts';
import {
  INDEX_INDICATOR,
  parseBlockHeader,
  parseIndex,
  parseStreamFooter,
  parseStreamHeader,
  roundUp,
  STREAM_FOOTER_BYTES,
  STREAM_HEADER_BYTES,
  XZ_UNIT,
  type XzBlockHeader,
  type XzCheck,
  type XzRecord,
} from './xz-fields.ts';

/** An index that is larger belongs to no image of a size that is allowed here. */
export const LARGEST_INDEX = 1 << 23;
/** As many as a disk of the largest size has in blocks of 1 MiB. */
const MOST_BLOCKS = 1 << 21;

/** The contents of all streams of the file. @throws {ImageError} */
export async function* unxz(input: StreamInput): AsyncGenerator<Uint8Array> {
  do {
    const { offset } = input;
    await input.require(STREAM_HEADER_BYTES, 'the header of the xz file');
    const check = parseStreamHeader(input.take(STREAM_HEADER_BYTES), offset);
    const records: XzRecord[] = [];
    for (;;) {
      await input.require(1, 'the xz file');
      if (input.bytes[input.position] === INDEX_INDICATOR) break;
      if (records.length === MOST_BLOCKS) {
        throw new ImageError('too-large', `the xz file has more than ${MOST_BLOCKS} blocks`, input.offset);
      }
      records.push(yield* decodeBlock(input, check));
    }
    await checkEnd(input, check, records);
  } while (await hasAnotherStream(input));
}

async function* decodeBlock(input: StreamInput, check: XzCheck): AsyncGenerator<Uint8Array, XzRecord> {
  const { offset } = input;
  const headerBytes = blockHeaderBytes(input);
  await input.require(headerBytes, 'the header of a block');
  const header = parseBlockHeader(input.take(headerBytes), offset);
  const dataOffset = input.offset;
  const sum = check.create();
  let uncompressedBytes = 0;
  for await (const chunk of decodeLzma2(input, new OutputWindow(header.dictionaryBytes))) {
    sum.update(chunk);
    uncompressedBytes += chunk.length;
    if (uncompressedBytes > (header.uncompressedBytes ?? uncompressedBytes)) throw wrongSize(offset);
    yield chunk;
  }
  const compressedBytes = input.offset - dataOffset;
  checkSizes(header, { compressedBytes, uncompressedBytes }, offset);
  const padding = roundUp(compressedBytes, XZ_UNIT) - compressedBytes;
  await input.require(padding + check.sizeBytes, 'a block');
  checkBlockEnd(input, padding, sum.digest());
  return { unpaddedBytes: headerBytes + compressedBytes + check.sizeBytes, uncompressedBytes };
}

function blockHeaderBytes(input: StreamInput): number {
  return (input.bytes[input.position]! + 1) * XZ_UNIT;
}

/**
 * Decodes one block that was read as a whole.
 * @param bytes the block with its header, its padding and its check
 * @param uncompressedBytes its size by the index: small enough for memory
 */
export function decodeXzBlock(
  bytes: Uint8Array,
  uncompressedBytes: number,
  check: XzCheck,
  offset: number,
): Uint8Array<ArrayBuffer> {
  const input = new StreamInput(bytes, offset);
  const headerBytes = blockHeaderBytes(input);
  if (headerBytes === XZ_UNIT || headerBytes > bytes.length) {
    throw new ImageError('corrupt', 'the index of the xz file does not lead to a block', offset);
  }
  const header = parseBlockHeader(input.take(headerBytes), offset);
  const window = new OutputWindow(header.dictionaryBytes, uncompressedBytes);
  decodeLzma2Whole(input, window);
  const compressedBytes = input.offset - offset - headerBytes;
  checkSizes(header, { compressedBytes, uncompressedBytes: window.end }, offset);
  if (window.end !== uncompressedBytes) throw wrongIndex(offset);
  const sum = check.create();
  sum.update(window.bytes);
  const padding = roundUp(compressedBytes, XZ_UNIT) - compressedBytes;
  if (input.available !== padding + check.sizeBytes) throw wrongIndex(offset);
  checkBlockEnd(input, padding, sum.digest());
  return window.bytes;
}

function checkSizes(
  header: XzBlockHeader,
  found: { readonly compressedBytes: number; readonly uncompressedBytes: number },
  offset: number,
): void {
  for (const field of ['compressedBytes', 'uncompressedBytes'] as const) {
    if (header[field] === undefined || header[field] === found[field]) continue;
    throw wrongSize(offset);
  }
}

function wrongSize(offset: number): ImageError {
  return new ImageError('corrupt', 'a block does not have the size that its header tells', offset);
}

function checkBlockEnd(input: StreamInput, paddingBytes: number, sum: Uint8Array): void {
  const { offset } = input;
  if (input.take(paddingBytes).some((byte) => byte !== 0)) {
    throw new ImageError('corrupt', 'a block does not end as it should', offset);
  }
  const stored = input.take(sum.length);
  if (stored.some((byte, at) => byte !== sum[at])) {
    throw wrongSum(offset);
  }
}

/** Index and footer: they must say what the blocks were. */
async function checkEnd(input: StreamInput, check: XzCheck, records: readonly XzRecord[]): Promise<void> {
  const indexOffset = input.offset;
  const indexBytes = indexSize(records);
  await input.require(indexBytes + STREAM_FOOTER_BYTES, 'the index of the xz file');
  const found = parseIndex(input.take(indexBytes), indexOffset, indexOffset);
  const isSame =
    found.length === records.length &&
    found.every(
      (record, at) =>
        record.unpaddedBytes === records[at]?.unpaddedBytes &&
        record.uncompressedBytes === records[at]?.uncompressedBytes,
    );
  if (!isSame) throw wrongIndex(indexOffset);
  const footer = parseStreamFooter(input.take(STREAM_FOOTER_BYTES), indexOffset + indexBytes);
  if (footer.indexBytes !== indexBytes || footer.check.id !== check.id) throw wrongIndex(indexOffset);
}

/** Of an index with these records. */
function indexSize(records: readonly XzRecord[]): number {
  const numbers = records.flatMap((record) => [record.unpaddedBytes, record.uncompressedBytes]);
  const bytes = [records.length, ...numbers].reduce((sum, value) => sum + vliBytes(value), 1);
  return roundUp(bytes, XZ_UNIT) + CRC_BYTES;
}
const CRC_BYTES = 4;

function vliBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Between streams, and behind the last, there may be padding: zeros, a multiple of XZ_UNIT. */
async function hasAnotherStream(input: StreamInput): Promise<boolean> {
  const start = input.offset;
  while (await input.fill(1)) {
    if (input.bytes[input.position] !== 0) return true;
    input.take(1);
  }
  if ((input.offset - start) % XZ_UNIT === 0) return false;
  throw new ImageError('corrupt', 'the xz file has wrong padding at its end', start);
}

function wrongIndex(offset: number): ImageError {
  return new ImageError('corrupt', 'the index of the xz file does not describe its blocks', offset);
}
