/** What is told about disks; numbers in bytes. */
import type { DiskOrigin } from './disk-records.ts';

export interface DiskDescription {
  /** Never changes and never comes back. */
  readonly id: string;
  readonly name: string;
  /** Size that the guest sees, in bytes. */
  readonly sizeBytes: number;
  /** Storage that deleting this disk would free. */
  readonly ownBytes: number;
  /** Storage it shares with other disks (its base). */
  readonly sharedBytes: number;
  readonly origin: DiskOrigin;
  /** In words: `raw, xz-compressed`, `qcow2 version 3`; undefined for an empty disk. */
  readonly format?: string;
  /** Names of the disks that share its base. */
  readonly sharesBaseWith: readonly string[];
  /** Whether `reset` would change anything, and what it would free. */
  readonly changedBytes: number;
  /** What was written over the imported image, by this disk and those that it is a clone of. */
  readonly sinceImportBytes: number;
  /** Hexadecimal SHA-256 of the file that was imported, as it came. */
  readonly sha256?: string;
  readonly createdMs: number;
  readonly lastUsedMs?: number;
}

/** What a long job is doing; `totalBytes` is absent when nobody told. */
export interface DiskProgress {
  readonly stage: 'fetch' | 'store' | 'verify' | 'export';
  readonly doneBytes: number;
  readonly totalBytes?: number;
}
