import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../filesystems/testing/seeded-random.ts';
import { openImage } from './open-image.ts';
import { QCOW2_FIELD } from './qcow2-header.ts';
import { allocationOf, qcow2FileBytes, writeQcow2 } from './qcow2-writer.ts';
import { type ByteRange, BytesSource, type ImageReader } from './random-access.ts';
import { RawImage } from './raw-image.ts';
import { fixtureDisk } from './testing/fixture-disk.ts';
import { readFixture } from './testing/fixtures.ts';
import { WatchedSource } from './testing/probe.ts';

const CLUSTER = 512;

/** The recorded image of version 3 with clusters of 512 bytes, changed. */
function changed(change: (view: DataView) => void): WatchedSource {
  const file = readFixture('qcow2 version 3');
  change(new DataView(file.buffer));
  return new WatchedSource(file);
}

async function rangesOf(image: ImageReader): Promise<ByteRange[]> {
  const ranges: ByteRange[] = [];
  for await (const range of image.ranges()) ranges.push(range);
  return ranges;
}

async function readAll(source: WatchedSource): Promise<Uint8Array> {
  const image = await openImage(source);
  const bytes = new Uint8Array(image.size);
  await image.read(0, bytes);
  return bytes;
}

/** Offsets of the first L2 table that there is, and of its entry in the L1 table. */
function firstTable(view: DataView): { l1Entry: number; l2: number } {
  const l1 = Number(view.getBigUint64(QCOW2_FIELD.l1Offset));
  for (let l1Entry = l1; ; l1Entry += 8) {
    const l2 = Number(view.getBigUint64(l1Entry) & 0x00ff_ffff_ffff_fe00n);
    if (l2 !== 0) return { l1Entry, l2 };
  }
}

describe('a qcow2 header', () => {
  it.each([
    ['a backing file', 'unsupported', 'its backing file', (v: DataView) => v.setUint32(12, 0x100)],
    ['encryption', 'unsupported', 'encrypted', (v: DataView) => v.setUint32(QCOW2_FIELD.cryptMethod, 2)],
    ['the mark of corruption', 'unsupported', 'marked as corrupt', (v: DataView) => v.setUint32(76, 2)],
    ['an external data file', 'unsupported', 'in another file', (v: DataView) => v.setUint32(76, 4)],
    ['subclusters', 'unsupported', 'it has subclusters', (v: DataView) => v.setUint32(76, 16)],
    ['an unknown feature', 'unsupported', '(bit 40)', (v: DataView) => v.setUint32(72, 1 << 8)],
    ['an unknown version', 'unsupported', 'version 4', (v: DataView) => v.setUint32(4, 4)],
    ['tiny clusters', 'corrupt', 'clusters of 2^8', (v: DataView) => v.setUint32(20, 8)],
    ['a disk of 16 EiB', 'too-large', 'GiB allowed', (v: DataView) => v.setUint32(24, 0xffff_ffff)],
    ['a short L1 table', 'corrupt', 'too short', (v: DataView) => v.setUint32(QCOW2_FIELD.l1Entries, 1)],
    ['a huge L1 table', 'too-large', 'entries', (v: DataView) => v.setUint32(36, 0x4000_0000)],
    ['an L1 table outside', 'truncated', 'the L1 table should be', (v: DataView) => v.setUint32(44, 1 << 20)],
    ['an L1 table astray', 'corrupt', 'start of a cluster', (v: DataView) => v.setUint32(44, 520)],
    ['refcounts outside', 'truncated', 'the refcount table', (v: DataView) => v.setUint32(56, 0xffff_ffff)],
  ])('is refused when it has %s', async (_, kind, words, change) => {
    const opening = openImage(changed(change));
    await expect(opening).rejects.toThrow(words);
    await expect(openImage(changed(change))).rejects.toMatchObject({ name: 'ImageError', kind });
  });

  it('is described in words', async () => {
    const image = await openImage(
      changed((view) => {
        view.setUint32(QCOW2_FIELD.snapshotCount, 2);
        view.setUint32(QCOW2_FIELD.incompatibleFeatures + 4, 1);
      }),
    );
    expect(image.format).toBe('qcow2 version 3, 2 internal snapshots left out, not closed properly');
  });

  it('is read all the same when it says that the image was not closed', async () => {
    const bytes = await readAll(changed((view) => view.setUint32(QCOW2_FIELD.incompatibleFeatures + 4, 1)));
    expect(Buffer.compare(bytes, fixtureDisk())).toBe(0);
  });
});

