import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, WRITTEN_CHUNK_BYTES } from './chunk-size.ts';
import { DiskCatalogue } from './disk-catalogue.ts';
import type { DiskDescription } from './disk-info.ts';
import { LocalLocks } from './disk-locks.ts';
import { LibraryState } from './disk-records.ts';
import { isInFile, usedBytes } from './layer-chunks.ts';
import { CrashingStorage, type MemoryStorage, STORAGE_KINDS } from './testing/crashing-storage.ts';

const MIB = 1 << 20;
const SIZE = 2 * MIB;

function libraryOver<T extends MemoryStorage>(storage: T, idPrefix = 'id') {
  let ids = 0;
  const locks = new LocalLocks();
  const catalogue = new DiskCatalogue({
    ...storage,
    locks,
    nowMs: () => ids,
    newId: () => `${idPrefix}-${++ids}`,
  });
  const found = async (name: string): Promise<DiskDescription> => {
    const disk = (await catalogue.list()).find((each) => each.name === name);
    if (!disk) throw new Error(`no disk ${name}`);
    return disk;
  };
  const write = async (id: string, offset: number, value: number, length = 512): Promise<void> => {
    const { store, release } = await catalogue.open(id, 'write');
    await store.write(offset, new Uint8Array(length).fill(value));
    await store.flush();
    release();
  };
  const read = async (id: string, offset: number): Promise<number> => {
    const { store, release } = await catalogue.open(id, 'read');
    const target = new Uint8Array(1);
    await store.read(offset, target);
    release();
    return target[0]!;
  };
  return { storage, records: storage.records, locks, catalogue, found, write, read };
}

/** Of all layers. */
async function chunkCount({ records }: MemoryStorage): Promise<number> {
  const { layers } = await LibraryState.read(records);
  const used = await Promise.all([...layers.values()].map((layer) => usedBytes(records, layer)));
  return used.reduce((sum, bytes) => sum + bytes, 0) / WRITTEN_CHUNK_BYTES;
}

