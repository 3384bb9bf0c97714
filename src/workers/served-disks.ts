/**
 * The disks that a storage thread serves to a machine, each over a port: what their guest writes is kept after a moment
 * even without a flush, and whoever watches is told how that stands.
 */
import { ChunkCache } from '../emu/storage/chunk-cache.ts';
import type { DiskCatalogue, OpenDisk } from '../emu/storage/disk-catalogue.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import { HeldStore } from '../emu/storage/held-store.ts';
import { serveDisk } from './disk-port.ts';
import type { ServedNews } from './storage-protocol.ts';

/** What a guest wrote and did not flush is kept after so long, as a kernel would do it. */
const WRITE_BACK_MS = 1000;

/** A disk at the other end of a port. */
interface ServedDisk extends Pick<OpenDisk, 'disk' | 'release'> {
  readonly store: HeldStore;
  /** Tells the other end that the size has changed. */
  resized(): void;
}

export class ServedDisks {
  readonly #disks: ServedDisk[] = [];
  readonly #cache = new ChunkCache();
  readonly #watchers: MessagePort[] = [];
  #areKept = true;
  #writeBack: ReturnType<typeof setInterval> | undefined;

  /** Gives the disk's size. */
  async serve(
    catalogue: DiskCatalogue,
    id: string,
    mode: 'write' | 'read',
    port: MessagePort,
  ): Promise<number> {
    const { disk, store: opened, release } = await catalogue.open(id, mode, this.#cache);
    const store = new HeldStore(opened);
    this.#disks.push({ disk, store, release, ...serveDisk(store, port) });
    this.#writeBack ??= setInterval(() => this.#keepWrites(), WRITE_BACK_MS);
    return store.size;
  }

  /** The port is told `ServedNews` from now on. */
  watch(port: MessagePort): void {
    this.#watchers.push(port);
  }

  async grow(catalogue: DiskCatalogue, id: string, sizeBytes: number): Promise<void> {
    const { store, resized } = this.#written(id);
    store.grow(await catalogue.grow(id, sizeBytes));
    resized();
  }

  async clone(catalogue: DiskCatalogue, id: string, name: string): Promise<string> {
    return catalogue.cloneOpen(id, name, this.#written(id).store, this.#cache);
  }

  tellLost(id: string): void {
    const served = this.#disks.find(({ disk }) => disk.id === id);
    if (served) this.#tell({ kind: 'lost', name: served.disk.name });
  }

  /** Keeps what is not kept yet, and lets go of all. */
  async close(): Promise<void> {
    clearInterval(this.#writeBack);
    this.#writeBack = undefined;
    const open = this.#disks.splice(0);
    try {
      await Promise.all(open.map(({ store }) => store.flush()));
    } finally {
      for (const { store, release } of open) {
        store.close();
        release();
      }
      for (const port of this.#watchers.splice(0)) port.close();
    }
  }

  #written(id: string): ServedDisk {
    const served = this.#disks.find(({ disk, store }) => disk.id === id && !store.readOnly);
    if (served) return served;
    throw new DiskError('not-found', 'The disk is not in use by this machine any more.');
  }

  #keepWrites(): void {
    this.#tellWrites();
    for (const { store } of this.#disks) {
      const work = store.isDirty ? store.flush() : store.tidy();
      // What fails stays in memory; the guest's next flush tells it.
      work?.then(
        () => this.#tellWrites(),
        () => {},
      );
    }
  }

  #tellWrites(): void {
    const areKept = this.#disks.every(({ store }) => !store.isDirty);
    if (areKept === this.#areKept) return;
    this.#areKept = areKept;
    this.#tell({ kind: 'writes', areKept });
  }

  #tell(news: ServedNews): void {
    for (const port of this.#watchers) port.postMessage(news);
  }
}
