import { describe, expect, it } from 'vitest';
import { seededWords } from '../testing/device-harness.ts';
import { type BlockStore, StorageError } from './block-store.ts';
import type { ChunkBatch, ChunkBatches, LayerChunks } from './chunk-batches.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ChunkedStore, type ChunkedStoreOptions } from './chunked-store.ts';
import { openChunks, storedNumbers } from './layer-chunks.ts';
import { MemoryStore } from './memory-store.ts';
import type { Durability } from './record-store.ts';
import {
  CrashingStorage,
  type MemoryStorage,
  STORAGE_KINDS,
  type StorageKind,
} from './testing/crashing-storage.ts';

const SECTOR = 512;
const CHUNK_BYTES = 8 * SECTOR;
const SIZE = 11 * CHUNK_BYTES + 3 * SECTOR;

const layerIn = (kind: StorageKind) => ({ id: 'layer', chunkBytes: CHUNK_BYTES, isFiled: kind === 'files' });

/** Batches that take a while, and can fail, over a storage that remembers what crashes leave. */
class TestBatches implements ChunkBatches {
  readonly storage: CrashingStorage;
  readonly read?: NonNullable<ChunkBatches['read']>;
  reads = 0;
  commits = 0;
  failure: StorageError | undefined;
  private readonly inner: LayerChunks;
  private readonly random: () => number;
  private last: Promise<unknown> = Promise.resolve();

  static async open(kind: StorageKind, seed = 1): Promise<TestBatches> {
    const storage = new CrashingStorage(kind, seed);
    return new TestBatches(storage, await openChunks(storage, layerIn(kind), 'write'), seed);
  }

  private constructor(storage: CrashingStorage, inner: LayerChunks, seed: number) {
    this.storage = storage;
    this.inner = inner;
    this.random = seededWords(seed);
    if (inner.read) this.read = (number, from, target) => inner.read?.(number, from, target);
  }

  has(number: number): boolean {
    return this.inner.has(number);
  }

  numbers(): number[] {
    return this.inner.numbers().sort((a, b) => a - b);
  }

  async getMany(numbers: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    this.reads += numbers.length;
    await this.pause();
    return this.inner.getMany(numbers);
  }

  commit(batch: ChunkBatch, durability: Durability): Promise<void> {
    const copy = { puts: new Map(structuredClone([...batch.puts])), deletes: [...batch.deletes] };
    const work = this.last.then(async () => {
      await this.pause();
      if (this.failure) throw this.failure;
      await this.inner.commit(copy, durability);
      this.commits++;
      await this.pause();
    });
    this.last = work.catch(() => {});
    return work;
  }

  share(): void {}

  close(): void {}

