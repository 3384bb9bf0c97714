/**
 * The header of a qcow2 file, versions 2 and 3, after QEMU's docs/interop/qcow2.rst ("Header", "Header
 * extensions"). Fields are big-endian. What cannot be read is refused here, with the reason.
 */
import { viewOf } from './data-view.ts';
import { ImageError } from './image-error.ts';
import { checkDiskSize, LARGEST_TABLE_BYTES } from './limits.ts';
import type { CheckedSource } from './random-access.ts';

/** Where each field stands. */
export const QCOW2_FIELD = {
  magic: 0,
  version: 4,
  backingFileOffset: 8,
  backingFileSize: 16,
  clusterBits: 20,
  size: 24,
  cryptMethod: 32,
  l1Entries: 36,
  l1Offset: 40,
  refcountTableOffset: 48,
  refcountTableClusters: 56,
  snapshotCount: 60,
  snapshotsOffset: 64,
  incompatibleFeatures: 72,
  compatibleFeatures: 80,
  autoclearFeatures: 88,
  refcountOrder: 96,
  headerBytes: 100,
  compressionType: 104,
} as const;

export const QCOW2_MAGIC = 0x5146_49fb;
export const TABLE_ENTRY_BYTES = 8;

const VERSION_2_HEADER_BYTES = 72;
const VERSION_3_HEADER_BYTES = 104;
const LEAST_CLUSTER_BITS = 9;
const MOST_CLUSTER_BITS = 21;

interface FeatureRow {
  readonly bit: number;
  readonly name: string;
  /** Why a file with this bit is refused; absent where it can be read all the same. */
  readonly refusal?: string;
}

/** The incompatible features. */
const INCOMPATIBLE: readonly FeatureRow[] = [
  // Its reference counts may be wrong, which do not matter to a reader.
  { bit: 0, name: 'dirty' },
  {
    bit: 1,
    name: 'corrupt',
    refusal: 'it is marked as corrupt; "qemu-img check -r all" on a copy may repair it',
  },
  {
    bit: 2,
    name: 'external data file',
    refusal: 'its contents are in another file; "qemu-img convert -O qcow2" puts both into one',
  },
  { bit: 3, name: 'compression type' },
  {
    bit: 4,
    name: 'extended L2 entries',
    refusal: 'it has subclusters; "qemu-img convert -O qcow2" makes one without',
  },
];

const COMPRESSION_TYPES = ['zlib', 'zstd'] as const;
export type Qcow2Compression = (typeof COMPRESSION_TYPES)[number];

export interface Qcow2Header {
  readonly version: number;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  /** Of the disk. */
  readonly size: number;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly refcountTableOffset: number;
  readonly refcountTableBytes: number;
  readonly compression: Qcow2Compression;
  readonly isDirty: boolean;
  readonly snapshots: number;
}

/** @throws {ImageError} */
export async function readQcow2Header(source: CheckedSource): Promise<Qcow2Header> {
  const start = await source.bytes(0, VERSION_2_HEADER_BYTES, 'the qcow2 header');
  const version = viewOf(start).getUint32(QCOW2_FIELD.version);
  if (version !== 2 && version !== 3) {
    throw new ImageError('unsupported', `qcow2 version ${version} is not known`, QCOW2_FIELD.version);
  }
  const isShort = version === 2;
  const view = isShort
    ? viewOf(start)
    : viewOf(await source.bytes(0, VERSION_3_HEADER_BYTES, 'the qcow2 header'));
  refuseOtherFiles(view);
  const incompatible = isShort ? 0n : view.getBigUint64(QCOW2_FIELD.incompatibleFeatures);
  refuseFeatures(incompatible);
  const headerBytes = isShort ? VERSION_2_HEADER_BYTES : view.getUint32(QCOW2_FIELD.headerBytes);
  const compression =
    headerBytes > QCOW2_FIELD.compressionType
      ? await source.bytes(QCOW2_FIELD.compressionType, 1, 'the qcow2 header')
      : Uint8Array.of(0);
  const header = { ...geometry(view), version, compression: compressionType(compression[0]!) };
  checkTables(header, source);
  return { ...header, isDirty: (incompatible & 1n) === 1n };
}

