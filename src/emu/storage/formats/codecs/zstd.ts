/** Zstandard, RFC 8878: frames of blocks, each with a window of its own; frames to be skipped are skipped. */
import { viewOf } from '../data-view.ts';
import { ImageError } from '../image-error.ts';
import { endsEarly, wrongSum } from './damage.ts';
import { OutputWindow } from './output-window.ts';
import { StreamInput } from './stream-input.ts';
import { Xxh64 } from './xxh64.ts';
import { BLOCK_BYTES, ZstdBlockDecoder } from './zstd-block.ts';

const FRAME_MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const SKIPPABLE_MASK = 0xffff_fff0;
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** Magic number, descriptor, window, dictionary, content size. */
const MOST_HEADER_BYTES = MAGIC_BYTES + 1 + 1 + 4 + 8;

/** Files made with `zstd --ultra -22` or `--long` have 128 MiB. */
export const LARGEST_WINDOW = 1 << 27;

const DESCRIPTOR = { dictionary: 0x03, checksum: 0x04, reserved: 0x08, singleSegment: 0x20 } as const;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
/** Content sizes in two bytes count from here. */
const TWO_BYTE_BASE = 256;
const BLOCK = { raw: 0, repeated: 1, compressed: 2 } as const;

interface FrameHeader {
  readonly bytes: number;
  readonly windowBytes: number;
  readonly contentBytes: number | undefined;
  readonly hasChecksum: boolean;
}

/** The contents of all frames. @throws {ImageError} */
export async function* unzstd(input: StreamInput): AsyncGenerator<Uint8Array> {
  while (await input.fill(1)) {
    await input.fill(MOST_HEADER_BYTES);
    if (isSkippable(input)) await skip(input);
    else yield* decodeFrame(input);
  }
}

async function* decodeFrame(input: StreamInput): AsyncGenerator<Uint8Array> {
  const { offset } = input;
  const frame = new ZstdFrame(input);
  const sum = new Xxh64();
  do {
    await input.fill(BLOCK_HEADER_BYTES);
    await input.fill(frame.blockBytes());
    frame.block();
    if (frame.window.untaken === 0) continue;
    const chunk = frame.window.take();
    if (frame.header.hasChecksum) sum.update(chunk);
    yield chunk;
  } while (!frame.hasEnded);
  frame.checkSize(offset);
  if (!frame.header.hasChecksum) return;
  const sumOffset = input.offset;
  await input.require(CHECKSUM_BYTES, 'the sum behind a zstd frame');
  const stored = input.take(CHECKSUM_BYTES);
  if (sum.digest().every((byte, at) => byte === stored[at])) return;
  throw wrongSum(sumOffset);
}

/** Decodes the first frames that give `size` bytes; more may follow. @throws {ImageError} */
export function unzstdBytes(bytes: Uint8Array, size: number): Uint8Array {
  const input = new StreamInput(bytes);
  const target = new Uint8Array(size);
  for (let done = 0; done < size; ) {
    const frame = new ZstdFrame(input);
    while (!frame.hasEnded && done < size) {
      frame.block();
      const chunk = frame.window.take().subarray(0, size - done);
      target.set(chunk, done);
      done += chunk.length;
    }
    if (frame.header.hasChecksum) input.position += CHECKSUM_BYTES;
  }
  return target;
}

class ZstdFrame {
  readonly header: FrameHeader;
  readonly window: OutputWindow;
  hasEnded = false;
  private readonly input: StreamInput;
  private readonly blocks: ZstdBlockDecoder;
  private contentBytes = 0;

  /** Begins with the header, which is there unless the file ends before. */
  constructor(input: StreamInput) {
    this.input = input;
    this.header = parseHeader(input);
    input.take(this.header.bytes);
    this.window = new OutputWindow(this.header.windowBytes);
    this.blocks = new ZstdBlockDecoder(this.window);
  }

  /** Size of the next block with its header, of which at least the first bytes are there if the file has them. */
  blockBytes(): number {
    const header = this.blockHeader();
    return BLOCK_HEADER_BYTES + (((header >> 1) & 3) === BLOCK.repeated ? 1 : header >> 3);
  }

