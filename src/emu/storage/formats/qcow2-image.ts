/**
 * Reads a qcow2 file: guest offset → L1 entry → L2 table → cluster, after docs/interop/qcow2.rst ("Cluster
 * mapping"). Internal snapshots are left alone: the image is its present state.
 * Invariant: no cluster of the file serves twice (ClusterClaims), so that a small file cannot stand for a huge disk,
 * and damage does not show as another part's contents. Clusters that compression shares are not counted.
 */

import { ByteCache } from './byte-cache.ts';
import { inflateBytes } from './codecs/inflate.ts';
import { unzstdBytes } from './codecs/zstd.ts';
import { viewOf } from './data-view.ts';
import { ImageError } from './image-error.ts';
import { type Qcow2Header, readQcow2Header, TABLE_ENTRY_BYTES } from './qcow2-header.ts';
import { type ByteRange, CheckedSource, type ImageReader, type RandomAccessSource } from './random-access.ts';

const TABLE_CACHE_BYTES = 1 << 22;
const CLUSTER_CACHE_BYTES = 1 << 23;
const SECTOR_BYTES = 512;
const TWO_TO_32 = 2 ** 32;

/** Bits 9 to 55 of an entry are an offset: so much of its high half. */
const OFFSET_HIGH_MASK = 0x00ff_ffff;
const OFFSET_LOW_MASK = 0xffff_fe00;
/** In the high half of an L2 entry: the rest is a compressed cluster's place. */
const COMPRESSED = 1 << 30;
const COMPRESSED_BITS = 62;
/** In the low half of an L2 entry of version 3: the cluster reads as zeros. */
const ZERO = 1;

type Cluster =
  | { readonly kind: 'hole' }
  | { readonly kind: 'plain'; readonly offset: number }
  | { readonly kind: 'compressed'; readonly offset: number; readonly length: number };

const HOLE: Cluster = { kind: 'hole' };

/** @throws {ImageError} */
export async function openQcow2(source: RandomAccessSource): Promise<ImageReader> {
  const checked = new CheckedSource(source);
  const header = await readQcow2Header(checked);
  const l1 = await checked.bytes(header.l1Offset, header.l1Entries * TABLE_ENTRY_BYTES, 'the L1 table');
  return new Qcow2Image(checked, header, l1);
}

function describe({ version, compression, snapshots, isDirty }: Qcow2Header): string {
  const notes = [
    compression === 'zlib' ? [] : [compression],
    snapshots === 0 ? [] : [`${snapshots} internal snapshots left out`],
    isDirty ? ['not closed properly'] : [],
  ];
  return [`qcow2 version ${version}`, ...notes.flat()].join(', ');
}

class Qcow2Image implements ImageReader {
  readonly size: number;
  readonly format: string;
  private readonly source: CheckedSource;
  private readonly header: Qcow2Header;
  private readonly l1: DataView;
  private readonly claims: ClusterClaims;
  /** L1 entries whose table has been checked. */
  private readonly checkedTables = new Set<number>();
  private readonly tables = new ByteCache(TABLE_CACHE_BYTES);
  private readonly clusters = new ByteCache(CLUSTER_CACHE_BYTES);
  private readonly entriesPerTable: number;

  constructor(source: CheckedSource, header: Qcow2Header, l1: Uint8Array) {
    this.source = source;
    this.header = header;
    this.size = header.size;
    this.format = describe(header);
    this.l1 = viewOf(l1);
    this.entriesPerTable = header.clusterBytes / TABLE_ENTRY_BYTES;
    this.claims = new ClusterClaims(header.clusterBytes);
    this.claims.claim(0, 1, 'the header');
    this.claims.claim(header.l1Offset, l1.length, 'the L1 table');
    this.claims.claim(header.refcountTableOffset, header.refcountTableBytes, 'the refcount table');
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    const { clusterBytes } = this.header;
    for (let done = 0; done < target.length; ) {
      const at = offset + done;
      const within = at % clusterBytes;
      const cluster = Math.floor(at / clusterBytes);
      const table = await this.table(Math.floor(cluster / this.entriesPerTable));
      const found = this.clusterIn(table, cluster);
      const wanted = target.length - done;
      const run = this.run(table, cluster, found, Math.ceil((within + wanted) / clusterBytes));
      const length = Math.min(wanted, run * clusterBytes - within);
      await this.readRun(found, within, target.subarray(done, done + length), cluster);
      done += length;
    }
  }

