/**
 * A FAT directory: slots of 32 bytes, in which a file has one entry and, before it, up to twenty slots of its
 * long name in reverse order. Slots that fit no entry are left out, as every system does.
 */
import { structure } from '../structure.ts';
import { SLOT_BYTES } from './boot-sector.ts';
import { isUsableName, LONGEST_NAME, SHORT_NAME_BYTES, shortNameChecksum, shortNameText } from './names.ts';

export const END_MARK = 0x00;
export const DELETED_MARK = 0xe5;

const ATTRIBUTE_VOLUME = 0x08;
export const ATTRIBUTE_DIRECTORY = 0x10;
export const ATTRIBUTE_ARCHIVE = 0x20;
const ATTRIBUTE_LONG_NAME = 0x0f;
const ATTRIBUTE_MASK = 0x3f;

const LAST_LONG_SLOT = 0x40;
const LONG_ORDER = 0x3f;
const UNITS_PER_SLOT = 13;
const MOST_LONG_SLOTS = Math.ceil(LONGEST_NAME / UNITS_PER_SLOT);
/** Where a long-name slot keeps its thirteen UTF-16 units. */
const UNIT_OFFSETS = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30] as const;
const PADDING_UNIT = 0xffff;

/** Time: hours, minutes, two-second steps; date: years from 1980, month, day. */
const FIRST_YEAR = 1980;
const LAST_YEAR = FIRST_YEAR + 127;

export const Slot = structure({
  name: [0, SHORT_NAME_BYTES],
  attributes: [11, 'u8'],
  caseBits: [12, 'u8'],
  createdTenths: [13, 'u8'],
  createdTime: [14, 'u16'],
  createdDate: [16, 'u16'],
  accessedDate: [18, 'u16'],
  clusterHigh: [20, 'u16'],
  modifiedTime: [22, 'u16'],
  modifiedDate: [24, 'u16'],
  clusterLow: [26, 'u16'],
  size: [28, 'u32'],
});

const LongSlot = structure({
  order: [0, 'u8'],
  attributes: [11, 'u8'],
  type: [12, 'u8'],
  checksum: [13, 'u8'],
  cluster: [26, 'u16'],
});

export interface FatEntry {
  readonly name: string;
  /** The other name by which it is found. */
  readonly shortName: string;
  readonly rawShortName: Uint8Array;
  readonly isDirectory: boolean;
  readonly cluster: number;
  readonly size: number;
  readonly modifiedMs: number;
  /** Its slots: the long name's from `firstSlot` on, its own at `slot`. */
  readonly firstSlot: number;
  readonly slot: number;
}

export interface ParsedDirectory {
  readonly entries: readonly FatEntry[];
  readonly label?: string;
  /** The first slot that was never used: all behind it are free. */
  readonly endSlot: number;
}

/** The slots of a long name that have been met, last part first. */
class PendingLongName {
  private units: number[][] = [];
  private expected = 0;
  private checksum = 0;
  private firstSlot = 0;

  clear(): void {
    this.units = [];
    this.expected = 0;
  }

  add(bytes: Uint8Array, slot: number): void {
    const at = slot * SLOT_BYTES;
    const { order, checksum } = LongSlot.read(bytes, at);
    const number = order & LONG_ORDER;
    if (order & LAST_LONG_SLOT) {
      this.units = [];
      this.expected = number <= MOST_LONG_SLOTS ? number : 0;
      this.checksum = checksum;
      this.firstSlot = slot;
    }
    if (number === 0 || number !== this.expected || checksum !== this.checksum) return this.clear();
    this.units.push(UNIT_OFFSETS.map((offset) => bytes[at + offset]! | (bytes[at + offset + 1]! << 8)));
    this.expected--;
  }

  /** The name, when all its slots were there and belong to this short name. */
  take(rawShortName: Uint8Array): { readonly name: string; readonly firstSlot: number } | undefined {
    const { units, expected, checksum, firstSlot } = this;
    this.clear();
    if (units.length === 0 || expected !== 0 || checksum !== shortNameChecksum(rawShortName))
      return undefined;
    const all = units.reverse().flat();
    const end = all.indexOf(0);
    const name = String.fromCharCode(...(end < 0 ? all : all.slice(0, end)));
    return isUsableName(name) ? { name, firstSlot } : undefined;
  }
}

