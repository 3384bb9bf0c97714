/**
 * Damaged images: how a file is damaged, and a reader that does with it all that can be done, within bounds. It
 * gives what came of it; anything but an ImageError, a read outside the file, wrong ranges, or reading far more
 * than there is, is thrown.
 */
import type { SeededRandom } from '../../filesystems/testing/seeded-random.ts';
import { crc32 } from '../codecs/checksums.ts';
import { decodeStream, isStreamFormat } from '../decode-stream.ts';
import { HEAD_BYTES, identifyImage } from '../identify.ts';
import { ImageError } from '../image-error.ts';
import { openImage } from '../open-image.ts';
import type { ImageReader, RandomAccessSource } from '../random-access.ts';

const MOST_OUTPUT = 1 << 22;
const MOST_RANGES = 500;
const PIECE_BYTES = 1 << 16;
/** A file may be read so many times over, and so much besides, before that counts as a loop. */
const READS_OVER = 200;
const READS_BESIDES = 1 << 22;

/** A file in memory that watches how it is read. */
export class WatchedSource implements RandomAccessSource {
  readonly size: number;
  bytesRead = 0;
  private readonly file: Uint8Array;

  constructor(file: Uint8Array) {
    this.file = file;
    this.size = file.length;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    if (!(offset >= 0 && offset + target.length <= this.size)) {
      throw new Error(`a read outside the file: ${offset} + ${target.length} of ${this.size}`);
    }
    this.bytesRead += target.length;
    if (this.bytesRead > READS_OVER * this.size + READS_BESIDES) throw new Error('reads without end');
    target.set(this.file.subarray(offset, offset + target.length));
  }
}

/** The file in chunks of `chunkBytes`. */
export async function* chunksOf(file: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += chunkBytes) yield file.slice(at, at + chunkBytes);
}

/** What came of each way to read the file: `read`, or the kind of its error. */
export async function probe(file: Uint8Array): Promise<readonly string[]> {
  const { format } = identifyImage(file.subarray(0, HEAD_BYTES), file.subarray(-HEAD_BYTES));
  const outcomes: string[] = [];
  if (isStreamFormat(format)) {
    outcomes.push(await outcomeOf(() => drain(decodeStream(format, chunksOf(file, 1000)))));
  }
  if (!isStreamFormat(format) || format === 'xz') outcomes.push(await outcomeOf(() => readImage(file)));
  return outcomes;
}

