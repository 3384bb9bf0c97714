/** The one way in which a file that is not a usable image is refused. */

export type ImageErrorKind =
  /** The contents are of no known kind, or hold no image. */
  | 'unknown'
  /** The file ends before what it promises. */
  | 'truncated'
  /** A field or a table contradicts the format, itself, or the size of the file. */
  | 'corrupt'
  /** The contents were decoded and do not have the sum that was stored with them. */
  | 'checksum'
  /** A variant of the format that is known and not supported; the message says what to do instead. */
  | 'unsupported'
  /** Larger than the limits here; the message names the limit. */
  | 'too-large';

/** The message says what is wrong and where, in words for the user. */
export class ImageError extends Error {
  readonly kind: ImageErrorKind;
  /** The message without the place. */
  readonly reason: string;
  /** Where in the file, in bytes from its start, when there is such a place. */
  readonly offset: number | undefined;

  constructor(kind: ImageErrorKind, message: string, offset?: number) {
    super(offset === undefined ? message : `${message} (at byte ${offset})`);
    this.name = 'ImageError';
    this.kind = kind;
    this.reason = message;
    this.offset = offset;
  }
}