  private async pause(): Promise<void> {
    for (let turns = this.random() % 4; turns > 0; turns--) await nextTurn();
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const open = (batches: ChunkBatches, options: Partial<ChunkedStoreOptions> = {}): ChunkedStore =>
  new ChunkedStore(batches, { size: SIZE, chunkBytes: CHUNK_BYTES, ...options });

async function contents(store: BlockStore): Promise<Uint8Array> {
  const bytes = new Uint8Array(store.size).fill(0xcc);
  await store.read(0, bytes);
  return bytes;
}

const baseBytes = (): Uint8Array =>
  Uint8Array.from({ length: SIZE - 5 * CHUNK_BYTES }, (_, at) => 1 + (at % 251));

interface Workload {
  readonly kind: StorageKind;
  readonly seed: number;
  readonly below?: Uint8Array;
  /** Lets some batches fail for want of room. */
  readonly failing?: boolean;
}

/**
 * Random writes, discards, flushes and reads beside a plain array; reads are checked on the way. Tells what
 * the disk was after every change, and which of these states had been flushed when each batch ended.
 */
async function runWorkload({ kind, seed, below, failing = false }: Workload) {
  const random = seededWords(seed);
  const batches = await TestBatches.open(kind, seed);
  const { states } = batches.storage;
  const options = {
    cache: new ChunkCache(3 * CHUNK_BYTES),
    writeBackBytes: 3 * CHUNK_BYTES,
    dirtyLimitBytes: 6 * CHUNK_BYTES,
    ...(below && { below: new MemoryStore(below), belowBytes: below.length }),
  };
  const store = open(batches, options);
  const model = new Uint8Array(SIZE);
  if (below) model.set(below);
  const history = [model.slice()];
  const flushedAt: number[] = [];
  const pending: Promise<unknown>[] = [];
  const track = (work: void | Promise<void>): void => {
    if (work) pending.push(work.catch((error) => expect(error).toBeInstanceOf(StorageError)));
  };
  for (let step = 0; step < 300; step++) {
    const first = random() % (SIZE / SECTOR);
    const count = 1 + (random() % Math.min(20, SIZE / SECTOR - first));
    const [offset, length] = [first * SECTOR, Math.min(count * SECTOR, SIZE - first * SECTOR)];
    const action = random() % 10;
    if (failing) batches.failure = random() % 4 === 0 ? new StorageError('quota', 'full') : undefined;
    if (action < 5) {
      const source = new Uint8Array(length).fill(random());
      model.set(source, offset);
      history.push(model.slice());
      track(store.write(offset, source));
      // The caller may use its buffer again.
      source.fill(0xee);
    } else if (action < 7) {
      model.fill(0, offset, offset + length);
      history.push(model.slice());
      track(store.discard(offset, length));
    } else if (action < 8) {
      const now = history.length - 1;
      const flushed = Promise.resolve(store.flush()).then(() => {
        flushedAt[states.length] = Math.max(flushedAt[states.length] ?? 0, now);
      });
      track(flushed);
      if (random() % 2 === 0) await flushed.catch(() => {});
    } else {
      const target = new Uint8Array(length);
      await store.read(offset, target);
      expect(Buffer.compare(target, model.subarray(offset, offset + length))).toBe(0);
    }
    if (random() % 3 === 0) await nextTurn();
  }
  batches.failure = undefined;
  await Promise.all(pending);
  await store.flush();
  return { batches, options, model, history, flushedAt };
}

/** What is there when the storage is opened again. */
async function kept(storage: MemoryStorage, options: Partial<ChunkedStoreOptions> = {}): Promise<Uint8Array> {
  const layer = layerIn(storage.files ? 'files' : 'records');
  const store = open(await openChunks(storage, layer, 'write'), options);
  const bytes = await contents(store);
  store.close();
  return bytes;
}

describe.each(STORAGE_KINDS)('ChunkedStore over %s', (kind) => {
  it('reads zeros where nothing was written, and stores nothing for it', async () => {
    const batches = await TestBatches.open(kind);
    const store = open(batches);
    expect(await contents(store)).toEqual(new Uint8Array(SIZE));
    await store.write(0, new Uint8Array(CHUNK_BYTES));
    await store.discard(0, SIZE);
    await store.flush();
    expect(batches.numbers()).toEqual([]);
    expect(batches.reads).toBe(0);
  });

  it.each([1, 2, 3, 4])('agrees with a plain array under random operations (seed %i)', async (seed) => {
    const { batches, model } = await runWorkload({ kind, seed });
    expect(await kept(batches.storage.states.at(-1)!)).toEqual(model);
  });

  it.each([5, 6, 7, 8])('agrees with a plain array when it lies over a base (seed %i)', async (seed) => {
    const below = baseBytes();
    const { batches, options, model } = await runWorkload({ kind, seed, below });
    expect(await kept(batches.storage.states.at(-1)!, options)).toEqual(model);
    expect(below).toEqual(baseBytes());
  });

  it.each([9, 10, 11, 12])(
    'keeps everything when batches fail and are tried again (seed %i)',
    async (seed) => {
      const { batches, options, model } = await runWorkload({
        kind,
        seed,
        below: baseBytes(),
        failing: true,
      });
      expect(await kept(batches.storage.states.at(-1)!, options)).toEqual(model);
    },
  );

  it.each([13, 14, 15])(
    'is after a crash behind any batch what it was at one instant since the last flush (seed %i)',
    async (seed) => {
      const { batches, options, history, flushedAt } = await runWorkload({ kind, seed, below: baseBytes() });
      const key = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
      const lastInstant = new Map(history.map((bytes, index) => [key(bytes), index]));
      const { states } = batches.storage;
      let least = 0;
      for (const [index, state] of states.entries()) {
        least = Math.max(least, flushedAt[index] ?? 0);
        const found = await kept(state, options);
        expect(lastInstant.get(key(found)) ?? -1).toBeGreaterThanOrEqual(least);
      }
      expect(states.length).toBeGreaterThan(40);
    },
  );

  it('writes whole sectors without reading, and completes the chunk when it is kept', async () => {
    const batches = await TestBatches.open(kind);
    const below = new MemoryStore(baseBytes());
    const store = open(batches, { below });
    expect(store.write(SECTOR, new Uint8Array(SECTOR).fill(9))).toBeUndefined();
    const target = new Uint8Array(SECTOR);
    expect(store.read(SECTOR, target)).toBeUndefined();
    expect(target[0]).toBe(9);
    await store.flush();
    const expected = baseBytes();
    expected.fill(9, SECTOR, 2 * SECTOR);
    const again = open(batches);
    expect((await contents(again)).slice(0, CHUNK_BYTES)).toEqual(expected.slice(0, CHUNK_BYTES));
  });

  it('keeps a chunk that hides its base as a hole, and drops chunks of zeros elsewhere', async () => {
    const batches = await TestBatches.open(kind);
    const store = open(batches, { below: new MemoryStore(baseBytes()), belowBytes: CHUNK_BYTES });
    await store.write(0, new Uint8Array(3 * CHUNK_BYTES).fill(1));
    await store.flush();
    expect(batches.numbers()).toEqual([0, 1, 2]);
    await store.discard(0, 2 * CHUNK_BYTES);
    await store.flush();
    expect(await storedNumbers(batches.storage.records, layerIn(kind))).toEqual({ chunks: [2], holes: [0] });
    expect((await contents(store)).subarray(0, 2 * CHUNK_BYTES)).toEqual(new Uint8Array(2 * CHUNK_BYTES));
  });

  it('holds writers up while too much is dirty, and no longer', async () => {
    const batches = await TestBatches.open(kind);
    const store = open(batches, { dirtyLimitBytes: 2 * CHUNK_BYTES });
    const chunk = new Uint8Array(CHUNK_BYTES).fill(1);
    expect(store.write(0, chunk)).toBeUndefined();
    const held = store.write(CHUNK_BYTES, chunk);
    expect(held).toBeInstanceOf(Promise);
    await held;
    expect(store.isDirty).toBe(false);
    expect(store.write(2 * CHUNK_BYTES, chunk)).toBeUndefined();
    await store.flush();
  });

  it('tells a flush that there is no room, keeps the data, and succeeds when there is', async () => {
    const batches = await TestBatches.open(kind);
    const store = open(batches);
    await store.write(0, new Uint8Array(SECTOR).fill(7));
    batches.failure = new StorageError('quota', 'full');
    await expect(store.flush()).rejects.toMatchObject({ kind: 'quota' });
    expect((await contents(store))[0]).toBe(7);
    batches.failure = undefined;
    await store.flush();
    expect((await contents(open(batches)))[0]).toBe(7);
  });

  it('joins flushes that come while one is under way', async () => {
    const batches = await TestBatches.open(kind);
    const store = open(batches);
    const flushes = Array.from({ length: 10 }, (_, index) => {
      void store.write(index * CHUNK_BYTES, new Uint8Array(SECTOR).fill(1));
      return store.flush();
    });
    await Promise.all(flushes);
    expect(batches.commits).toBeLessThan(4);
    expect(batches.numbers()).toHaveLength(10);
  });

  it.runIf(kind === 'records')('stays within its cache and reads ahead of a sequential reader', async () => {
    const batches = await TestBatches.open(kind);
    const store = open(batches);
    await store.write(0, new Uint8Array(SIZE).fill(5));
    await store.flush();
    const cache = new ChunkCache(9 * CHUNK_BYTES);
    const reader = open(batches, { cache, readAheadBytes: 8 * CHUNK_BYTES });
    batches.reads = 0;
    await reader.read(0, new Uint8Array(SECTOR));
    expect(batches.reads).toBe(1);
    await reader.read(SECTOR, new Uint8Array(SECTOR));
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(batches.reads).toBe(9);
    const target = new Uint8Array(SECTOR);
    expect(reader.read(8 * CHUNK_BYTES, target)).toBeUndefined();
    await reader.read(10 * CHUNK_BYTES, target);
    // Room was made by the chunk that nobody had used for the longest time.
    expect(reader.read(0, target)).toBeInstanceOf(Promise);
    expect(reader.read(8 * CHUNK_BYTES, target)).toBeUndefined();
  });

  it('refuses what lies outside, half sectors, and writes to a read-only disk', async () => {
    const store = open(await TestBatches.open(kind));
    expect(() => store.read(SIZE - 1, new Uint8Array(2))).toThrow(StorageError);
    expect(() => store.write(0, new Uint8Array(100))).toThrow(/whole sectors/);
    const fixed = open(await TestBatches.open(kind), { readOnly: true });
    expect(() => fixed.write(0, new Uint8Array(SECTOR))).toThrow(/read-only/);
    expect(() => fixed.discard(0, SECTOR)).toThrow(/read-only/);
  });

  it.runIf(kind === 'files')(
    'gives room back while nobody writes, until there is little left to give',
    async () => {
      const storage = new CrashingStorage(kind);
      const chunkBytes = 1 << 20;
      const chunks = await openChunks(storage, { ...layerIn(kind), chunkBytes }, 'write');
      const store = open(chunks, { size: 64 * chunkBytes, chunkBytes });
      const bytes = new Uint8Array(chunkBytes).fill(1);
      for (let chunk = 0; chunk < 64; chunk++) await store.write(chunk * chunkBytes, bytes);
      await store.flush();
      await store.discard(0, 40 * chunkBytes);
      await store.flush();
      const before = storage.files?.sizeOf('layer');
      let ticks = 0;
      for (let work = store.tidy(); work; work = store.tidy(), ticks++) await work;
      expect([before, storage.files?.sizeOf('layer'), ticks]).toEqual([64 * chunkBytes, 24 * chunkBytes, 6]);
      const target = new Uint8Array(1);
      await store.read(63 * chunkBytes, target);
      expect(target[0]).toBe(1);
    },
  );

  it('reads zeros behind the old end when it has grown', async () => {
    const store = open(await TestBatches.open(kind));
    store.grow(SIZE + SECTOR);
    expect((await contents(store)).subarray(SIZE)).toEqual(new Uint8Array(SECTOR));
  });
});
