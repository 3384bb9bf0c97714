/** How everything that handles disks for a user fails. */

/** What went wrong, for a program. */
export type DiskErrorKind =
  | 'bad-image'
  | 'wrong-checksum'
  | 'network'
  | 'cross-origin'
  | 'no-ranges'
  | 'quota'
  | 'in-use'
  | 'not-found'
  /** A file inside a disk, or its file system, does not allow it. */
  | 'file-system'
  | 'unavailable'
  | 'cancelled'
  | 'io';

/** The message says what happened, where, and what to do next. */
export class DiskError extends Error {
  readonly kind: DiskErrorKind;
  constructor(kind: DiskErrorKind, message: string) {
    super(message);
    this.name = 'DiskError';
    this.kind = kind;
  }
}
