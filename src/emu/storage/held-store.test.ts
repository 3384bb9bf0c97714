import { describe, expect, it } from 'vitest';
import { seededWords } from '../testing/device-harness.ts';
import { StorageError } from './block-store.ts';
import { ChunkCache } from './chunk-cache.ts';
import { DiskCatalogue } from './disk-catalogue.ts';
import { LocalLocks } from './disk-locks.ts';
import { HeldStore } from './held-store.ts';
import {
  CrashingStorage,
  type MemoryStorage,
  STORAGE_KINDS,
  type StorageKind,
} from './testing/crashing-storage.ts';

const MIB = 1 << 20;
const SECTOR = 512;

/** Fails to commit on demand, and takes a while, so that requests come meanwhile. */
class SlowStorage extends CrashingStorage {
  isFull = false;

  constructor(kind: StorageKind) {
    super(kind);
    this.records.before = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.isFull) throw new StorageError('quota', 'full');
    };
  }
}

function catalogueOver(storage: MemoryStorage): DiskCatalogue {
  let ids = 0;
  return new DiskCatalogue({
    ...storage,
    locks: new LocalLocks(),
    nowMs: () => ids,
    newId: () => `id-${++ids}`,
  });
}

async function contentsOf(catalogue: DiskCatalogue, name: string): Promise<Uint8Array | undefined> {
  const disk = (await catalogue.list()).find((each) => each.name === name);
  if (!disk) return undefined;
  const { store, release } = await catalogue.open(disk.id, 'read');
  const bytes = new Uint8Array(store.size);
  await store.read(0, bytes);
  release();
  return bytes;
}

/** A disk in use beside a plain array, and the ways in which both are changed. */
async function diskInUse(kind: StorageKind, seed: number) {
  const random = seededWords(seed);
  const storage = new SlowStorage(kind);
  const catalogue = catalogueOver(storage);
  const cache = new ChunkCache(MIB / 4);
  const id = await catalogue.createEmpty('disk', MIB);
  const opened = await catalogue.open(id, 'write', cache);
  const store = new HeldStore(opened.store);
  const model = new Uint8Array(MIB);
  const change = (): Promise<void> => {
    const offset = (random() % (MIB / SECTOR)) * SECTOR;
    const length = Math.min(MIB - offset, (1 + (random() % 200)) * SECTOR);
    const isDiscard = random() % 4 === 0;
    const bytes = new Uint8Array(length).fill(isDiscard ? 0 : random());
    model.set(bytes, offset);
    const result = isDiscard ? store.discard(offset, length) : store.write(offset, bytes);
    bytes.fill(0xee);
    return Promise.resolve(result);
  };
  const clone = (name: string): Promise<string> => catalogue.cloneOpen(id, name, store, cache);
  return { random, storage, catalogue, opened, store, model, change, clone };
}

describe.each(STORAGE_KINDS)('A disk in %s that is cloned in use', (kind) => {
  it.each([1, 2, 3])(
    'shows what it showed, and its clone what it was then, when requests go on (%i)',
    async (seed) => {
      const { random, catalogue, opened, store, model, change, clone } = await diskInUse(kind, seed);
      const expected = new Map<string, Uint8Array>();
      const pending: Promise<unknown>[] = [];
      for (let step = 0; step < 120; step++) {
        pending.push(change());
        if (random() % 15 === 0) {
          const name = `clone ${step}`;
          expected.set(name, model.slice());
          pending.push(clone(name));
        }
        if (random() % 8 === 0) {
          const target = new Uint8Array(MIB);
          const now = model.slice();
          await store.read(0, target);
          expect(Buffer.compare(target, now)).toBe(0);
        }
        if (random() % 6 === 0) pending.push(Promise.resolve(store.flush()));
      }
      await Promise.all(pending);
      await store.flush();
      store.close();
      opened.release();
      expect(expected.size).toBeGreaterThan(3);
      for (const [name, bytes] of [...expected, ['disk', model] as const]) {
        expect([name, Buffer.compare((await contentsOf(catalogue, name))!, bytes)]).toEqual([name, 0]);
      }
    },
  );

  it('has everything that was flushed, as its clones have, after a crash behind any batch', async () => {
    const { storage, store, model, change, clone } = await diskInUse(kind, 4);
    /** What must be there at least once so many batches have ended. */
    const flushed: { readonly batches: number; readonly bytes: Uint8Array }[] = [];
    const clones = new Map<string, Uint8Array>();
    for (let round = 0; round < 8; round++) {
      await change();
      const bytes = model.slice();
      await store.flush();
      flushed.push({ batches: storage.states.length, bytes });
      if (round % 2 === 0) {
        clones.set(`clone ${round}`, bytes);
        await clone(`clone ${round}`);
      }
    }
    const first = flushed[0]!.batches;
    for (const [index, state] of [...storage.states].entries()) {
      if (index + 1 < first) continue;
      const after = catalogueOver(state);
      const shown = (await contentsOf(after, 'disk'))!;
      const durable = flushed.findLastIndex(({ batches }) => batches <= index + 1);
      const possible = flushed.slice(durable, durable + 2);
      expect(possible.some(({ bytes }) => Buffer.compare(bytes, shown) === 0)).toBe(true);
      for (const [name, bytes] of clones) {
        const copy = await contentsOf(after, name);
        if (copy) expect([name, Buffer.compare(copy, bytes)]).toEqual([name, 0]);
      }
    }
  });

  it('goes on as it was when there is no room for the clone', async () => {
    const { storage, catalogue, opened, store, model, change, clone } = await diskInUse(kind, 5);
    await change();
    await store.flush();
    storage.isFull = true;
    const attempt = clone('clone');
    const late = change();
    await expect(attempt).rejects.toMatchObject({ kind: 'quota' });
    await late;
    storage.isFull = false;
    await clone('second try');
    await change();
    await store.flush();
    store.close();
    opened.release();
    expect((await catalogue.list()).map(({ name }) => name).sort()).toEqual(['disk', 'second try']);
    expect(Buffer.compare((await contentsOf(catalogue, 'disk'))!, model)).toBe(0);
  });

  it('keeps a size that it got while it was cloned', async () => {
    const { catalogue, opened, store, change, clone } = await diskInUse(kind, 6);
    await change();
    const cloning = clone('clone');
    store.grow(await catalogue.grow(opened.disk.id, 2 * MIB));
    await cloning;
    expect(store.size).toBe(2 * MIB);
    await store.write(2 * MIB - SECTOR, new Uint8Array(SECTOR).fill(9));
    await store.flush();
    store.close();
    opened.release();
    const bytes = (await contentsOf(catalogue, 'disk'))!;
    expect([bytes.length, bytes.at(-1)]).toEqual([2 * MIB, 9]);
  });
});
