/**
 * The disk library over storage threads: one that answers, and one more for each import or export, so that
 * a long job never holds up the list, and ends with its thread when it is cancelled.
 */
import { transfer } from 'comlink';
import {
  CHANGES_CHANNEL,
  type JobMessage,
  type JobRequest,
  type Outcome,
} from '../workers/storage-protocol.ts';
import { type DiskFiles, StoredDiskFiles } from './disk-files.ts';
import {
  DiskError,
  type DiskInfo,
  type DiskLibrary,
  type DiskOrigin,
  type ExportFormat,
  type ImportOptions,
  type ResumeOptions,
  type StorageMeter,
  type UnfinishedImport,
} from './disk-library.ts';
import { writerHere } from './machine-storage.ts';
import { pulledStream } from './pulled-stream.ts';
import { openStorageThread, type StorageThread, unwrap } from './storage-thread.ts';

type Watch = Pick<ImportOptions, 'signal' | 'onProgress'>;

/** The library of this site's browser; it can be opened any number of times. */
export async function openDiskLibrary(): Promise<DiskLibrary> {
  return new StoredDisks(() => openStorageThread());
}

export class StoredDisks implements DiskLibrary {
  readonly #openThread: () => StorageThread;
  #thread: StorageThread | undefined;
  readonly #changes = new BroadcastChannel(CHANGES_CHANNEL);

  constructor(openThread: () => StorageThread) {
    this.#openThread = openThread;
  }

  async list(): Promise<readonly DiskInfo[]> {
    const disks = await unwrap(this.#control.list());
    return disks.map(({ isWritten, ...disk }) => ({
      ...disk,
      inUse: writerHere(disk.id) ? 'this-tab' : isWritten ? 'other-tab' : 'no',
    }));
  }

  onChange(listener: () => void): () => void {
    const heard = (): void => listener();
    this.#changes.addEventListener('message', heard);
    return () => this.#changes.removeEventListener('message', heard);
  }

  async import(options: ImportOptions): Promise<DiskInfo> {
    const { source, name, sha256, sizeBytes, onDemand, signal, onProgress } = options;
    const isFile = source instanceof Blob;
    const fileName = source instanceof File ? source.name : name;
    const origin: DiskOrigin = isFile ? { kind: 'file', fileName } : { kind: 'url', url: absolute(source) };
    const call = {
      name,
      origin,
      ...(isFile && { file: source }),
      ...(sha256 !== undefined && { expectedSha256: sha256 }),
      ...(sizeBytes !== undefined && { diskBytes: sizeBytes }),
      ...(onDemand !== undefined && { onDemand }),
    };
    return this.#job({ ...(signal && { signal }), ...(onProgress && { onProgress }) }, (control, port) =>
      control.import(call, port),
    );
  }

  unfinishedImports(): Promise<readonly UnfinishedImport[]> {
    return unwrap(this.#control.unfinishedImports());
  }

  resumeImport(id: string, { file, ...watch }: ResumeOptions): Promise<DiskInfo> {
    return this.#job(watch, (control, port) => control.resumeImport(id, file, port));
  }

  discardImport(id: string): Promise<void> {
    return unwrap(this.#control.discardImport(id));
  }

  async createEmpty({
    name,
    sizeBytes,
  }: {
    readonly name: string;
    readonly sizeBytes: number;
  }): Promise<DiskInfo> {
    return this.#find(await unwrap(this.#control.createEmpty(name, sizeBytes)));
  }

  async clone(id: string, name: string): Promise<DiskInfo> {
    const writer = writerHere(id);
    return this.#find(await (writer?.clone(id, name) ?? unwrap(this.#control.clone(id, name))));
  }

  rename(id: string, name: string): Promise<void> {
    return unwrap(this.#control.rename(id, name));
  }

  resize(id: string, sizeBytes: number): Promise<void> {
    const writer = writerHere(id);
    if (writer) return writer.grow(id, sizeBytes);
    return unwrap(this.#control.resize(id, sizeBytes));
  }

  reset(id: string): Promise<void> {
    return unwrap(this.#control.reset(id));
  }

  delete(id: string): Promise<void> {
    return unwrap(this.#control.delete(id));
  }

  async export(
    id: string,
    format: ExportFormat,
    watch: Watch = {},
  ): Promise<{ readonly fileName: string; readonly stream: ReadableStream<Uint8Array> }> {
    const thread = this.#openThread();
    const { port1, port2 } = new MessageChannel();
    const end = (): void => {
      port1.close();
      void thread.close();
    };
    try {
      const answer = thread.control.export(id, format, transfer(port2, [port2]));
      const { fileName, totalBytes } = await unwrap(answer);
      return { fileName, stream: pulledStream(port1, watch, totalBytes, end) };
    } catch (failure) {
      end();
      throw failure;
    }
  }

  files(id: string): DiskFiles {
    return new StoredDiskFiles(() => this.#control, id);
  }

  async meter(): Promise<StorageMeter> {
    const listed = await this.#control.list();
    if (!listed.ok && listed.kind !== 'unavailable') throw new DiskError(listed.kind, listed.message);
    // Pages without TLS have no StorageManager; what it would tell is unknown then.
    const manager: StorageManager | undefined = navigator.storage;
    const { usage = 0, quota } = (await manager?.estimate()) ?? {};
    return {
      usedBytes: usage,
      ...(quota !== undefined && { quotaBytes: quota }),
      isPersistent: (await manager?.persisted()) ?? false,
      isAvailable: listed.ok,
    };
  }

  async requestPersistence(): Promise<boolean> {
    const manager: StorageManager | undefined = navigator.storage;
    return (await manager?.persist()) ?? false;
  }

  /** The thread that answers; a new one after one that has died. */
  get #control(): StorageThread['control'] {
    if (!this.#thread) {
      const thread = this.#openThread();
      thread.onFailure = () => {
        if (this.#thread === thread) this.#thread = undefined;
      };
      this.#thread = thread;
    }
    return this.#thread.control;
  }

  async #find(id: string): Promise<DiskInfo> {
    const found = (await this.list()).find((disk) => disk.id === id);
    if (found) return found;
    throw new DiskError('not-found', 'The disk was deleted in another tab in the meantime.');
  }

  async #job(
    { signal, onProgress }: Watch,
    start: (control: StorageThread['control'], port: MessagePort) => Promise<Outcome<string>>,
  ): Promise<DiskInfo> {
    if (signal?.aborted) throw new DiskError('cancelled', 'Cancelled before it began.');
    const thread = this.#openThread();
    const { port1, port2 } = new MessageChannel();
    const cancel = (): void => port1.postMessage({ kind: 'cancel' } satisfies JobRequest);
    signal?.addEventListener('abort', cancel, { once: true });
    port1.onmessage = ({ data }: MessageEvent<JobMessage>) => onProgress?.(data.progress);
    try {
      const id = await unwrap(start(thread.control, transfer(port2, [port2])));
      return await this.#find(id);
    } finally {
      signal?.removeEventListener('abort', cancel);
      port1.close();
      void thread.close();
    }
  }
}

function absolute(url: string): string {
  try {
    return new URL(url, location.href).href;
  } catch {
    throw new DiskError('not-found', `This is not an address: ${url}`);
  }
}
