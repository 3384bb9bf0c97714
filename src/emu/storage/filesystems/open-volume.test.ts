/** Images that the usual tools made, read whole; and the same with a few bytes changed. */
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../memory-store.ts';
import { FileSystemError } from './file-system-error.ts';
import { openVolume, readDiskLayout } from './open-volume.ts';
import { readFixtures } from './testing/fixtures.ts';
import { mutate, probe } from './testing/probe.ts';
import { SeededRandom } from './testing/seeded-random.ts';
import { readTree, treeDifferences } from './testing/volume-tree.ts';
import { readWhole, type Volume } from './volume.ts';

const fixtures = readFixtures();
const volumes = fixtures.filter(({ tree }) => tree.size > 0);

function storeOf(name: string): MemoryStore {
  const fixture = fixtures.find((row) => row.name === name);
  if (!fixture) throw new Error(`there is no fixture ${name}`);
  return new MemoryStore(fixture.image);
}

const open = (name: string): Promise<Volume> => openVolume(storeOf(name));

async function kindOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (reason) => reason,
  );
  return failure instanceof FileSystemError ? failure.kind : `no FileSystemError: ${failure}`;
}

describe.each(volumes)('the image $name', ({ image, tree, name }) => {
  it('holds what the host had when mkfs took it in', async () => {
    const volume = await openVolume(new MemoryStore(image));
    expect(treeDifferences(tree, await readTree(volume))).toEqual([]);
    expect(volume.label.toLowerCase()).toBe('fixture');
    expect(volume.kind).toBe(name.replace(/-.*/, ''));
  });

  it('ends in contents or a FileSystemError when a few of its bytes are others', async () => {
    const { places } = fixtures.find((row) => row.name === name) ?? { places: [] };
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      for (const outcome of await probe(mutate(image, places, new SeededRandom(seed)))) outcomes.add(outcome);
    }
    expect(outcomes).toContain('read');
    expect(outcomes).toContain('corrupt');
    expect(outcomes).not.toContain('io');
  });
});

describe('partitions', () => {
  it('are primaries first and then the logical ones in an MBR', async () => {
    const { scheme, partitions } = await readDiskLayout(storeOf('mbr'));
    const MEGABYTE = 2 ** 20;
    expect(scheme).toBe('mbr');
    expect(partitions).toEqual([
      { number: 1, startBytes: MEGABYTE, sizeBytes: 2 * MEGABYTE, type: 'FAT32 (LBA)', isBootable: true },
      { number: 5, startBytes: 6300 * 512, sizeBytes: 1000 * 512, type: 'Linux', isBootable: false },
      { number: 6, startBytes: 8000 * 512, sizeBytes: 2000 * 512, type: 'Linux swap', isBootable: false },
    ]);
  });

  it('have names in a GPT and keep their numbers', async () => {
    const { scheme, partitions } = await readDiskLayout(storeOf('gpt'));
    expect(scheme).toBe('gpt');
    expect(partitions.map(({ number, type, name }) => [number, type, name])).toEqual([
      [1, 'EFI system', 'boot'],
      [3, 'Linux', 'root größe'],
    ]);
  });

  it('come from the copy at the end of the disk when the first header of a GPT is damaged', async () => {
    const store = storeOf('gpt');
    const expected = await readDiskLayout(store);
    const FIRST_HEADER = 512;
    store.write(FIRST_HEADER + 24, Uint8Array.of(99));
    expect(await readDiskLayout(store)).toEqual(expected);
    store.write(store.size - FIRST_HEADER, Uint8Array.of(0));
    expect(await kindOf(readDiskLayout(store))).toBe('corrupt');
  });

  it('are refused when the chain of logical partitions is a circle', async () => {
    const store = storeOf('mbr');
    // The second record names the first one as the next.
    const record = await recordBehind(store, 6200);
    const next = new Uint8Array(16);
    next[4] = 5;
    next[12] = 100;
    store.write(record + 446 + 16, next);
    expect(await kindOf(readDiskLayout(store))).toBe('corrupt');
  });

  it('hold file systems, and one that is not there is told with those that are', async () => {
    const disk = new MemoryStore(undefined, { size: storeOf('mbr').size });
    const table = new Uint8Array(512);
    storeOf('mbr').read(0, table);
    disk.write(0, table);
    const fat = fixtures.find(({ name }) => name === 'fat12');
    disk.write(2 ** 20, fat?.image ?? new Uint8Array());
    const copy = storeOf('mbr');
    for (let sector = 6200; sector < 8000; sector++) {
      const bytes = new Uint8Array(512);
      copy.read(sector * 512, bytes);
      disk.write(sector * 512, bytes);
    }
    const volume = await openVolume(disk, { partition: 1 });
    expect(treeDifferences(fat?.tree ?? new Map(), await readTree(volume))).toEqual([]);
    await expect(openVolume(disk, { partition: 2 })).rejects.toThrow(
      'there is no partition 2; the disk has 1, 5, 6',
    );
    expect(await kindOf(openVolume(disk, { partition: 5 }))).toBe('not-recognised');
  });
});

/** The byte offset of the extended boot record that the one in `sector` leads to. */
async function recordBehind(store: MemoryStore, sector: number): Promise<number> {
  const record = new Uint8Array(512);
  store.read(sector * 512, record);
  return (sector + new DataView(record.buffer).getUint32(446 + 16 + 8, true)) * 512;
}

