/**
 * What pages ask of a storage thread. Errors cross threads as values: structured clone keeps no class and no
 * field of an exception. What flows (blocks, progress, exported bytes) goes over ports of its own.
 */
import type { DiskErrorKind } from '../emu/storage/disk-error.ts';
import type { DiskDescription, DiskProgress } from '../emu/storage/disk-info.ts';
import type { DiskOrigin } from '../emu/storage/disk-records.ts';
import type { DirectoryEntry, VolumeKind } from '../emu/storage/filesystems/volume.ts';

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly kind: DiskErrorKind; readonly message: string };

export interface DiskStatus extends DiskDescription {
  /** Some machine writes to it, in whatever tab. */
  readonly isWritten: boolean;
}

/** An import that was cut off. */
export interface PendingImport {
  readonly id: string;
  readonly name: string;
  readonly origin: DiskOrigin;
  readonly doneBytes: number;
  readonly totalBytes?: number;
}

/** Without `file`, the origin is an address. */
export interface ImportCall {
  readonly name: string;
  readonly origin: DiskOrigin;
  readonly file?: Blob;
  readonly expectedSha256?: string;
  /** The image stays on its server, and what is read of it is fetched then. */
  readonly onDemand?: boolean;
  readonly diskBytes?: number;
}

/** What comes out of a long job's port, and what goes in. */
export type JobMessage = { readonly kind: 'progress'; readonly progress: DiskProgress };
export type JobRequest = { readonly kind: 'cancel' };

export type DiskExportFormat = 'raw' | 'raw-gzip' | 'qcow2' | 'overlay';

/** An exported file comes piece by piece, each for one `pull`. */
export type ExportMessage =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly error: DiskErrorKind; readonly message: string };
export type ExportRequest = { readonly kind: 'pull' } | { readonly kind: 'cancel' };

export interface ExportedFile {
  readonly fileName: string;
  readonly totalBytes?: number;
}

/** A file or directory inside a disk of the library. */
export interface FilePlace {
  /** The disk's. */
  readonly id: string;
  /** Absent for a file system on the whole disk. */
  readonly partition?: number;
  readonly path: string;
}

export type FileChange =
  | { readonly kind: 'write'; readonly contents: Uint8Array }
  | { readonly kind: 'remove' }
  | { readonly kind: 'make-directory' };

/** What a partition, or the whole disk, has in it. */
export interface DiskVolume {
  /** Absent for a file system on the whole disk. */
  readonly partition?: number;
  readonly sizeBytes: number;
  /** What the partition table says it is for, and its name there. */
  readonly type?: string;
  readonly name?: string;
  readonly contents:
    | {
        readonly kind: VolumeKind;
        readonly label: string;
        readonly freeBytes: number;
        readonly isWritable: boolean;
        readonly notes: readonly string[];
      }
    /** Why its files cannot be read. */
    | { readonly kind: 'unknown'; readonly problem: string };
}

/** What a thread tells by itself about the disks that it serves. */
export type ServedNews =
  /** Whether all that guests wrote is kept; told when that changes. */
  | { readonly kind: 'writes'; readonly areKept: boolean }
  /** Another tab has taken the disk of this name over: nothing is kept any more. */
  | { readonly kind: 'lost'; readonly name: string };

export interface StorageControl {
  list(): Promise<Outcome<readonly DiskStatus[]>>;
  createEmpty(name: string, sizeBytes: number): Promise<Outcome<string>>;
  clone(id: string, name: string): Promise<Outcome<string>>;
  rename(id: string, name: string): Promise<Outcome<void>>;
  resize(id: string, sizeBytes: number): Promise<Outcome<void>>;
  reset(id: string): Promise<Outcome<void>>;
  delete(id: string): Promise<Outcome<void>>;
  unfinishedImports(): Promise<Outcome<readonly PendingImport[]>>;
  /** Gives the new disk's id. */
  import(call: ImportCall, port: MessagePort): Promise<Outcome<string>>;
  /** A file has to be picked again. */
  resumeImport(id: string, file: Blob | undefined, port: MessagePort): Promise<Outcome<string>>;
  discardImport(id: string): Promise<Outcome<void>>;
  /** The bytes come out of the port, and are given on its `pull`s. */
  export(id: string, format: DiskExportFormat, port: MessagePort): Promise<Outcome<ExportedFile>>;
  /** Serves the disk at the other end of the port until `closeDisks`; tells its size. */
  serve(id: string, mode: 'write' | 'read', port: MessagePort): Promise<Outcome<number>>;
  volumes(id: string): Promise<Outcome<readonly DiskVolume[]>>;
  listFiles(place: FilePlace): Promise<Outcome<readonly DirectoryEntry[]>>;
  /** The bytes come out of the port, and are given on its `pull`s. */
  readFile(place: FilePlace, port: MessagePort): Promise<Outcome<ExportedFile>>;
  changeFile(place: FilePlace, change: FileChange): Promise<Outcome<void>>;
  /** Tells `ServedNews` through the port from now on. */
  watchServed(port: MessagePort): Promise<Outcome<void>>;
  /** Gives a disk that this thread serves for writing more room; its machine is told. */
  growServed(id: string, sizeBytes: number): Promise<Outcome<void>>;
  /** Clones a disk that this thread serves for writing, as it is at an instant at which nothing of it is under way. */
  cloneServed(id: string, name: string): Promise<Outcome<string>>;
  /** Keeps what is not kept yet, and lets go of every disk that this thread serves. */
  closeDisks(): Promise<Outcome<void>>;
}

/** Other threads and tabs hear on this BroadcastChannel that something about the disks has changed. */
export const CHANGES_CHANNEL = 'bramble-disks';
