/** Packs in memory: for tests, which also ask what a crash leaves. */
import { StorageError } from './block-store.ts';
import type { PackFile, PackFiles, PackWriter } from './pack.ts';

interface Contents {
  bytes: Uint8Array;
  /** A crash leaves so much. */
  durableBytes: number;
  isWritten: boolean;
  readers: number;
}

export class MemoryPacks implements PackFiles {
  private readonly files = new Map<string, Contents>();
  /** Bytes for which there is room; all that is beyond fails. */
  roomBytes = Number.POSITIVE_INFINITY;

  /** What a crash would leave now. */
  fork(): MemoryPacks {
    const copy = new MemoryPacks();
    for (const [name, { bytes, durableBytes }] of this.files) {
      const left = bytes.slice(0, durableBytes);
      copy.files.set(name, { bytes: left, durableBytes, isWritten: false, readers: 0 });
    }
    return copy;
  }

  async open(name: string): Promise<PackFile> {
    const file = this.files.get(name);
    if (!file || file.isWritten) throw new StorageError('io', `the file ${name} cannot be read`);
    file.readers++;
    return {
      read(offset, target) {
        if (offset + target.length > file.bytes.length) throw new StorageError('io', 'the file is too short');
        target.set(file.bytes.subarray(offset, offset + target.length));
      },
      close: () => void file.readers--,
    };
  }

  async write(name: string): Promise<PackWriter> {
    const file = this.files.get(name) ?? {
      ...{ bytes: new Uint8Array(0), durableBytes: 0, readers: 0, isWritten: false },
    };
    if (file.isWritten || file.readers > 0) throw new StorageError('io', `the file ${name} is in use`);
    file.isWritten = true;
    this.files.set(name, file);
    return {
      write: (offset, bytes) => {
        if (offset + bytes.length > this.roomBytes) throw new StorageError('quota', 'there is no room');
        const grown = new Uint8Array(Math.max(file.bytes.length, offset + bytes.length));
        grown.set(file.bytes);
        grown.set(bytes, offset);
        file.bytes = grown;
      },
      flush() {
        file.durableBytes = file.bytes.length;
      },
      close() {
        file.isWritten = false;
      },
    };
  }

  async delete(name: string): Promise<void> {
    const file = this.files.get(name);
    if (file && (file.isWritten || file.readers > 0))
      throw new StorageError('io', `the file ${name} is in use`);
    this.files.delete(name);
  }

  async names(): Promise<string[]> {
    return [...this.files.keys()];
  }
}
