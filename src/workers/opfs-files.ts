/**
 * Files of layers in the origin private file system (File System Standard, 2.4 to 2.6), which a thread reads and
 * writes without a detour through the browser's process: a hundred times as fast as IndexedDB for small reads.
 */
import { StorageError } from '../emu/storage/block-store.ts';
import type { ChunkFiles, ReadableFile, WritableFile } from '../emu/storage/chunk-files.ts';
import { asStorageError, withStorageErrors } from './disk-failure.ts';

/** Named for what was first in it: imported images. */
const FOLDER = 'bramble-packs';
/** A thread that ends leaves its handles and its locks in no order: who has the lock may have to wait for the file. */
const HANDLE_PATIENCE_MS = 2000;
const HANDLE_RETRY_MS = 50;

/** Not in TypeScript's library yet: several readers at a time, where a browser knows them. */
interface SharedHandle extends FileSystemSyncAccessHandle {
  readonly mode?: 'readwrite' | 'read-only' | 'readwrite-unsafe';
}
interface SharingFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(options?: { readonly mode: 'read-only' }): Promise<SharedHandle>;
}

/** Undefined where the browser has no such files for this page. */
export async function openOpfsFiles(): Promise<ChunkFiles | undefined> {
  // Pages without TLS have no StorageManager.
  const manager: StorageManager | undefined = navigator.storage;
  if (!manager?.getDirectory || !('createSyncAccessHandle' in FileSystemFileHandle.prototype))
    return undefined;
  try {
    const root = await manager.getDirectory();
    return new OpfsFiles(await root.getDirectoryHandle(FOLDER, { create: true }));
  } catch {
    // Some private windows have the interface and refuse its use.
    return undefined;
  }
}

class OpfsFiles implements ChunkFiles {
  readonly #folder: FileSystemDirectoryHandle;

  constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  open(name: string): Promise<ReadableFile> {
    return withStorageErrors(async () => {
      const file = (await this.#folder.getFileHandle(name)) as SharingFileHandle;
      if (!knowsReaders()) return new SlicedFile(await file.getFile());
      return new SharedFile(await whenFree(() => file.createSyncAccessHandle({ mode: 'read-only' })));
    });
  }

  openToWrite(name: string): Promise<WritableFile> {
    return withStorageErrors(async () => {
      const file = await this.#folder.getFileHandle(name, { create: true });
      return new OwnFile(await whenFree(() => file.createSyncAccessHandle()));
    });
  }

  async delete(name: string): Promise<void> {
    await this.#folder.removeEntry(name).catch((failure: unknown) => {
      if (!(failure instanceof DOMException && failure.name === 'NotFoundError'))
        throw asStorageError(failure);
    });
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const name of this.#folder.keys()) names.push(name);
    return names;
  }
}

/** Elsewhere a reader locks all others out. */
function knowsReaders(): boolean {
  return 'mode' in FileSystemSyncAccessHandle.prototype;
}

async function whenFree<T>(open: () => Promise<T>): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += HANDLE_RETRY_MS) {
    try {
      return await open();
    } catch (failure) {
      const isTaken = failure instanceof DOMException && failure.name === 'NoModificationAllowedError';
      if (!isTaken) throw failure;
      if (waitedMs >= HANDLE_PATIENCE_MS)
        throw new StorageError('io', 'another tab has a file of this disk open; close it and try again');
      await new Promise((resolve) => setTimeout(resolve, HANDLE_RETRY_MS));
    }
  }
}

class SharedFile implements ReadableFile {
  protected readonly handle: FileSystemSyncAccessHandle;
  constructor(handle: FileSystemSyncAccessHandle) {
    this.handle = handle;
  }

  read(offset: number, target: Uint8Array): void {
    const count = carriedOut(() => this.handle.read(target as Uint8Array<ArrayBuffer>, { at: offset }));
    checkLength(count, target);
  }

  close(): void {
    this.handle.close();
  }
}

/** Reads through the browser's process, as of any file. */
class SlicedFile implements ReadableFile {
  readonly #file: File;
  constructor(file: File) {
    this.#file = file;
  }

  read(offset: number, target: Uint8Array): Promise<void> {
    return withStorageErrors(async () => {
      const bytes = await this.#file.slice(offset, offset + target.length).arrayBuffer();
      checkLength(bytes.byteLength, target);
      target.set(new Uint8Array(bytes));
    });
  }

  close(): void {}
}

class OwnFile extends SharedFile implements WritableFile {
  get sizeBytes(): number {
    return carriedOut(() => this.handle.getSize());
  }

  write(offset: number, bytes: Uint8Array): void {
    const count = carriedOut(() => this.handle.write(bytes as Uint8Array<ArrayBuffer>, { at: offset }));
    // A disk that is full may take a part (File System Standard, 2.6.1); Chromium gives an error's number, too.
    if (count !== bytes.length) throw new StorageError('quota', 'the computer has no more room');
  }

  truncate(sizeBytes: number): void {
    carriedOut(() => this.handle.truncate(sizeBytes));
  }

  flush(): void {
    carriedOut(() => this.handle.flush());
  }
}

function carriedOut<T>(work: () => T): T {
  try {
    return work();
  } catch (failure) {
    throw asStorageError(failure);
  }
}

function checkLength(count: number, target: Uint8Array): void {
  if (count !== target.length) throw new StorageError('io', 'a file of the browser’s storage is too short');
}
