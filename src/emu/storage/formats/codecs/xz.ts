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
  checkById,
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

/** A block that was read as a whole: all that decoding it takes, as plain data for another thread. */
export interface XzBlockJob {
  /** With its header, its padding and its check. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Its size by the index or by its header: small enough for memory. */
  readonly uncompressedBytes: number;
  readonly checkId: number;
  /** Where it is in the file, for errors. */
  readonly offset: number;
  /** Memory of the size of the contents that nobody needs any more: they go there. */
  readonly room?: Uint8Array<ArrayBuffer>;
}

/** Decodes blocks elsewhere, `count` at the same time. */
export interface XzThreads {
  readonly count: number;
  /** Rejects with an ImageError; the job's bytes are given away. */
  decode(job: XzBlockJob): Promise<Uint8Array>;
}

/** Larger blocks are decoded here, piece by piece: a few are in memory at the same time. */
const LARGEST_SHARED_BLOCK = 1 << 25;
const PIECE_BYTES = 1 << 20;
/** Of blocks that are being decoded elsewhere, with their contents. */
const MOST_PENDING_BYTES = 3 << 25;

interface PendingBlock {
  readonly contents: Promise<Uint8Array>;
  readonly bytes: number;
}
/** LZMA2 stores what it cannot compress, three bytes more for each 64 kB. */
const LARGEST_EXPANSION = 1.01;
const BLOCK_OVERHEAD = 2048;

/** Whether a block of `fileBytes` can hold so little. */
export function isLargerThanContents(fileBytes: number, contentsBytes: number): boolean {
  return fileBytes > contentsBytes * LARGEST_EXPANSION + BLOCK_OVERHEAD;
}

/**
 * The contents of all streams of the file.
 * @param threads take the blocks whose headers tell their sizes (as `xz -T` writes them)
 * @throws {ImageError}
 */
export async function* unxz(input: StreamInput, threads?: XzThreads): AsyncGenerator<Uint8Array> {
  do {
    const { offset } = input;
    await input.require(STREAM_HEADER_BYTES, 'the header of the xz file');
    const check = parseStreamHeader(input.take(STREAM_HEADER_BYTES), offset);
    await checkEnd(input, check, yield* decodeBlocks(input, check, threads));
  } while (await hasAnotherStream(input));
}

/** The blocks of a stream, up to its index. */
async function* decodeBlocks(
  input: StreamInput,
  check: XzCheck,
  threads: XzThreads | undefined,
): AsyncGenerator<Uint8Array, readonly XzRecord[]> {
  const records: XzRecord[] = [];
  const pending: PendingBlock[] = [];
  for (;;) {
    await input.require(1, 'the xz file');
    if (input.bytes[input.position] === INDEX_INDICATOR) break;
    if (records.length === MOST_BLOCKS) {
      throw new ImageError('too-large', `the xz file has more than ${MOST_BLOCKS} blocks`, input.offset);
    }
    const headerBytes = blockHeaderBytes(input);
    await input.require(headerBytes, 'the header of a block');
    const { bytes, position, offset } = input;
    const header = parseBlockHeader(bytes.subarray(position, position + headerBytes), offset);
    const job = threads && (await sharedJob(input, header, check));
    if (threads && job) {
      records.push(job.record);
      const bytes = job.bytes.length + job.uncompressedBytes;
      const contents = threads.decode(job);
      // Its failure is told when its turn comes.
      contents.catch(() => {});
      pending.push({ contents, bytes });
    } else {
      yield* inOrder(pending, 0);
      records.push(yield* decodeBlock(input, header, check));
    }
    yield* inOrder(pending, threads?.count ?? 0);
  }
  yield* inOrder(pending, 0);
  return records;
}

/** What has been decoded elsewhere, until no more than `most` blocks are waited for, and little memory is held. */
async function* inOrder(pending: PendingBlock[], most: number): AsyncGenerator<Uint8Array> {
  const heldBytes = (): number => pending.reduce((sum, { bytes }) => sum + bytes, 0);
  while (pending.length > most || heldBytes() > MOST_PENDING_BYTES) {
    const contents = await pending.shift()?.contents;
    for (let at = 0; contents && at < contents.length; at += PIECE_BYTES) {
      yield contents.subarray(at, at + PIECE_BYTES);
    }
  }
}

/** Takes the next block out of the input where its header tells its sizes, and they are small. */
async function sharedJob(
  input: StreamInput,
  header: XzBlockHeader,
  check: XzCheck,
): Promise<(XzBlockJob & { readonly record: XzRecord }) | undefined> {
  const { compressedBytes, uncompressedBytes, headerBytes } = header;
  if (compressedBytes === undefined || uncompressedBytes === undefined) return undefined;
  const isSmall = uncompressedBytes <= LARGEST_SHARED_BLOCK;
  if (!isSmall || isLargerThanContents(compressedBytes, uncompressedBytes)) return undefined;
  const { offset } = input;
  const fileBytes = headerBytes + roundUp(compressedBytes, XZ_UNIT) + check.sizeBytes;
  await input.require(fileBytes, 'a block');
  const record = { unpaddedBytes: headerBytes + compressedBytes + check.sizeBytes, uncompressedBytes };
  return { bytes: input.take(fileBytes).slice(), uncompressedBytes, checkId: check.id, offset, record };
}

/** Decodes the block at the input's position as it comes. */
async function* decodeBlock(
  input: StreamInput,
  header: XzBlockHeader,
  check: XzCheck,
): AsyncGenerator<Uint8Array, XzRecord> {
  const { offset } = input;
  const { headerBytes } = header;
  input.take(headerBytes);
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

/** Decodes one block alone. @throws {ImageError} */
export function decodeXzBlock(job: XzBlockJob): Uint8Array<ArrayBuffer> {
  const { bytes, uncompressedBytes, offset } = job;
  const check = checkById(job.checkId, offset);
  const input = new StreamInput(bytes, offset);
  const headerBytes = blockHeaderBytes(input);
  if (headerBytes === XZ_UNIT || headerBytes > bytes.length) {
    throw new ImageError('corrupt', 'the index of the xz file does not lead to a block', offset);
  }
  const header = parseBlockHeader(input.take(headerBytes), offset);
  const window = new OutputWindow(header.dictionaryBytes, uncompressedBytes, job.room);
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
