/** Gzip, RFC 1952: members one after another, each with the sum and the size of what it holds. */
import { viewOf } from '../data-view.ts';
import { ImageError } from '../image-error.ts';
import { crc32 } from './checksums.ts';
import { wrongSum } from './damage.ts';
import { DEFLATE_HISTORY_BYTES, inflate } from './inflate.ts';
import { OutputWindow } from './output-window.ts';
import type { StreamInput } from './stream-input.ts';

const MAGIC = [0x1f, 0x8b];
const DEFLATE = 8;
const FIXED_BYTES = 10;
const TRAILER_BYTES = 8;
const FLAG = { headerCrc: 1 << 1, extra: 1 << 2, name: 1 << 3, comment: 1 << 4, reserved: 0xe0 } as const;
/** Names and comments longer than this are refused. */
const LONGEST_TEXT = 1 << 16;

/** The contents of all members. @throws {ImageError} */
export async function* gunzip(input: StreamInput): AsyncGenerator<Uint8Array> {
  do {
    await readHeader(input);
    let sum = 0;
    let size = 0;
    for await (const chunk of inflate(input, new OutputWindow(DEFLATE_HISTORY_BYTES))) {
      sum = crc32(chunk, sum);
      size += chunk.length;
      yield chunk;
    }
    await checkTrailer(input, sum, size);
  } while (await hasAnotherMember(input));
}

/** Section 2.3.1. */
async function readHeader(input: StreamInput): Promise<void> {
  const start = input.offset;
  await input.require(FIXED_BYTES, 'the header of the gzip file');
  const [id1, id2, method = 0, flags = 0] = input.take(FIXED_BYTES);
  if (id1 !== MAGIC[0] || id2 !== MAGIC[1]) throw new ImageError('corrupt', 'this is no gzip data', start);
  if (method !== DEFLATE || flags & FLAG.reserved) {
    throw new ImageError('unsupported', `gzip method ${method} with flags ${flags} is not known`, start);
  }
  if (flags & FLAG.extra) {
    await input.require(2, 'the header of the gzip file');
    const [low = 0, high = 0] = input.take(2);
    await input.require(low | (high << 8), 'the header of the gzip file');
    input.take(low | (high << 8));
  }
  if (flags & FLAG.name) await skipText(input);
  if (flags & FLAG.comment) await skipText(input);
  if (flags & FLAG.headerCrc) {
    await input.require(2, 'the header of the gzip file');
    input.take(2);
  }
}

/** Passes a text that a zero ends. */
async function skipText(input: StreamInput): Promise<void> {
  for (let length = 0; length < LONGEST_TEXT; length++) {
    await input.require(1, 'the header of the gzip file');
    if (input.take(1)[0] === 0) return;
  }
  throw new ImageError('corrupt', 'the header of the gzip file has no end', input.offset);
}

async function checkTrailer(input: StreamInput, sum: number, size: number): Promise<void> {
  const { offset } = input;
  await input.require(TRAILER_BYTES, 'the sum behind the gzip data');
  const view = viewOf(input.take(TRAILER_BYTES));
  // The size is stored modulo 2^32.
  if (view.getUint32(0, true) !== sum || view.getUint32(4, true) !== size >>> 0) {
    throw wrongSum(offset);
  }
}

/** Zeros behind the last member are padding (of tapes, of block devices); other bytes are damage. */
async function hasAnotherMember(input: StreamInput): Promise<boolean> {
  while (await input.fill(1)) {
    if (input.bytes[input.position] !== 0) {
      await input.fill(MAGIC.length);
      if (input.bytes[input.position] === MAGIC[0] && input.bytes[input.position + 1] === MAGIC[1])
        return true;
      throw new ImageError('corrupt', 'something else follows the gzip data', input.offset);
    }
    input.take(1);
  }
  return false;
}
