/** A storage thread as pages see it: calls that reject with a DiskError, and the way to end it. */
import { type Remote, releaseProxy, wrap } from 'comlink';
import { DiskError } from '../emu/storage/disk-error.ts';
import type { Outcome, StorageControl } from '../workers/storage-protocol.ts';

/** So long may the last writes take when a thread is closed. */
const LAST_WRITES_MS = 30_000;

export interface StorageThread {
  readonly control: Remote<StorageControl> | StorageControl;
  /** Called when the thread dies; at most once. */
  onFailure: (details: string) => void;
  /** Keeps what is not kept yet, and ends the thread. */
  close(): Promise<void>;
}

export function openStorageThread(): StorageThread {
  const worker = new Worker(new URL('../workers/storage.worker.ts', import.meta.url), {
    type: 'module',
    name: 'bramble-storage',
  });
  const control = wrap<StorageControl>(worker);
  const thread: StorageThread = {
    control,
    onFailure: () => {},
    async close() {
      const patience = new Promise((resolve) => setTimeout(resolve, LAST_WRITES_MS));
      await Promise.race([control.closeDisks(), patience]);
      control[releaseProxy]();
      worker.terminate();
    },
  };
  worker.onerror = ({ message }) => thread.onFailure(message || 'the storage thread could not be started');
  return thread;
}

/** The value of an answer. @throws {DiskError} */
export async function unwrap<T>(answer: Promise<Outcome<T>>): Promise<T> {
  const outcome = await answer;
  if (outcome.ok) return outcome.value;
  throw new DiskError(outcome.kind, outcome.message);
}
