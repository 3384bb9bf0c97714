/** An import that has begun: enough to go on after its tab was closed, or to clear away what it brought. */
import type { DiskOrigin } from '../emu/storage/disk-records.ts';
import type { RecordKey } from '../emu/storage/record-store.ts';
import type { Sha256State } from '../emu/storage/sha256.ts';

/** How a file is told to be the same one as before. */
export interface SourceIdentity {
  readonly sizeBytes?: number;
  readonly lastModified?: string;
  readonly etag?: string;
}

export interface ImportRecord {
  readonly id: string;
  readonly name: string;
  readonly origin: DiskOrigin;
  readonly identity: SourceIdentity;
  /** Where its chunks are; the layer has no record of its own before the end. */
  readonly layer: string;
  /** The layer is in a file. */
  readonly isPacked?: boolean;
  readonly startedMs: number;
  /** Contents up to here are stored; a multiple of the chunks' size. */
  readonly storedBytes: number;
  /** How far the file had been read. */
  readonly readBytes: number;
  /** Of the file up to `storedBytes`, where the file is the contents. */
  readonly sum?: Sha256State;
  readonly expectedSha256?: string;
  /** Size of the disk when it is to be larger than its image. */
  readonly diskBytes?: number;
}

export const IMPORT = 'import';
export const importKey = (id: string): RecordKey => [IMPORT, id];

/** Whether two looks saw the same file, as far as both can tell. */
export function isSameFile(a: SourceIdentity, b: SourceIdentity): boolean {
  const agrees = <T>(left: T | undefined, right: T | undefined): boolean =>
    left === undefined || right === undefined || left === right;
  return agrees(a.sizeBytes, b.sizeBytes) && agrees(a.etag, b.etag) && agrees(a.lastModified, b.lastModified);
}
