/**
 * Tells the format of a file by its contents: magic numbers at its start, or at its end (a VHD of fixed size
 * has only a footer). A row for each; whatever matches none is a raw image.
 */

export type ImageFormat = 'raw' | 'gzip' | 'xz' | 'zstd' | 'zip' | 'qcow2' | 'vhd';

export interface ImageIdentity {
  readonly format: ImageFormat;
  /** For the user: `xz-compressed`. */
  readonly text: string;
  /**
   * `stream`: the file is decoded from its start to its end (decodeStream). `random`: any part can be read
   * at any time (openImage), as of a raw image.
   */
  readonly access: 'stream' | 'random';
}

/** A file that is known and is not a disk image this project reads; `advice` says what to do with it. */
export interface ForeignFile {
  readonly format: 'foreign';
  readonly text: string;
  readonly advice: string;
}

/** So many bytes from the start of a file are enough to tell its format. */
export const HEAD_BYTES = 512;
/** So many bytes of its end, the footer of a VHD. */
export const TAIL_BYTES = 512;

interface Magic {
  readonly bytes: string;
  readonly at?: number;
}

type FormatRow = (ImageIdentity | ForeignFile) & { readonly head: readonly Magic[] };

const hex = (text: string): string =>
  text.replace(/../g, (digits) => String.fromCharCode(Number.parseInt(digits, 16)));

const CONVERT = 'convert it with "qemu-img convert -O raw"';

/** Order matters only where one magic begins with another's bytes: none does. */
const FORMATS: readonly FormatRow[] = [
  { format: 'gzip', text: 'gzip-compressed', access: 'stream', head: [{ bytes: hex('1f8b08') }] },
  { format: 'xz', text: 'xz-compressed', access: 'stream', head: [{ bytes: hex('fd377a585a00') }] },
  {
    format: 'zstd',
    text: 'zstd-compressed',
    access: 'stream',
    // A frame, or one of the sixteen magic numbers of frames to be skipped.
    head: [
      { bytes: hex('28b52ffd') },
      ...Array.from({ length: 16 }, (_, low) => ({ bytes: hex(`5${low.toString(16)}2a4d18`) })),
    ],
  },
  { format: 'zip', text: 'zip archive', access: 'stream', head: [{ bytes: 'PK\x03\x04' }] },
  { format: 'qcow2', text: 'qcow2', access: 'random', head: [{ bytes: hex('514649fb') }] },
  { format: 'vhd', text: 'VHD', access: 'random', head: [{ bytes: 'conectix' }] },
  {
    format: 'foreign',
    text: 'a bzip2-compressed file',
    advice: 'unpack it with "bunzip2"',
    head: [{ bytes: 'BZh' }],
  },
  {
    format: 'foreign',
    text: 'a 7-Zip archive',
    advice: 'unpack it first',
    head: [{ bytes: hex('377abcaf271c') }],
  },
  {
    format: 'foreign',
    text: 'an lz4-compressed file',
    advice: 'unpack it with "unlz4"',
    head: [{ bytes: hex('04224d18') }],
  },
  { format: 'foreign', text: 'a VHDX image', advice: CONVERT, head: [{ bytes: 'vhdxfile' }] },
  { format: 'foreign', text: 'a VMDK image', advice: CONVERT, head: [{ bytes: 'KDMV' }] },
  {
    format: 'foreign',
    text: 'a VirtualBox image (VDI)',
    advice: CONVERT,
    head: [{ bytes: hex('7f10dabe'), at: 0x40 }],
  },
  {
    format: 'foreign',
    text: 'a web page, not a disk image',
    advice: 'the address may need a login, or lead to a page about the download',
    head: [{ bytes: '<!DOCTYPE' }, { bytes: '<!doctype' }, { bytes: '<html' }, { bytes: '<HTML' }],
  },
];

const VHD_COOKIE: Magic = { bytes: 'conectix' };
const VHD_FIXED: ImageIdentity = { format: 'vhd', text: 'VHD', access: 'random' };
const RAW: ImageIdentity = { format: 'raw', text: 'raw', access: 'random' };

/**
 * @param head the first HEAD_BYTES bytes of the file, or all of a shorter one
 * @param tail its last TAIL_BYTES bytes where the file can be read in any order
 */
export function identifyImage(head: Uint8Array, tail?: Uint8Array): ImageIdentity | ForeignFile {
  const row = FORMATS.find(({ head: magics }) => magics.some((magic) => has(head, magic)));
  if (row) {
    const { head: _, ...identity } = row;
    return identity;
  }
  if (tail && tail.length >= TAIL_BYTES && has(tail.subarray(tail.length - TAIL_BYTES), VHD_COOKIE)) {
    return VHD_FIXED;
  }
  return RAW;
}

function has(bytes: Uint8Array, { bytes: magic, at = 0 }: Magic): boolean {
  if (bytes.length < at + magic.length) return false;
  for (let index = 0; index < magic.length; index++) {
    if (bytes[at + index] !== magic.charCodeAt(index)) return false;
  }
  return true;
}
