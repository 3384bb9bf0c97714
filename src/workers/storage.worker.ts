/** The browser's storage thread: the disk library over IndexedDB and Web Locks. */
import { expose } from 'comlink';
import { DiskError } from '../emu/storage/disk-error.ts';
import { LocalLocks } from '../emu/storage/disk-locks.ts';
import { openIndexedDbRecords } from './indexed-db-records.ts';
import { StorageHost, type StorageHostPorts } from './storage-host.ts';
import { CHANGES_CHANNEL } from './storage-protocol.ts';
import { WebLocks } from './web-locks.ts';
import { createWebXzThreads } from './web-xz-threads.ts';

const ID_BYTES = 12;

/** crypto.randomUUID is missing in pages without TLS; this is not. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function openPorts(): Promise<StorageHostPorts> {
  const changes = new BroadcastChannel(CHANGES_CHANNEL);
  const records = await openIndexedDbRecords().catch((failure: Error) => {
    throw new DiskError(
      'unavailable',
      `This browser keeps nothing for this page (${failure.message}): a private window or blocked ` +
        'storage would explain it.',
    );
  });
  const network = {
    fetch: fetch.bind(globalThis),
    origin: location.origin,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  };
  return {
    records,
    // Pages without TLS have no Web Locks: there, two tabs are the user's own care.
    locks: 'locks' in navigator ? new WebLocks(navigator.locks) : new LocalLocks(),
    nowMs: () => Date.now(),
    newId,
    openXzThreads: createWebXzThreads,
    announce: () => changes.postMessage(undefined),
    network,
  };
}

expose(new StorageHost(openPorts()));
