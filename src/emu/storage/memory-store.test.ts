import { describe, expect, it } from 'vitest';
import { seededWords } from '../testing/device-harness.ts';
import { type BlockStore, type MaybePromise, StorageError } from './block-store.ts';
import { MemoryStore } from './memory-store.ts';

/** A store that answers in a later microtask turn, counts reads and cannot be written. */
class LateStore implements BlockStore {
  readonly size: number;
  readonly readOnly = true;
  reads = 0;
  private readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.size = bytes.length;
  }
  async read(offset: number, target: Uint8Array): Promise<void> {
    this.reads++;
    await new Promise((resolve) => setTimeout(resolve, this.reads % 3));
    target.set(this.bytes.subarray(offset, offset + target.length));
  }
  write(): MaybePromise<void> {
    throw new StorageError('read-only', 'the store below was written');
  }
  flush(): void {}
  discard(): void {
    throw new StorageError('read-only', 'the store below was cleared');
  }
}

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 7) & 0xff);
async function readBack(store: BlockStore, offset: number, length: number): Promise<Uint8Array> {
  const target = new Uint8Array(length).fill(0xcc);
  await store.read(offset, target);
  return target;
}

describe('MemoryStore', () => {
  it('reads zeros where nothing was written, and answers at once', () => {
    const store = new MemoryStore(undefined, { size: 8192 });
    const target = new Uint8Array(100).fill(1);
    expect(store.read(4090, target)).toBeUndefined();
    expect(target).toEqual(new Uint8Array(100));
    expect(store.writtenBytes).toBe(0);
  });

  it('rounds its size up to whole sectors and reads zeros behind the end of the bytes', async () => {
    const store = new MemoryStore(Uint8Array.of(1, 2, 3));
    expect(store.size).toBe(512);
    expect([...(await readBack(store, 1, 4))]).toEqual([2, 3, 0, 0]);
  });

  it('keeps writes to itself when it lies over bytes', async () => {
    const below = pattern(10_000);
    const store = new MemoryStore(below);
    await store.write(4000, new Uint8Array(200).fill(0xee));
    const expected = pattern(10_000);
    expected.fill(0xee, 4000, 4200);
    expect(await readBack(store, 0, 10_000)).toEqual(expected);
    expect(below).toEqual(pattern(10_000));
    expect(store.writtenBytes).toBe(8192);
  });

  it('reads zeros after a discard of whole and partial blocks, and frees whole ones', async () => {
    const store = new MemoryStore(pattern(16_384));
    await store.write(4096, pattern(4096));
    await store.discard(4000, 5000);
    const expected = pattern(16_384);
    expected.fill(0, 4000, 9000);
    expect(await readBack(store, 0, 16_384)).toEqual(expected);
    expect(store.writtenBytes).toBe(8192);
  });

  it('rejects what is out of range, and writes when read-only', () => {
    const store = new MemoryStore(new Uint8Array(1024), { readOnly: true });
    expect(() => store.read(1000, new Uint8Array(25))).toThrow(StorageError);
    expect(() => store.read(-1, new Uint8Array(1))).toThrow(StorageError);
    expect(() => store.write(0, new Uint8Array(1))).toThrow(/read-only/);
    expect(() => store.discard(0, 512)).toThrow(/read-only/);
  });

  it('reads neighbouring untouched blocks of a store below in one go', async () => {
    const below = new LateStore(pattern(65_536));
    expect(await readBack(new MemoryStore(below), 512, 60_000)).toEqual(pattern(65_536).slice(512, 60_512));
    expect(below.reads).toBe(1);
  });

  it('keeps the order of overlapping writes while old contents are being fetched', async () => {
    const store = new MemoryStore(new LateStore(pattern(8192)));
    const source = new Uint8Array(600).fill(1);
    const first = store.write(100, source);
    source.fill(99);
    const second = store.write(300, new Uint8Array(600).fill(2));
    const third = store.discard(350, 10);
    const whole = store.write(4096, new Uint8Array(4096).fill(3));
    expect(whole).toBeUndefined();
    await Promise.all([first, second, third, store.flush()]);
    const expected = pattern(8192);
    expected.fill(1, 100, 300).fill(2, 300, 900).fill(0, 350, 360).fill(3, 4096);
    expect(await readBack(store, 0, 8192)).toEqual(expected);
  });

  it('does not block later requests when fetching old contents fails', async () => {
    const below = new LateStore(pattern(4096));
    let fail = true;
    const read = below.read.bind(below);
    below.read = async (offset, target) => {
      if (fail) throw new StorageError('io', 'gone');
      await read(offset, target);
    };
    const store = new MemoryStore(below);
    await expect(store.write(1, Uint8Array.of(1))).rejects.toThrow('gone');
    fail = false;
    await store.write(2, Uint8Array.of(2));
    expect((await readBack(store, 0, 4)).join()).toBe([0, 7, 2, 21].join());
  });

  it('agrees with a plain array over random overlapping requests', async () => {
    for (const late of [false, true]) {
      const model = pattern(40_960);
      const store = new MemoryStore(late ? new LateStore(pattern(40_960)) : pattern(40_960));
      const random = seededWords(5);
      const pending: MaybePromise<void>[] = [];
      for (let round = 0; round < 400; round++) {
        const length = 1 + (random() % 9000);
        const offset = random() % (40_960 - length);
        const fill = random() & 0xff;
        const isDiscard = random() % 4 === 0;
        model.fill(isDiscard ? 0 : fill, offset, offset + length);
        pending.push(
          isDiscard ? store.discard(offset, length) : store.write(offset, new Uint8Array(length).fill(fill)),
        );
      }
      await Promise.all(pending);
      expect(await readBack(store, 0, 40_960)).toEqual(model);
    }
  });
});
