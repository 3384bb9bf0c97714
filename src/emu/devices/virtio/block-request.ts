/**
 * Requests of a virtio block device (virtio 1.2, 5.2.6): read from a descriptor chain and checked against the
 * disk before anything happens.
 */
import { type DescriptorChain, gather, totalLength } from './queue.ts';

export const SECTOR_BYTES = 512;
export const STATUS_OK = 0;
export const STATUS_IO_ERROR = 1;
export const STATUS_UNSUPPORTED = 2;
export const ID_BYTES = 20;
/** Ranges in one discard or write-zeroes request; also told to the driver. */
export const MOST_RANGES = 64;
/** Data of one request beyond which the driver has lost its mind. */
const LARGEST_DATA_BYTES = 64 << 20;

const TYPE_IN = 0;
const TYPE_OUT = 1;
const TYPE_FLUSH = 4;
const TYPE_GET_ID = 8;
const TYPE_DISCARD = 11;
const TYPE_WRITE_ZEROES = 13;
const HEADER_BYTES = 16;
const SECTOR_AT = 8;
const STATUS_BYTES = 1;
const RANGE_BYTES = 16;
const RANGE_COUNT_AT = 8;
const RANGE_FLAGS_AT = 12;
const RANGE_UNMAP = 1;

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export type BlockRequest =
  | ({ readonly kind: 'read' } & ByteRange)
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: 'flush' }
  | { readonly kind: 'get-id'; readonly length: number }
  /** The ranges read as zeros afterwards. */
  | { readonly kind: 'clear'; readonly ranges: readonly ByteRange[] }
  /** Answered with `status` and nothing else. */
  | { readonly kind: 'refuse'; readonly status: number };

export interface DiskShape {
  readonly size: number;
  readonly readOnly: boolean;
}

const refuse = (status: number): BlockRequest => ({ kind: 'refuse', status });

function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** Undefined when not even a status can be returned: the driver broke the protocol. */
export function parseBlockRequest(chain: DescriptorChain, disk: DiskShape): BlockRequest | undefined {
  const readable = totalLength(chain.readable);
  const writable = totalLength(chain.writable);
  if (readable < HEADER_BYTES || writable < STATUS_BYTES) return undefined;
  const header = new DataView(gather(chain.readable, 0, HEADER_BYTES).buffer);
  const offset = u64(header, SECTOR_AT) * SECTOR_BYTES;
  const dataIn = writable - STATUS_BYTES;
  const dataOut = readable - HEADER_BYTES;
  if (dataIn > LARGEST_DATA_BYTES || dataOut > LARGEST_DATA_BYTES) return refuse(STATUS_IO_ERROR);
  switch (header.getUint32(0, true)) {
    case TYPE_IN:
      return isWithin(disk, offset, dataIn)
        ? { kind: 'read', offset, length: dataIn }
        : refuse(STATUS_IO_ERROR);
    case TYPE_OUT:
      return !disk.readOnly && isWithin(disk, offset, dataOut)
        ? { kind: 'write', offset, data: gather(chain.readable, HEADER_BYTES) }
        : refuse(STATUS_IO_ERROR);
    case TYPE_FLUSH:
      return { kind: 'flush' };
    case TYPE_GET_ID:
      return { kind: 'get-id', length: Math.min(dataIn, ID_BYTES) };
    case TYPE_DISCARD:
      return parseRanges(chain, disk, 0);
    case TYPE_WRITE_ZEROES:
      return parseRanges(chain, disk, RANGE_UNMAP);
    default:
      return refuse(STATUS_UNSUPPORTED);
  }
}

function isWithin(disk: DiskShape, offset: number, length: number): boolean {
  return length > 0 && length % SECTOR_BYTES === 0 && offset + length <= disk.size;
}

function parseRanges(chain: DescriptorChain, disk: DiskShape, allowedFlags: number): BlockRequest {
  if (disk.readOnly) return refuse(STATUS_IO_ERROR);
  const bytes = gather(chain.readable, HEADER_BYTES, MOST_RANGES * RANGE_BYTES + 1);
  const count = bytes.length / RANGE_BYTES;
  if (!Number.isInteger(count) || count === 0) return refuse(STATUS_IO_ERROR);
  const view = new DataView(bytes.buffer);
  const ranges: ByteRange[] = [];
  for (let at = 0; at < bytes.length; at += RANGE_BYTES) {
    const offset = u64(view, at) * SECTOR_BYTES;
    const length = view.getUint32(at + RANGE_COUNT_AT, true) * SECTOR_BYTES;
    if (view.getUint32(at + RANGE_FLAGS_AT, true) & ~allowedFlags) return refuse(STATUS_UNSUPPORTED);
    if (offset + length > disk.size) return refuse(STATUS_IO_ERROR);
    ranges.push({ offset, length });
  }
  return { kind: 'clear', ranges };
}
