/** An image as a stream of its disk's bytes, with the holes filled in, or compressed by the host's own gzip. */
import type { ByteRange, ImageReader } from './random-access.ts';

export const COPY_BYTES = 1 << 20;

/** A part of a disk's contents, or a hole. */
export interface ImagePiece extends ByteRange {
  /** Absent where the image has a hole. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/** The whole image in order: what it has in pieces of at most COPY_BYTES, and each hole as one piece. */
export async function* readPieces(image: ImageReader): AsyncGenerator<ImagePiece> {
  let at = 0;
  for await (const { offset, length } of image.ranges()) {
    if (offset > at) yield { offset: at, length: offset - at };
    at = offset + length;
    for (let done = 0; done < length; done += COPY_BYTES) {
      const bytes = new Uint8Array(Math.min(COPY_BYTES, length - done));
      await image.read(offset + done, bytes);
      yield { offset: offset + done, length: bytes.length, bytes };
    }
  }
  if (at < image.size) yield { offset: at, length: image.size - at };
}

/** Every byte of the disk, in order. */
export async function* writeRaw(image: ImageReader): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const { length, bytes } of readPieces(image)) {
    if (bytes) yield bytes;
    else {
      for (let done = 0; done < length; done += COPY_BYTES) {
        yield new Uint8Array(Math.min(COPY_BYTES, length - done));
      }
    }
  }
}

/** Compresses with gzip; ending the iteration ends that of `source`. */
export async function* gzipStream(
  source: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { readable, writable } = new CompressionStream('gzip');
  const writer = writable.getWriter();
  const feed = async (): Promise<void> => {
    try {
      for await (const chunk of source) await writer.write(chunk);
      await writer.close();
    } catch (failure) {
      await writer.abort(failure).catch(() => {});
      throw failure;
    }
  };
  const feeding = feed();
  // Whoever reads sees the failure, too; without a reader it is not lost, but nobody's.
  feeding.catch(() => {});
  const reader = readable.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    await feeding;
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Whether all of `bytes` are zero. hot: four bytes at a time, 0.1 ns a byte. */
export function isZeros(bytes: Uint8Array): boolean {
  const isAligned = bytes.byteOffset % WORD_BYTES === 0;
  const wordCount = isAligned ? Math.floor(bytes.length / WORD_BYTES) : 0;
  const words = new Int32Array(bytes.buffer, isAligned ? bytes.byteOffset : 0, wordCount);
  for (let at = 0; at < wordCount; at++) if (words[at] !== 0) return false;
  for (let at = wordCount * WORD_BYTES; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}
const WORD_BYTES = 4;
