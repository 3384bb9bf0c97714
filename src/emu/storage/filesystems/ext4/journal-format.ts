/**
 * The structures of a jbd2 journal, all of them big-endian: its superblock, and the descriptor, revoke and
 * commit blocks of the log (Linux, Documentation/filesystems/ext4/journal.rst).
 */
import { crc32c } from '../checksums.ts';
import { corrupt, FileSystemError } from '../file-system-error.ts';
import { structure, viewOf } from '../structure.ts';
import { CRC32C_SEED } from './superblock.ts';

export const JOURNAL_MAGIC = 0xc03b_3998;
export const BLOCK_TYPES = { descriptor: 1, commit: 2, superblock1: 3, superblock2: 4, revoke: 5 } as const;

const INCOMPATIBLE = {
  revoke: 0x1,
  has64Bit: 0x2,
  asyncCommit: 0x4,
  checksum2: 0x8,
  checksum3: 0x10,
  fastCommit: 0x20,
} as const;
const KNOWN_FEATURES = Object.values(INCOMPATIBLE).reduce((all, bit) => all | bit, 0);
const SUPERBLOCK_BYTES = 1024;
const CHECKSUM_OFFSET = 0xfc;
const CHECKSUM_BYTES = 4;
const DEFAULT_FAST_COMMIT_BLOCKS = 256;
const CHECKSUM_TYPE_CRC32C = 4;

const Header = structure({ magic: [0, 'u32'], type: [4, 'u32'], sequence: [8, 'u32'] }, 'big-endian');
export type JournalHeader = ReturnType<typeof Header.read>;
const HEADER_BYTES = 12;

const Superblock = structure(
  {
    blockBytes: [0x0c, 'u32'],
    blockCount: [0x10, 'u32'],
    first: [0x14, 'u32'],
    sequence: [0x18, 'u32'],
    start: [0x1c, 'u32'],
    incompatible: [0x28, 'u32'],
    uuid: [0x30, 16],
    checksumType: [0x50, 'u8'],
    fastCommitBlocks: [0x54, 'u32'],
    checksum: [CHECKSUM_OFFSET, 'u32'],
  },
  'big-endian',
);

export const CommitBlock = structure({ checksum: [16, 'u32'] }, 'big-endian');
const RevokeBlock = structure({ usedBytes: [HEADER_BYTES, 'u32'] }, 'big-endian');
const REVOKE_HEADER_BYTES = 16;

const TAG_FLAGS = { escaped: 1, sameUuid: 2, deleted: 4, last: 8 } as const;
const UUID_BYTES = 16;
/** A tag says where a block belongs; this is its form with checksums of version 3. */
const Tag3 = structure(
  { blockLow: [0, 'u32'], flags: [4, 'u32'], blockHigh: [8, 'u32'], checksum: [12, 'u32'] },
  'big-endian',
);
const TAG3_BYTES = 16;
const Tag = structure({ blockLow: [0, 'u32'], checksum: [4, 'u16'], flags: [6, 'u16'] }, 'big-endian');
const TagHigh = structure({ blockHigh: [8, 'u32'] }, 'big-endian');
const TAG_BYTES = 8;
const TAG_HIGH_BYTES = 4;
/** Version 2 made room for a checksum in the tag and put it elsewhere. */
const TAG2_EXTRA_BYTES = 2;

export interface JournalSuperblock {
  readonly blockBytes: number;
  readonly blockCount: number;
  /** The ring: from `first` up to `end`; fast commits lie behind. */
  readonly first: number;
  readonly end: number;
  readonly fastCommitBlocks: number;
  readonly sequence: number;
  /** Where the log begins; 0 when it is empty. */
  readonly start: number;
  readonly has64Bit: boolean;
  readonly hasTag3: boolean;
  readonly tagBytes: number;
  readonly tagChecksumMask: number;
  /** Undefined when the log has no checksums. */
  readonly checksumSeed?: number;
}

export function readHeader(bytes: Uint8Array): JournalHeader {
  return Header.read(bytes);
}

