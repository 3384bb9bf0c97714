/**
 * A writable store over one that is never written: changes are kept in memory, by sector, and are lost
 * with the object. Offsets and lengths are whole sectors, as a disk's are.
 *
 * Invariant: a sector whose `present` bit is set is answered from its cluster, any other by the base.
 */
import { type BlockStore, type MaybePromise, StorageError } from './block-store.ts';

const SECTOR_BYTES = 512;
const SECTORS_PER_CLUSTER = 16;
const CLUSTER_BYTES = SECTOR_BYTES * SECTORS_PER_CLUSTER;
const ALL_PRESENT = 2 ** SECTORS_PER_CLUSTER - 1;

interface Cluster {
  /** Bit n: sector n of this cluster was changed. */
  present: number;
  /** Absent while all changed sectors read as zeros. */
  data: Uint8Array | undefined;
}

export class OverlayStore implements BlockStore {
  readonly size: number;
  readonly readOnly = false;
  readonly #base: BlockStore;
  readonly #clusters = new Map<number, Cluster>();

  constructor(base: BlockStore) {
    this.#base = base;
    this.size = base.size;
  }

  /** Memory that changes occupy. */
  get changedBytes(): number {
    let clusters = 0;
    for (const cluster of this.#clusters.values()) if (cluster.data) clusters++;
    return clusters * CLUSTER_BYTES;
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    this.#check(offset, target.length);
    if (this.#covers(offset, target.length)) return this.#copyChanges(offset, target);
    const baseRead = this.#base.read(offset, target);
    if (baseRead instanceof Promise) return baseRead.then(() => this.#copyChanges(offset, target));
    this.#copyChanges(offset, target);
  }

  write(offset: number, source: Uint8Array): void {
    this.#check(offset, source.length);
    for (let done = 0; done < source.length; done += SECTOR_BYTES) {
      const { cluster, sector } = this.#touch(offset + done);
      cluster.data ??= new Uint8Array(CLUSTER_BYTES);
      cluster.data.set(source.subarray(done, done + SECTOR_BYTES), sector * SECTOR_BYTES);
    }
  }

  flush(): void {}

  discard(offset: number, length: number): void {
    this.#check(offset, length);
    for (let at = offset; at < offset + length; at += SECTOR_BYTES) {
      const isWholeCluster = at % CLUSTER_BYTES === 0 && at + CLUSTER_BYTES <= offset + length;
      if (isWholeCluster) {
        this.#clusters.set(at / CLUSTER_BYTES, { present: ALL_PRESENT, data: undefined });
        at += CLUSTER_BYTES - SECTOR_BYTES;
        continue;
      }
      const { cluster, sector } = this.#touch(at);
      cluster.data?.fill(0, sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    }
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + length} of ${this.size}`);
    }
    if (offset % SECTOR_BYTES !== 0 || length % SECTOR_BYTES !== 0) {
      throw new StorageError('io', `${length} bytes at ${offset} are not whole sectors`);
    }
  }

  /** The cluster and sector at `offset`, which counts as changed from now on. */
  #touch(offset: number): { cluster: Cluster; sector: number } {
    const index = Math.floor(offset / CLUSTER_BYTES);
    const sector = (offset % CLUSTER_BYTES) / SECTOR_BYTES;
    let cluster = this.#clusters.get(index);
    if (!cluster) this.#clusters.set(index, (cluster = { present: 0, data: undefined }));
    cluster.present |= 1 << sector;
    return { cluster, sector };
  }

  #covers(offset: number, length: number): boolean {
    for (let at = offset; at < offset + length; at += SECTOR_BYTES) {
      if (!this.#changed(at)) return false;
    }
    return true;
  }

  #changed(offset: number): Cluster | undefined {
    const cluster = this.#clusters.get(Math.floor(offset / CLUSTER_BYTES));
    const sector = (offset % CLUSTER_BYTES) / SECTOR_BYTES;
    return cluster && (cluster.present >> sector) & 1 ? cluster : undefined;
  }

  #copyChanges(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; done += SECTOR_BYTES) {
      const at = offset + done;
      const cluster = this.#changed(at);
      if (!cluster) continue;
      const start = at % CLUSTER_BYTES;
      if (cluster.data) target.set(cluster.data.subarray(start, start + SECTOR_BYTES), done);
      else target.fill(0, done, done + SECTOR_BYTES);
    }
  }
}