export function parseDirectory(bytes: Uint8Array): ParsedDirectory {
  const entries: FatEntry[] = [];
  const pending = new PendingLongName();
  const slots = Math.floor(bytes.length / SLOT_BYTES);
  let label: string | undefined;
  let slot = 0;
  for (; slot < slots; slot++) {
    const mark = bytes[slot * SLOT_BYTES];
    if (mark === END_MARK) break;
    const { attributes, name } = Slot.read(bytes, slot * SLOT_BYTES);
    if (mark === DELETED_MARK) pending.clear();
    else if ((attributes & ATTRIBUTE_MASK) === ATTRIBUTE_LONG_NAME) pending.add(bytes, slot);
    else if (attributes & ATTRIBUTE_VOLUME) {
      pending.clear();
      label ??= shortNameText(name, 0).replace('.', '');
    } else {
      const entry = entryAt(bytes, slot, pending);
      if (entry) entries.push(entry);
    }
  }
  return { entries, endSlot: slot, ...(label === undefined ? {} : { label }) };
}

function entryAt(bytes: Uint8Array, slot: number, pending: PendingLongName): FatEntry | undefined {
  const fields = Slot.read(bytes, slot * SLOT_BYTES);
  const rawShortName = fields.name.slice();
  const long = pending.take(rawShortName);
  const shortName = shortNameText(rawShortName, fields.caseBits);
  if (!isUsableName(shortName)) return undefined;
  return {
    name: long?.name ?? shortName,
    shortName,
    rawShortName,
    isDirectory: (fields.attributes & ATTRIBUTE_DIRECTORY) !== 0,
    cluster: fields.clusterHigh * 0x1_0000 + fields.clusterLow,
    size: fields.size,
    modifiedMs: timeOf(fields.modifiedDate, fields.modifiedTime),
    firstSlot: long?.firstSlot ?? slot,
    slot,
  };
}

/** The slots of a long name, in the order of the disk. */
export function longNameSlots(name: string, rawShortName: Uint8Array): Uint8Array {
  const count = Math.ceil(name.length / UNITS_PER_SLOT);
  const checksum = shortNameChecksum(rawShortName);
  const bytes = new Uint8Array(count * SLOT_BYTES);
  for (let index = 0; index < count; index++) {
    const number = count - index;
    const at = index * SLOT_BYTES;
    const order = index === 0 ? number | LAST_LONG_SLOT : number;
    LongSlot.write(bytes, { order, attributes: ATTRIBUTE_LONG_NAME, type: 0, checksum, cluster: 0 }, at);
    for (const [position, offset] of UNIT_OFFSETS.entries()) {
      const unitIndex = (number - 1) * UNITS_PER_SLOT + position;
      // The name ends with a NUL if there is room, and then with padding.
      const unit =
        unitIndex < name.length ? name.charCodeAt(unitIndex) : unitIndex === name.length ? 0 : PADDING_UNIT;
      bytes[at + offset] = unit;
      bytes[at + offset + 1] = unit >>> 8;
    }
  }
  return bytes;
}

function timeOf(date: number, time: number): number {
  return Date.UTC(
    FIRST_YEAR + (date >>> 9),
    Math.max(1, (date >>> 5) & 15) - 1,
    Math.max(1, date & 31),
    time >>> 11,
    (time >>> 5) & 63,
    (time & 31) * 2,
  );
}

export function dateAndTime(ms: number): { readonly date: number; readonly time: number } {
  const moment = new Date(ms);
  const year = Math.min(Math.max(moment.getUTCFullYear(), FIRST_YEAR), LAST_YEAR);
  return {
    date: ((year - FIRST_YEAR) << 9) | ((moment.getUTCMonth() + 1) << 5) | moment.getUTCDate(),
    time: (moment.getUTCHours() << 11) | (moment.getUTCMinutes() << 5) | (moment.getUTCSeconds() >>> 1),
  };
}
