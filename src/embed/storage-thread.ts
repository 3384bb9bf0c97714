/** A storage thread as pages see it: calls that reject with a DiskError, and the way to end it. */
import { type Remote, releaseProxy, wrap } from 'comlink';
import { DiskError } from '../emu/storage/disk-error.ts';
import type { Outcome, StorageControl } from '../workers/storage-protocol.ts';

/** So long may the last writes take when a thread is closed. */
const LAST_WRITES_MS = 30_000;

export interface StorageThread {
  /** Every call ends, also when the thread has died. */
  readonly control: StorageControl;
  /** Called when the thread dies; at most once. */
  onFailure: (details: string) => void;
  /** Keeps what is not kept yet, and ends the thread. */
  close(): Promise<void>;
}

/** What of a Worker a storage thread needs. */
export type ThreadWorker = Pick<Worker, 'terminate' | 'onerror'> & Parameters<typeof wrap>[0];

function startWorker(): ThreadWorker {
  return new Worker(new URL('../workers/storage.worker.ts', import.meta.url), {
    type: 'module',
    name: 'bramble-storage',
  });
}

export function openStorageThread(start: () => ThreadWorker = startWorker): StorageThread {
  const worker = start();
  const remote = wrap<StorageControl>(worker);
  const { control, end } = mortal(remote);
  const thread: StorageThread = {
    control,
    onFailure: () => {},
    async close() {
      const patience = new Promise((resolve) => setTimeout(resolve, LAST_WRITES_MS));
      await Promise.race([control.closeDisks(), patience]);
      remote[releaseProxy]();
      worker.terminate();
    },
  };
  worker.onerror = ({ message }: ErrorEvent) => {
    const details = message || 'its program could not be loaded';
    end(stopped(details));
    thread.onFailure(details);
  };
  return thread;
}

function stopped(details: string): Outcome<never> {
  const message =
    `The part of this page that keeps disks has stopped (${details}). What was kept is safe. Try again, or ` +
    'reload the page; if it stays so, check your connection and restart the browser.';
  return { ok: false, kind: 'io', message };
}

/**
 * Calls that all end with `outcome` when `end(outcome)` says that nobody will answer any more: a worker
 * whose program cannot be loaded leaves its messages without an answer for ever.
 */
function mortal(remote: Remote<StorageControl>) {
  const waiting = new Set<(outcome: Outcome<never>) => void>();
  let ended: Outcome<never> | undefined;
  const guarded = (work: Promise<unknown>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended) return resolve(ended);
      waiting.add(resolve);
      work.then(resolve, reject).finally(() => waiting.delete(resolve));
    });
  const control = new Proxy({} as StorageControl, {
    get:
      (_, name: keyof StorageControl) =>
      (...values: unknown[]) =>
        guarded((remote[name] as (...values: unknown[]) => Promise<unknown>)(...values)),
  });
  const end = (outcome: Outcome<never>): void => {
    ended = outcome;
    for (const resolve of waiting) resolve(outcome);
  };
  return { control, end };
}

/** The value of an answer. @throws {DiskError} */
export async function unwrap<T>(answer: Promise<Outcome<T>>): Promise<T> {
  const outcome = await answer;
  if (outcome.ok) return outcome.value;
  throw new DiskError(outcome.kind, outcome.message);
}