  async *ranges(): AsyncGenerator<ByteRange> {
    const { clusterBytes } = this.header;
    const clusters = Math.ceil(this.size / clusterBytes);
    let start: number | undefined;
    for (let cluster = 0; cluster < clusters; ) {
      const table = await this.table(Math.floor(cluster / this.entriesPerTable));
      const stop = Math.min(
        clusters,
        (Math.floor(cluster / this.entriesPerTable) + 1) * this.entriesPerTable,
      );
      while (cluster < stop) {
        const found = this.clusterIn(table, cluster);
        if (found.kind !== 'hole') start ??= cluster * clusterBytes;
        else if (start !== undefined) {
          yield { offset: start, length: cluster * clusterBytes - start };
          start = undefined;
        }
        cluster += this.run(table, cluster, found, stop - cluster);
      }
    }
    if (start !== undefined) yield { offset: start, length: this.size - start };
  }

  /** How many of the clusters from `cluster` on follow each other in the file, too; `most` at most. */
  private run(table: DataView | undefined, cluster: number, first: Cluster, most: number): number {
    if (first.kind === 'compressed') return 1;
    const { clusterBytes } = this.header;
    const last = Math.min(cluster + most, cluster - (cluster % this.entriesPerTable) + this.entriesPerTable);
    if (!table) return last - cluster;
    let next = cluster + 1;
    for (; next < last; next++) {
      const found = this.clusterIn(table, next);
      const follows =
        first.kind === 'hole'
          ? found.kind === 'hole'
          : found.kind === 'plain' && found.offset === first.offset + (next - cluster) * clusterBytes;
      if (!follows) break;
    }
    return next - cluster;
  }

  private async readRun(found: Cluster, within: number, target: Uint8Array, cluster: number): Promise<void> {
    if (found.kind === 'hole') target.fill(0);
    else if (found.kind === 'plain') await this.source.read(found.offset + within, target);
    else {
      const load = () => this.decompress(found);
      const contents = await this.clusters.get(cluster, this.header.clusterBytes, load);
      target.set(contents.subarray(within, within + target.length));
    }
  }

  private async decompress({ offset, length }: { offset: number; length: number }): Promise<Uint8Array> {
    // The length counts whole sectors: the last one may end beyond the file.
    const present = Math.min(length, this.source.size - offset);
    const bytes = await this.source.bytes(offset, present, 'a compressed cluster');
    const decode = this.header.compression === 'zlib' ? inflateBytes : unzstdBytes;
    try {
      return decode(bytes, this.header.clusterBytes);
    } catch (failure) {
      if (!(failure instanceof ImageError)) throw failure;
      throw new ImageError('corrupt', `a compressed cluster is damaged (${failure.message})`, offset);
    }
  }

  /** The L2 table of an L1 entry; undefined where there is none. */
  private async table(index: number): Promise<DataView | undefined> {
    const { clusterBytes, l1Offset } = this.header;
    const offset = plainOffset(this.l1, index * TABLE_ENTRY_BYTES);
    if (offset === 0) return undefined;
    const entryOffset = l1Offset + index * TABLE_ENTRY_BYTES;
    if (offset % clusterBytes !== 0) {
      throw new ImageError('corrupt', 'an L2 table is not at the start of a cluster', entryOffset);
    }
    const bytes = await this.tables.get(index, clusterBytes, async () => {
      const table = await this.source.bytes(offset, clusterBytes, 'an L2 table');
      if (!this.checkedTables.has(index)) this.checkTable(index, offset, viewOf(table));
      return table;
    });
    return viewOf(bytes);
  }

