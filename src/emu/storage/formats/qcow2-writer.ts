/**
 * Writes an image as a qcow2 file of version 3, from its first byte to its last: where everything goes follows from
 * the list of clusters in use, which is made before (allocationOf). Order in the file: header, refcount table
 * and blocks, L1 table, then each L2 table with its clusters behind it. No compression, no snapshots.
 */
import { QCOW2_FIELD, QCOW2_MAGIC, TABLE_ENTRY_BYTES } from './qcow2-header.ts';
import type { ImageReader } from './random-access.ts';
import { isZeros, readPieces } from './raw-stream.ts';

const CLUSTER_BITS = 16;
const CLUSTER_BYTES = 1 << CLUSTER_BITS;
const ENTRIES_PER_CLUSTER = CLUSTER_BYTES / TABLE_ENTRY_BYTES;
/** References are counted in 2^REFCOUNT_ORDER bits. */
const REFCOUNT_ORDER = 4;
const REFCOUNTS_PER_CLUSTER = CLUSTER_BYTES / 2;
const HEADER_BYTES = 112;
const SECTOR_BYTES = 512;
/** In table entries: nothing else refers to this cluster, so it may be written in place. */
const COPIED = 1n << 63n;

/** Which clusters of a disk have contents. */
export class ClusterMap {
  /** Of the disk, in whole sectors. */
  readonly diskBytes: number;
  readonly clusters: number;
  count = 0;
  private readonly bits: Uint8Array;

  constructor(diskBytes: number) {
    this.diskBytes = Math.ceil(diskBytes / SECTOR_BYTES) * SECTOR_BYTES;
    this.clusters = Math.ceil(this.diskBytes / CLUSTER_BYTES);
    this.bits = new Uint8Array(Math.ceil(this.clusters / 8));
  }

  has(cluster: number): boolean {
    return (this.bits[cluster >> 3]! & (1 << (cluster & 7))) !== 0;
  }

  add(cluster: number): void {
    if (this.has(cluster)) return;
    this.bits[cluster >> 3]! |= 1 << (cluster & 7);
    this.count++;
  }
}

/** The clusters that are not zeros; reads the image once. */
export async function allocationOf(image: ImageReader): Promise<ClusterMap> {
  const map = new ClusterMap(image.size);
  for await (const { offset, bytes } of readPieces(image)) {
    for (let done = 0; bytes && done < bytes.length; ) {
      const cluster = Math.floor((offset + done) / CLUSTER_BYTES);
      const part = bytes.subarray(done, (cluster + 1) * CLUSTER_BYTES - offset);
      if (!map.has(cluster) && !isZeros(part)) map.add(cluster);
      done += part.length;
    }
  }
  return map;
}

/** Numbers of clusters in the file. */
interface Layout {
  readonly refcountTableClusters: number;
  readonly refcountBlocks: number;
  readonly l1Entries: number;
  readonly l1Clusters: number;
  /** By L1 entry: the clusters that it leads to; 0 for no table. */
  readonly perTable: Uint32Array;
  readonly total: number;
}

function layOut(map: ClusterMap): Layout {
  const l1Entries = Math.max(1, Math.ceil(map.clusters / ENTRIES_PER_CLUSTER));
  const perTable = new Uint32Array(l1Entries);
  for (let cluster = 0; cluster < map.clusters; cluster++) {
    if (map.has(cluster)) perTable[Math.floor(cluster / ENTRIES_PER_CLUSTER)]!++;
  }
  const l1Clusters = Math.ceil((l1Entries * TABLE_ENTRY_BYTES) / CLUSTER_BYTES);
  const tables = perTable.reduce((count, clusters) => count + (clusters > 0 ? 1 : 0), 0);
  const others = 1 + l1Clusters + tables + map.count;
  // The refcounts count their own clusters, too.
  for (let refcountBlocks = 1; ; refcountBlocks++) {
    const tableClusters = Math.ceil((refcountBlocks * TABLE_ENTRY_BYTES) / CLUSTER_BYTES);
    const total = others + refcountBlocks + tableClusters;
    if (total > refcountBlocks * REFCOUNTS_PER_CLUSTER) continue;
    return { refcountTableClusters: tableClusters, refcountBlocks, l1Entries, l1Clusters, perTable, total };
  }
}

