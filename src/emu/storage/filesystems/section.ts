/**
 * The range of a block store that a file system lives in, with a small cache for its structures. Requests
 * outside the range and failures of the store end in a FileSystemError; so every block number of an image
 * may be used unchecked where this check says enough.
 */
import type { BlockStore } from '../block-store.ts';
import { FileSystemError } from './file-system-error.ts';

const SECTOR_BYTES = 512;
const PAGE_BYTES = 16 * 1024;
const CACHED_PAGES = 256;
/** Larger reads go past the cache: they are files' contents. */
const LARGEST_CACHED_BYTES = 4 * PAGE_BYTES;

export class Section {
  readonly size: number;
  readonly readOnly: boolean;
  private readonly store: BlockStore;
  private readonly start: number;
  /** Oldest first. */
  private readonly pages = new Map<number, Uint8Array>();
  /** Number of writes so far: a page that was read during a write is not kept. */
  private writes = 0;

  /** What of `size` lies behind the end of the store is not part of the section. */
  constructor(store: BlockStore, start = 0, size = store.size) {
    this.store = store;
    this.start = start;
    this.size = Math.max(0, Math.min(size, store.size - start));
    this.readOnly = store.readOnly;
  }

  /** A copy of the bytes at `offset`. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    this.check(offset, length);
    const target = new Uint8Array(length);
    if (length > LARGEST_CACHED_BYTES) await this.readStore(offset, target);
    else await this.readCached(offset, target);
    return target;
  }

  /** Stores write whole sectors: what a sector holds besides is written again. */
  async write(offset: number, source: Uint8Array): Promise<void> {
    this.check(offset, source.length);
    const from = offset - (offset % SECTOR_BYTES);
    const to = Math.ceil((offset + source.length) / SECTOR_BYTES) * SECTOR_BYTES;
    if (to - from === source.length) return this.writeSectors(from, source);
    const sectors = await this.read(from, to - from);
    sectors.set(source, offset - from);
    return this.writeSectors(from, sectors);
  }

  async flush(): Promise<void> {
    await this.attempt(() => this.store.flush());
  }

  private check(offset: number, length: number): void {
    if (Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.size) return;
    throw new FileSystemError(
      'corrupt',
      `bytes ${offset} to ${offset + length} are asked for, but the file system's part of the disk has ${this.size}`,
    );
  }

  private async writeSectors(offset: number, source: Uint8Array): Promise<void> {
    this.writes++;
    try {
      await this.attempt(() => this.store.write(this.start + offset, source));
    } finally {
      this.writes++;
      const last = Math.floor((offset + source.length - 1) / PAGE_BYTES);
      for (let page = Math.floor(offset / PAGE_BYTES); page <= last; page++) this.pages.delete(page);
    }
  }

  private async readCached(offset: number, target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const number = Math.floor((offset + done) / PAGE_BYTES);
      const from = offset + done - number * PAGE_BYTES;
      const page = this.pages.get(number) ?? (await this.fetchPage(number));
      const part = page.subarray(from, from + target.length - done);
      target.set(part, done);
      done += part.length;
    }
  }

  private async fetchPage(number: number): Promise<Uint8Array> {
    const before = this.writes;
    const from = number * PAGE_BYTES;
    const page = new Uint8Array(Math.min(PAGE_BYTES, this.size - from));
    await this.readStore(from, page);
    if (this.writes === before) this.keep(number, page);
    return page;
  }

  private keep(number: number, page: Uint8Array): void {
    this.pages.set(number, page);
    if (this.pages.size <= CACHED_PAGES) return;
    const [oldest] = this.pages.keys();
    if (oldest !== undefined) this.pages.delete(oldest);
  }

  private readStore(offset: number, target: Uint8Array): Promise<void> {
    return this.attempt(() => this.store.read(this.start + offset, target));
  }

  private async attempt(operation: () => void | Promise<void>): Promise<void> {
    try {
      await operation();
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : String(failure);
      throw new FileSystemError('io', `the disk cannot be used: ${message}`);
    }
  }
}
