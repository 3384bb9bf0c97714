import * as zlib from 'node:zlib';
import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../filesystems/testing/seeded-random.ts';
import { crc32 } from './codecs/checksums.ts';
import { type DecodeOptions, decodeStream, type StreamFormat } from './decode-stream.ts';
import { fixtureDisk } from './testing/fixture-disk.ts';
import { readFixture } from './testing/fixtures.ts';
import { chunksOf } from './testing/probe.ts';

async function decode(
  format: StreamFormat,
  file: Uint8Array,
  options: DecodeOptions = {},
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of decodeStream(format, chunksOf(file, 5000), options)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** Text, noise and repetition over long distances. */
function mixture(seed: number, length: number): Uint8Array {
  const random = new SeededRandom(seed);
  const contents = random.bytes(length);
  for (let part = 0; part < 20; part++) {
    const at = random.below(length);
    if (part % 3 === 0) contents.fill(part, at, at + random.below(50_000));
    else if (part % 3 === 1) contents.copyWithin(at, random.below(length), random.below(length));
    else for (let byte = at; byte < Math.min(length, at + 5000); byte++) contents[byte] = random.next();
  }
  return contents;
}

const equal = (found: Uint8Array, wanted: Uint8Array): boolean => Buffer.compare(found, wanted) === 0;

describe('gzip', () => {
  it.each([0, 1, 6, 9])('is decoded when made at level %d', async (level) => {
    const contents = mixture(level, 700_000);
    expect(equal(await decode('gzip', gzipSync(contents, { level })), contents)).toBe(true);
  });

  it('is decoded when it has the fixed codes only', async () => {
    const contents = mixture(9, 50_000);
    const file = gzipSync(contents, { strategy: constants.Z_FIXED });
    expect(equal(await decode('gzip', file), contents)).toBe(true);
  });

  it('is refused with the place when the data or the sum is damaged', async () => {
    const file = gzipSync(mixture(1, 5000));
    const wrongSum = new Uint8Array(file);
    wrongSum[file.length - 8]! ^= 1;
    await expect(decode('gzip', wrongSum)).rejects.toMatchObject({
      kind: 'checksum',
      offset: file.length - 8,
    });
    await expect(decode('gzip', Buffer.concat([file, Buffer.from('x')]))).rejects.toThrow(
      `something else follows the gzip data (at byte ${file.length})`,
    );
    await expect(decode('gzip', file.subarray(0, -9))).rejects.toMatchObject({ kind: 'truncated' });
  });

  it('is refused when it holds another format', async () => {
    const file = gzipSync(readFixture('qcow2 version 3'));
    await expect(decode('gzip', file)).rejects.toThrow('holds a qcow2 file: decompress it first');
  });
});

/** Node has Zstandard since 22.15, and its types later. */
const { zstdCompressSync } = zlib as unknown as {
  zstdCompressSync?: (bytes: Uint8Array, options: { params: Record<number, number> }) => Uint8Array;
};
/** ZSTD_c_compressionLevel and ZSTD_c_checksumFlag of zstd.h. */
const ZSTD = { level: 100, checksum: 201 } as const;

describe('zstd', () => {
  it.skipIf(!zstdCompressSync).each([-5, 1, 3, 12, 19])('is decoded when made at level %d', async (level) => {
    const contents = mixture(level + 10, 700_000);
    const params = { [ZSTD.level]: level, [ZSTD.checksum]: 1 };
    expect(equal(await decode('zstd', zstdCompressSync!(contents, { params })), contents)).toBe(true);
  });

  it('is refused when the sum does not match', async () => {
    const file = readFixture('zstd');
    file[file.length - 1]! ^= 1;
    await expect(decode('zstd', file)).rejects.toMatchObject({ kind: 'checksum', offset: file.length - 4 });
  });

  it('is refused when it needs a window that is too large', async () => {
    // A frame with a window of 2^(10 + 21) bytes.
    const file = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0);
    await expect(decode('zstd', file)).rejects.toThrow('a window of 2048 MiB, more than the 128 allowed');
  });

  it('is refused when it needs a dictionary', async () => {
    const file = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 0, 7, 1, 0, 0);
    await expect(decode('zstd', file)).rejects.toMatchObject({ kind: 'unsupported' });
  });

  it('stops at once when a frame gives more than it says', async () => {
    // 100 bytes, and a block of 2^16 times the same byte.
    const file = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 100, 0x03, 0, 0x08, 7);
    await expect(decode('zstd', file)).rejects.toThrow('a zstd frame holds 65536 bytes instead of 100');
  });
});