async function outcomeOf(work: () => Promise<void>): Promise<string> {
  try {
    await work();
    return 'read';
  } catch (failure) {
    if (failure instanceof ImageError && failure.message.length > 0) return failure.kind;
    throw failure;
  }
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<void> {
  let total = 0;
  for await (const chunk of stream) {
    total += chunk.length;
    if (total > MOST_OUTPUT) return;
  }
}

async function readImage(file: Uint8Array): Promise<void> {
  const image = await openImage(new WatchedSource(file));
  let end = 0;
  let count = 0;
  let total = 0;
  for await (const { offset, length } of image.ranges()) {
    const isInOrder = offset >= end && length > 0 && offset + length <= image.size;
    if (!isInOrder) throw new Error(`a wrong range: ${offset} + ${length} after ${end} of ${image.size}`);
    end = offset + length;
    for (let done = 0; done < length && total < MOST_OUTPUT; done += PIECE_BYTES, total += PIECE_BYTES) {
      await image.read(offset + done, new Uint8Array(Math.min(PIECE_BYTES, length - done)));
    }
    if (++count === MOST_RANGES) break;
  }
  await readAround(image);
}

/** Reads that cross clusters, and the last bytes. */
async function readAround(image: ImageReader): Promise<void> {
  for (const part of [0, 0.3, 0.7, 1]) {
    const length = Math.min(PIECE_BYTES, image.size);
    await image.read(Math.floor((image.size - length) * part), new Uint8Array(length));
  }
}

const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const FRONT_BYTES = 128;
const CHANGES = 4;

/** A damaged copy. Sums in headers are made right again in half of them, so that what is behind gets tested. */
export function mutate(file: Uint8Array, random: SeededRandom): Uint8Array<ArrayBuffer> {
  let damaged = new Uint8Array(file);
  const count = 1 + random.below(CHANGES);
  for (let change = 0; change < count && damaged.length > 0; change++) damaged = damage(damaged, random);
  if (random.below(2) === 0) repairSums(damaged);
  return damaged;
}

/** Headers are at the start or the end: so is a half of all changes. */
function placeIn(file: Uint8Array, random: SeededRandom): number {
  const front = Math.min(file.length, FRONT_BYTES);
  const place = random.below(4);
  if (place === 0) return random.below(front);
  if (place === 1) return file.length - 1 - random.below(front);
  return random.below(file.length);
}

function damage(file: Uint8Array<ArrayBuffer>, random: SeededRandom): Uint8Array<ArrayBuffer> {
  const at = placeIn(file, random);
  switch (random.below(8)) {
    case 0:
      return file.slice(0, random.below(file.length + 1));
    case 1:
      return spliced(file, at, 0, new Uint8Array(1 + random.below(600)));
    case 2:
      return spliced(file, at, random.below(600), new Uint8Array(0));
    case 3:
      file.fill(random.below(256), at, at + 1 + random.below(64));
      return file;
    case 4:
    case 5: {
      const view = new DataView(file.buffer);
      const number = random.pick([...NUMBERS, file.length, file.length >> 9, random.next()]);
      if (at + 4 <= file.length) view.setUint32(at, number, random.below(2) === 0);
      return file;
    }
    case 6:
      file.copyWithin(at, random.below(file.length), random.below(file.length));
      return file;
    default:
      file[at]! ^= 1 << random.below(8);
      return file;
  }
}

function spliced(file: Uint8Array, at: number, drop: number, more: Uint8Array): Uint8Array<ArrayBuffer> {
  const rest = file.subarray(Math.min(file.length, at + drop));
  const result = new Uint8Array(at + more.length + rest.length);
  result.set(file.subarray(0, at));
  result.set(more, at);
  result.set(rest, at + more.length);
  return result;
}

const XZ = { magic: 0xfd37_7a58, headerBytes: 12, footerBytes: 12, unit: 4 } as const;
const VHD = { cookie: 0x636f_6e65, headerCookie: 0x6378_7370, footerBytes: 512, headerBytes: 1024 } as const;

function repairSums(file: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(file.buffer);
  if (file.length > 64 && view.getUint32(0) === XZ.magic) repairXz(file, view);
  const last = file.length - VHD.footerBytes;
  if (last >= 0 && view.getUint32(last) === VHD.cookie) repairVhd(view, last, VHD.footerBytes, 64);
  for (let at = 0; at + VHD.headerBytes <= Math.min(file.length, 4096); at += VHD.footerBytes) {
    if (view.getUint32(at) === VHD.headerCookie) repairVhd(view, at, VHD.headerBytes, 36);
  }
}

function repairXz(file: Uint8Array, view: DataView): void {
  const put = (from: number, to: number, at: number): void => {
    if (from >= 0 && to <= file.length && at + 4 <= file.length && at >= 0 && from < to) {
      view.setUint32(at, crc32(file.subarray(from, to)), true);
    }
  };
  put(6, 8, 8);
  const block = XZ.headerBytes;
  const blockEnd = block + (file[block]! + 1) * XZ.unit - 4;
  put(block, blockEnd, blockEnd);
  const footer = file.length - XZ.footerBytes;
  const indexBytes = (view.getUint32(footer + 4, true) + 1) * XZ.unit;
  put(footer - indexBytes, footer - 4, footer - 4);
  put(footer + 4, footer + 10, footer);
}

function repairVhd(view: DataView, start: number, length: number, field: number): void {
  let sum = 0;
  for (let at = 0; at < length; at++) if (at < field || at >= field + 4) sum += view.getUint8(start + at);
  view.setUint32(start + field, ~sum >>> 0);
}