  /** Every entry leads to a place inside the file that nothing else uses. */
  private checkTable(index: number, offset: number, table: DataView): void {
    this.checkedTables.add(index);
    const { clusterBytes, version } = this.header;
    this.claims.claim(offset, clusterBytes, 'an L2 table');
    const first = index * this.entriesPerTable;
    const count = Math.min(this.entriesPerTable, Math.ceil(this.size / clusterBytes) - first);
    for (let entry = 0; entry < count; entry++) {
      const at = entry * TABLE_ENTRY_BYTES;
      const isCompressed = (table.getUint32(at) & COMPRESSED) !== 0;
      if (!isCompressed && table.getUint32(at + 4) & ZERO && version === 2) {
        throw new ImageError('corrupt', 'a zero cluster in a file of version 2', offset + at);
      }
      const found = this.clusterIn(table, entry);
      if (found.kind === 'compressed') this.source.check(found.offset, 1, 'a compressed cluster');
      const place = isCompressed ? 0 : plainOffset(table, at);
      if (place === 0) continue;
      if (place % clusterBytes !== 0) {
        throw new ImageError('corrupt', 'a cluster is not where clusters can be', offset + at);
      }
      if (found.kind === 'plain') {
        const needed = Math.min(clusterBytes, this.size - (first + entry) * clusterBytes);
        this.source.check(place, needed, 'a cluster of the disk');
      }
      this.claims.claim(place, clusterBytes, 'a cluster of the disk');
    }
  }

  private clusterIn(table: DataView | undefined, cluster: number): Cluster {
    if (!table) return HOLE;
    const at = (cluster % this.entriesPerTable) * TABLE_ENTRY_BYTES;
    if (table.getUint32(at) & COMPRESSED) return this.compressedCluster(table.getBigUint64(at));
    const offset = plainOffset(table, at);
    const isZero = (table.getUint32(at + 4) & ZERO) !== 0;
    return isZero || offset === 0 ? HOLE : { kind: 'plain', offset };
  }

  /** "Compressed Clusters Descriptor": the offset's width depends on the size of clusters. */
  private compressedCluster(entry: bigint): Cluster {
    const offsetBits = BigInt(COMPRESSED_BITS - (this.header.clusterBits - 8));
    const offset = Number(BigInt.asUintN(Number(offsetBits), entry));
    const moreSectors = Number(BigInt.asUintN(COMPRESSED_BITS, entry) >> offsetBits);
    return { kind: 'compressed', offset, length: (moreSectors + 1) * SECTOR_BYTES - (offset % SECTOR_BYTES) };
  }
}

/** Which clusters of the file are in use, as bits in pages that are made when first needed. */
class ClusterClaims {
  private readonly clusterBytes: number;
  private readonly pages = new Map<number, Uint8Array>();

  constructor(clusterBytes: number) {
    this.clusterBytes = clusterBytes;
  }

  /** @throws {ImageError} when another part of the image has one of the clusters already */
  claim(offset: number, length: number, what: string): void {
    const last = Math.ceil((offset + length) / this.clusterBytes);
    for (let cluster = Math.floor(offset / this.clusterBytes); cluster < last; cluster++) {
      const page = this.page(Math.floor(cluster / CLAIMS_PER_PAGE));
      const bit = cluster % CLAIMS_PER_PAGE;
      const mask = 1 << (bit & 7);
      if (page[bit >> 3]! & mask) {
        const place = cluster * this.clusterBytes;
        throw new ImageError('corrupt', `${what} is where another part of the image is`, place);
      }
      page[bit >> 3]! |= mask;
    }
  }

  private page(index: number): Uint8Array {
    let page = this.pages.get(index);
    if (!page) this.pages.set(index, (page = new Uint8Array(CLAIMS_PER_PAGE / 8)));
    return page;
  }
}
const CLAIMS_PER_PAGE = 1 << 15;

/** The offset in an entry of a table. */
function plainOffset(table: DataView, at: number): number {
  const high = table.getUint32(at) & OFFSET_HIGH_MASK;
  return high * TWO_TO_32 + ((table.getUint32(at + 4) & OFFSET_LOW_MASK) >>> 0);
}