describe('a path', () => {
  it.each(['fat16', 'ext4'])('that leads nowhere is told on %s', async (name) => {
    const volume = await open(name);
    expect(await kindOf(volume.stat('/nothing'))).toBe('no-such-file');
    expect(await kindOf(volume.list('/deep/nothing/er'))).toBe('no-such-file');
    expect(await kindOf(volume.list('/config.txt'))).toBe('not-a-directory');
    expect(await kindOf(volume.stat('/config.txt/x'))).toBe('not-a-directory');
    expect(await kindOf(readWhole(volume, '/deep', 100))).toBe('is-a-directory');
    expect(await kindOf(readWhole(volume, '/overlays/disable-bt.dtbo', 100))).toBe('too-large');
  });

  it.each(['fat16', 'ext4'])('may have dots and doubled slashes on %s', async (name) => {
    const volume = await open(name);
    const text = await readWhole(volume, 'deep//er/./../../config.txt', 1000);
    expect(new TextDecoder().decode(text)).toBe('arm_64bit=1\nenable_uart=1\n');
  });

  it('on a FAT has no case, and finds a file by its short name', async () => {
    const volume = await open('fat32');
    expect(await volume.stat('/CONFIG.TXT')).toEqual(await volume.stat('/config.txt'));
    expect((await volume.stat('/alongn~1.txt')).sizeBytes).toBe(5);
  });

  it('on ext4 follows links, and stat gives the link itself', async () => {
    const volume = await open('ext4');
    expect(await readWhole(volume, '/short-link', 100)).toEqual(await readWhole(volume, '/config.txt', 100));
    expect(await volume.stat('/short-link')).toMatchObject({ kind: 'symlink', target: 'config.txt' });
    expect(await kindOf(readWhole(volume, '/long-link', 100))).toBe('no-such-file');
  });

  it('on ext4 has an owner, permissions and a time', async () => {
    const volume = await open('ext4');
    expect(await volume.stat('/config.txt')).toMatchObject({
      modifiedMs: Date.UTC(2026, 0, 2, 3, 4, 6),
      owner: { permissions: 0o644 },
    });
  });
});

describe('a journal', () => {
  it('is applied when the file system was not unmounted, and the disk stays as it was', async () => {
    const store = storeOf('ext4-journal');
    const volume = await openVolume(store);
    expect(volume.notes.join()).toContain('3 transactions');
    const text = new TextDecoder('latin1').decode(await readWhole(volume, '/overlays/disable-bt.dtbo', 5000));
    expect(text).toContain('changed by the second');
    expect(text).not.toContain('first transaction');
    expect(text).not.toContain('revoked');
    expect(text).not.toContain('not committed');
    expect(store.writtenBytes).toBe(0);
  });

  it('without a commit block loses that transaction and those after it, and no other', async () => {
    const store = storeOf('ext4-journal');
    const bytes = new Uint8Array(store.size);
    store.read(0, bytes);
    const commits = positionsOf(bytes, [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 2]);
    expect(commits.length).toBe(3);
    const readText = async (): Promise<string> =>
      new TextDecoder().decode(await readWhole(await openVolume(store), '/overlays/disable-bt.dtbo', 5000));
    store.write(commits[2] ?? 0, new Uint8Array(8));
    expect(await readText()).toContain('changed by the second');
    expect(await readText()).toContain('revoked');
    store.write(commits[1] ?? 0, new Uint8Array(8));
    expect(await readText()).toContain('changed by the first transaction');
  });
});

function positionsOf(bytes: Uint8Array, pattern: readonly number[]): number[] {
  const found: number[] = [];
  for (let at = 0; at + pattern.length <= bytes.length; at += 512) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) found.push(at);
  }
  return found;
}

it('the index of a directory may end with what is left of the checksum of names', async () => {
  const store = storeOf('ext4');
  const bytes = new Uint8Array(store.size);
  store.read(0, bytes);
  // A dot and two dots over the rest of the block, and the index's own header of eight bytes behind them.
  const start = [12, 0, 1, 2, 0x2e, 0, 0, 0];
  const isRoot = (at: number): boolean =>
    start.every((byte, index) => bytes[at + 4 + index] === byte) && bytes[at + 0x1d] === 8;
  const roots = positionsOf(bytes, []).filter((at) => at % 1024 === 0 && isRoot(at));
  expect(roots.length).toBe(1);
  const LEFT_OVER = Uint8Array.of(12, 0, 0, 0xde);
  store.write((roots[0] ?? 0) + 1024 - 8, LEFT_OVER);
  const { tree } = fixtures.find(({ name }) => name === 'ext4') ?? { tree: new Map() };
  expect(treeDifferences(tree, await readTree(await openVolume(store)))).toEqual([]);
});

describe('an ext4 superblock', () => {
  const INCOMPATIBLE_OFFSET = 1024 + 0x60;

  it.each([
    [0x1, 'compression'],
    [0x1000, 'dirdata'],
    [0x4000_0000, 'bit 0x40000000'],
  ])('with the feature bit %i is refused by name', async (bit, name) => {
    const store = storeOf('ext2');
    const bytes = new Uint8Array(4);
    store.read(INCOMPATIBLE_OFFSET, bytes);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, view.getUint32(0, true) | bit, true);
    store.write(INCOMPATIBLE_OFFSET, bytes);
    expect(await kindOf(openVolume(store))).toBe('unsupported');
    await expect(openVolume(store)).rejects.toThrow(name);
  });

  it('is refused when the image is cut off', async () => {
    const { image } = fixtures.find(({ name }) => name === 'ext2') ?? { image: new Uint8Array() };
    await expect(openVolume(new MemoryStore(image.subarray(0, image.length / 2)))).rejects.toThrow('cut off');
  });
});

it('tells what is on a disk that has nothing known', async () => {
  expect(await kindOf(openVolume(new MemoryStore(undefined, { size: 4096 })))).toBe('not-recognised');
  expect(await kindOf(openVolume(new MemoryStore(undefined, { size: 0 })))).toBe('not-recognised');
});
