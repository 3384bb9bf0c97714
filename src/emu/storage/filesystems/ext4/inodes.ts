/** Inodes of ext4 (Linux, Documentation/filesystems/ext4/inodes.rst): what a file is, and where it begins. */
import { bytesOfU32, crc32c } from '../checksums.ts';
import { corrupt } from '../file-system-error.ts';
import { structure } from '../structure.ts';
import type { FileKind, FileStatus } from '../volume.ts';
import type { BlockReader } from './block-reader.ts';
import { INCOMPATIBLE } from './features.ts';
import { BlockGroups } from './groups.ts';
import type { Superblock } from './superblock.ts';

export const ROOT_INODE = 2;
/** Size of an inode of ext2, and the part that all have. */
export const OLD_INODE_BYTES = 128;
export const BLOCK_FIELD_BYTES = 60;
const CHECKSUM_LOW_OFFSET = 0x7c;
const CHECKSUM_HIGH_OFFSET = 0x82;
/** `extraBytes` from which on an inode has a field. */
const EXTRA_WITH_CHECKSUM = CHECKSUM_HIGH_OFFSET + 2 - OLD_INODE_BYTES;
const EXTRA_WITH_MODIFIED = 0x8c - OLD_INODE_BYTES;

export const INODE_FLAGS = {
  encrypted: 0x800,
  hashed: 0x1000,
  extents: 0x8_0000,
  inlineData: 0x1000_0000,
} as const;

const Fields = structure({
  mode: [0x00, 'u16'],
  userLow: [0x02, 'u16'],
  sizeLow: [0x04, 'u32'],
  modified: [0x10, 'u32'],
  groupLow: [0x18, 'u16'],
  flags: [0x20, 'u32'],
  block: [0x28, BLOCK_FIELD_BYTES],
  generation: [0x64, 'u32'],
  sizeHigh: [0x6c, 'u32'],
  userHigh: [0x78, 'u16'],
  groupHigh: [0x7a, 'u16'],
  checksumLow: [CHECKSUM_LOW_OFFSET, 'u16'],
});
/** Behind the old inode, as far as `extraBytes` reaches. */
const ExtraSize = structure({ extraBytes: [0x80, 'u16'] });
const ExtraChecksum = structure({ checksumHigh: [CHECKSUM_HIGH_OFFSET, 'u16'] });
const ExtraModified = structure({ modifiedExtra: [0x88, 'u32'] });

const TYPE_MASK = 0xf000;
const PERMISSION_MASK = 0x0fff;
const KINDS: Readonly<Record<number, FileKind>> = {
  4096: 'fifo',
  8192: 'device',
  16384: 'directory',
  24576: 'device',
  32768: 'file',
  40960: 'symlink',
  49152: 'socket',
};

export interface Inode {
  readonly number: number;
  readonly kind: FileKind;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly owner: NonNullable<FileStatus['owner']>;
  readonly flags: number;
  /** i_block: the start of its map, an extent tree's root, a short link's target or inline data. */
  readonly block: Uint8Array;
  /** All of it, for extended attributes. */
  readonly bytes: Uint8Array;
  /** How much of the part behind the old inode is fields. */
  readonly extraBytes: number;
  /** Where checksums of its blocks start; undefined when there are none. */
  readonly checksumSeed?: number;
}

export class InodeTable {
  readonly groups: BlockGroups;
  private readonly blocks: BlockReader;
  private readonly superblock: Superblock;

  constructor(blocks: BlockReader, superblock: Superblock) {
    this.blocks = blocks;
    this.superblock = superblock;
    this.groups = new BlockGroups(blocks, superblock);
  }

