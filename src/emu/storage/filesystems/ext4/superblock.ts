/**
 * The superblock of ext2, ext3 and ext4, 1024 bytes from the start (Linux, Documentation/filesystems/ext4).
 *
 * Invariant: in a superblock that was accepted, block and inode numbers below the counts have a group, and no
 * size that is derived from it can exceed a few blocks or the section.
 */
import { crc32c } from '../checksums.ts';
import { corrupt } from '../file-system-error.ts';
import { paddedText, structure } from '../structure.ts';
import { COMPATIBLE, INCOMPATIBLE, READ_ONLY_COMPATIBLE, refuseUnknownFeatures } from './features.ts';

export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_BYTES = 1024;
const MAGIC = 0xef53;
const CHECKSUM_OFFSET = 0x3fc;
const SMALLEST_BLOCK = 1024;
/** Blocks of 64 KiB. */
const LARGEST_LOG_BLOCK_SIZE = 6;
const LARGEST_LOG_CLUSTER_SIZE = 19;
const SMALLEST_INODE = 128;
const SMALLEST_DESCRIPTOR = 32;
const SMALLEST_64BIT_DESCRIPTOR = 64;
const LARGEST_DESCRIPTOR = 1024;
export const CRC32C_SEED = 0xffff_ffff;

const Fields = structure({
  inodeCount: [0x00, 'u32'],
  blockCountLow: [0x04, 'u32'],
  firstDataBlock: [0x14, 'u32'],
  logBlockSize: [0x18, 'u32'],
  logClusterSize: [0x1c, 'u32'],
  blocksPerGroup: [0x20, 'u32'],
  clustersPerGroup: [0x24, 'u32'],
  inodesPerGroup: [0x28, 'u32'],
  magic: [0x38, 'u16'],
  revision: [0x4c, 'u32'],
  inodeSize: [0x58, 'u16'],
  compatible: [0x5c, 'u32'],
  incompatible: [0x60, 'u32'],
  readOnlyCompatible: [0x64, 'u32'],
  uuid: [0x68, 16],
  label: [0x78, 16],
  journalInode: [0xe0, 'u32'],
  descriptorSize: [0xfe, 'u16'],
  firstMetaGroup: [0x104, 'u32'],
  blockCountHigh: [0x150, 'u32'],
  backupGroup1: [0x24c, 'u32'],
  backupGroup2: [0x250, 'u32'],
  checksumSeed: [0x270, 'u32'],
  checksum: [CHECKSUM_OFFSET, 'u32'],
});
type Fields = ReturnType<typeof Fields.read>;

export interface Superblock {
  readonly kind: 'ext2' | 'ext3' | 'ext4';
  readonly label: string;
  readonly uuid: Uint8Array;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly firstDataBlock: number;
  readonly blocksPerGroup: number;
  /** Blocks in a unit of allocation: more than one with bigalloc. */
  readonly blocksPerCluster: number;
  readonly groupCount: number;
  readonly inodeCount: number;
  readonly inodesPerGroup: number;
  readonly inodeBytes: number;
  readonly descriptorBytes: number;
  readonly firstMetaGroup: number;
  readonly backupGroups: readonly number[];
  readonly journalInode: number;
  /** Where checksums of metadata start; undefined when there are none. */
  readonly checksumSeed?: number;
  readonly compatible: number;
  readonly incompatible: number;
  readonly readOnlyCompatible: number;
}

/** The bytes are those of SUPERBLOCK_OFFSET. Undefined when there is no such file system. @throws {FileSystemError} */
export function readSuperblock(bytes: Uint8Array, available: number): Superblock | undefined {
  const fields = Fields.read(bytes);
  if (fields.magic !== MAGIC) return undefined;
  refuseUnknownFeatures(fields.incompatible);
  const hasChecksums = (fields.readOnlyCompatible & READ_ONLY_COMPATIBLE.metadataChecksum) !== 0;
  if (hasChecksums && crc32c(CRC32C_SEED, bytes.subarray(0, CHECKSUM_OFFSET)) !== fields.checksum)
    throw corrupt('ext4 superblock: wrong checksum');
  const superblock = derive(fields, hasChecksums);
  const sizeBytes = superblock.blockCount * superblock.blockBytes;
  if (sizeBytes > available)
    throw corrupt(
      `the ext4 file system has ${sizeBytes} bytes and its place on the disk ${available}: the image is cut off`,
    );
  return superblock;
}

