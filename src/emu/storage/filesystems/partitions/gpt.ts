/**
 * The GUID partition table (UEFI 2.10, chapter 5): a header and an array of entries, each under a CRC, with a
 * second copy at the end of the disk that counts when the first is damaged. Sectors have 512 or 4096 bytes.
 */
import { crc32 } from '../checksums.ts';
import { corrupt, FileSystemError } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import { structure } from '../structure.ts';
import type { Partition } from './partition-table.ts';

const SECTOR_SIZES = [512, 4096] as const;
const SIGNATURE = 'EFI PART';
const SMALLEST_HEADER = 92;
const SMALLEST_ENTRY = 128;
/** The usual array has 16 KiB. */
const LARGEST_ARRAY_BYTES = 2 ** 20;
const HEADER_CRC_OFFSET = 16;
/** Attribute bit 2: a BIOS may boot from it. */
const LEGACY_BOOTABLE = 4;

const Header = structure({
  signature: [0, 8],
  headerBytes: [12, 'u32'],
  headerCrc: [HEADER_CRC_OFFSET, 'u32'],
  ownSector: [24, 'u64'],
  firstUsable: [40, 'u64'],
  lastUsable: [48, 'u64'],
  entriesSector: [72, 'u64'],
  entryCount: [80, 'u32'],
  entryBytes: [84, 'u32'],
  entriesCrc: [88, 'u32'],
});

const Entry = structure({
  type: [0, 16],
  firstSector: [32, 'u64'],
  lastSector: [40, 'u64'],
  attributes: [48, 'u8'],
  name: [56, 72],
});

const TYPE_NAMES: Readonly<Record<string, string>> = {
  'c12a7328-f81f-11d2-ba4b-00a0c93ec93b': 'EFI system',
  '21686148-6449-6e6f-744e-656564454649': 'BIOS boot',
  'bc13c2ff-59e6-4262-a352-b275fd6f7172': 'extended boot loader',
  'ebd0a0a2-b9e5-4433-87c0-68b6b72699c7': 'basic data',
  '0fc63daf-8483-4772-8e79-3d69d8477de4': 'Linux',
  'b921b045-1df0-41c3-af44-4c6f280d3fae': 'Linux root (arm64)',
  '933ac7e1-2eb4-4f13-b844-0e14e2aef915': 'Linux home',
  '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f': 'Linux swap',
  'e6d6d379-f507-44c2-a23c-238f2a3df928': 'Linux LVM',
  'a19d880f-05fc-4d3b-a006-743f0f84911e': 'Linux RAID',
};

/** The partitions of the first copy that is intact. @throws {FileSystemError} when neither is */
export async function readGptPartitions(disk: Section): Promise<Partition[]> {
  const problems: string[] = [];
  for (const sectorBytes of SECTOR_SIZES) {
    for (const sector of [1, Math.floor(disk.size / sectorBytes) - 1]) {
      try {
        return await readCopy(disk, sectorBytes, sector);
      } catch (failure) {
        if (!(failure instanceof FileSystemError) || failure.kind === 'io') throw failure;
        problems.push(failure.message);
      }
    }
  }
  throw corrupt(`neither copy of the GPT can be read: ${[...new Set(problems)].join('; ')}`);
}

async function readCopy(disk: Section, sectorBytes: number, sector: number): Promise<Partition[]> {
  const where = `GPT header in sector ${sector} of ${sectorBytes} bytes`;
  const bytes = await disk.read(sector * sectorBytes, SECTOR_SIZES[0]);
  const header = Header.read(bytes);
  if (String.fromCharCode(...header.signature) !== SIGNATURE) throw corrupt(`${where}: no signature`);
  if (header.headerBytes < SMALLEST_HEADER || header.headerBytes > bytes.length)
    throw corrupt(`${where}: a header of ${header.headerBytes} bytes`);
  const summed = bytes.slice(0, header.headerBytes).fill(0, HEADER_CRC_OFFSET, HEADER_CRC_OFFSET + 4);
  if (crc32(summed) !== header.headerCrc) throw corrupt(`${where}: wrong checksum`);
  if (header.ownSector !== sector) throw corrupt(`${where}: it says it is in sector ${header.ownSector}`);
  const arrayBytes = header.entryCount * header.entryBytes;
  if (header.entryBytes < SMALLEST_ENTRY || arrayBytes > LARGEST_ARRAY_BYTES)
    throw corrupt(`${where}: ${header.entryCount} entries of ${header.entryBytes} bytes`);
  const array = await disk.read(header.entriesSector * sectorBytes, arrayBytes);
  if (crc32(array) !== header.entriesCrc) throw corrupt(`${where}: wrong checksum of its entries`);
  return partitionsOf(array, header, sectorBytes);
}

function partitionsOf(
  array: Uint8Array,
  header: { readonly entryCount: number; readonly entryBytes: number; readonly lastUsable: number },
  sectorBytes: number,
): Partition[] {
  const found: Partition[] = [];
  for (let index = 0; index < header.entryCount; index++) {
    const entry = Entry.read(array, index * header.entryBytes);
    if (entry.type.every((byte) => byte === 0)) continue;
    const number = index + 1;
    if (entry.lastSector < entry.firstSector || entry.lastSector > header.lastUsable)
      throw corrupt(`GPT partition ${number}: sectors ${entry.firstSector} to ${entry.lastSector}`);
    const guid = guidText(entry.type);
    const name = utf16Text(entry.name);
    found.push({
      number,
      startBytes: entry.firstSector * sectorBytes,
      sizeBytes: (entry.lastSector - entry.firstSector + 1) * sectorBytes,
      type: TYPE_NAMES[guid] ?? guid,
      isBootable: (entry.attributes & LEGACY_BOOTABLE) !== 0,
      ...(name === '' ? {} : { name }),
    });
  }
  return found;
}

/** The first three groups are little-endian numbers, the others are bytes (UEFI 2.10, appendix A). */
function guidText(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  const digits = order.map((index) => bytes[index]!.toString(16).padStart(2, '0')).join('');
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function utf16Text(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    const unit = bytes[at]! | (bytes[at + 1]! << 8);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return text;
}
