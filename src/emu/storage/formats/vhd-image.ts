/**
 * VHD, after Microsoft's "Virtual Hard Disk Image Format Specification" 1.0: a footer of 512 bytes at the end;
 * disks of fixed size are raw otherwise, dynamic ones have a table of blocks. Fields are big-endian.
 * The sector bitmaps of dynamic disks are not read: sectors that were never written are zeros in the block.
 */
import { viewOf } from './data-view.ts';
import { ImageError } from './image-error.ts';
import { checkDiskSize, LARGEST_TABLE_BYTES } from './limits.ts';
import {
  type ByteRange,
  CheckedSource,
  type ImageReader,
  type RandomAccessSource,
  SourceSlice,
} from './random-access.ts';
import { RawImage } from './raw-image.ts';

const SECTOR_BYTES = 512;
const FOOTER_BYTES = 512;
const HEADER_BYTES = 1024;
const ENTRY_BYTES = 4;
const UNUSED = 0xffff_ffff;
const TWO_TO_32 = 2 ** 32;

const FOOTER = { cookie: 0, dataOffset: 16, currentSize: 48, diskType: 60, checksum: 64 } as const;
const HEADER = { cookie: 0, tableOffset: 16, entries: 28, blockBytes: 32, checksum: 36 } as const;
const FOOTER_COOKIE = 'conectix';
const HEADER_COOKIE = 'cxsparse';
const DISK_TYPE = { fixed: 2, dynamic: 3, differencing: 4 } as const;

const LEAST_BLOCK_BYTES = SECTOR_BYTES * 8;
const MOST_BLOCK_BYTES = 1 << 28;

/** @throws {ImageError} */
export async function openVhd(source: RandomAccessSource): Promise<ImageReader> {
  const checked = new CheckedSource(source);
  const offset = checked.size - FOOTER_BYTES;
  const footer = viewOf(await checked.bytes(offset, FOOTER_BYTES, 'the footer of the VHD'));
  if (!hasCookie(footer, FOOTER_COOKIE)) {
    throw new ImageError('truncated', 'the VHD has no footer at its end: it may be cut off', offset);
  }
  expectChecksum(footer, FOOTER.checksum, 'the footer of the VHD', offset);
  const size = getOffset(footer, FOOTER.currentSize);
  checkDiskSize(size, offset + FOOTER.currentSize);
  const type = footer.getUint32(FOOTER.diskType);
  if (type === DISK_TYPE.fixed) {
    if (size <= offset)
      return new RawImage(new SourceSlice(checked, { offset: 0, length: size }), 'VHD, fixed');
    throw new ImageError('truncated', `the VHD should hold ${size} bytes, and holds ${offset}`, offset);
  }
  if (type === DISK_TYPE.dynamic) return openDynamic(checked, size, getOffset(footer, FOOTER.dataOffset));
  const reason =
    type === DISK_TYPE.differencing
      ? 'the VHD holds only changes to another image; merge them first'
      : `a VHD of type ${type} is not known`;
  throw new ImageError('unsupported', reason, offset + FOOTER.diskType);
}

async function openDynamic(source: CheckedSource, size: number, offset: number): Promise<ImageReader> {
  const header = viewOf(await source.bytes(offset, HEADER_BYTES, 'the header of the dynamic VHD'));
  if (!hasCookie(header, HEADER_COOKIE)) {
    throw new ImageError('corrupt', 'the header of the dynamic VHD is not where it should be', offset);
  }
  expectChecksum(header, HEADER.checksum, 'the header of the dynamic VHD', offset);
  const blockBytes = header.getUint32(HEADER.blockBytes);
  const isPowerOfTwo = (blockBytes & (blockBytes - 1)) === 0;
  if (!isPowerOfTwo || blockBytes < LEAST_BLOCK_BYTES || blockBytes > MOST_BLOCK_BYTES) {
    throw new ImageError('corrupt', `the VHD has blocks of ${blockBytes} bytes`, offset + HEADER.blockBytes);
  }
  const entries = Math.ceil(size / blockBytes);
  if (entries > header.getUint32(HEADER.entries)) {
    throw new ImageError('corrupt', 'the table of blocks is too short for the disk', offset + HEADER.entries);
  }
  if (entries * ENTRY_BYTES > LARGEST_TABLE_BYTES) {
    throw new ImageError('too-large', `the table of blocks has ${entries} entries`, offset + HEADER.entries);
  }
  const tableOffset = getOffset(header, HEADER.tableOffset);
  const table = await source.bytes(tableOffset, entries * ENTRY_BYTES, 'the table of blocks');
  const image = new DynamicVhd(source, size, blockBytes, viewOf(table));
  image.check(tableOffset);
  return image;
}

