/**
 * The disk library's face: the images a browser keeps for its user. A disk is a chain of layers: its own
 * changes over an immutable base that clones and resets share. Everything is asynchronous: a thread of its
 * own does the work, and changes made in another tab show too.
 */
import { DiskError, type DiskErrorKind } from '../emu/storage/disk-error.ts';
import type { DiskDescription, DiskProgress } from '../emu/storage/disk-info.ts';
import type { DiskOrigin } from '../emu/storage/disk-records.ts';
import type { ByteSource } from './api.ts';
import type { DiskFiles } from './disk-files.ts';

export { DiskError, type DiskErrorKind, type DiskOrigin, type DiskProgress };

export interface DiskInfo extends DiskDescription {
  /** A machine writes to it now, here or in another tab. */
  readonly inUse: 'no' | 'this-tab' | 'other-tab';
}

export interface ImportOptions {
  readonly source: Exclude<ByteSource, Uint8Array>;
  readonly name: string;
  /** Hexadecimal; a file with another sum is refused and leaves nothing behind. */
  readonly sha256?: string;
  /** Grows the disk beyond its image, in bytes. */
  readonly sizeBytes?: number;
  /** Fetches and decodes only the blocks that the guest touches; needs a server that answers ranges. */
  readonly onDemand?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DiskProgress) => void;
}

export interface ResumeOptions extends Pick<ImportOptions, 'signal' | 'onProgress'> {
  readonly file?: Blob;
}

export type ExportFormat = 'raw' | 'raw-gzip' | 'qcow2' | 'overlay';

export interface StorageMeter {
  readonly usedBytes: number;
  /** Absent when the browser does not tell. */
  readonly quotaBytes?: number;
  /** Whether the browser promised not to clear this site's storage by itself. */
  readonly isPersistent: boolean;
  /** False where nothing can be kept (private windows of some browsers, blocked storage). */
  readonly isAvailable: boolean;
}

/** Every method that fails rejects with a DiskError and leaves the library as it was. */
export interface DiskLibrary {
  list(): Promise<readonly DiskInfo[]>;
  /** Calls `listener` after every change, also those of other tabs; the result takes it off again. */
  onChange(listener: () => void): () => void;
  /** Brings an image in; an import that was cut off by a closed tab can be taken up again. */
  import(options: ImportOptions): Promise<DiskInfo>;
  /** Imports that were cut off and can go on, newest first. */
  unfinishedImports(): Promise<readonly UnfinishedImport[]>;
  /** A picked file has to be picked again: pages may not keep it. */
  resumeImport(id: string, options: ResumeOptions): Promise<DiskInfo>;
  discardImport(id: string): Promise<void>;
  createEmpty(options: { readonly name: string; readonly sizeBytes: number }): Promise<DiskInfo>;
  /**
   * At once, whatever the size: both disks share what they have in common from now on. Of a disk that a machine of
   * this tab writes, the clone is what a loss of power would leave: what the guest has not sent to it is missing.
   */
  clone(id: string, name: string): Promise<DiskInfo>;
  rename(id: string, name: string): Promise<void>;
  /**
   * Grows at once, also under a guest of this tab that runs; shrinking drops what lies behind the new end,
   * and needs a disk that nobody uses.
   */
  resize(id: string, sizeBytes: number): Promise<void>;
  /** Drops every change since the import or the clone. */
  reset(id: string): Promise<void>;
  delete(id: string): Promise<void>;
  /** The image as a stream, so that no size has to fit into memory. */
  export(
    id: string,
    format: ExportFormat,
    options?: Pick<ImportOptions, 'signal' | 'onProgress'>,
  ): Promise<{ readonly fileName: string; readonly stream: ReadableStream<Uint8Array> }>;
  /** The files inside a disk that no machine writes to. */
  files(id: string): DiskFiles;
  meter(): Promise<StorageMeter>;
  /** Asks the browser to keep this site's data; the answer is the browser's. */
  requestPersistence(): Promise<boolean>;
}

export interface UnfinishedImport {
  readonly id: string;
  readonly name: string;
  readonly origin: DiskOrigin;
  readonly doneBytes: number;
  readonly totalBytes?: number;
}