describe.each(STORAGE_KINDS)('DiskCatalogue over %s', (kind) => {
  const library = () => libraryOver(new CrashingStorage(kind));

  it('keeps what was written to a new disk', async () => {
    const { catalogue, found, write, read } = library();
    const id = await catalogue.createEmpty(' work ', SIZE);
    await write(id, 512, 7);
    expect(await read(id, 512)).toBe(7);
    expect(await found('work')).toMatchObject({
      id,
      sizeBytes: SIZE,
      ownBytes: WRITTEN_CHUNK_BYTES,
      changedBytes: WRITTEN_CHUNK_BYTES,
      sharedBytes: 0,
      origin: { kind: 'empty' },
    });
  });

  it('gives a clone what the disk has, and keeps them apart from then on', async () => {
    const { storage, catalogue, found, write, read } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1);
    const before = await chunkCount(storage);
    const second = await catalogue.clone(first, 'second');
    expect(await chunkCount(storage)).toBe(before);
    await write(first, 512, 2);
    await write(second, 512, 3);
    expect([await read(first, 0), await read(first, 512)]).toEqual([1, 2]);
    expect([await read(second, 0), await read(second, 512)]).toEqual([1, 3]);
    expect(await found('second')).toMatchObject({
      ownBytes: WRITTEN_CHUNK_BYTES,
      sharedBytes: WRITTEN_CHUNK_BYTES,
      sharesBaseWith: ['first'],
      origin: { kind: 'clone', ofName: 'first' },
    });
  });

  it('adds no layer when an unchanged disk is cloned', async () => {
    const { records, catalogue, write, read } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1);
    const second = await catalogue.clone(first, 'second');
    const third = await catalogue.clone(second, 'third');
    expect(await records.countBelow(['layer'])).toBe(4);
    expect(await read(third, 0)).toBe(1);
  });

  it('goes back to the base, and frees what the changes took', async () => {
    const { storage, catalogue, write, read } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1);
    const second = await catalogue.clone(first, 'second');
    await write(second, 0, 2);
    await write(second, MIB, 2);
    expect(await chunkCount(storage)).toBe(3);
    await catalogue.reset(second);
    expect(await chunkCount(storage)).toBe(1);
    expect([await read(second, 0), await read(second, MIB)]).toEqual([1, 0]);
    await catalogue.reset(first);
    expect(await read(first, 0)).toBe(1);
  });

  it('frees a base with the last disk that uses it, and nothing earlier', async () => {
    const { records, storage, catalogue, write, read } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1);
    const second = await catalogue.clone(first, 'second');
    await catalogue.delete(first);
    expect(await read(second, 0)).toBe(1);
    await catalogue.delete(second);
    expect(await records.keysBelow([])).toEqual([]);
    expect((await storage.files?.names()) ?? []).toEqual([]);
  });

  it('drops what lies behind a new end, also for a later growth and a reset', async () => {
    const { catalogue, found, write, read } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1, SIZE);
    const second = await catalogue.clone(first, 'second');
    await write(second, SIZE - 512, 2);
    await catalogue.resize(second, MIB + 1024);
    await catalogue.resize(second, 4 * MIB);
    expect((await found('second')).sizeBytes).toBe(4 * MIB);
    expect(await read(second, MIB + 1023)).toBe(1);
    for (const offset of [MIB + 1024, SIZE - 1, SIZE, 3 * MIB]) expect(await read(second, offset)).toBe(0);
    await write(second, 3 * MIB, 5);
    expect(await read(second, 3 * MIB)).toBe(5);
    await catalogue.reset(second);
    expect(await read(second, SIZE - 512)).toBe(1);
    expect(await read(first, SIZE - 1)).toBe(1);
  });

  it('keeps dropped what lay behind an end between two chunks when the disk has grown again and is cloned', async () => {
    const { catalogue, write, read } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1, SIZE);
    const second = await catalogue.clone(first, 'second');
    await catalogue.resize(second, MIB);
    await catalogue.resize(second, SIZE);
    const third = await catalogue.clone(second, 'third');
    for (const id of [second, third]) expect([await read(id, MIB - 1), await read(id, MIB)]).toEqual([1, 0]);
    expect(await read(first, MIB)).toBe(1);
  });

  it('lets one machine write, and nobody change the disk below it', async () => {
    const { catalogue, found } = library();
    const id = await catalogue.createEmpty('work', SIZE);
    const { release } = await catalogue.open(id, 'write');
    const attempts = [
      catalogue.open(id, 'write'),
      catalogue.open(id, 'read'),
      catalogue.delete(id),
      catalogue.reset(id),
      catalogue.resize(id, 4 * MIB),
      catalogue.clone(id, 'copy'),
    ];
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ kind: 'in-use' });
    await catalogue.rename(id, 'renamed');
    release();
    const readers = [await catalogue.open(id, 'read'), await catalogue.open(id, 'read')];
    await expect(catalogue.delete(id)).rejects.toThrow(/renamed is in use/);
    await catalogue.clone(id, 'copy of what is only read');
    for (const reader of readers) reader.release();
    for (const name of ['renamed', 'copy of what is only read'])
      await catalogue.delete((await found(name)).id);
    expect(await catalogue.list()).toEqual([]);
  });

  it('leaves every disk readable after a crash behind any batch', async () => {
    const { storage, catalogue, write } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1, SIZE);
    const second = await catalogue.clone(first, 'second');
    await write(second, 0, 2);
    await catalogue.resize(second, MIB);
    await catalogue.reset(second);
    await catalogue.clone(second, 'third');
    await catalogue.delete(first);
    for (const state of [...storage.states]) {
      const after = libraryOver(state);
      for (const disk of await after.catalogue.list()) {
        const { store, release } = await after.catalogue.open(disk.id, 'read');
        const contents = new Uint8Array(store.size);
        await store.read(0, contents);
        release();
        // What was written survives: only the disk that is reset or cut ever loses it.
        if (disk.name === 'first' && disk.changedBytes > 0) expect(contents[SIZE - 1]).toBe(1);
        if (disk.name === 'third') expect(contents[0]).toBe(1);
      }
      const layers = new Set((await state.records.keysBelow(['layer'])).map((key) => key[1]));
      const chunks = [
        ...(await state.records.keysBelow(['chunk'])),
        ...(await state.records.keysBelow(['place'])),
      ];
      const owners = new Set(chunks.map((key) => key[1]));
      expect([...owners].filter((owner) => !layers.has(owner!))).toEqual([]);
    }
  });

  it('opens, changes, clones and cuts a disk whose layers have chunks of 256 kB, as all had before', async () => {
    const storage = new CrashingStorage(kind);
    const filled = (value: number): Uint8Array => new Uint8Array(CHUNK_BYTES).fill(value);
    const layer = { sizeBytes: SIZE, chunkBytes: CHUNK_BYTES };
    const below = { layer: 'base', bytes: SIZE };
    const disk = { id: 'old', name: 'old', sizeBytes: SIZE, layer: 'top', createdMs: 0 };
    await storage.records.commit(
      {
        puts: [
          [['disk', 'old'], { ...disk, origin: { kind: 'empty' } }],
          [['layer', 'base'], { id: 'base', ...layer }],
          [['layer', 'top'], { id: 'top', ...layer, below }],
          ...[0, 1, 7].map((number) => [['chunk', 'base', number], filled(number + 1)] as const),
          [['chunk', 'top', 1], filled(20)],
          [['hole', 'top', 7], true],
        ],
      },
      'strict',
    );
    const { catalogue, read, write } = libraryOver(storage);
    const places = [0, CHUNK_BYTES, 5 * CHUNK_BYTES, SIZE - 1];
    const shown = (id: string): Promise<number[]> => Promise.all(places.map((place) => read(id, place)));
    expect(await shown('old')).toEqual([1, 20, 0, 0]);
    const partsOfChunk = CHUNK_BYTES / WRITTEN_CHUNK_BYTES;
    expect((await catalogue.allocatedParts('old')).size).toBe(2 * partsOfChunk);
    await write('old', 5 * CHUNK_BYTES, 30);
    await write('old', MIB, 50, 1024);
    const copy = await catalogue.clone('old', 'copy');
    await write(copy, 0, 40);
    expect(await read(copy, 512)).toBe(1);
    expect(await shown(copy)).toEqual([40, 20, 30, 0]);
    expect(await shown('old')).toEqual([1, 20, 30, 0]);
    expect((await catalogue.allocatedParts(copy)).size).toBe(4 * partsOfChunk);
    await catalogue.resize('old', MIB + 512);
    await catalogue.resize('old', SIZE);
    expect(await shown('old')).toEqual([1, 20, 0, 0]);
    expect([await read('old', MIB + 511), await read('old', MIB + 512)]).toEqual([50, 0]);
    await catalogue.delete(copy);
    await catalogue.tidy();
    expect(await shown('old')).toEqual([1, 20, 0, 0]);
  });

  it('makes one layer of those that only one disk needs, and shows the same after a crash behind any batch', async () => {
    const { storage, records, catalogue, write } = library();
    const first = await catalogue.createEmpty('first', SIZE);
    await write(first, 0, 1, MIB);
    const others = [await catalogue.clone(first, 'second')];
    await catalogue.resize(first, 2 * SIZE);
    await write(first, MIB / 2, 2, MIB);
    await write(first, 2 * SIZE - 512, 3);
    others.push(await catalogue.clone(first, 'third'));
    const { store, release } = await catalogue.open(first, 'write');
    await store.discard(0, WRITTEN_CHUNK_BYTES);
    await store.flush();
    release();
    others.push(await catalogue.clone(first, 'fourth'));
    await write(first, 4096, 4);
    for (const other of others) await catalogue.delete(other);
    const contents = async (state: MemoryStorage): Promise<Uint8Array> => {
      const opened = await libraryOver(state).catalogue.open(first, 'read');
      const bytes = new Uint8Array(opened.store.size);
      await opened.store.read(0, bytes);
      opened.release();
      return bytes;
    };
    const before = await contents(storage);
    expect(await records.countBelow(['layer'])).toBe(4);
    const { states } = storage;
    states.length = 0;
    const [held, busy] = [await catalogue.open(first, 'read'), states.length];
    await catalogue.tidy();
    expect(states.length).toBe(busy);
    held.release();
    await catalogue.tidy();
    expect(await records.countBelow(['layer'])).toBe(2);
    expect(states.length).toBeGreaterThan(5);
    for (const state of [...states]) {
      expect(Buffer.compare(await contents(state), before)).toBe(0);
      // A merge that was cut off goes on.
      await libraryOver(state).catalogue.tidy();
      expect(await state.records.countBelow(['layer'])).toBe(2);
      expect(Buffer.compare(await contents(state), before)).toBe(0);
    }
    await catalogue.reset(first);
    const cleared = await contents(storage);
    expect([cleared[4096], cleared[MIB / 2], cleared.at(-1)]).toEqual([0, 2, 3]);
  });

  it('leaves an imported image a layer of its own when it makes one of the layers over it', async () => {
    const { catalogue, found, write, read } = library();
    const image = { id: 'image', sizeBytes: SIZE, chunkBytes: WRITTEN_CHUNK_BYTES };
    const origin = { kind: 'file', fileName: 'image' } as const;
    const disk = { name: 'first', sizeBytes: SIZE, origin, format: 'raw', createdMs: 0 };
    const first = await catalogue.adopt(disk, image);
    for (const [value, name] of ['a', 'b', 'c'].entries()) {
      await write(first, value * WRITTEN_CHUNK_BYTES, value + 1);
      const other = await catalogue.clone(first, name);
      await catalogue.delete(other);
    }
    await write(first, 0, 9);
    await catalogue.tidy();
    const { changedBytes, sinceImportBytes } = await found('first');
    expect([changedBytes, sinceImportBytes]).toEqual([WRITTEN_CHUNK_BYTES, 4 * WRITTEN_CHUNK_BYTES]);
    expect(await Promise.all([0, 1, 2].map((at) => read(first, at * WRITTEN_CHUNK_BYTES)))).toEqual([
      9, 2, 3,
    ]);
  });

  it('says in words when a disk is gone, has no name, or no possible size', async () => {
    const { catalogue } = library();
    await expect(catalogue.rename('nothing', 'x')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(catalogue.createEmpty('x', 0)).rejects.toThrow(/1 MB/);
    await expect(catalogue.createEmpty(' ', SIZE)).rejects.toThrow(/name/);
  });
});

