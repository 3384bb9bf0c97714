/**
 * The boot sector of a FAT file system and the geometry that follows from it (Microsoft's FAT specification
 * of 2000, "Boot Sector and BPB"; ECMA-107 for FAT12 and FAT16).
 *
 * Invariant: in a geometry that was accepted, every cluster from 2 to clusterCount + 1 lies inside the
 * section and has an entry in each copy of the table.
 */
import { corrupt, FileSystemError } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import { paddedText, structure } from '../structure.ts';

export type FatKind = 'fat12' | 'fat16' | 'fat32';

const SIGNATURE = 0xaa55;
const SIZE_BYTES = 512;
const SECTOR_SIZES = [512, 1024, 2048, 4096];
/** A short jump and a NOP, or a near jump. */
const JUMPS = [0xeb, 0xe9];
const SMALLEST_MEDIA = 0xf0;
const LARGEST_CLUSTER_BYTES = 256 * 1024;
const MOST_TABLES = 4;
/** With this many clusters or more the entries have 16 bits. */
const FIRST_FAT16_COUNT = 4085;
/** The largest number a cluster can have, by width of an entry; above are marks. */
const LAST_CLUSTER = { fat12: 0xff4, fat16: 0xfff4, fat32: 0x0fff_fff4 };
export const ENTRY_BITS = { fat12: 12, fat16: 16, fat32: 32 } as const;
export const FIRST_CLUSTER = 2;
export const SLOT_BYTES = 32;
/** ext_flags of FAT32: only one table is kept up to date, and which. */
const NOT_MIRRORED = 0x80;
const ACTIVE_TABLE = 0x0f;
const NO_NAME = 'NO NAME';

const BootSector = structure({
  jump: [0, 'u8'],
  bytesPerSector: [11, 'u16'],
  sectorsPerCluster: [13, 'u8'],
  reservedSectors: [14, 'u16'],
  tables: [16, 'u8'],
  rootEntries: [17, 'u16'],
  totalSectors16: [19, 'u16'],
  media: [21, 'u8'],
  tableSectors16: [22, 'u16'],
  totalSectors32: [32, 'u32'],
  tableSectors32: [36, 'u32'],
  extendedFlags32: [40, 'u16'],
  version32: [42, 'u16'],
  rootCluster32: [44, 'u32'],
  infoSector32: [48, 'u16'],
  label16: [43, 11],
  label32: [71, 11],
  signature: [510, 'u16'],
});
type BootSector = ReturnType<typeof BootSector.read>;

export interface FatGeometry {
  readonly kind: FatKind;
  /** Offsets and sizes are in bytes from the start of the section. */
  readonly tableStart: number;
  readonly tableBytes: number;
  readonly tables: number;
  /** Copies that are written; the first of them is read. */
  readonly liveTables: readonly number[];
  /** The root directory of FAT12 and FAT16, or its first cluster. */
  readonly root: { readonly start: number; readonly bytes: number } | { readonly cluster: number };
  readonly dataStart: number;
  readonly clusterBytes: number;
  readonly clusterCount: number;
  readonly sizeBytes: number;
  /** FSInfo of FAT32. */
  readonly infoStart?: number;
  /** The boot sector's; the root directory may have a newer one. */
  readonly label: string;
}

const isPowerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;

/** Whether the sector can be a FAT boot sector at all; what contradicts itself is found by `readGeometry`. */
function looksLikeFat(boot: BootSector): boolean {
  return (
    boot.signature === SIGNATURE &&
    JUMPS.includes(boot.jump) &&
    SECTOR_SIZES.includes(boot.bytesPerSector) &&
    isPowerOfTwo(boot.sectorsPerCluster) &&
    boot.reservedSectors > 0 &&
    boot.tables > 0 &&
    boot.media >= SMALLEST_MEDIA
  );
}

/** The geometry, or undefined when this is no FAT file system. @throws {FileSystemError} when it is a wrong one */
export async function readGeometry(section: Section): Promise<FatGeometry | undefined> {
  if (section.size < SIZE_BYTES) return undefined;
  const boot = BootSector.read(await section.read(0, SIZE_BYTES));
  return looksLikeFat(boot) ? geometryOf(boot, section.size) : undefined;
}