/** @throws {FileSystemError} */
export function readJournalSuperblock(bytes: Uint8Array): JournalSuperblock {
  const { magic, type } = Header.read(bytes);
  if (magic !== JOURNAL_MAGIC || (type !== BLOCK_TYPES.superblock1 && type !== BLOCK_TYPES.superblock2))
    throw corrupt('the journal has no superblock');
  const fields = Superblock.read(bytes);
  // The first version ends before its features.
  const features = type === BLOCK_TYPES.superblock1 ? 0 : fields.incompatible;
  refuseFeatures(features);
  const hasChecksums = (features & (INCOMPATIBLE.checksum2 | INCOMPATIBLE.checksum3)) !== 0;
  if (hasChecksums) verifySuperblock(bytes, fields);
  const hasFastCommits = (features & INCOMPATIBLE.fastCommit) !== 0;
  const fastCommitBlocks = hasFastCommits ? fields.fastCommitBlocks || DEFAULT_FAST_COMMIT_BLOCKS : 0;
  const end = fields.blockCount - fastCommitBlocks;
  const { first, start } = fields;
  if (first < 1 || first >= end || (start !== 0 && (start < first || start >= end)))
    throw corrupt(`the journal's log begins at block ${start} of ${first} to ${end}`);
  const hasTag3 = (features & INCOMPATIBLE.checksum3) !== 0;
  const has64Bit = (features & INCOMPATIBLE.has64Bit) !== 0;
  const extra = features & INCOMPATIBLE.checksum2 ? TAG2_EXTRA_BYTES : 0;
  return {
    blockBytes: fields.blockBytes,
    blockCount: fields.blockCount,
    first,
    end,
    fastCommitBlocks,
    sequence: fields.sequence,
    start,
    has64Bit,
    hasTag3,
    tagBytes: hasTag3 ? TAG3_BYTES : TAG_BYTES + (has64Bit ? TAG_HIGH_BYTES : 0) + extra,
    tagChecksumMask: hasTag3 ? 0xffff_ffff : 0xffff,
    ...(hasChecksums ? { checksumSeed: crc32c(CRC32C_SEED, fields.uuid) } : {}),
  };
}

function refuseFeatures(features: number): void {
  const unknown = (features & ~KNOWN_FEATURES) >>> 0;
  if (unknown !== 0)
    throw new FileSystemError('unsupported', `the journal uses unknown features 0x${unknown.toString(16)}`);
  if (features & INCOMPATIBLE.asyncCommit)
    throw new FileSystemError('unsupported', 'the journal uses async_commit, which cannot be applied here');
}

function verifySuperblock(bytes: Uint8Array, fields: ReturnType<typeof Superblock.read>): void {
  if (fields.checksumType !== CHECKSUM_TYPE_CRC32C)
    throw new FileSystemError('unsupported', `the journal's checksums are of type ${fields.checksumType}`);
  const summed = bytes.slice(0, SUPERBLOCK_BYTES).fill(0, CHECKSUM_OFFSET, CHECKSUM_OFFSET + CHECKSUM_BYTES);
  if (crc32c(CRC32C_SEED, summed) !== fields.checksum)
    throw corrupt('the superblock of the journal: wrong checksum');
}

/** Descriptor and revoke blocks end with their checksum. */
export function hasRightTail(bytes: Uint8Array, { checksumSeed }: JournalSuperblock): boolean {
  if (checksumSeed === undefined) return true;
  const end = bytes.length - CHECKSUM_BYTES;
  const summed = bytes.slice().fill(0, end);
  return crc32c(checksumSeed, summed) === viewOf(bytes).getUint32(end);
}

export interface JournalTag {
  readonly block: number;
  readonly isEscaped: boolean;
  readonly isDeleted: boolean;
  readonly checksum: number;
}

/** The tags of a descriptor block, in the order of the blocks that follow it. */
export function readTags(bytes: Uint8Array, superblock: JournalSuperblock): readonly JournalTag[] {
  const { tagBytes, checksumSeed, hasTag3, has64Bit } = superblock;
  const end = bytes.length - (checksumSeed === undefined ? 0 : CHECKSUM_BYTES);
  const tags: JournalTag[] = [];
  for (let at = HEADER_BYTES; at + tagBytes <= end; ) {
    const { blockLow, flags, checksum } = hasTag3 ? Tag3.read(bytes, at) : Tag.read(bytes, at);
    const { blockHigh } = has64Bit ? TagHigh.read(bytes, at) : { blockHigh: 0 };
    tags.push({
      block: blockLow + blockHigh * 2 ** 32,
      isEscaped: (flags & TAG_FLAGS.escaped) !== 0,
      isDeleted: (flags & TAG_FLAGS.deleted) !== 0,
      checksum,
    });
    if (flags & TAG_FLAGS.last) break;
    at += tagBytes + (flags & TAG_FLAGS.sameUuid ? 0 : UUID_BYTES);
  }
  return tags;
}

/** The blocks that a revoke block names. */
export function readRevokes(bytes: Uint8Array, superblock: JournalSuperblock): readonly number[] {
  const { has64Bit, checksumSeed } = superblock;
  const entryBytes = has64Bit ? 8 : 4;
  const most = bytes.length - (checksumSeed === undefined ? 0 : CHECKSUM_BYTES);
  const { usedBytes } = RevokeBlock.read(bytes);
  if (usedBytes > most) throw corrupt(`a revoke block of the journal uses ${usedBytes} of ${most} bytes`);
  const view = viewOf(bytes);
  const blocks: number[] = [];
  for (let at = REVOKE_HEADER_BYTES; at + entryBytes <= usedBytes; at += entryBytes) {
    const high = has64Bit ? view.getUint32(at) : 0;
    blocks.push(high * 2 ** 32 + view.getUint32(at + entryBytes - 4));
  }
  return blocks;
}

export function bigEndianBytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
