/**
 * Opens the file system in a partition of a disk, or on the whole of it. What it is, is told by its contents:
 * a partition's type is only a name.
 */
import type { BlockStore } from '../block-store.ts';
import { openExt4 } from './ext4/ext4-volume.ts';
import { readGeometry } from './fat/boot-sector.ts';
import { FatVolume } from './fat/fat-volume.ts';
import { FileSystemError } from './file-system-error.ts';
import { type PartitionTable, readPartitionTable } from './partitions/partition-table.ts';
import { Section } from './section.ts';
import type { Volume } from './volume.ts';

/** How the disk is divided; a FAT that fills it is no table, although its first sector is signed like one. */
export async function readDiskLayout(store: BlockStore): Promise<PartitionTable> {
  const isFat = (await readGeometry(new Section(store)).catch(() => undefined)) !== undefined;
  return isFat ? { scheme: 'none', partitions: [] } : readPartitionTable(store);
}

export interface OpenOptions {
  /** The partition as Linux counts; absent for a file system without a table around it. */
  readonly partition?: number;
  /** For the times of files that are written, in milliseconds since 1970; without a clock they are from 1980. */
  readonly nowMs?: () => number;
}

/** @throws {FileSystemError} */
export async function openVolume(store: BlockStore, options: OpenOptions = {}): Promise<Volume> {
  const { partition: number, nowMs = () => 0 } = options;
  if (number === undefined) return openSection(new Section(store), 'the disk', nowMs);
  const { partitions } = await readDiskLayout(store);
  const partition = partitions.find((row) => row.number === number);
  if (!partition) {
    const numbers = partitions.map((row) => row.number).join(', ') || 'none';
    throw new FileSystemError(
      'no-such-partition',
      `there is no partition ${number}; the disk has ${numbers}`,
    );
  }
  const section = new Section(store, partition.startBytes, partition.sizeBytes);
  return openSection(section, `partition ${number}`, nowMs);
}

async function openSection(section: Section, what: string, nowMs: () => number): Promise<Volume> {
  const fat = await readGeometry(section);
  if (fat) return FatVolume.open(section, fat, nowMs);
  const ext4 = await openExt4(section);
  if (ext4) return ext4;
  throw new FileSystemError('not-recognised', `${what} has no FAT and no ext2, ext3 or ext4 file system`);
}