  /** `what` says in an error who named it. @throws {FileSystemError} */
  async read(number: number, what: string): Promise<Inode> {
    const bytes = await this.readBytes(number, what);
    const fields = Fields.read(bytes);
    const where = `inode ${number} (${what})`;
    const extraBytes = this.extraBytesOf(bytes, where);
    const seed = this.seedOf(number, fields.generation);
    if (seed !== undefined) this.verify(bytes, extraBytes, seed, where);
    const kind = KINDS[fields.mode & TYPE_MASK];
    if (!kind) throw corrupt(`${where}: it is in use by a directory, but has no type`);
    return {
      number,
      kind,
      sizeBytes: fields.sizeLow + (this.hasLargeSize(kind) ? fields.sizeHigh * 2 ** 32 : 0),
      modifiedMs: modifiedMs(fields.modified, bytes, extraBytes),
      owner: {
        permissions: fields.mode & PERMISSION_MASK,
        user: fields.userLow + fields.userHigh * 2 ** 16,
        group: fields.groupLow + fields.groupHigh * 2 ** 16,
      },
      flags: fields.flags,
      block: fields.block,
      bytes,
      extraBytes,
      ...(seed === undefined ? {} : { checksumSeed: seed }),
    };
  }

  private async readBytes(number: number, what: string): Promise<Uint8Array> {
    const { inodeCount, inodesPerGroup, inodeBytes, blockBytes } = this.superblock;
    if (number < 1 || number > inodeCount) throw corrupt(`${what}: inode ${number} of ${inodeCount}`);
    const group = await this.groups.read(Math.floor((number - 1) / inodesPerGroup));
    const offset = ((number - 1) % inodesPerGroup) * inodeBytes;
    const block = group.inodeTable + Math.floor(offset / blockBytes);
    const at = offset % blockBytes;
    return (await this.blocks.read(block, `inode ${number}`)).slice(at, at + inodeBytes);
  }

  private extraBytesOf(bytes: Uint8Array, where: string): number {
    if (bytes.length === OLD_INODE_BYTES) return 0;
    const { extraBytes } = ExtraSize.read(bytes);
    if (extraBytes > bytes.length - OLD_INODE_BYTES || extraBytes % 4 !== 0)
      throw corrupt(`${where}: ${extraBytes} bytes of extra fields`);
    return extraBytes;
  }

  private seedOf(number: number, generation: number): number | undefined {
    const { checksumSeed } = this.superblock;
    if (checksumSeed === undefined) return undefined;
    return crc32c(checksumSeed, bytesOfU32(number), bytesOfU32(generation));
  }

  /** The checksum covers the inode with its own place taken as zeros; its upper half came later than its lower. */
  private verify(bytes: Uint8Array, extraBytes: number, seed: number, where: string): void {
    const summed = bytes.slice().fill(0, CHECKSUM_LOW_OFFSET, CHECKSUM_LOW_OFFSET + 2);
    const hasHigh = extraBytes >= EXTRA_WITH_CHECKSUM;
    if (hasHigh) summed.fill(0, CHECKSUM_HIGH_OFFSET, CHECKSUM_HIGH_OFFSET + 2);
    const computed = crc32c(seed, summed);
    const { checksumLow } = Fields.read(bytes);
    const isRight = hasHigh
      ? computed === checksumLow + ExtraChecksum.read(bytes).checksumHigh * 2 ** 16
      : (computed & 0xffff) === checksumLow;
    if (!isRight) throw corrupt(`${where}: wrong checksum`);
  }

  /** In a directory the upper half was something else before large_dir. */
  private hasLargeSize(kind: FileKind): boolean {
    return kind !== 'directory' || (this.superblock.incompatible & INCOMPATIBLE.largeDirectories) !== 0;
  }
}

/** Seconds are signed, and the lowest two bits of the extra field count turns of 2^32; the others nanoseconds. */
function modifiedMs(seconds: number, bytes: Uint8Array, extraBytes: number): number {
  const base = (seconds | 0) * 1000;
  if (extraBytes < EXTRA_WITH_MODIFIED) return base;
  const { modifiedExtra } = ExtraModified.read(bytes);
  return base + (modifiedExtra & 3) * 2 ** 32 * 1000 + Math.floor((modifiedExtra >>> 2) / 1e6);
}
