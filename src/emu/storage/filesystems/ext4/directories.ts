/**
 * Directories of ext4 (Linux, Documentation/filesystems/ext4/directory.rst), read from the first block to the
 * last: the index of a hashed directory looks like free space to whoever reads so.
 */
import { crc32c } from '../checksums.ts';
import { corrupt, FileSystemError } from '../file-system-error.ts';
import { structure } from '../structure.ts';
import { INODE_FLAGS, type Inode } from './inodes.ts';

const HEADER_BYTES = 8;
/** In blocks of 64 KiB a record over the whole block does not fit its field. */
const WHOLE_LARGE_BLOCK = 0x1_0000;
const WHOLE_BLOCK_MARKS: readonly number[] = [0, 0xffff];
/** A record without a name at the end of a block, which holds the block's checksum. */
const TAIL_BYTES = 12;
const TAIL_TYPE = 0xde;
/** A guard against hostile directories; ext4's own limit without large_dir is ten million. */
const MOST_ENTRIES = 500_000;

const Record = structure({
  inode: [0, 'u32'],
  length: [4, 'u16'],
  nameLength: [6, 'u8'],
  /** The upper byte of the name's length without the feature filetype; names have at most 255 bytes. */
  type: [7, 'u8'],
});
const Tail = structure({
  inode: [0, 'u32'],
  length: [4, 'u16'],
  nameLength: [6, 'u8'],
  type: [7, 'u8'],
  checksum: [8, 'u32'],
});

export interface NamedInode {
  readonly name: string;
  readonly inode: number;
}

const decoder = new TextDecoder();

function lengthOf(bytes: Uint8Array, at: number): number {
  const { length } = Record.read(bytes, at);
  const isWhole = bytes.length === WHOLE_LARGE_BLOCK && WHOLE_BLOCK_MARKS.includes(length);
  return isWhole ? WHOLE_LARGE_BLOCK : length;
}

/** Collects the entries of one directory, `.` and `..` left out. */
export class DirectoryReader {
  readonly entries: NamedInode[] = [];
  private readonly what: string;

  constructor(what: string) {
    this.what = what;
  }

  /** Reads block `number`; of a directory with checksums, its tail must be right if it has one. */
  addBlock(bytes: Uint8Array, number: number, { checksumSeed, flags }: Inode): void {
    // Where a block of names became one of the index, the end of the old tail is left; it means nothing there.
    const isIndex =
      ((flags & INODE_FLAGS.hashed) !== 0 && number === 0) || lengthOf(bytes, 0) === bytes.length;
    if (checksumSeed !== undefined && !isIndex) this.verifyTail(bytes, checksumSeed);
    this.addRecords(bytes);
  }

  /** Reads a stretch of records that fills `bytes`. */
  addRecords(bytes: Uint8Array): void {
    for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
      const record = Record.read(bytes, at);
      const length = lengthOf(bytes, at);
      const nameEnd = HEADER_BYTES + record.nameLength;
      if (length < HEADER_BYTES || length % 4 !== 0 || at + length > bytes.length || nameEnd > length)
        throw corrupt(`${this.what}: a record of ${length} bytes at ${at}, its name of ${record.nameLength}`);
      if (record.inode !== 0) this.add(record.inode, bytes.subarray(at + HEADER_BYTES, at + nameEnd));
      at += length;
    }
  }

  private add(inode: number, rawName: Uint8Array): void {
    const name = decoder.decode(rawName);
    if (name === '.' || name === '..') return;
    if (name === '' || name.includes('/') || name.includes('\0'))
      throw corrupt(`${this.what}: the name “${name}” of inode ${inode}`);
    if (this.entries.length >= MOST_ENTRIES)
      throw new FileSystemError('too-large', `${this.what} has more than ${MOST_ENTRIES} entries`);
    this.entries.push({ name, inode });
  }

  private verifyTail(bytes: Uint8Array, checksumSeed: number): void {
    const at = bytes.length - TAIL_BYTES;
    const tail = Tail.read(bytes, at);
    const isTail =
      tail.inode === 0 && tail.length === TAIL_BYTES && tail.nameLength === 0 && tail.type === TAIL_TYPE;
    if (isTail && crc32c(checksumSeed, bytes.subarray(0, at)) !== tail.checksum)
      throw corrupt(`${this.what}: a block with a wrong checksum`);
  }
}
