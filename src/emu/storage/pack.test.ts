import { describe, expect, it } from 'vitest';
import { seededWords } from '../testing/device-harness.ts';
import { CHUNK_BYTES } from './chunk-size.ts';
import { MemoryPacks } from './memory-packs.ts';
import { MemoryRecords } from './memory-records.ts';
import { PackAppender, PackStore } from './pack.ts';

const LAYER = 'layer';
const CHUNKS = 12;
const SIZE = CHUNKS * CHUNK_BYTES - 1024;

const chunk = (number: number): Uint8Array =>
  new Uint8Array(CHUNK_BYTES).map((_, at) => 1 + ((number * 31 + (at >> 4)) % 250));

/** Batches of chunks, in the order of the file, and what the disk is with them. */
async function packOf(batches: readonly (readonly number[])[]) {
  const records = new MemoryRecords();
  const packs = new MemoryPacks();
  const contents = new Uint8Array(CHUNKS * CHUNK_BYTES);
  for (const [index, numbers] of batches.entries()) {
    // Each by a writer of its own, as an import that goes on.
    const appender = await PackAppender.open(records, packs, LAYER, index > 0);
    await appender.append(new Map(numbers.map((number) => [number, chunk(number)])));
    for (const number of numbers) contents.set(chunk(number), number * CHUNK_BYTES);
    appender.close();
  }
  const store = await PackStore.open(records, packs, { id: LAYER, sizeBytes: SIZE });
  return { records, packs, store, contents: contents.slice(0, SIZE) };
}

describe('PackStore', () => {
  it('gives every range of what was packed, whatever its order in the file, and zeros elsewhere', async () => {
    const { store, contents } = await packOf([[0, 1, 2], [7, 5], [11]]);
    const random = seededWords(3);
    for (let round = 0; round < 200; round++) {
      const offset = random() % SIZE;
      const length = Math.min(random() % (4 * CHUNK_BYTES), SIZE - offset);
      const target = new Uint8Array(length).fill(0xcc);
      await store.read(offset, target);
      expect(Buffer.compare(target, contents.subarray(offset, offset + length))).toBe(0);
    }
  });

  it('reads neighbours in the file at once', async () => {
    const { packs, records } = await packOf([[0, 1, 2, 4, 5]]);
    const asked: number[] = [];
    const counting = Object.assign(Object.create(packs) as MemoryPacks, {
      open: async (name: string) => {
        const file = await packs.open(name);
        return {
          close: () => file.close(),
          read(offset: number, target: Uint8Array) {
            asked.push(target.length / CHUNK_BYTES);
            return file.read(offset, target);
          },
        };
      },
    });
    const store = await PackStore.open(records, counting, { id: LAYER, sizeBytes: SIZE });
    await store.read(0, new Uint8Array(6 * CHUNK_BYTES));
    expect(asked).toEqual([3, 2]);
  });

  it('cannot be written or read outside', async () => {
    const { store } = await packOf([[0]]);
    expect(() => store.read(SIZE, new Uint8Array(1))).toThrow(/of a disk of|of \d+/);
    expect(() => store.write()).toThrow(/shared/);
  });

  it('forgets what an earlier writer left when it begins anew', async () => {
    const { records, packs, store } = await packOf([[3, 4]]);
    store.close();
    const appender = await PackAppender.open(records, packs, LAYER, false);
    await appender.append(new Map([[9, chunk(9)]]));
    appender.close();
    expect(appender.count).toBe(1);
    const again = await PackStore.open(records, packs, { id: LAYER, sizeBytes: SIZE });
    const target = new Uint8Array(16);
    await again.read(3 * CHUNK_BYTES, target);
    expect([...new Set(target)]).toEqual([0]);
    await again.read(9 * CHUNK_BYTES, target);
    expect(target).toEqual(chunk(9).slice(0, 16));
  });
});
