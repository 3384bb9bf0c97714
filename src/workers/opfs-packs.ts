/**
 * Packs in the origin private file system (File System Standard, 2.4 to 2.6), which a thread reads and writes
 * without a detour through the browser's process: a hundred times as fast as IndexedDB for small reads.
 */
import { StorageError } from '../emu/storage/block-store.ts';
import type { PackFile, PackFiles, PackWriter } from '../emu/storage/pack.ts';
import { asStorageError, withStorageErrors } from './disk-failure.ts';

const FOLDER = 'bramble-packs';

/** Not in TypeScript's library yet: several readers at a time, where a browser knows them. */
interface SharedHandle extends FileSystemSyncAccessHandle {
  readonly mode?: 'readwrite' | 'read-only' | 'readwrite-unsafe';
}
interface SharingFileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(options?: { readonly mode: 'read-only' }): Promise<SharedHandle>;
}

/** Undefined where the browser has no such files for this page. */
export async function openOpfsPacks(): Promise<PackFiles | undefined> {
  // Pages without TLS have no StorageManager.
  const manager: StorageManager | undefined = navigator.storage;
  if (!manager?.getDirectory || !('createSyncAccessHandle' in FileSystemFileHandle.prototype))
    return undefined;
  try {
    const root = await manager.getDirectory();
    return new OpfsPacks(await root.getDirectoryHandle(FOLDER, { create: true }));
  } catch {
    // Some private windows have the interface and refuse its use.
    return undefined;
  }
}

class OpfsPacks implements PackFiles {
  readonly #folder: FileSystemDirectoryHandle;

  constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  open(name: string): Promise<PackFile> {
    return withStorageErrors(async () => {
      const file = (await this.#folder.getFileHandle(name)) as SharingFileHandle;
      const handle = await file.createSyncAccessHandle({ mode: 'read-only' }).catch(() => undefined);
      if (handle?.mode === 'read-only') return new SharedPack(handle);
      // The browser knows one reader only, which would lock others out.
      handle?.close();
      return new SlicedPack(await file.getFile());
    });
  }

  write(name: string): Promise<PackWriter> {
    return withStorageErrors(async () => {
      const file = await this.#folder.getFileHandle(name, { create: true });
      return new OpfsWriter(await file.createSyncAccessHandle());
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

class SharedPack implements PackFile {
  readonly #handle: FileSystemSyncAccessHandle;
  constructor(handle: FileSystemSyncAccessHandle) {
    this.#handle = handle;
  }

  read(offset: number, target: Uint8Array): void {
    let count: number;
    try {
      count = this.#handle.read(target as Uint8Array<ArrayBuffer>, { at: offset });
    } catch (failure) {
      throw asStorageError(failure);
    }
    checkLength(count, target);
  }

  close(): void {
    this.#handle.close();
  }
}

/** Reads through the browser's process, as of any file. */
class SlicedPack implements PackFile {
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

class OpfsWriter implements PackWriter {
  readonly #handle: FileSystemSyncAccessHandle;
  constructor(handle: FileSystemSyncAccessHandle) {
    this.#handle = handle;
  }

  write(offset: number, bytes: Uint8Array): void {
    let count: number;
    try {
      count = this.#handle.write(bytes as Uint8Array<ArrayBuffer>, { at: offset });
    } catch (failure) {
      throw asStorageError(failure);
    }
    // A disk that is full may take a part (File System Standard, 2.6.1); Chromium gives an error's number, too.
    if (count !== bytes.length) throw new StorageError('quota', 'the computer has no more room');
  }

  flush(): void {
    try {
      this.#handle.flush();
    } catch (failure) {
      throw asStorageError(failure);
    }
  }

  close(): void {
    this.#handle.close();
  }
}

function checkLength(count: number, target: Uint8Array): void {
  if (count !== target.length) throw new StorageError('io', 'a file of the browser’s storage is too short');
}
