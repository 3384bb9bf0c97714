import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { StorageError } from '../block-store.ts';
import { ByteCache } from './byte-cache.ts';
import { identifyImage } from './identify.ts';
import { ImageStore } from './image-store.ts';
import { openImage } from './open-image.ts';
import { BytesSource, CheckedSource, type ImageReader } from './random-access.ts';
import { RawImage } from './raw-image.ts';
import { gzipStream, isZeros, readPieces, writeRaw } from './raw-stream.ts';
import { fixtureDisk } from './testing/fixture-disk.ts';
import { readFixture } from './testing/fixtures.ts';
import { WatchedSource } from './testing/probe.ts';
import { openXz, readXzBlock, readXzIndex } from './xz-image.ts';

const disk = fixtureDisk();

/** A VHD whose footer, and header when it is dynamic, are changed and have right sums again. */
function changedVhd(name: string, change: (view: DataView, footer: number) => void): WatchedSource {
  const file = readFixture(name);
  const view = new DataView(file.buffer);
  const footer = file.length - 512;
  change(view, footer);
  const repair = (start: number, length: number, field: number): void => {
    view.setUint32(start + field, 0);
    let sum = 0;
    for (let at = start; at < start + length; at++) sum += view.getUint8(at);
    view.setUint32(start + field, ~sum >>> 0);
  };
  repair(footer, 512, 64);
  if (name === 'VHD dynamic') repair(512, 1024, 36);
  return new WatchedSource(file);
}

describe('a VHD', () => {
  it.each([
    ['VHD fixed', 'a parent', 'changes to another', (v: DataView, end: number) => v.setUint32(end + 60, 4)],
    ['VHD fixed', 'an unknown type', 'type 9', (v: DataView, end: number) => v.setUint32(end + 60, 9)],
    [
      'VHD fixed',
      'less than it says',
      'should hold',
      (v: DataView, end: number) => v.setUint32(end + 52, 1e6),
    ],
    ['VHD fixed', 'far too much', 'GiB allowed', (v: DataView, end: number) => v.setUint32(end + 48, 1e6)],
    ['VHD dynamic', 'odd blocks', 'blocks of 1000', (v: DataView) => v.setUint32(512 + 32, 1000)],
    ['VHD dynamic', 'a short table', 'too short', (v: DataView) => v.setUint32(512 + 28, 0)],
    [
      'VHD dynamic',
      'a table outside',
      'the table of blocks should',
      (v: DataView) => v.setUint32(512 + 20, 1e9),
    ],
    ['VHD dynamic', 'a block outside', 'block 0 of the disk should', (v: DataView) => v.setUint32(1536, 1e6)],
    [
      'VHD dynamic',
      'two blocks in one place',
      'two blocks of the disk share',
      (v: DataView, end: number) => {
        v.setUint32(512 + 32, 4096);
        v.setUint32(512 + 28, 100);
        v.setUint32(1540, v.getUint32(1536));
        for (let at = 1544; at < 1536 + 400; at += 4) v.setUint32(at, 0xffff_ffff);
        v.setUint32(end + 52, 8192);
      },
    ],
  ])('(%s) is refused when it has %s', async (name, _, words, change) => {
    await expect(openImage(changedVhd(name, change))).rejects.toThrow(words);
  });

  it('is refused when a sum does not match, or its end is missing', async () => {
    const file = readFixture('VHD dynamic');
    const cut = new WatchedSource(file.subarray(0, -512));
    await expect(openImage(cut)).rejects.toMatchObject({ kind: 'truncated' });
    file[file.length - 100]! ^= 1;
    await expect(openImage(new WatchedSource(file))).rejects.toMatchObject({ kind: 'checksum' });
  });
});