describe('DiskCatalogue over files', () => {
  it('goes on with a disk whose layers are among the records, and makes one layer of both kinds', async () => {
    const storage = new CrashingStorage('files');
    const earlier = libraryOver({ records: storage.records });
    const id = await earlier.catalogue.createEmpty('old', SIZE);
    await earlier.write(id, 0, 1, MIB);
    const { catalogue, write } = libraryOver(storage, 'later');
    const contents = async (state: MemoryStorage): Promise<Uint8Array> => {
      const { store, release } = await libraryOver(state).catalogue.open(id, 'read');
      const bytes = new Uint8Array(store.size);
      await store.read(0, bytes);
      release();
      return bytes;
    };
    const expected = new Uint8Array(SIZE).fill(1, 0, MIB);
    const copies: string[] = [];
    for (const value of [2, 3, 4]) {
      await write(id, value * 4096, value, MIB);
      expected.fill(value, value * 4096, value * 4096 + MIB);
      copies.push(await catalogue.clone(id, `copy ${value}`));
    }
    for (const copy of copies) await catalogue.delete(copy);
    storage.states.length = 0;
    await catalogue.tidy();
    const kinds = async ({ records }: MemoryStorage): Promise<boolean[]> =>
      [...(await LibraryState.read(records)).layers.values()].map(isInFile);
    expect(await kinds(storage)).toEqual([false, true]);
    // Nothing was written to the top layer yet.
    expect(await storage.files?.names()).toEqual([]);
    for (const state of [...storage.states, storage]) {
      expect(Buffer.compare(await contents(state), expected)).toBe(0);
    }
    expect(storage.states.length).toBeGreaterThan(10);
  });
});