/** The size of the file that writeQcow2 gives. */
export function qcow2FileBytes(map: ClusterMap): number {
  return layOut(map).total * CLUSTER_BYTES;
}

/**
 * The file, in chunks of clusters.
 * @param map of this image; clusters outside it become holes
 */
export async function* writeQcow2(
  image: ImageReader,
  map: ClusterMap,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const layout = layOut(map);
  const { refcountTableClusters, refcountBlocks, l1Clusters, perTable } = layout;
  const l1Start = 1 + refcountTableClusters + refcountBlocks;
  yield header(map, layout);
  yield entries(refcountTableClusters, refcountBlocks, (at) => clusterOffset(1 + refcountTableClusters + at));
  for (let block = 0; block < refcountBlocks; block++)
    yield refcounts(layout.total - block * REFCOUNTS_PER_CLUSTER);
  let next = l1Start + l1Clusters;
  yield entries(l1Clusters, perTable.length, (at) => {
    const clusters = perTable[at]!;
    if (clusters === 0) return 0n;
    const table = next;
    next += 1 + clusters;
    return COPIED | clusterOffset(table);
  });
  next = l1Start + l1Clusters;
  for (const [table, clusters] of perTable.entries()) {
    if (clusters === 0) continue;
    yield* tableWithClusters(image, map, table, next);
    next += 1 + clusters;
  }
}

/** An L2 table at cluster `start` of the file, and the clusters that it leads to. */
async function* tableWithClusters(
  image: ImageReader,
  map: ClusterMap,
  table: number,
  start: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const first = table * ENTRIES_PER_CLUSTER;
  const count = Math.min(ENTRIES_PER_CLUSTER, map.clusters - first);
  let next = start + 1;
  yield entries(1, count, (at) => (map.has(first + at) ? COPIED | clusterOffset(next++) : 0n));
  for (let cluster = first; cluster < first + count; cluster++) {
    if (!map.has(cluster)) continue;
    const contents = new Uint8Array(CLUSTER_BYTES);
    const offset = cluster * CLUSTER_BYTES;
    await image.read(offset, contents.subarray(0, Math.max(0, image.size - offset)));
    yield contents;
  }
}

function header(map: ClusterMap, layout: Layout): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CLUSTER_BYTES);
  const view = new DataView(bytes.buffer);
  const l1Start = 1 + layout.refcountTableClusters + layout.refcountBlocks;
  view.setUint32(QCOW2_FIELD.magic, QCOW2_MAGIC);
  view.setUint32(QCOW2_FIELD.version, 3);
  view.setUint32(QCOW2_FIELD.clusterBits, CLUSTER_BITS);
  view.setBigUint64(QCOW2_FIELD.size, BigInt(map.diskBytes));
  view.setUint32(QCOW2_FIELD.l1Entries, layout.l1Entries);
  view.setBigUint64(QCOW2_FIELD.l1Offset, clusterOffset(l1Start));
  view.setBigUint64(QCOW2_FIELD.refcountTableOffset, clusterOffset(1));
  view.setUint32(QCOW2_FIELD.refcountTableClusters, layout.refcountTableClusters);
  view.setUint32(QCOW2_FIELD.refcountOrder, REFCOUNT_ORDER);
  view.setUint32(QCOW2_FIELD.headerBytes, HEADER_BYTES);
  return bytes;
}

/** Clusters of table entries; behind the `count` entries there are zeros. */
function entries(clusters: number, count: number, entry: (at: number) => bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(clusters * CLUSTER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < count; at++) view.setBigUint64(at * TABLE_ENTRY_BYTES, entry(at));
  return bytes;
}

/** A block of refcounts: every cluster of the file is used once. */
function refcounts(left: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CLUSTER_BYTES);
  for (let at = 0; at < Math.min(left, REFCOUNTS_PER_CLUSTER); at++) bytes[2 * at + 1] = 1;
  return bytes;
}

function clusterOffset(cluster: number): bigint {
  return BigInt(cluster) << BigInt(CLUSTER_BITS);
}
