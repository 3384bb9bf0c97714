/** Files in memory: for tests, which also ask what a crash leaves. */
import { StorageError } from './block-store.ts';
import type { ChunkFiles, ReadableFile, WritableFile } from './chunk-files.ts';

/** A crash loses any part of what came after the last flush: how much of one step is left, from 0 to all. */
export type CrashChance = () => number;

/** A write, or a new end where there are no bytes. */
interface Step {
  readonly at: number;
  readonly bytes?: Uint8Array;
}

/** Bytes whose end moves. */
class Extent {
  private room = new Uint8Array(0);
  length = 0;

  static of(bytes: Uint8Array): Extent {
    const extent = new Extent();
    extent.carryOut({ at: 0, bytes });
    return extent;
  }

  get bytes(): Uint8Array {
    return this.room.subarray(0, this.length);
  }

  carryOut({ at, bytes }: Step): void {
    const end = bytes ? Math.max(this.length, at + bytes.length) : at;
    if (end > this.room.length) {
      const grown = new Uint8Array(2 * end);
      grown.set(this.bytes);
      this.room = grown;
    }
    if (end < this.length) this.room.fill(0, end, this.length);
    this.length = end;
    if (bytes) this.room.set(bytes, at);
  }
}

class Contents {
  now = new Extent();
  unflushed: Step[] = [];
  isWritten = false;
  readers = 0;
  private durable = new Uint8Array(0);

  carryOut(step: Step): void {
    this.now.carryOut(step);
    this.unflushed.push(step);
  }

  flush(): void {
    this.durable = this.now.bytes.slice();
    this.unflushed = [];
  }

  /** What a crash would leave now. */
  fork(chance: CrashChance): Contents {
    const copy = new Contents();
    copy.now = Extent.of(this.durable);
    for (const { at, bytes } of this.unflushed) {
      const share = chance();
      const torn = bytes?.subarray(0, Math.ceil(bytes.length * share));
      if (share > 0) copy.now.carryOut({ at, ...(torn && { bytes: torn }) });
    }
    copy.flush();
    return copy;
  }
}

export class MemoryFiles implements ChunkFiles {
  private readonly files = new Map<string, Contents>();
  /** Bytes for which there is room in one file; all that is beyond fails. */
  roomBytes = Number.POSITIVE_INFINITY;
  /** Is called before anything changes in a file. */
  onChange: () => void = () => {};

  /** What a crash would leave now. */
  fork(chance: CrashChance = () => 0): MemoryFiles {
    const copy = new MemoryFiles();
    for (const [name, file] of this.files) copy.files.set(name, file.fork(chance));
    return copy;
  }

  sizeOf(name: string): number | undefined {
    return this.files.get(name)?.now.length;
  }

  async open(name: string): Promise<ReadableFile> {
    const file = this.files.get(name);
    if (!file || file.isWritten) throw new StorageError('io', `the file ${name} cannot be read`);
    file.readers++;
    return { read: (offset, target) => readFrom(file.now, offset, target), close: () => void file.readers-- };
  }

  async openToWrite(name: string): Promise<WritableFile> {
    const file = this.files.get(name) ?? new Contents();
    if (file.isWritten || file.readers > 0) throw new StorageError('io', `the file ${name} is in use`);
    file.isWritten = true;
    this.files.set(name, file);
    const carryOut = (step: Step): void => {
      this.onChange();
      if (!file.isWritten) throw new StorageError('io', `the file ${name} is closed`);
      file.carryOut(step);
    };
    return {
      get sizeBytes() {
        return file.now.length;
      },
      read: (offset, target) => readFrom(file.now, offset, target),
      write: (at, bytes) => {
        if (at + bytes.length <= this.roomBytes) return carryOut({ at, bytes: bytes.slice() });
        carryOut({ at, bytes: bytes.slice(0, Math.max(0, this.roomBytes - at)) });
        throw new StorageError('quota', 'there is no room');
      },
      truncate: (at) => carryOut({ at }),
      flush: () => {
        this.onChange();
        file.flush();
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

function readFrom({ bytes }: Extent, offset: number, target: Uint8Array): void {
  if (offset + target.length > bytes.length) throw new StorageError('io', 'the file is too short');
  target.set(bytes.subarray(offset, offset + target.length));
}
