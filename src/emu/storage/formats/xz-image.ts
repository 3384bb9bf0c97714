/**
 * A .xz file as a disk that can be read anywhere: its index, which stands at its end, tells where each block is,
 * and a read decodes only the blocks it touches. Over a file that is fetched in ranges, nothing else is fetched.
 * For that the file has to be made in blocks (`xz --block-size=1MiB`, or `xz -T0`).
 */
import type { MaybePromise } from '../block-store.ts';
import { ByteCache } from './byte-cache.ts';
import { decodeXzBlock, isLargerThanContents, LARGEST_INDEX } from './codecs/xz.ts';
import {
  parseIndex,
  parseStreamFooter,
  parseStreamHeader,
  roundUp,
  STREAM_FOOTER_BYTES,
  STREAM_HEADER_BYTES,
  XZ_UNIT,
  type XzCheck,
  type XzRecord,
} from './codecs/xz-fields.ts';
import { HEAD_BYTES, identifyImage } from './identify.ts';
import { ImageError } from './image-error.ts';
import { checkDiskSize } from './limits.ts';
import { type ByteRange, CheckedSource, type ImageReader, type RandomAccessSource } from './random-access.ts';

/** Blocks are decoded as a whole, in memory. */
export const LARGEST_XZ_BLOCK = 1 << 26;
const DEFAULT_CACHE_BYTES = 3 << 25;
/** Where a block is in the file, and what it is in the disk. */
export interface XzBlock {
  readonly fileOffset: number;
  readonly fileBytes: number;
  readonly offset: number;
  readonly length: number;
  readonly checkId: number;
}

/** The blocks of a .xz file in the order of the disk. @throws {ImageError} */
export async function readXzIndex(source: RandomAccessSource): Promise<readonly XzBlock[]> {
  const checked = new CheckedSource(source);
  const streams: { readonly start: number; readonly check: XzCheck; readonly records: XzRecord[] }[] = [];
  for (let end = await skipPadding(checked, checked.size); end > 0; ) {
    const stream = await readStream(checked, end);
    streams.push(stream);
    end = await skipPadding(checked, stream.start);
  }
  let offset = 0;
  const blocks: XzBlock[] = [];
  for (const { start, check, records } of streams.reverse()) {
    let fileOffset = start + STREAM_HEADER_BYTES;
    for (const { unpaddedBytes, uncompressedBytes: length } of records) {
      const fileBytes = roundUp(unpaddedBytes, XZ_UNIT);
      blocks.push({ fileOffset, fileBytes, offset, length, checkId: check.id });
      fileOffset += fileBytes;
      offset += length;
      checkDiskSize(offset, fileOffset);
    }
  }
  return blocks;
}

/** The stream whose last byte is before `end`. */
async function readStream(source: CheckedSource, end: number) {
  const footerOffset = end - STREAM_FOOTER_BYTES;
  const footerBytes = await source.bytes(footerOffset, STREAM_FOOTER_BYTES, 'the end of the xz file');
  const { check, indexBytes } = parseStreamFooter(footerBytes, footerOffset);
  if (indexBytes > LARGEST_INDEX) {
    throw new ImageError('too-large', `the index of the xz file has ${indexBytes} bytes`, footerOffset);
  }
  const indexOffset = footerOffset - indexBytes;
  const index = await source.bytes(indexOffset, indexBytes, 'the index of the xz file');
  const records = parseIndex(index, indexOffset, indexOffset);
  const blockBytes = records.reduce((sum, { unpaddedBytes }) => sum + roundUp(unpaddedBytes, XZ_UNIT), 0);
  const start = indexOffset - blockBytes - STREAM_HEADER_BYTES;
  const header = await source.bytes(start, STREAM_HEADER_BYTES, 'the header of the xz file');
  if (parseStreamHeader(header, start).id !== check.id) {
    throw new ImageError('corrupt', 'header and end of the xz file contradict each other', start);
  }
  return { start, check, records };
}

