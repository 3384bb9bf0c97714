/** How a disk is divided: by an MBR, by a GPT, or not at all (a file system from its first byte on). */

import type { BlockStore } from '../../block-store.ts';
import { FileSystemError } from '../file-system-error.ts';
import { Section } from '../section.ts';
import { readGptPartitions } from './gpt.ts';
import { PROTECTIVE_TYPE, readBootRecord, readMbrPartitions } from './mbr.ts';

export interface Partition {
  /** As Linux counts them, from 1. */
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** In words. */
  readonly type: string;
  readonly isBootable: boolean;
  /** A GPT's own name for it. */
  readonly name?: string;
}

export interface PartitionTable {
  readonly scheme: 'none' | 'mbr' | 'gpt';
  readonly partitions: readonly Partition[];
}

const SECTOR_BYTES = 512;
const NO_TABLE: PartitionTable = { scheme: 'none', partitions: [] };

/** Reads the table; a disk without one has none, which is no error. @throws {FileSystemError} */
export async function readPartitionTable(store: BlockStore): Promise<PartitionTable> {
  const disk = new Section(store);
  if (disk.size < SECTOR_BYTES)
    throw new FileSystemError('not-recognised', `a disk of ${disk.size} bytes holds nothing`);
  const entries = readBootRecord(await disk.read(0, SECTOR_BYTES));
  if (!entries) return NO_TABLE;
  if (entries.some(({ type }) => type === PROTECTIVE_TYPE))
    return { scheme: 'gpt', partitions: await readGptPartitions(disk) };
  const partitions = await readMbrPartitions(disk, entries);
  return partitions.length === 0 ? NO_TABLE : { scheme: 'mbr', partitions };
}
