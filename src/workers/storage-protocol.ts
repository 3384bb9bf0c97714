/**
 * What pages ask of a storage thread. Errors cross threads as values: structured clone keeps no class and no
 * field of an exception. What flows (blocks, progress, exported bytes) goes over ports of its own.
 */
import type { DiskError, DiskErrorKind } from '../emu/storage/disk-error.ts';
import type { DiskDescription } from '../emu/storage/disk-info.ts';

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly kind: DiskErrorKind; readonly message: string };

export interface DiskStatus extends DiskDescription {
  /** Some machine writes to it, in whatever tab. */
  readonly isWritten: boolean;
}

export interface StorageControl {
  list(): Promise<Outcome<readonly DiskStatus[]>>;
  createEmpty(name: string, sizeBytes: number): Promise<Outcome<string>>;
  clone(id: string, name: string): Promise<Outcome<string>>;
  rename(id: string, name: string): Promise<Outcome<void>>;
  resize(id: string, sizeBytes: number): Promise<Outcome<void>>;
  reset(id: string): Promise<Outcome<void>>;
  delete(id: string): Promise<Outcome<void>>;
  /** Serves the disk at the other end of the port until `closeDisks`; tells its size. */
  serve(id: string, mode: 'write' | 'read', port: MessagePort): Promise<Outcome<number>>;
  /** Keeps what is not kept yet, and lets go of every disk that this thread serves. */
  closeDisks(): Promise<Outcome<void>>;
}

/** Other threads and tabs hear on this BroadcastChannel that something about the disks has changed. */
export const CHANGES_CHANNEL = 'bramble-disks';

/** The kind and words of anything thrown. */
export type ErrorWords = Pick<DiskError, 'kind' | 'message'>;
