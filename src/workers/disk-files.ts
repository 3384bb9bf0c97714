/**
 * Files inside the library's disks. Each call opens the disk, does one thing and lets go of it, so that a
 * machine can have the disk at any other time; while one writes to it, the files are not to be had.
 */
import type { BlockStore } from '../emu/storage/block-store.ts';
import type { DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import { FileSystemError } from '../emu/storage/filesystems/file-system-error.ts';
import { openVolume, readDiskLayout } from '../emu/storage/filesystems/open-volume.ts';
import type { Partition } from '../emu/storage/filesystems/partitions/partition-table.ts';
import type { DirectoryEntry, Volume } from '../emu/storage/filesystems/volume.ts';
import type { DiskVolume, ExportedFile, FileChange, FilePlace } from './storage-protocol.ts';

export class DiskFileAccess {
  readonly #catalogue: DiskCatalogue;
  readonly #nowMs: () => number;

  constructor(catalogue: DiskCatalogue, nowMs: () => number) {
    this.#catalogue = catalogue;
    this.#nowMs = nowMs;
  }

  volumes(id: string): Promise<readonly DiskVolume[]> {
    return this.#withDisk(id, 'read', async (store) => {
      const { scheme, partitions } = await readDiskLayout(store);
      if (scheme === 'none') return [await describe(store)];
      const volumes: DiskVolume[] = [];
      for (const partition of partitions) volumes.push(await describe(store, partition));
      return volumes;
    });
  }

  list(place: FilePlace): Promise<readonly DirectoryEntry[]> {
    return this.#withVolume(place, 'read', (volume) => volume.list(place.path));
  }

  /** The file's size is known at once; the disk is opened again when the first bytes are wanted. */
  async read(
    place: FilePlace,
  ): Promise<ExportedFile & { readonly stream: AsyncGenerator<Uint8Array<ArrayBuffer>> }> {
    const { sizeBytes } = await this.#withVolume(place, 'read', (volume) => volume.stat(place.path));
    const fileName = place.path.slice(place.path.lastIndexOf('/') + 1);
    return { fileName, totalBytes: sizeBytes, stream: this.#pieces(place) };
  }

  change(place: FilePlace, change: FileChange): Promise<void> {
    return this.#withVolume(place, 'write', async ({ changes, kind }) => {
      if (!changes) throw new FileSystemError('read-only', `Files on ${kind} can be read, not changed`);
      if (change.kind === 'write') await changes.write(place.path, change.contents);
      else if (change.kind === 'remove') await changes.remove(place.path);
      else await changes.makeDirectory(place.path);
    });
  }

  async *#pieces({ id, partition, path }: FilePlace): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { store, release } = await this.#catalogue.open(id, 'read');
    try {
      const volume = await openVolume(store, partition === undefined ? {} : { partition });
      // Copies: what is sent away is transferred, and may be part of a cache.
      for await (const piece of volume.read(path)) yield new Uint8Array(piece);
    } finally {
      release();
    }
  }

  #withVolume<T>(
    { id, partition }: FilePlace,
    mode: 'read' | 'write',
    work: (volume: Volume) => Promise<T>,
  ): Promise<T> {
    return this.#withDisk(id, mode, async (store) =>
      work(await openVolume(store, { nowMs: this.#nowMs, ...(partition !== undefined && { partition }) })),
    );
  }

  async #withDisk<T>(
    id: string,
    mode: 'read' | 'write',
    work: (store: BlockStore) => Promise<T>,
  ): Promise<T> {
    // Without this thread's cache: another thread may have written to the disk since.
    const { store, release } = await this.#catalogue.open(id, mode);
    try {
      return await work(store);
    } finally {
      release();
    }
  }
}

async function describe(store: BlockStore, partition?: Partition): Promise<DiskVolume> {
  return {
    sizeBytes: partition?.sizeBytes ?? store.size,
    contents: await contentsOf(store, partition),
    ...(partition && { partition: partition.number, type: partition.type }),
    ...(partition?.name !== undefined && { name: partition.name }),
  };
}

async function contentsOf(store: BlockStore, partition?: Partition): Promise<DiskVolume['contents']> {
  try {
    const volume = await openVolume(store, partition ? { partition: partition.number } : {});
    const { kind, label, notes } = volume;
    return { kind, label, notes, freeBytes: await volume.freeBytes(), isWritable: kind.startsWith('fat') };
  } catch (failure) {
    if (!(failure instanceof FileSystemError) || failure.kind === 'io') throw failure;
    return { kind: 'unknown', problem: failure.message };
  }
}
