/**
 * The feature bits of an ext2, ext3 or ext4 superblock (Linux, Documentation/filesystems/ext4/super.rst), and
 * which of those that change the format ("incompatible") are read here. Names are those of mke2fs.
 */
import { FileSystemError } from '../file-system-error.ts';

export const COMPATIBLE = { hasJournal: 0x4, sparseSuper2: 0x200 } as const;

export const INCOMPATIBLE = {
  fileType: 0x2,
  needsRecovery: 0x4,
  journalDevice: 0x8,
  metaGroups: 0x10,
  extents: 0x40,
  has64Bit: 0x80,
  flexibleGroups: 0x200,
  checksumSeed: 0x2000,
  largeDirectories: 0x4000,
  inlineData: 0x8000,
} as const;

export const READ_ONLY_COMPATIBLE = {
  sparseSuper: 0x1,
  hugeFile: 0x8,
  groupChecksum: 0x10,
  directoryLinks: 0x20,
  extraInodeSize: 0x40,
  bigAllocation: 0x200,
  metadataChecksum: 0x400,
} as const;

interface FeatureRow {
  readonly bit: number;
  readonly name: string;
  readonly isRead: boolean;
}

const INCOMPATIBLE_ROWS: readonly FeatureRow[] = [
  { bit: 0x1, name: 'compression', isRead: false },
  { bit: INCOMPATIBLE.fileType, name: 'filetype', isRead: true },
  { bit: INCOMPATIBLE.needsRecovery, name: 'needs_recovery', isRead: true },
  { bit: INCOMPATIBLE.journalDevice, name: 'journal_dev', isRead: false },
  { bit: INCOMPATIBLE.metaGroups, name: 'meta_bg', isRead: true },
  { bit: INCOMPATIBLE.extents, name: 'extent', isRead: true },
  { bit: INCOMPATIBLE.has64Bit, name: '64bit', isRead: true },
  { bit: 0x100, name: 'mmp', isRead: true },
  { bit: INCOMPATIBLE.flexibleGroups, name: 'flex_bg', isRead: true },
  { bit: 0x400, name: 'ea_inode', isRead: true },
  { bit: 0x1000, name: 'dirdata', isRead: false },
  { bit: INCOMPATIBLE.checksumSeed, name: 'metadata_csum_seed', isRead: true },
  { bit: INCOMPATIBLE.largeDirectories, name: 'large_dir', isRead: true },
  { bit: INCOMPATIBLE.inlineData, name: 'inline_data', isRead: true },
  // Files that are encrypted are refused one by one; the others can be read.
  { bit: 0x10000, name: 'encrypt', isRead: true },
  { bit: 0x20000, name: 'casefold', isRead: true },
];

const FEATURE_BITS = 32;

/** @throws {FileSystemError} naming every feature that is needed for reading and not implemented */
export function refuseUnknownFeatures(bits: number): void {
  const refused: string[] = [];
  for (let index = 0; index < FEATURE_BITS; index++) {
    const bit = (1 << index) >>> 0;
    const row = INCOMPATIBLE_ROWS.find((candidate) => candidate.bit === bit);
    if ((bits & bit) !== 0 && !row?.isRead) refused.push(row?.name ?? `bit 0x${bit.toString(16)}`);
  }
  if (refused.length > 0)
    throw new FileSystemError(
      'unsupported',
      `the ext4 file system uses what cannot be read here: ${refused.join(', ')}`,
    );
}
