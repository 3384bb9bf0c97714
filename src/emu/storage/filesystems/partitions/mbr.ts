/**
 * The partition table of a master boot record (sector 0, signature 55 AA), with the chain of extended boot
 * records behind an extended partition. Numbers are Linux's: primaries are 1 to 4, logical ones from 5 on.
 */
import { corrupt } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import { structure } from '../structure.ts';
import type { Partition } from './partition-table.ts';

const SECTOR_BYTES = 512;
const SIGNATURE_OFFSET = 510;
const SIGNATURE = 0xaa55;
const TABLE_OFFSET = 446;
const ENTRY_BYTES = 16;
const PRIMARIES = 4;
const FIRST_LOGICAL = 5;
/** More than any tool makes; with it the chain ends whatever it contains. */
const MOST_LOGICAL = 256;

const ACTIVE = 0x80;
/** A protective entry says that the disk has a GPT. */
export const PROTECTIVE_TYPE = 0xee;
const EXTENDED_TYPES: readonly number[] = [0x05, 0x0f, 0x85];

const Signature = structure({ value: [SIGNATURE_OFFSET, 'u16'] });
const Entry = structure({
  status: [0, 'u8'],
  type: [4, 'u8'],
  firstSector: [8, 'u32'],
  sectors: [12, 'u32'],
});
type Entry = ReturnType<typeof Entry.read>;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'FAT12',
  4: 'FAT16 below 32 MB',
  5: 'extended',
  6: 'FAT16',
  7: 'NTFS or exFAT',
  11: 'FAT32',
  12: 'FAT32 (LBA)',
  14: 'FAT16 (LBA)',
  15: 'extended (LBA)',
  130: 'Linux swap',
  131: 'Linux',
  133: 'Linux extended',
  142: 'Linux LVM',
  238: 'GPT protective',
  239: 'EFI system',
  253: 'Linux RAID',
};

/** The four entries of a boot record, or undefined when `sector` is none. */
export function readBootRecord(sector: Uint8Array): readonly Entry[] | undefined {
  if (Signature.read(sector).value !== SIGNATURE) return undefined;
  const entries = Array.from({ length: PRIMARIES }, (_, index) =>
    Entry.read(sector, TABLE_OFFSET + index * ENTRY_BYTES),
  );
  return entries.every(({ status }) => status === 0 || status === ACTIVE) ? entries : undefined;
}

const isUsed = ({ type, sectors }: Entry): boolean => type !== 0 && sectors !== 0;
const isExtended = ({ type }: Entry): boolean => EXTENDED_TYPES.includes(type);

function partitionOf(number: number, { status, type, firstSector, sectors }: Entry, base = 0): Partition {
  return {
    number,
    startBytes: (base + firstSector) * SECTOR_BYTES,
    sizeBytes: sectors * SECTOR_BYTES,
    type: TYPE_NAMES[type] ?? `type 0x${type.toString(16).padStart(2, '0')}`,
    isBootable: status === ACTIVE,
  };
}

/** Every partition that can hold something; extended ones are replaced by what is inside them. */
export async function readMbrPartitions(disk: Section, entries: readonly Entry[]): Promise<Partition[]> {
  const found: Partition[] = [];
  const logical: Partition[] = [];
  for (const [index, entry] of entries.entries()) {
    if (!isUsed(entry)) continue;
    if (isExtended(entry)) await readLogical(disk, entry, logical);
    else found.push(partitionOf(index + 1, entry));
  }
  return [...found, ...logical];
}

/**
 * Follows the chain: the first entry of each record is a partition relative to that record, the second is the
 * next record relative to the extended partition.
 */
async function readLogical(disk: Section, extended: Entry, found: Partition[]): Promise<void> {
  const visited = new Set<number>();
  for (let sector = extended.firstSector; ; ) {
    if (visited.has(sector) || found.length >= MOST_LOGICAL)
      throw corrupt(`the chain of logical partitions returns to sector ${sector} or is endless`);
    visited.add(sector);
    const record = readBootRecord(await disk.read(sector * SECTOR_BYTES, SECTOR_BYTES));
    if (!record)
      throw corrupt(`sector ${sector} should continue the list of logical partitions and does not`);
    const [partition, next] = record;
    if (partition && isUsed(partition) && !isExtended(partition))
      found.push(partitionOf(FIRST_LOGICAL + found.length, partition, sector));
    if (!next || !isUsed(next) || !isExtended(next)) return;
    if (next.firstSector >= extended.sectors)
      throw corrupt(
        `sector ${sector} continues the list of logical partitions outside the extended partition`,
      );
    sector = extended.firstSector + next.firstSector;
  }
}
