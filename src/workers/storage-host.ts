/** A storage thread: the catalogue's operations for pages, and disks served to machines. */
import { StorageError } from '../emu/storage/block-store.ts';
import { ChunkCache } from '../emu/storage/chunk-cache.ts';
import { type CataloguePorts, DiskCatalogue, type OpenDisk } from '../emu/storage/disk-catalogue.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import { serveDisk } from './disk-port.ts';
import type { DiskStatus, ErrorWords, Outcome, StorageControl } from './storage-protocol.ts';

/** What a guest wrote and did not flush is kept after so long, as a kernel would do it. */
const WRITE_BACK_MS = 1000;

export interface StorageHostPorts extends CataloguePorts {
  /** Tells other threads and tabs that something has changed. */
  readonly announce: () => void;
}

export class StorageHost implements StorageControl {
  readonly #ready: Promise<{ readonly ports: StorageHostPorts; readonly catalogue: DiskCatalogue }>;
  readonly #served: OpenDisk[] = [];
  readonly #cache = new ChunkCache();
  #writeBack: ReturnType<typeof setInterval> | undefined;

  constructor(ports: Promise<StorageHostPorts>) {
    this.#ready = ports.then((opened) => ({ ports: opened, catalogue: new DiskCatalogue(opened) }));
    // Whoever asks for something is told.
    this.#ready.catch(() => {});
  }

  list(): Promise<Outcome<readonly DiskStatus[]>> {
    return outcome(async () => {
      const { ports, catalogue } = await this.#ready;
      const [disks, written] = await Promise.all([catalogue.list(), ports.locks.written()]);
      return disks.map((disk) => ({ ...disk, isWritten: written.has(disk.id) }));
    });
  }

  createEmpty(name: string, sizeBytes: number): Promise<Outcome<string>> {
    return this.#change((catalogue) => catalogue.createEmpty(name, sizeBytes));
  }

  clone(id: string, name: string): Promise<Outcome<string>> {
    return this.#change((catalogue) => catalogue.clone(id, name));
  }

  rename(id: string, name: string): Promise<Outcome<void>> {
    return this.#change((catalogue) => catalogue.rename(id, name));
  }

  resize(id: string, sizeBytes: number): Promise<Outcome<void>> {
    return this.#change((catalogue) => catalogue.resize(id, sizeBytes));
  }

  reset(id: string): Promise<Outcome<void>> {
    return this.#change((catalogue) => catalogue.reset(id));
  }

  delete(id: string): Promise<Outcome<void>> {
    return this.#change((catalogue) => catalogue.delete(id));
  }

  serve(id: string, mode: 'write' | 'read', port: MessagePort): Promise<Outcome<number>> {
    return this.#change(async (catalogue) => {
      const opened = await catalogue.open(id, mode, this.#cache);
      this.#served.push(opened);
      serveDisk(opened.store, port);
      this.#writeBack ??= setInterval(() => this.#keepWrites(), WRITE_BACK_MS);
      return opened.store.size;
    });
  }

  closeDisks(): Promise<Outcome<void>> {
    return this.#change(async () => {
      clearInterval(this.#writeBack);
      this.#writeBack = undefined;
      const open = this.#served.splice(0);
      try {
        await Promise.all(open.map(({ store }) => store.flush()));
      } finally {
        for (const { release } of open) release();
      }
    });
  }

  #keepWrites(): void {
    for (const { store } of this.#served) {
      // What fails stays in memory; the guest's next flush tells it.
      if (store.isDirty) Promise.resolve(store.flush()).catch(() => {});
    }
  }

  #change<T>(work: (catalogue: DiskCatalogue) => Promise<T>): Promise<Outcome<T>> {
    return outcome(async () => {
      const { ports, catalogue } = await this.#ready;
      const result = await work(catalogue);
      ports.announce();
      return result;
    });
  }
}

async function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (failure) {
    return { ok: false, ...errorWords(failure) };
  }
}

export function errorWords(failure: unknown): ErrorWords {
  if (failure instanceof DiskError) return { kind: failure.kind, message: failure.message };
  if (failure instanceof StorageError && failure.kind === 'quota') {
    const advice = 'Delete disks that are not needed, or free space on this computer, and try again.';
    return { kind: 'quota', message: `There is no room: ${failure.message}. ${advice}` };
  }
  const message = failure instanceof Error ? failure.message : String(failure);
  return { kind: 'io', message };
}