function derive(fields: Fields, hasChecksums: boolean): Superblock {
  const has = (bit: number): boolean => (fields.incompatible & bit) !== 0;
  refuseBadSizes(fields);
  const blockBytes = SMALLEST_BLOCK << fields.logBlockSize;
  const blockCount =
    fields.blockCountLow + (has(INCOMPATIBLE.has64Bit) ? fields.blockCountHigh * 2 ** 32 : 0);
  const inodeBytes = fields.revision === 0 ? SMALLEST_INODE : fields.inodeSize;
  const descriptorBytes = has(INCOMPATIBLE.has64Bit) ? fields.descriptorSize : SMALLEST_DESCRIPTOR;
  const hasBigAllocation = (fields.readOnlyCompatible & READ_ONLY_COMPATIBLE.bigAllocation) !== 0;
  const isSparse2 = (fields.compatible & COMPATIBLE.sparseSuper2) !== 0;
  const seed = has(INCOMPATIBLE.checksumSeed) ? fields.checksumSeed : crc32c(CRC32C_SEED, fields.uuid);
  const superblock: Superblock = {
    kind: kindOf(fields),
    label: paddedText(fields.label),
    uuid: fields.uuid.slice(),
    blockBytes,
    blockCount,
    firstDataBlock: fields.firstDataBlock,
    blocksPerGroup: fields.blocksPerGroup,
    blocksPerCluster: hasBigAllocation ? 2 ** (fields.logClusterSize - fields.logBlockSize) : 1,
    groupCount: Math.ceil((blockCount - fields.firstDataBlock) / fields.blocksPerGroup),
    inodeCount: fields.inodeCount,
    inodesPerGroup: fields.inodesPerGroup,
    inodeBytes,
    descriptorBytes,
    firstMetaGroup: fields.firstMetaGroup,
    backupGroups: isSparse2 ? [fields.backupGroup1, fields.backupGroup2] : [],
    journalInode: fields.journalInode,
    ...(hasChecksums ? { checksumSeed: seed } : {}),
    compatible: fields.compatible,
    incompatible: fields.incompatible,
    readOnlyCompatible: fields.readOnlyCompatible,
  };
  refuseBadDerived(superblock);
  return superblock;
}

function refuseBadSizes(fields: Fields): void {
  const { logBlockSize, logClusterSize, readOnlyCompatible } = fields;
  const hasBigAllocation = (readOnlyCompatible & READ_ONLY_COMPATIBLE.bigAllocation) !== 0;
  const bitsPerBlock = (SMALLEST_BLOCK << logBlockSize) * 8;
  const bitmapBits = hasBigAllocation ? fields.clustersPerGroup : fields.blocksPerGroup;
  const problem =
    logBlockSize > LARGEST_LOG_BLOCK_SIZE
      ? `a block size of 2^${10 + logBlockSize}`
      : hasBigAllocation && (logClusterSize < logBlockSize || logClusterSize > LARGEST_LOG_CLUSTER_SIZE)
        ? `a cluster size of 2^${10 + logClusterSize}`
        : fields.blocksPerGroup === 0 || bitmapBits > bitsPerBlock
          ? `${fields.blocksPerGroup} blocks in a group`
          : fields.inodesPerGroup === 0 || fields.inodesPerGroup > bitsPerBlock
            ? `${fields.inodesPerGroup} inodes in a group`
            : undefined;
  if (problem) throw corrupt(`ext4 superblock: ${problem}`);
}

function refuseBadDerived(superblock: Superblock): void {
  const { blockBytes, blockCount, firstDataBlock, inodeBytes, descriptorBytes } = superblock;
  const isPower = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value));
  const smallest =
    (superblock.incompatible & INCOMPATIBLE.has64Bit) !== 0 ? SMALLEST_64BIT_DESCRIPTOR : SMALLEST_DESCRIPTOR;
  const problem =
    inodeBytes < SMALLEST_INODE || inodeBytes > blockBytes || !isPower(inodeBytes)
      ? `inodes of ${inodeBytes} bytes`
      : descriptorBytes < smallest || descriptorBytes > LARGEST_DESCRIPTOR || !isPower(descriptorBytes)
        ? `group descriptors of ${descriptorBytes} bytes`
        : firstDataBlock >= blockCount || firstDataBlock > 1
          ? `${blockCount} blocks from block ${firstDataBlock} on`
          : superblock.inodeCount > superblock.groupCount * superblock.inodesPerGroup
            ? `${superblock.inodeCount} inodes in ${superblock.groupCount} groups of ${superblock.inodesPerGroup}`
            : undefined;
  if (problem) throw corrupt(`ext4 superblock: ${problem}`);
}

/** By what its features need, as the tools call it. */
function kindOf({ compatible, incompatible, readOnlyCompatible }: Fields): Superblock['kind'] {
  const later =
    INCOMPATIBLE.extents | INCOMPATIBLE.has64Bit | INCOMPATIBLE.flexibleGroups | INCOMPATIBLE.inlineData;
  const laterReadOnly =
    READ_ONLY_COMPATIBLE.hugeFile |
    READ_ONLY_COMPATIBLE.groupChecksum |
    READ_ONLY_COMPATIBLE.directoryLinks |
    READ_ONLY_COMPATIBLE.extraInodeSize |
    READ_ONLY_COMPATIBLE.bigAllocation |
    READ_ONLY_COMPATIBLE.metadataChecksum;
  if ((incompatible & later) !== 0 || (readOnlyCompatible & laterReadOnly) !== 0) return 'ext4';
  return compatible & COMPATIBLE.hasJournal ? 'ext3' : 'ext2';
}
