/**
 * Decodes a compressed file from its start to its end, in memory that does not depend on its size. Consumers pull:
 * nothing is read before somebody wants what it decodes to, and ending the iteration ends the source's.
 */

import { gunzip } from './codecs/gzip.ts';
import { StreamInput } from './codecs/stream-input.ts';
import { unxz, type XzThreads } from './codecs/xz.ts';
import { unzip } from './codecs/zip.ts';
import { unzstd } from './codecs/zstd.ts';
import { HEAD_BYTES } from './identify.ts';
import { ImageError } from './image-error.ts';
import { checkDiskSize, LARGEST_DISK_BYTES } from './limits.ts';
import { refuseNesting } from './xz-image.ts';

type Decoder = (input: StreamInput, threads?: XzThreads) => AsyncGenerator<Uint8Array>;

const DECODERS = { gzip: gunzip, xz: unxz, zstd: unzstd, zip: unzip } satisfies Record<string, Decoder>;

export type StreamFormat = keyof typeof DECODERS;

export function isStreamFormat(format: string): format is StreamFormat {
  return Object.hasOwn(DECODERS, format);
}

export interface DecodeOptions {
  /** The file is refused as soon as it decodes to more, in bytes. */
  readonly limitBytes?: number;
  /** Decode the blocks of a .xz file at the same time, where its headers tell where they end. */
  readonly xzThreads?: XzThreads | undefined;
}

/**
 * The raw image that is in the compressed file. Chunks are of any size up to a few MiB, and belong to the consumer.
 * @throws {ImageError} while iterating; what came before is of a file that is not to be trusted
 */
export async function* decodeStream(
  format: StreamFormat,
  source: AsyncIterable<Uint8Array>,
  { limitBytes = LARGEST_DISK_BYTES, xzThreads }: DecodeOptions = {},
): AsyncGenerator<Uint8Array> {
  const input = new StreamInput(source);
  let head: Uint8Array | undefined = new Uint8Array(0);
  let total = 0;
  try {
    for await (const chunk of DECODERS[format](input, xzThreads)) {
      total += chunk.length;
      checkDiskSize(total);
      if (total > limitBytes) throw new ImageError('too-large', `the disk has more than ${limitBytes} bytes`);
      if (head) head = checkHead(head, chunk);
      yield chunk;
    }
  } finally {
    await input.close();
  }
  if (total === 0) throw new ImageError('unknown', 'the compressed file is empty');
}

/** Collects the beginning of the contents until their format can be told; undefined when that is done. */
function checkHead(head: Uint8Array, chunk: Uint8Array): Uint8Array | undefined {
  const more = chunk.subarray(0, HEAD_BYTES - head.length);
  const joined = new Uint8Array(head.length + more.length);
  joined.set(head);
  joined.set(more, head.length);
  refuseNesting(joined);
  return joined.length < HEAD_BYTES ? joined : undefined;
}