class DynamicVhd implements ImageReader {
  readonly size: number;
  readonly format = 'VHD, dynamic';
  private readonly source: CheckedSource;
  private readonly blockBytes: number;
  private readonly bitmapBytes: number;
  private readonly table: DataView;

  constructor(source: CheckedSource, size: number, blockBytes: number, table: DataView) {
    this.source = source;
    this.size = size;
    this.blockBytes = blockBytes;
    const bitmapBits = blockBytes / SECTOR_BYTES;
    this.bitmapBytes = Math.ceil(bitmapBits / 8 / SECTOR_BYTES) * SECTOR_BYTES;
    this.table = table;
  }

  /** All blocks are inside the file, and apart. @throws {ImageError} */
  check(tableOffset: number): void {
    const starts: number[] = [];
    for (let block = 0; block < this.table.byteLength / ENTRY_BYTES; block++) {
      const start = this.blockStart(block);
      if (start === undefined) continue;
      const needed = Math.min(this.blockBytes, this.size - block * this.blockBytes);
      this.source.check(start, this.bitmapBytes + needed, `block ${block} of the disk`);
      starts.push(start);
    }
    starts.sort((a, b) => a - b);
    for (let at = 1; at < starts.length; at++) {
      if (starts[at]! - starts[at - 1]! >= this.bitmapBytes + this.blockBytes) continue;
      throw new ImageError(
        'corrupt',
        `two blocks of the disk share byte ${starts[at]} of the file`,
        tableOffset,
      );
    }
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const within = (offset + done) % this.blockBytes;
      const start = this.blockStart(Math.floor((offset + done) / this.blockBytes));
      const part = target.subarray(done, done + this.blockBytes - within);
      if (start === undefined) part.fill(0);
      else await this.source.read(start + this.bitmapBytes + within, part);
      done += part.length;
    }
  }

  async *ranges(): AsyncGenerator<ByteRange> {
    for (let block = 0; block * this.blockBytes < this.size; block++) {
      if (this.blockStart(block) === undefined) continue;
      const offset = block * this.blockBytes;
      yield { offset, length: Math.min(this.blockBytes, this.size - offset) };
    }
  }

  /** Where the block's bitmap is, with the contents behind it. */
  private blockStart(block: number): number | undefined {
    const sector = this.table.getUint32(block * ENTRY_BYTES);
    return sector === UNUSED ? undefined : sector * SECTOR_BYTES;
  }
}

/** The complement of the sum of all other bytes. */
function expectChecksum(view: DataView, field: number, what: string, offset: number): void {
  let sum = 0;
  for (let at = 0; at < view.byteLength; at++) {
    if (at < field || at >= field + 4) sum += view.getUint8(at);
  }
  if (~sum >>> 0 === view.getUint32(field)) return;
  throw new ImageError('checksum', `${what} is damaged: its sum does not match`, offset);
}

function hasCookie(view: DataView, cookie: string): boolean {
  return Array.from(cookie).every((character, at) => view.getUint8(at) === character.charCodeAt(0));
}

function getOffset(view: DataView, at: number): number {
  return view.getUint32(at) * TWO_TO_32 + view.getUint32(at + 4);
}
