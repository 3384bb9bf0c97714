import { expose } from 'comlink';
import { afterEach, describe, expect, it } from 'vitest';
import type { StorageControl } from '../workers/storage-protocol.ts';
import { openStorageThread, type ThreadWorker } from './storage-thread.ts';
import { StoredDisks } from './stored-disks.ts';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** A worker at the other end of a port; without `control` its program was never loaded. */
function worker(control?: Partial<StorageControl>): ThreadWorker & { terminated: boolean } {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  if (control) expose(control, port2);
  return Object.assign(port1, {
    onerror: null,
    terminated: false,
    terminate() {
      this.terminated = true;
    },
  });
}

function fail(broken: ThreadWorker, message: string): void {
  broken.onerror?.call(broken as Worker, { message } as ErrorEvent);
}

describe('a storage thread', () => {
  it('answers calls', async () => {
    const thread = openStorageThread(() => worker({ list: async () => ({ ok: true, value: [] }) }));
    expect(await thread.control.list()).toEqual({ ok: true, value: [] });
  });

  it('ends calls that wait, and later ones, when its program cannot be loaded', async () => {
    const broken = worker();
    const thread = openStorageThread(() => broken);
    const told: string[] = [];
    thread.onFailure = (details) => told.push(details);
    const waiting = thread.control.list();
    fail(broken, '');
    const outcome = { ok: false, kind: 'io', message: expect.stringContaining('could not be loaded') };
    expect(await waiting).toMatchObject(outcome);
    expect(await thread.control.rename('a', 'b')).toMatchObject(outcome);
    expect(told).toHaveLength(1);
    await thread.close();
    expect(broken.terminated).toBe(true);
  });
});

describe('the library over storage threads', () => {
  it('says that the thread has stopped, and opens another one for the next call', async () => {
    const broken = worker();
    const workers = [broken, worker({ list: async () => ({ ok: true, value: [] }) })];
    const disks = new StoredDisks(() => openStorageThread(() => workers.shift()!));
    const first = disks.meter();
    fail(broken, 'out of memory');
    await expect(first).rejects.toMatchObject({
      kind: 'io',
      message: expect.stringMatching(/out of memory.*Try again, or reload/s),
    });
    expect(await disks.list()).toEqual([]);
  });
});
