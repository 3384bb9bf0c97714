/** Files inside a disk of the library, as a page reads and writes them; the storage thread does the work. */
import { transfer } from 'comlink';
import type { DirectoryEntry } from '../emu/storage/filesystems/volume.ts';
import type { DiskVolume, FileChange, FilePlace } from '../workers/storage-protocol.ts';
import { pulledStream } from './pulled-stream.ts';
import { type StorageThread, unwrap } from './storage-thread.ts';

export type { DirectoryEntry, DiskVolume };

/** Where on the disk: a path in a partition, or without one in the file system on the whole disk. */
export type PathOnDisk = Pick<FilePlace, 'partition' | 'path'>;

/**
 * Every method rejects with a DiskError that says what is wrong; `in-use` while a machine writes to the disk.
 * Files on a FAT can be changed, those on ext2, ext3 and ext4 are read.
 */
export interface DiskFiles {
  /** The partitions of the disk, or the one file system on it. */
  volumes(): Promise<readonly DiskVolume[]>;
  list(place: PathOnDisk): Promise<readonly DirectoryEntry[]>;
  read(
    place: PathOnDisk,
  ): Promise<{ readonly fileName: string; readonly stream: ReadableStream<Uint8Array> }>;
  /** Creates or replaces a file; resolves when it is durable. */
  write(place: PathOnDisk, contents: Uint8Array): Promise<void>;
  /** A file or an empty directory. */
  remove(place: PathOnDisk): Promise<void>;
  makeDirectory(place: PathOnDisk): Promise<void>;
}

export class StoredDiskFiles implements DiskFiles {
  readonly #threadControl: () => StorageThread['control'];
  readonly #id: string;

  constructor(control: () => StorageThread['control'], id: string) {
    this.#threadControl = control;
    this.#id = id;
  }

  volumes(): Promise<readonly DiskVolume[]> {
    return unwrap(this.#threadControl().volumes(this.#id));
  }

  list(place: PathOnDisk): Promise<readonly DirectoryEntry[]> {
    return unwrap(this.#threadControl().listFiles({ id: this.#id, ...place }));
  }

  async read(place: PathOnDisk) {
    const { port1, port2 } = new MessageChannel();
    try {
      const answer = this.#threadControl().readFile({ id: this.#id, ...place }, transfer(port2, [port2]));
      const { fileName, totalBytes } = await unwrap(answer);
      return { fileName, stream: pulledStream(port1, {}, totalBytes, () => port1.close()) };
    } catch (failure) {
      port1.close();
      throw failure;
    }
  }

  write(place: PathOnDisk, contents: Uint8Array): Promise<void> {
    return this.#change(place, { kind: 'write', contents });
  }

  remove(place: PathOnDisk): Promise<void> {
    return this.#change(place, { kind: 'remove' });
  }

  makeDirectory(place: PathOnDisk): Promise<void> {
    return this.#change(place, { kind: 'make-directory' });
  }

  #change(place: PathOnDisk, change: FileChange): Promise<void> {
    return unwrap(this.#threadControl().changeFile({ id: this.#id, ...place }, change));
  }
}