function refuseOtherFiles(view: DataView): void {
  if (view.getBigUint64(QCOW2_FIELD.backingFileOffset) !== 0n) {
    throw new ImageError(
      'unsupported',
      'the qcow2 file holds only changes to another image (its backing file); "qemu-img convert -O qcow2" makes one with everything in it',
      QCOW2_FIELD.backingFileOffset,
    );
  }
  if (view.getUint32(QCOW2_FIELD.cryptMethod) !== 0) {
    throw new ImageError(
      'unsupported',
      'the qcow2 file is encrypted; "qemu-img convert" can make one that is not',
      QCOW2_FIELD.cryptMethod,
    );
  }
}

function refuseFeatures(features: bigint): void {
  for (let bit = 0; bit < 64; bit++) {
    if (((features >> BigInt(bit)) & 1n) === 0n) continue;
    const row = INCOMPATIBLE.find((candidate) => candidate.bit === bit);
    if (row && row.refusal === undefined) continue;
    const reason = row?.refusal ?? `it needs a feature that is not known here (bit ${bit})`;
    throw new ImageError(
      'unsupported',
      `the qcow2 file cannot be read: ${reason}`,
      QCOW2_FIELD.incompatibleFeatures,
    );
  }
}

function compressionType(type: number): Qcow2Compression {
  const name = COMPRESSION_TYPES[type];
  if (name) return name;
  const { compressionType: offset } = QCOW2_FIELD;
  throw new ImageError('unsupported', `the qcow2 file has an unknown compression (${type})`, offset);
}

function geometry(view: DataView) {
  const clusterBits = view.getUint32(QCOW2_FIELD.clusterBits);
  if (clusterBits < LEAST_CLUSTER_BITS || clusterBits > MOST_CLUSTER_BITS) {
    const { clusterBits: offset } = QCOW2_FIELD;
    throw new ImageError('corrupt', `the qcow2 file has clusters of 2^${clusterBits} bytes`, offset);
  }
  const size = Number(view.getBigUint64(QCOW2_FIELD.size));
  checkDiskSize(size, QCOW2_FIELD.size);
  return {
    clusterBits,
    clusterBytes: 1 << clusterBits,
    size,
    l1Offset: Number(view.getBigUint64(QCOW2_FIELD.l1Offset)),
    l1Entries: view.getUint32(QCOW2_FIELD.l1Entries),
    refcountTableOffset: Number(view.getBigUint64(QCOW2_FIELD.refcountTableOffset)),
    refcountTableBytes: view.getUint32(QCOW2_FIELD.refcountTableClusters) * 2 ** clusterBits,
    snapshots: view.getUint32(QCOW2_FIELD.snapshotCount),
  };
}

/** The L1 table covers the disk, stands where tables may stand, and fits into memory. */
function checkTables(header: ReturnType<typeof geometry>, source: CheckedSource): void {
  const { clusterBits, clusterBytes, size, l1Entries, l1Offset } = header;
  const bytesPerL1Entry = (clusterBytes / TABLE_ENTRY_BYTES) * 2 ** clusterBits;
  const l1Bytes = l1Entries * TABLE_ENTRY_BYTES;
  if (l1Entries < Math.ceil(size / bytesPerL1Entry)) {
    throw new ImageError('corrupt', 'the L1 table is too short for the disk', QCOW2_FIELD.l1Entries);
  }
  if (l1Bytes > LARGEST_TABLE_BYTES) {
    throw new ImageError('too-large', `the L1 table has ${l1Entries} entries`, QCOW2_FIELD.l1Entries);
  }
  if (l1Offset % clusterBytes !== 0) {
    throw new ImageError('corrupt', 'the L1 table is not at the start of a cluster', QCOW2_FIELD.l1Offset);
  }
  source.check(l1Offset, l1Bytes, 'the L1 table');
  source.check(header.refcountTableOffset, header.refcountTableBytes, 'the refcount table');
}