function geometryOf(boot: BootSector, available: number): FatGeometry {
  const sector = boot.bytesPerSector;
  const is32 = boot.tableSectors16 === 0;
  const totalSectors = boot.totalSectors16 || boot.totalSectors32;
  const tableBytes = (boot.tableSectors16 || boot.tableSectors32) * sector;
  const tableStart = boot.reservedSectors * sector;
  const rootStart = tableStart + boot.tables * tableBytes;
  const rootBytes = Math.ceil((boot.rootEntries * SLOT_BYTES) / sector) * sector;
  const dataStart = rootStart + (is32 ? 0 : rootBytes);
  const clusterBytes = boot.sectorsPerCluster * sector;
  const sizeBytes = totalSectors * sector;
  const clusters = Math.floor((sizeBytes - dataStart) / clusterBytes);
  const kind = is32 ? 'fat32' : clusters < FIRST_FAT16_COUNT ? 'fat12' : 'fat16';
  refuseBadSizes(boot, { tableBytes, clusterBytes, clusters, sizeBytes, rootBytes, is32, available });
  // A table may be shorter than its clusters, or longer; a cluster without an entry does not exist.
  const entries = Math.floor((tableBytes * 8) / ENTRY_BITS[kind]);
  const clusterCount = Math.min(clusters, entries - FIRST_CLUSTER, LAST_CLUSTER[kind] - FIRST_CLUSTER + 1);
  if (clusterCount < 1) throw corrupt(`FAT boot sector: tables of ${tableBytes} bytes describe no cluster`);
  const label = paddedText(is32 ? boot.label32 : boot.label16);
  const root = is32 ? { cluster: boot.rootCluster32 } : { start: rootStart, bytes: rootBytes };
  return {
    kind,
    tableStart,
    tableBytes,
    tables: boot.tables,
    liveTables: liveTables(boot, is32),
    root,
    dataStart,
    clusterBytes,
    clusterCount,
    sizeBytes,
    ...infoPlace(boot, is32),
    label: label === NO_NAME ? '' : label,
  };
}

function refuseBadSizes(
  boot: BootSector,
  sizes: {
    readonly tableBytes: number;
    readonly clusterBytes: number;
    readonly clusters: number;
    readonly sizeBytes: number;
    readonly rootBytes: number;
    readonly is32: boolean;
    readonly available: number;
  },
): void {
  const problem =
    boot.tables > MOST_TABLES
      ? `${boot.tables} copies of the table`
      : sizes.tableBytes === 0
        ? 'a table of no bytes'
        : sizes.clusterBytes > LARGEST_CLUSTER_BYTES
          ? `clusters of ${sizes.clusterBytes} bytes`
          : sizes.clusters < 1
            ? `its ${sizes.sizeBytes} bytes have no room for a cluster`
            : !sizes.is32 && sizes.rootBytes === 0
              ? 'a root directory of no entries'
              : undefined;
  if (problem) throw corrupt(`FAT boot sector: ${problem}`);
  if (sizes.is32 && boot.version32 !== 0)
    throw new FileSystemError('unsupported', `FAT32 of version ${boot.version32}; only version 0 is known`);
  if (sizes.sizeBytes > sizes.available)
    throw corrupt(
      `the FAT file system has ${sizes.sizeBytes} bytes and its place on the disk ${sizes.available}: the image is cut off`,
    );
}

function liveTables(boot: BootSector, is32: boolean): readonly number[] {
  if (!is32 || (boot.extendedFlags32 & NOT_MIRRORED) === 0)
    return Array.from({ length: boot.tables }, (_, index) => index);
  const active = boot.extendedFlags32 & ACTIVE_TABLE;
  if (active >= boot.tables) throw corrupt(`FAT boot sector: table ${active} of ${boot.tables} is active`);
  return [active];
}

/** Zero and all ones both say that there is none. */
function infoPlace(boot: BootSector, is32: boolean): { readonly infoStart?: number } {
  if (!is32 || boot.infoSector32 === 0 || boot.infoSector32 >= boot.reservedSectors) return {};
  return { infoStart: boot.infoSector32 * boot.bytesPerSector };
}