  /** Decodes the next block, which is there unless the file ends before. */
  block(): void {
    const { input, window } = this;
    const { offset, position } = input;
    const header = this.blockHeader();
    const end = position + this.blockBytes();
    if (end > input.limit) throw endsEarly(input.offset + input.available);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (size > BLOCK_BYTES) throw new ImageError('corrupt', `a block of ${size} bytes`, offset);
    window.reserve(BLOCK_BYTES);
    const before = window.end;
    const from = position + BLOCK_HEADER_BYTES;
    if (type === BLOCK.raw) window.write(input.bytes.subarray(from, end));
    else if (type === BLOCK.repeated) {
      window.bytes.fill(input.bytes[from]!, window.end, window.end + size);
      window.end += size;
    } else if (type === BLOCK.compressed) this.compressed(from, end, offset);
    else throw new ImageError('corrupt', 'a block of unknown type', offset);
    this.contentBytes += window.end - before;
    if (this.contentBytes > (this.header.contentBytes ?? this.contentBytes)) this.checkSize(offset);
    this.hasEnded = (header & 1) === 1;
    input.position = end;
  }

  /** The contents have the size that the header tells. */
  checkSize(offset: number): void {
    const { contentBytes } = this.header;
    if (contentBytes === undefined || contentBytes === this.contentBytes) return;
    const found = `${this.contentBytes} bytes instead of ${contentBytes}`;
    throw new ImageError('corrupt', `a zstd frame holds ${found}`, offset);
  }

  private compressed(from: number, to: number, offset: number): void {
    try {
      this.blocks.decode(this.input.bytes, from, to);
    } catch (failure) {
      if (!(failure instanceof ImageError)) throw failure;
      throw new ImageError(failure.kind, failure.message, offset);
    }
  }

  private blockHeader(): number {
    const { bytes, position } = this.input;
    return bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16);
  }
}

/** Section 3.1.1.1. */
function parseHeader(input: StreamInput): FrameHeader {
  const { bytes, position, offset } = input;
  const view = viewOf(bytes, position);
  if (input.available < MAGIC_BYTES + 2) throw endsEarly(input.offset + input.available);
  if (view.getUint32(0, true) !== FRAME_MAGIC) {
    throw new ImageError('corrupt', 'something else than a zstd frame', offset);
  }
  const descriptor = view.getUint8(MAGIC_BYTES);
  if (descriptor & DESCRIPTOR.reserved) throw new ImageError('unsupported', 'an unknown zstd frame', offset);
  const isSingle = (descriptor & DESCRIPTOR.singleSegment) !== 0;
  const windowAt = MAGIC_BYTES + 1;
  const dictionaryAt = windowAt + (isSingle ? 0 : 1);
  const dictionaryBytes = DICTIONARY_BYTES[(descriptor & DESCRIPTOR.dictionary) as 0 | 1 | 2 | 3];
  const sizeAt = dictionaryAt + dictionaryBytes;
  const sizeFlag = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && isSingle ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
  if (input.available < sizeAt + sizeBytes) throw endsEarly(input.offset + input.available);
  for (let at = dictionaryAt; at < sizeAt; at++) {
    if (view.getUint8(at) === 0) continue;
    throw new ImageError('unsupported', 'the zstd file needs a dictionary, which is not known here', offset);
  }
  const contentBytes = contentSize(view, sizeAt, sizeBytes);
  const windowBytes = isSingle ? (contentBytes ?? 0) : windowSize(view.getUint8(windowAt));
  if (windowBytes > LARGEST_WINDOW) throw tooLarge(windowBytes, offset);
  return {
    bytes: sizeAt + sizeBytes,
    windowBytes,
    contentBytes,
    hasChecksum: (descriptor & DESCRIPTOR.checksum) !== 0,
  };
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function contentSize(view: DataView, at: number, bytes: number): number | undefined {
  if (bytes === 0) return undefined;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + TWO_BYTE_BASE;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

function isSkippable({ bytes, position }: StreamInput): boolean {
  const magic = viewOf(bytes, position).getUint32(0, true);
  return (magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC;
}

/** Section 3.1.2. */
async function skip(input: StreamInput): Promise<void> {
  await input.require(2 * MAGIC_BYTES, 'a frame');
  input.take(MAGIC_BYTES);
  const size = input.take(MAGIC_BYTES);
  let left = viewOf(size).getUint32(0, true);
  while (left > 0) {
    await input.require(1, 'a frame');
    left -= input.take(Math.min(left, input.available)).length;
  }
}

function tooLarge(windowBytes: number, offset: number): ImageError {
  return new ImageError(
    'too-large',
    `unpacking the zstd file takes a window of ${Math.ceil(windowBytes / 2 ** 20)} MiB, more than the ${LARGEST_WINDOW >> 20} allowed here; unpack it with "unzstd --long=31"`,
    offset,
  );
}