describe('a .xz file in blocks', () => {
  const file = readFixture('xz, blocks');

  it('is fetched only where it is read, and once', async () => {
    const source = new WatchedSource(file);
    const image = await openXz(source);
    const opened = source.bytesRead;
    const blocks = await readXzIndex(new BytesSource(file));
    expect(blocks.map(({ offset }) => offset)).toEqual([0, 49_152, 98_304, 147_456, 196_608]);
    const third = new Uint8Array(1000);
    await image.read(100_000, third);
    await image.read(120_000, third);
    expect(source.bytesRead - opened).toBe(blocks[2]?.fileBytes);
  });

  it('decodes any block alone', async () => {
    const source = new BytesSource(file);
    for (const block of (await readXzIndex(source)).toReversed()) {
      const contents = await readXzBlock(source, block);
      expect(Buffer.compare(contents, disk.subarray(block.offset, block.offset + block.length))).toBe(0);
    }
  });

  it('decodes a block again once others have taken its place', async () => {
    const source = new WatchedSource(file);
    const image = await openXz(source, { cacheBytes: 60_000 });
    const byte = new Uint8Array(1);
    await image.read(60_000, byte);
    const once = source.bytesRead;
    await image.read(100_000, byte);
    await image.read(60_000, byte);
    expect([source.bytesRead > once, byte[0]]).toEqual([true, disk[60_000]]);
  });

  it('says which block is damaged, and reads the others', async () => {
    const blocks = await readXzIndex(new BytesSource(file));
    const damaged = file.slice();
    damaged[blocks[4]!.fileOffset + 30]! ^= 0x10;
    const image = await openXz(new WatchedSource(damaged));
    const first = new Uint8Array(2000);
    await image.read(0, first);
    expect(Buffer.compare(first, disk.subarray(0, 2000))).toBe(0);
    await expect(image.read(disk.length - 10, new Uint8Array(10))).rejects.toMatchObject({
      name: 'ImageError',
    });
  });
});

describe('identifyImage', () => {
  it.each([
    ['fd377a585a00', 'xz'],
    ['1f8b08', 'gzip'],
    ['1f8b07', 'raw'],
    ['28b52ffd', 'zstd'],
    ['5a2a4d18', 'zstd'],
    ['504b0304', 'zip'],
    ['514649fb', 'qcow2'],
    ['425a6839', 'foreign'],
    ['3c21444f4354595045', 'foreign'],
    ['', 'raw'],
  ])('takes %s for %s', (head, format) => {
    expect(identifyImage(Buffer.from(head, 'hex')).format).toBe(format);
  });

  it('knows a VHD of fixed size by its end', () => {
    const file = readFixture('VHD fixed');
    expect(identifyImage(file.subarray(0, 512)).format).toBe('raw');
    expect(identifyImage(file.subarray(0, 512), file.subarray(-512)).format).toBe('vhd');
  });

  it('names what openImage refuses, with advice', async () => {
    const vmdk = new WatchedSource(new TextEncoder().encode('KDMV and more'));
    await expect(openImage(vmdk)).rejects.toThrow('this is a VMDK image: convert it with "qemu-img');
    await expect(openImage(new WatchedSource(readFixture('gzip')))).rejects.toThrow('convert it first');
    await expect(openImage(new WatchedSource(new Uint8Array(0)))).rejects.toThrow('the file is empty');
  });
});

describe('ImageStore', () => {
  it('is a read-only disk of whole sectors', async () => {
    const store = new ImageStore(new RawImage(new BytesSource(disk.subarray(0, 700))));
    const bytes = new Uint8Array(1024).fill(9);
    await store.read(0, bytes);
    expect(Buffer.compare(bytes.subarray(0, 700), disk.subarray(0, 700))).toBe(0);
    expect([...bytes.subarray(700)]).toEqual(Array(324).fill(0));
    expect([store.size, store.readOnly]).toEqual([1024, true]);
    expect(() => store.write()).toThrow(expect.objectContaining({ kind: 'read-only' }));
    expect(() => store.discard()).toThrow(expect.objectContaining({ kind: 'read-only' }));
    expect(() => store.read(1000, new Uint8Array(100))).toThrow(StorageError);
  });

  it('makes damage in the file an error of the disk', async () => {
    const file = readFixture('qcow2 zlib');
    file.fill(0xff, 5 * 65_536);
    const store = new ImageStore(await openImage(new WatchedSource(file)));
    const reading = Promise.resolve(store.read(0, new Uint8Array(store.size)));
    await expect(reading).rejects.toMatchObject({ name: 'StorageError', kind: 'io' });
  });
});

