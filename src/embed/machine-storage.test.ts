import { afterEach, describe, expect, it } from 'vitest';
import { LocalLocks } from '../emu/storage/disk-locks.ts';
import { MemoryRecords } from '../emu/storage/memory-records.ts';
import { PortStore } from '../workers/disk-port.ts';
import type { DiskSetup } from '../workers/protocol.ts';
import { StorageHost } from '../workers/storage-host.ts';
import { MachineStorage, writerHere } from './machine-storage.ts';
import type { StorageThread } from './storage-thread.ts';

const SIZE = 1 << 20;
const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** Storage threads in this thread, over the same records and locks. */
async function setting() {
  const records = new MemoryRecords();
  const locks = new LocalLocks();
  let ids = 0;
  const newHost = (): StorageHost =>
    new StorageHost(
      Promise.resolve({
        records,
        locks,
        nowMs: () => 0,
        newId: () => `id-${++ids}`,
        announce: () => {},
        network: { fetch, origin: '', sleep: async () => {} },
      }),
    );
  const threads: StorageThread[] = [];
  const openThread = (): StorageThread => {
    const host = newHost();
    const thread: StorageThread = {
      control: host,
      onFailure: () => {},
      close: async () => void (await host.closeDisks()),
    };
    threads.push(thread);
    return thread;
  };
  const created = await newHost().createEmpty('work', SIZE);
  if (!created.ok) throw new Error(created.message);
  return { records, threads, newStorage: () => new MachineStorage(openThread), id: created.value };
}

function storeOf(setup: DiskSetup): PortStore {
  if (setup.mode !== 'library') throw new Error('a library disk is expected');
  ports.push(setup.port);
  return new PortStore(setup.port, { size: setup.sizeBytes, readOnly: setup.isSnapshot });
}

describe('the storage of a machine', () => {
  it('gives the disk to one machine at a time, and keeps what it wrote when it ends', async () => {
    const { newStorage, id } = await setting();
    const first = newStorage();
    const store = storeOf(await first.open(id, 'write'));
    expect(writerHere(id)).toBe(first);
    await store.write(512, new Uint8Array(512).fill(5));
    const second = newStorage();
    await expect(second.open(id, 'write')).rejects.toMatchObject({
      error: { code: 'bad-disk', message: expect.stringContaining('in use') },
    });
    expect(writerHere(id)).toBe(first);
    await first.close();
    expect(writerHere(id)).toBeUndefined();
    const target = new Uint8Array(512);
    await storeOf(await second.open(id, 'write')).read(512, target);
    expect([...new Set(target)]).toEqual([5]);
    await second.close();
  });

  it('lets several machines read a disk that nobody writes', async () => {
    const { newStorage, id } = await setting();
    const readers = [newStorage(), newStorage()];
    for (const reader of readers) storeOf(await reader.open(id, 'snapshot'));
    await expect(newStorage().open(id, 'write')).rejects.toThrow(/in use/);
    for (const reader of readers) await reader.close();
  });

  it('gives a disk more room while it is used', async () => {
    const { newStorage, id } = await setting();
    const storage = newStorage();
    const store = storeOf(await storage.open(id, 'write'));
    const told = new Promise<void>((resolve) => store.watchSize(resolve));
    await storage.grow(id, 2 * SIZE);
    await told;
    expect(store.size).toBe(2 * SIZE);
    await storage.close();
  });

  it('opens no thread without disks, and tells when one dies', async () => {
    const { threads, newStorage, id } = await setting();
    await newStorage().close();
    expect(threads).toHaveLength(0);
    const storage = newStorage();
    let details = '';
    storage.onFailure = (why) => {
      details = why;
    };
    storeOf(await storage.open(id, 'write'));
    threads[0]!.onFailure('out of memory');
    expect(details).toBe('out of memory');
    await storage.close();
  });
});
