/**
 * What a disk is to the engine: a range of bytes that is read, written, flushed and trimmed.
 * Stores compose (an overlay over a file, a cache over an overlay). A method may finish at once or later;
 * calls may overlap, and a store keeps the order of overlapping writes.
 */
export type MaybePromise<T> = T | Promise<T>;

export interface BlockStore {
  /** Size in bytes: a multiple of 512. It can change where `watchSize` is there to tell. */
  readonly size: number;
  readonly readOnly: boolean;
  /** Fills `target` with the bytes at `offset`. Rejects with a StorageError. */
  read(offset: number, target: Uint8Array): MaybePromise<void>;
  /**
   * Writes all of `source`; it is visible to reads at once and durable after the next flush. What fails for
   * want of room (`quota`) is visible all the same, and the next flush tries again to keep it.
   */
  write(offset: number, source: Uint8Array): MaybePromise<void>;
  /** Resolves when every write that came before is durable. */
  flush(): MaybePromise<void>;
  /** Says that the range is no longer needed; it reads as zeros afterwards. */
  discard(offset: number, length: number): MaybePromise<void>;
  /** Lets go of what it and the stores below have open, as often as it is called; nothing may be under way. */
  close?(): void;
  /** Calls `listener`, and none that came before, whenever the size has changed. */
  watchSize?(listener: () => void): void;
}

/** A store that cannot do what was asked; the guest sees an I/O error. */
export class StorageError extends Error {
  readonly kind: 'out-of-range' | 'read-only' | 'quota' | 'io';
  constructor(kind: StorageError['kind'], message: string) {
    super(message);
    this.name = 'StorageError';
    this.kind = kind;
  }
}
