import { describe, expect, it } from 'vitest';
import { StorageError } from '../emu/storage/block-store.ts';
import { ChunkedStore } from '../emu/storage/chunked-store.ts';
import { MemoryRecords } from '../emu/storage/memory-records.ts';
import { RecordedChunks } from '../emu/storage/recorded-chunks.ts';
import { holdWhileFull } from './full-disk.ts';

const MIB = 1 << 20;

/** A disk whose storage has no room until `makeRoom`; `pauses` are ended by hand. */
async function setting() {
  const records = new MemoryRecords();
  const commit = records.commit.bind(records);
  let isFull = true;
  records.commit = (batch, durability) =>
    isFull ? Promise.reject(new StorageError('quota', 'full')) : commit(batch, durability);
  const pauses: (() => void)[] = [];
  const inner = new ChunkedStore(await RecordedChunks.open(records, 'layer'), { size: MIB });
  const store = holdWhileFull(inner, () => new Promise((goOn) => pauses.push(goOn)));
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  const makeRoom = (): void => {
    isFull = false;
  };
  return { records, store, pauses, settle, makeRoom };
}

describe('a disk without room', () => {
  it('holds the request while the machine is paused, and ends it well when there is room', async () => {
    const { records, store, pauses, settle, makeRoom } = await setting();
    await store.write(0, new Uint8Array(512).fill(1));
    let isDone = false;
    const flushed = Promise.resolve(store.flush()).then(() => {
      isDone = true;
    });
    await settle();
    expect([pauses.length, isDone]).toEqual([1, false]);
    makeRoom();
    pauses[0]!();
    await flushed;
    expect(await records.countBelow(['chunk'])).toBe(1);
  });

  it('fails for the guest when it goes on and there is still none', async () => {
    const { store, pauses, settle } = await setting();
    await store.write(0, new Uint8Array(512).fill(1));
    const flushed = store.flush();
    await settle();
    pauses[0]!();
    await expect(flushed).rejects.toMatchObject({ kind: 'quota' });
  });

  it('holds later writes, too, and keeps the newest of them', async () => {
    const { store, pauses, settle, makeRoom } = await setting();
    await store.write(0, new Uint8Array(512).fill(1));
    const work = [store.flush()];
    await settle();
    work.push(store.write(0, new Uint8Array(512).fill(2)), store.write(0, new Uint8Array(512).fill(3)));
    await settle();
    expect(pauses.length).toBe(3);
    makeRoom();
    for (const goOn of pauses) goOn();
    await Promise.all(work);
    const back = new Uint8Array(512);
    await store.read(0, back);
    expect([...new Set(back)]).toEqual([3]);
  });

  it('lets other failures through', async () => {
    const { store } = await setting();
    expect(() => store.write(MIB, new Uint8Array(512))).toThrow(StorageError);
  });
});
