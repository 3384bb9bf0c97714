/**
 * Files in which layers keep their chunks, by the names of the layers. One writer has a file to itself; once
 * nobody writes it any more, any number of threads may read it.
 */
import type { MaybePromise } from './block-store.ts';

/** Its methods throw or reject with a StorageError, and so do those of the others here. */
export interface ReadableFile {
  /** Fills `target`. */
  read(offset: number, target: Uint8Array): MaybePromise<void>;
  close(): void;
}

/** What fails for want of room is of kind `quota`, and may have been written in part. */
export interface WritableFile extends ReadableFile {
  readonly sizeBytes: number;
  read(offset: number, target: Uint8Array): void;
  write(offset: number, bytes: Uint8Array): void;
  truncate(sizeBytes: number): void;
  /** What was written before is durable afterwards. */
  flush(): void;
}

export interface ChunkFiles {
  open(name: string): Promise<ReadableFile>;
  /** Makes the file where there is none. */
  openToWrite(name: string): Promise<WritableFile>;
  /** Nothing happens when there is none. */
  delete(name: string): Promise<void>;
  names(): Promise<string[]>;
}
