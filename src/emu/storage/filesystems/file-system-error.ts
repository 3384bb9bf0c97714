/**
 * The one error of partition tables and file systems. Whatever an image holds, reading it ends in bytes or in
 * a FileSystemError; an image can cause no other exception, no endless loop and no unbounded memory.
 */

export type FileSystemErrorKind =
  /** There is no partition table or file system that is known here. */
  | 'not-recognised'
  /** A known file system uses a feature that is not implemented; the message names it. */
  | 'unsupported'
  /** A structure contradicts itself, its checksum or the size of the disk. */
  | 'corrupt'
  | 'no-such-partition'
  | 'no-such-file'
  | 'not-a-directory'
  | 'is-a-directory'
  | 'not-a-file'
  | 'exists'
  | 'not-empty'
  | 'bad-name'
  | 'no-space'
  | 'read-only'
  /** More than is read or written at once here. */
  | 'too-large'
  /** The store below failed. */
  | 'io';

/** The message says what is wrong and where, in words for a user. */
export class FileSystemError extends Error {
  readonly kind: FileSystemErrorKind;
  constructor(kind: FileSystemErrorKind, message: string) {
    super(message);
    this.name = 'FileSystemError';
    this.kind = kind;
  }
}

export function corrupt(message: string): FileSystemError {
  return new FileSystemError('corrupt', message);
}