describe('xz', () => {
  const file = readFixture('xz, one block');

  it('is refused with the reason when it uses another filter', async () => {
    const other = file.slice();
    // The first block's header begins at 12; its only filter becomes the one for ARM64 code.
    const size = (other[12]! + 1) * 4;
    other[14] = 10;
    new DataView(other.buffer).setUint32(12 + size - 4, crc32(other.subarray(12, 12 + size - 4)), true);
    await expect(decode('xz', other)).rejects.toThrow('uses the filter ARM64');
  });

  it('is refused when it needs a dictionary that is too large', async () => {
    const other = file.slice();
    const size = (other[12]! + 1) * 4;
    other[16] = 40;
    new DataView(other.buffer).setUint32(12 + size - 4, crc32(other.subarray(12, 12 + size - 4)), true);
    await expect(decode('xz', other)).rejects.toThrow('a dictionary of');
  });

  it('is refused when its data does not have its sum', async () => {
    const other = file.slice();
    const footer = other.length - 12;
    const indexBytes = (new DataView(other.buffer).getUint32(footer + 4, true) + 1) * 4;
    other[footer - indexBytes - 1]! ^= 1;
    await expect(decode('xz', other)).rejects.toMatchObject({ kind: 'checksum' });
  });
});

interface ZipFile {
  readonly name: string;
  readonly contents: Uint8Array;
  readonly flags?: number;
  /** What the header says instead of the contents' own size. */
  readonly size?: number;
}

/** An archive as far as a stream of it is read: headers and contents, and the first signature behind them. */
function zipOf(files: readonly ZipFile[]): Uint8Array {
  const parts = files.flatMap(({ name, contents, flags = 0, size = contents.length }) => {
    const packed = deflateRawSync(contents);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(flags, 6);
    header.writeUInt16LE(8, 8);
    header.writeUInt32LE(crc32(contents), 14);
    header.writeUInt32LE(packed.length, 18);
    header.writeUInt32LE(size, 22);
    header.writeUInt16LE(name.length, 26);
    return [header, Buffer.from(name), packed];
  });
  return new Uint8Array(Buffer.concat([...parts, Buffer.from('PK\x01\x02')]));
}

describe('zip', () => {
  const contents = fixtureDisk().subarray(0, 30_000);

  it('passes over what cannot be the image', async () => {
    const file = zipOf([
      { name: 'folder/', contents: new Uint8Array(0) },
      { name: 'folder/README.md', contents: mixture(1, 300) },
      { name: 'folder/disk.img', contents },
      { name: '__MACOSX/folder/._disk.img', contents: mixture(2, 300) },
      { name: 'folder/disk.img.sha256', contents: mixture(3, 64) },
    ]);
    expect(equal(await decode('zip', file), contents)).toBe(true);
  });

  it.each([
    [
      'two images',
      [
        { name: 'a.img', contents },
        { name: 'b.img', contents },
      ],
      '"a.img", "b.img"',
    ],
    ['no image', [{ name: 'notes.txt', contents }], 'holds no image'],
    ['an encrypted image', [{ name: 'a.img', contents, flags: 1 }], 'encrypted'],
    ['an image longer than it says', [{ name: 'a.img', contents, size: 100 }], 'does not have the size'],
  ])('is refused when it holds %s', async (_, files, reason) => {
    await expect(decode('zip', zipOf(files))).rejects.toThrow(reason);
  });
});

describe('decodeStream', () => {
  it('reads no more of its source than what it has given needs', async () => {
    const file = gzipSync(mixture(4, 4_000_000), { level: 1 });
    let taken = 0;
    let hasEnded = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of chunksOf(file, 10_000)) {
          taken += chunk.length;
          yield chunk;
        }
      } finally {
        hasEnded = true;
      }
    }
    for await (const chunk of decodeStream('gzip', source())) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(taken).toBeLessThan(file.length / 2);
    expect(hasEnded).toBe(true);
  });

  it('stops where the disk becomes larger than allowed', async () => {
    const file = gzipSync(new Uint8Array(1_000_000));
    await expect(decode('gzip', file, { limitBytes: 999_999 })).rejects.toMatchObject({ kind: 'too-large' });
    expect((await decode('gzip', file, { limitBytes: 1_000_000 })).length).toBe(1_000_000);
  });

  it('passes on what goes wrong with the source', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield gzipSync(mixture(1, 5000)).subarray(0, 100);
      throw new Error('the network is gone');
    }
    const stream = decodeStream('gzip', failing());
    await expect(stream.next()).rejects.toThrow('the network is gone');
  });

  it('refuses a compressed file with nothing in it', async () => {
    await expect(decode('gzip', gzipSync(''))).rejects.toThrow('the compressed file is empty');
  });
});