describe('an image as a stream', () => {
  const holey: ImageReader = {
    size: 3_000_000,
    format: 'test',
    async *ranges() {
      yield { offset: 4096, length: 1_500_000 };
      yield { offset: 2_900_000, length: 50_000 };
    },
    read: (offset, target) => void target.fill(offset === 4096 ? 1 : 2),
  };

  it('comes in pieces and holes', async () => {
    const pieces = [];
    for await (const { offset, length, bytes } of readPieces(holey))
      pieces.push([offset, length, bytes?.[0]]);
    expect(pieces).toEqual([
      [0, 4096, undefined],
      [4096, 1 << 20, 1],
      [4096 + (1 << 20), 1_500_000 - (1 << 20), 2],
      [1_504_096, 2_900_000 - 1_504_096, undefined],
      [2_900_000, 50_000, 2],
      [2_950_000, 50_000, undefined],
    ]);
  });

  it('comes whole, plain and compressed', async () => {
    const plain: Uint8Array[] = [];
    for await (const chunk of writeRaw(holey)) plain.push(chunk);
    const packed: Uint8Array[] = [];
    for await (const chunk of gzipStream(writeRaw(holey))) packed.push(chunk);
    const bytes = Buffer.concat(plain);
    expect([bytes.length, bytes[0], bytes[4096], bytes[2_900_000]]).toEqual([3_000_000, 0, 1, 2]);
    expect(gunzipSync(Buffer.concat(packed)).equals(bytes)).toBe(true);
  });

  it('passes on what goes wrong while it is compressed', async () => {
    async function* failing(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      yield new Uint8Array(100);
      throw new Error('no more');
    }
    const collect = async (): Promise<void> => {
      for await (const _ of gzipStream(failing()));
    };
    await expect(collect()).rejects.toThrow('no more');
  });

  it('finds zeros of any length and place', () => {
    const bytes = new Uint8Array(100);
    for (let from = 0; from < 9; from++) {
      for (let to = from; to < 30; to++) {
        expect(isZeros(bytes.subarray(from, to))).toBe(true);
        if (to === from) continue;
        bytes[to - 1] = 1;
        expect(isZeros(bytes.subarray(from, to))).toBe(false);
        bytes[to - 1] = 0;
      }
    }
  });
});

describe('CheckedSource', () => {
  it.each([
    [-1, 1],
    [0, 101],
    [101, 0],
    [2 ** 53, 1],
    [Number.NaN, 1],
  ])('refuses a read of a file of 100 bytes at %d, %d long', (offset, length) => {
    const source = new CheckedSource(new BytesSource(new Uint8Array(100)));
    expect(() => source.read(offset, new Uint8Array(length))).toThrow(
      expect.objectContaining({ kind: 'truncated' }),
    );
  });
});

describe('ByteCache', () => {
  it('loads once, drops what was used longest ago, and forgets failures', async () => {
    const cache = new ByteCache(30);
    const loads: number[] = [];
    const get = (key: number): Promise<Uint8Array> =>
      cache.get(key, 10, async () => {
        loads.push(key);
        if (key === 9 && loads.length < 8) throw new Error('not now');
        return new Uint8Array(10);
      });
    await Promise.all([get(1), get(1), get(2), get(3)]);
    await get(1);
    await get(4);
    await get(1);
    await get(2);
    expect(loads).toEqual([1, 2, 3, 4, 2]);
    await expect(get(9)).rejects.toThrow('not now');
    await expect(get(9)).rejects.toThrow('not now');
    await get(9);
    expect(loads.slice(5)).toEqual([9, 9, 9]);
  });
});