describe('tables of a qcow2 file', () => {
  it.each([
    [
      'an L2 table beyond the file',
      'an L2 table should be at bytes',
      (view: DataView) => view.setUint32(firstTable(view).l1Entry + 4, 0x7fff_fe00),
    ],
    [
      'one L2 table for two places of the disk',
      'an L2 table is where another part of the image is',
      (view: DataView) => {
        const { l1Entry, l2 } = firstTable(view);
        view.setBigUint64(l1Entry + 8, BigInt(l2));
      },
    ],
    [
      'one cluster for two places of the disk',
      'a cluster of the disk is where another part of the image is',
      (view: DataView) => {
        const { l2 } = firstTable(view);
        view.setBigUint64(l2 + 8, view.getBigUint64(l2));
      },
    ],
    [
      'a cluster beyond the file',
      'a cluster of the disk should be at bytes',
      (view: DataView) => view.setUint32(firstTable(view).l2, 0x0001_0000),
    ],
    [
      'a compressed cluster beyond the file',
      'a compressed cluster should be at bytes',
      (view: DataView) => view.setBigUint64(firstTable(view).l2, (1n << 62n) | (1n << 40n)),
    ],
    [
      'a compressed cluster of something else',
      'a compressed cluster is damaged',
      (view: DataView) => view.setBigUint64(firstTable(view).l2, (1n << 62n) | 7n),
    ],
  ])('are refused when they have %s', async (_, words, change) => {
    await expect(readAll(changed(change))).rejects.toThrow(words);
  });

  it('reads zeros where an entry says so, and where there is none', async () => {
    const wanted = fixtureDisk().fill(0, 0, CLUSTER);
    const bytes = await readAll(
      changed((view) => {
        const { l2 } = firstTable(view);
        view.setUint32(l2 + 4, view.getUint32(l2 + 4) | 1);
      }),
    );
    expect(Buffer.compare(bytes, wanted)).toBe(0);
  });

  it('refuses a zero cluster in a file of version 2, where there are none', async () => {
    const file = readFixture('qcow2 version 2');
    const view = new DataView(file.buffer);
    const { l2 } = firstTable(view);
    view.setUint32(l2 + 4, view.getUint32(l2 + 4) | 1);
    await expect(readAll(new WatchedSource(file))).rejects.toThrow('in a file of version 2');
  });

  it('are refused when an L2 table is not at the start of a cluster', async () => {
    const file = readFixture('qcow2 version 2');
    const view = new DataView(file.buffer);
    const { l1Entry } = firstTable(view);
    view.setUint32(l1Entry + 4, view.getUint32(l1Entry + 4) + 512);
    await expect(readAll(new WatchedSource(file))).rejects.toThrow('not at the start of a cluster');
  });

  it('passes the holes of a disk of 2 TiB without looking at each cluster', async () => {
    const empty = new Uint8Array(3 << 21);
    empty.set(readFixture('qcow2 version 3').subarray(0, 112));
    const view = new DataView(empty.buffer);
    view.setBigUint64(QCOW2_FIELD.size, 2n ** 41n);
    view.setUint32(QCOW2_FIELD.clusterBits, 21);
    view.setUint32(QCOW2_FIELD.l1Entries, 4);
    view.setBigUint64(QCOW2_FIELD.l1Offset, 1n << 21n);
    view.setBigUint64(QCOW2_FIELD.refcountTableOffset, 2n << 21n);
    view.setUint32(QCOW2_FIELD.refcountTableClusters, 1);
    const image = await openImage(new WatchedSource(empty));
    expect([image.size, await rangesOf(image)]).toEqual([2 ** 41, []]);
  });
});

describe('writeQcow2', () => {
  async function written(image: ImageReader): Promise<{ file: Uint8Array; chunks: number }> {
    const map = await allocationOf(image);
    const chunks: Uint8Array[] = [];
    for await (const chunk of writeQcow2(image, map)) chunks.push(chunk);
    const file = new Uint8Array(Buffer.concat(chunks));
    expect(file.length).toBe(qcow2FileBytes(map));
    return { file, chunks: chunks.length };
  }

  it('writes what openImage reads, with holes where there are zeros', async () => {
    const random = new SeededRandom(1);
    for (const size of [512, 65_536, 1_000_000, 5_000_192]) {
      const disk = new Uint8Array(size);
      for (let part = 0; part < 4; part++) disk.set(random.bytes(300), random.below(size - 300));
      const { file } = await written(new RawImage(new BytesSource(disk)));
      const image = await openImage(new WatchedSource(file));
      const bytes = new Uint8Array(image.size);
      await image.read(0, bytes);
      expect(Buffer.compare(bytes.subarray(0, size), disk)).toBe(0);
      const used = (await rangesOf(image)).reduce((sum, { length }) => sum + length, 0);
      expect(used).toBeLessThanOrEqual(8 * 65_536);
    }
  });

  it('rounds the disk up to whole sectors', async () => {
    const { file } = await written(new RawImage(new BytesSource(new Uint8Array(700).fill(1))));
    expect((await openImage(new WatchedSource(file))).size).toBe(1024);
  });

  it('needs no memory for the holes of a large disk', async () => {
    const image: ImageReader = {
      size: 2 ** 40,
      format: 'raw',
      async *ranges() {
        yield { offset: 2 ** 39, length: 100 };
      },
      read: (_, target) => void target.fill(7),
    };
    const { file } = await written(image);
    expect(file.length).toBeLessThan(1 << 20);
    const read = await openImage(new WatchedSource(file));
    expect(await rangesOf(read)).toEqual([{ offset: 2 ** 39, length: 65_536 }]);
  });
});