/** Padding between streams is zeros, a multiple of XZ_UNIT. */
async function skipPadding(source: CheckedSource, end: number): Promise<number> {
  for (let at = end; at >= XZ_UNIT; at -= XZ_UNIT) {
    const unit = await source.bytes(at - XZ_UNIT, XZ_UNIT, 'the end of the xz file');
    if (unit.some((byte) => byte !== 0)) return at;
  }
  return 0;
}

/** Reads and decodes one block of the index. @throws {ImageError} */
export async function readXzBlock(source: RandomAccessSource, block: XzBlock): Promise<Uint8Array> {
  const { fileOffset: offset, fileBytes, length: uncompressedBytes, checkId } = block;
  const bytes = new Uint8Array(fileBytes);
  await source.read(offset, bytes);
  return decodeXzBlock({ bytes, uncompressedBytes, checkId, offset });
}

/** @throws {ImageError} when the file is damaged, or its blocks are too large to be decoded alone */
export async function openXz(
  source: RandomAccessSource,
  { cacheBytes = DEFAULT_CACHE_BYTES } = {},
): Promise<ImageReader> {
  const blocks = (await readXzIndex(source)).filter(({ length }) => length > 0);
  for (const { length, fileBytes, fileOffset } of blocks) {
    if (length > LARGEST_XZ_BLOCK) {
      throw new ImageError(
        'too-large',
        `the xz file has a block of ${Math.ceil(length / 2 ** 20)} MiB, too large to be read in part; compress it again with "xz --block-size=1MiB"`,
        fileOffset,
      );
    }
    if (isLargerThanContents(fileBytes, length)) {
      throw new ImageError('corrupt', 'a block of the xz file is larger than its contents', fileOffset);
    }
  }
  const image = new XzImage(source, blocks, cacheBytes);
  await image.refuseNesting();
  return image;
}

class XzImage implements ImageReader {
  readonly size: number;
  readonly format = 'raw, xz-compressed';
  private readonly source: RandomAccessSource;
  private readonly blocks: readonly XzBlock[];
  private readonly cache: ByteCache;

  constructor(source: RandomAccessSource, blocks: readonly XzBlock[], cacheBytes: number) {
    this.source = source;
    this.blocks = blocks;
    this.cache = new ByteCache(cacheBytes);
    const last = blocks.at(-1);
    this.size = last ? last.offset + last.length : 0;
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    return target.length === 0 ? undefined : this.readBlocks(offset, target);
  }

  async *ranges(): AsyncGenerator<ByteRange> {
    if (this.size > 0) yield { offset: 0, length: this.size };
  }

  /** What was compressed has to be the disk itself. @throws {ImageError} */
  async refuseNesting(): Promise<void> {
    const head = new Uint8Array(Math.min(HEAD_BYTES, this.size));
    await this.read(0, head);
    refuseNesting(head);
  }

  private async readBlocks(offset: number, target: Uint8Array): Promise<void> {
    const end = offset + target.length;
    for (let index = this.blockAt(offset); ; index++) {
      const block = this.blocks[index];
      if (!block || block.offset >= end) return;
      const contents = await this.cache.get(index, block.length, () => readXzBlock(this.source, block));
      const from = Math.max(offset, block.offset);
      const to = Math.min(end, block.offset + block.length);
      target.set(contents.subarray(from - block.offset, to - block.offset), from - offset);
    }
  }

  /** The block that holds `offset`, by bisection. */
  private blockAt(offset: number): number {
    let [low, high] = [0, this.blocks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.blocks[middle]!.offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** @param head how the decompressed contents begin @throws {ImageError} when they are another format */
export function refuseNesting(head: Uint8Array): void {
  const inner = identifyImage(head);
  if (inner.format === 'raw') return;
  const advice = inner.format === 'foreign' ? inner.advice : 'decompress it first';
  throw new ImageError('unsupported', `the compressed file holds a ${inner.text} file: ${advice}`);
}
