/**
 * The file allocation table: one entry a cluster, which is free, names the next cluster of its chain, or ends
 * it. Entries have 12, 16 or 28 of 32 bits. A chain is never longer than there are clusters, so following one
 * ends whatever the table contains.
 */
import { corrupt } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import { ENTRY_BITS, type FatGeometry, FIRST_CLUSTER } from './boot-sector.ts';

export const FREE = 0;
/** Values from here on end a chain; the one before marks a bad cluster. */
const FIRST_END = { fat12: 0xff8, fat16: 0xfff8, fat32: 0x0fff_fff8 };
export const END_OF_CHAIN = { fat12: 0xfff, fat16: 0xffff, fat32: 0x0fff_ffff };
/** The upper four bits of a FAT32 entry are reserved and stay as they are. */
const FAT32_VALUE = 0x0fff_ffff;
/** A multiple of 3, so that no page cuts a pair of 12-bit entries. */
const PAGE_BYTES = 12 * 1024;

/** Neighbouring clusters of a chain. */
export interface ClusterRun {
  readonly first: number;
  readonly count: number;
}

export class AllocationTable {
  private readonly section: Section;
  private readonly geometry: FatGeometry;
  /** The page that was used last: chains are mostly followed in order. */
  private page: { readonly number: number; readonly bytes: Uint8Array } | undefined;

  constructor(section: Section, geometry: FatGeometry) {
    this.section = section;
    this.geometry = geometry;
  }

  isCluster(value: number): boolean {
    return value >= FIRST_CLUSTER && value < FIRST_CLUSTER + this.geometry.clusterCount;
  }

  /**
   * The chain from `first` on as runs. With `limit`, the chain is left there.
   * @throws {FileSystemError} where it leads to no cluster, or in circles
   */
  async *runs(first: number, what: string, limit = Number.POSITIVE_INFINITY): AsyncGenerator<ClusterRun> {
    let start = first;
    let count = 0;
    let total = 0;
    for (let cluster = first; total < limit; ) {
      if (!this.isCluster(cluster)) throw corrupt(`${what}: its chain leads to cluster ${cluster}`);
      if (++total > this.geometry.clusterCount) throw corrupt(`${what}: its chain of clusters is a circle`);
      if (cluster !== start + count) {
        yield { first: start, count };
        start = cluster;
        count = 0;
      }
      count++;
      const next = await this.entry(cluster);
      if (next >= FIRST_END[this.geometry.kind]) break;
      cluster = next;
    }
    if (count > 0) yield { first: start, count };
  }

  /** Up to `count` free clusters, the lowest first. */
  async findFree(count: number): Promise<number[]> {
    const found: number[] = [];
    for (let page = 0; page < this.pages && found.length < count; page++) {
      for (const cluster of this.freeIn(page, await this.readPage(page))) {
        if (found.push(cluster) === count) break;
      }
    }
    return found;
  }

  async countFree(): Promise<number> {
    let count = 0;
    for (let page = 0; page < this.pages; page++) {
      count += this.freeIn(page, await this.readPage(page)).length;
    }
    return count;
  }

  /** Sets entries in every copy of the table that counts. */
  async set(values: ReadonlyMap<number, number>): Promise<void> {
    const { liveTables, tableStart, tableBytes } = this.geometry;
    const pages = new Map<number, Uint8Array>();
    for (const [cluster, value] of values) {
      const { number, at } = this.place(cluster);
      const bytes = pages.get(number) ?? (await this.readPage(number)).slice();
      pages.set(number, bytes);
      this.putEntry(bytes, at, cluster, value);
    }
    this.page = undefined;
    for (const table of liveTables) {
      for (const [number, bytes] of pages)
        await this.section.write(tableStart + table * tableBytes + number * PAGE_BYTES, bytes);
    }
  }

  /** Pages that hold entries of clusters. */
  private get pages(): number {
    return this.place(FIRST_CLUSTER + this.geometry.clusterCount - 1).number + 1;
  }

  /** Large tables have millions of entries, so nothing is made for each of them. */
  private freeIn(page: number, bytes: Uint8Array): number[] {
    const bits = ENTRY_BITS[this.geometry.kind];
    const perPage = (PAGE_BYTES * 8) / bits;
    const end = Math.min((page + 1) * perPage, FIRST_CLUSTER + this.geometry.clusterCount);
    const free: number[] = [];
    for (let cluster = Math.max(page * perPage, FIRST_CLUSTER); cluster < end; cluster++) {
      const at = Math.floor((cluster * bits) / 8) - page * PAGE_BYTES;
      if (this.takeEntry(bytes, at, cluster) === FREE) free.push(cluster);
    }
    return free;
  }

  private async entry(cluster: number): Promise<number> {
    const { number, at } = this.place(cluster);
    const page = this.page?.number === number ? this.page.bytes : await this.readPage(number);
    return this.takeEntry(page, at, cluster);
  }

  private place(cluster: number): { readonly number: number; readonly at: number } {
    const offset = Math.floor((cluster * ENTRY_BITS[this.geometry.kind]) / 8);
    const number = Math.floor(offset / PAGE_BYTES);
    return { number, at: offset - number * PAGE_BYTES };
  }

  private async readPage(number: number): Promise<Uint8Array> {
    const { liveTables, tableStart, tableBytes } = this.geometry;
    const from = number * PAGE_BYTES;
    const start = tableStart + (liveTables[0] ?? 0) * tableBytes + from;
    const bytes = await this.section.read(start, Math.min(PAGE_BYTES, tableBytes - from));
    this.page = { number, bytes };
    return bytes;
  }

  private takeEntry(bytes: Uint8Array, at: number, cluster: number): number {
    const low = bytes[at]! | (bytes[at + 1]! << 8);
    switch (this.geometry.kind) {
      case 'fat12':
        return cluster & 1 ? low >>> 4 : low & 0xfff;
      case 'fat16':
        return low;
      case 'fat32':
        return (low | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) & FAT32_VALUE;
    }
  }

  private putEntry(bytes: Uint8Array, at: number, cluster: number, value: number): void {
    const put = (mask: number, bits: number): void => {
      for (let index = 0; index < 4 && mask >>> (8 * index) !== 0; index++) {
        const part = (mask >>> (8 * index)) & 0xff;
        bytes[at + index] = (bytes[at + index]! & ~part) | ((bits >>> (8 * index)) & part);
      }
    };
    switch (this.geometry.kind) {
      case 'fat12':
        return cluster & 1 ? put(0xfff0, value << 4) : put(0x0fff, value);
      case 'fat16':
        return put(0xffff, value);
      case 'fat32':
        return put(FAT32_VALUE, value);
    }
  }
}
