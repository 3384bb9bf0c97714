/** The browser's storage thread: the disk library over IndexedDB and files of the page, with locks over all tabs. */
import { expose } from 'comlink';
import { DiskError } from '../emu/storage/disk-error.ts';
import type { DiskLocks } from '../emu/storage/disk-locks.ts';
import { type IndexedDbRecords, openIndexedDbRecords } from './indexed-db-records.ts';
import { LeaseLocks } from './lease-locks.ts';
import { beginNewLog, isFirstThread } from './log-renewal.ts';
import { openOpfsFiles } from './opfs-files.ts';
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Pages without TLS have no Web Locks. */
function openLocks(records: IndexedDbRecords): DiskLocks {
  if ('locks' in navigator) return new WebLocks(navigator.locks);
  const locks = new LeaseLocks({
    board: records.leases,
    newId,
    nowMs: () => Date.now(),
    sleep,
    every(ms, work) {
      const timer = setInterval(work, ms);
      return () => clearInterval(timer);
    },
  });
  records.mayCommit = (leases) => locks.areHeld(leases);
  return locks;
}

/** Nobody has to wait for it, and what fails (there is no room) is tried again by the next first thread. */
async function renewLog(records: IndexedDbRecords): Promise<void> {
  const isFirst = await isFirstThread('locks' in navigator ? navigator.locks : undefined);
  const isLevelDb = navigator.userAgent.includes('Chrome/');
  if (isFirst && isLevelDb && !records.isNew) await beginNewLog(records);
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
  renewLog(records).catch(() => {});
  const network = { fetch: fetch.bind(globalThis), origin: location.origin, sleep };
  return {
    records,
    files: await openOpfsFiles(),
    locks: openLocks(records),
    nowMs: () => Date.now(),
    newId,
    openXzThreads: createWebXzThreads,
    announce: () => changes.postMessage(undefined),
    network,
  };
}

expose(new StorageHost(openPorts()));
