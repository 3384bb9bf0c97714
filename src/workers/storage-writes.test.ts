import { expect, it } from 'vitest';
import { LocalLocks } from '../emu/storage/disk-locks.ts';
import { MemoryRecords } from '../emu/storage/memory-records.ts';
import { PortStore } from './disk-port.ts';
import { StorageHost } from './storage-host.ts';
import type { Outcome, WritesMessage } from './storage-protocol.ts';

function value<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.kind}: ${outcome.message}`);
  return outcome.value;
}

it('tells when something that a guest wrote waits to be kept, and when it is', async () => {
  let ids = 0;
  const host = new StorageHost(
    Promise.resolve({
      records: new MemoryRecords(),
      locks: new LocalLocks(),
      nowMs: () => Date.now(),
      newId: () => `id-${++ids}`,
      announce: () => {},
      network: { fetch, origin: 'https://page.example', sleep: async () => {} },
    }),
  );
  const id = value(await host.createEmpty('disk', 1 << 20));
  const disk = new MessageChannel();
  const watch = new MessageChannel();
  const told: boolean[] = [];
  watch.port1.onmessage = ({ data }: MessageEvent<WritesMessage>) => told.push(data.areKept);
  value(await host.watchWrites(watch.port2));
  const size = value(await host.serve(id, 'write', disk.port2));
  const store = new PortStore(disk.port1, { size, readOnly: false });
  await store.write(0, new Uint8Array(512).fill(1));
  await expect.poll(() => told, { timeout: 5000 }).toEqual([false, true]);
  value(await host.closeDisks());
  for (const { port1, port2 } of [disk, watch]) {
    port1.close();
    port2.close();
  }
});
