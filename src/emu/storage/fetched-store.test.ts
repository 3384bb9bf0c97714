import { describe, expect, it } from 'vitest';
import { seededWords } from '../testing/device-harness.ts';
import { StorageError } from './block-store.ts';
import { ChunkCache } from './chunk-cache.ts';
import { CHUNK_BYTES } from './chunk-size.ts';
import { type FarFile, FetchedStore } from './fetched-store.ts';
import { MemoryRecords } from './memory-records.ts';
import { RecordedChunks } from './recorded-chunks.ts';

const SIZE = 9 * CHUNK_BYTES + 1000;
const bytes = Uint8Array.from({ length: SIZE }, (_, at) => (at * 31 + (at >> 12)) & 0xff);

/** Remembers what was asked of it, and fails when told to. */
class Far implements FarFile {
  readonly size = SIZE;
  readonly asked: [number, number][] = [];
  failure: StorageError | undefined;
  async read(offset: number, target: Uint8Array): Promise<void> {
    this.asked.push([offset / CHUNK_BYTES, target.length]);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure) throw this.failure;
    target.set(bytes.subarray(offset, offset + target.length));
  }
}

async function setting(records = new MemoryRecords(), cacheBytes = 100 * CHUNK_BYTES) {
  const far = new Far();
  const cache = new ChunkCache(cacheBytes);
  return { far, records, store: new FetchedStore(far, await RecordedChunks.open(records, 'far'), cache) };
}

async function read(store: FetchedStore, offset: number, length: number): Promise<Uint8Array> {
  const target = new Uint8Array(length).fill(0xcc);
  await store.read(offset, target);
  return target;
}

describe('FetchedStore', () => {
  it('gives the file’s bytes, zeros behind its end, and fetches every chunk once', async () => {
    const { far, store } = await setting();
    const random = seededWords(4);
    for (let round = 0; round < 100; round++) {
      const offset = random() % (SIZE - 1);
      const length = 1 + (random() % Math.min(3 * CHUNK_BYTES, SIZE - offset));
      expect(Buffer.compare(await read(store, offset, length), bytes.subarray(offset, offset + length))).toBe(
        0,
      );
    }
    expect(store.size % 512).toBe(0);
    expect([...(await read(store, SIZE, store.size - SIZE))].every((byte) => byte === 0)).toBe(true);
    const fetched = far.asked.flatMap(([first, length]) =>
      Array.from({ length: Math.ceil(length / CHUNK_BYTES) }, (_, index) => first + index),
    );
    expect(new Set(fetched).size).toBe(fetched.length);
  });

  it('fetches neighbours together, and ahead of a sequential reader', async () => {
    const { far, store } = await setting();
    await read(store, 7 * CHUNK_BYTES, CHUNK_BYTES);
    expect(far.asked).toEqual([[7, CHUNK_BYTES]]);
    far.asked.length = 0;
    await read(store, 0, 2 * CHUNK_BYTES);
    await read(store, 2 * CHUNK_BYTES, CHUNK_BYTES);
    expect(far.asked).toEqual([
      [0, 2 * CHUNK_BYTES],
      [2, CHUNK_BYTES],
      [3, 4 * CHUNK_BYTES],
    ]);
  });

  it('needs no fetch for what was kept', async () => {
    const { records, store } = await setting();
    await read(store, 0, SIZE);
    await store.flush();
    const second = await setting(records);
    expect(Buffer.compare(await read(second.store, 0, SIZE), bytes)).toBe(0);
    expect(second.far.asked).toEqual([]);
  });

  it('tells the reader of a failure, and tries again for the next one', async () => {
    const { far, store } = await setting();
    far.failure = new StorageError('io', 'the network is gone');
    await expect(read(store, CHUNK_BYTES, 10)).rejects.toThrow('network');
    far.failure = undefined;
    expect(await read(store, CHUNK_BYTES, 10)).toEqual(bytes.slice(CHUNK_BYTES, CHUNK_BYTES + 10));
  });

  it('goes on when there is no room to keep anything', async () => {
    const records = new MemoryRecords();
    records.commit = () => Promise.reject(new StorageError('quota', 'full'));
    const { far, store } = await setting(records, CHUNK_BYTES);
    await read(store, 0, SIZE);
    await store.flush();
    far.asked.length = 0;
    expect(Buffer.compare(await read(store, 0, SIZE), bytes)).toBe(0);
    expect(far.asked.length).toBeGreaterThan(0);
  });
});
