import { expect, it } from 'vitest';
import { type DiskLocks, LocalLocks } from '../emu/storage/disk-locks.ts';
import { MemoryRecords } from '../emu/storage/memory-records.ts';
import { PortStore } from './disk-port.ts';
import { StorageHost } from './storage-host.ts';
import type { Outcome, ServedNews } from './storage-protocol.ts';

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.kind}: ${outcome.message}`);
  return outcome.value;
}

it('tells when what a guest wrote waits to be kept, when it is, and when the disk is somebody else’s', async () => {
  let ids = 0;
  let lose: (id: string) => void = () => {};
  const locks: DiskLocks = Object.assign(new LocalLocks(), {
    watchLoss(listener: typeof lose) {
      lose = listener;
    },
  });
  const host = new StorageHost(
    Promise.resolve({
      records: new MemoryRecords(),
      locks,
      nowMs: () => Date.now(),
      newId: () => `id-${++ids}`,
      announce: () => {},
      network: { fetch, origin: 'https://page.example', sleep: async () => {} },
    }),
  );
  const id = value(await host.createEmpty('disk', 1 << 20));
  const disk = new MessageChannel();
  const watch = new MessageChannel();
  const told: ServedNews[] = [];
  watch.port1.onmessage = ({ data }: MessageEvent<ServedNews>) => told.push(data);
  value(await host.watchServed(watch.port2));
  const size = value(await host.serve(id, 'write', disk.port2));
  const store = new PortStore(disk.port1, { size, readOnly: false });
  await store.write(0, new Uint8Array(512).fill(1));
  await expect
    .poll(() => told, { timeout: 5000 })
    .toEqual([
      { kind: 'writes', areKept: false },
      { kind: 'writes', areKept: true },
    ]);
  lose(id);
  await expect.poll(() => told.at(-1)).toEqual({ kind: 'lost', name: 'disk' });
  value(await host.closeDisks());
  for (const { port1, port2 } of [disk, watch]) {
    port1.close();
    port2.close();
  }
});
