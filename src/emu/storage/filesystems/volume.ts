/**
 * What every file system looks like from outside. Paths are POSIX: components between slashes, the root is
 * `/`. Every method rejects, and every iteration throws, with a FileSystemError and nothing else.
 */
import { FileSystemError } from './file-system-error.ts';

export type VolumeKind = 'fat12' | 'fat16' | 'fat32' | 'ext2' | 'ext3' | 'ext4';

export type FileKind = 'file' | 'directory' | 'symlink' | 'device' | 'fifo' | 'socket';

export interface FileStatus {
  readonly kind: FileKind;
  readonly sizeBytes: number;
  /** Milliseconds since 1970 UTC. FAT stores local time without its zone: it is taken as UTC. */
  readonly modifiedMs: number;
  /** POSIX permissions and owner; a FAT has none. */
  readonly owner?: FileOwner;
  /** Where a symbolic link leads, as it is stored. */
  readonly target?: string;
}

export interface FileOwner {
  /** The lower twelve bits of st_mode. */
  readonly permissions: number;
  readonly user: number;
  readonly group: number;
}

export interface DirectoryEntry extends FileStatus {
  readonly name: string;
}

export interface Volume {
  readonly kind: VolumeKind;
  /** Empty when it has none. */
  readonly label: string;
  readonly sizeBytes: number;
  /** What a user should know about how it is read, for example that its journal was applied. */
  readonly notes: readonly string[];
  freeBytes(): Promise<number>;
  /** Without `.` and `..`, in the order of the disk. Links in the path are followed. */
  list(path: string): Promise<readonly DirectoryEntry[]>;
  /** Of a link itself; links earlier in the path are followed. */
  stat(path: string): Promise<FileStatus>;
  /** A file's contents piece by piece; links are followed. */
  read(path: string): AsyncIterable<Uint8Array>;
  /** Absent when this volume cannot be written. */
  readonly changes?: VolumeChanges;
}

/** Each change is complete and durable when its promise resolves; changes asked for at once happen in turn. */
export interface VolumeChanges {
  /** Creates or replaces a file; its directory exists. */
  write(path: string, contents: Uint8Array): Promise<void>;
  /** Removes a file or an empty directory. */
  remove(path: string): Promise<void>;
  makeDirectory(path: string): Promise<void>;
}

/** Largest directory that is read, in bytes: a guard against hostile sizes, far above real ones. */
export const LARGEST_DIRECTORY_BYTES = 64 * 2 ** 20;

/** Contents are read in pieces of about this size. */
export const PIECE_BYTES = 2 ** 20;

/** The components of a path, `.` left out; `..` stays, because links decide what it means. */
export function componentsOf(path: string): string[] {
  if (path.includes('\0')) throw new FileSystemError('bad-name', 'a path cannot contain a NUL character');
  return path.split('/').filter((component) => component !== '' && component !== '.');
}

/** All of a file, refused when it has more than `limit` bytes. */
export async function readWhole(volume: Volume, path: string, limit: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of volume.read(path)) {
    length += piece.length;
    if (length > limit)
      throw new FileSystemError(
        'too-large',
        `${path} has more than the ${limit} bytes that can be read here`,
      );
    pieces.push(piece);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
