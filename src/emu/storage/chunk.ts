/**
 * One chunk of a disk in memory. Sectors that were written or fetched are valid; the others still lie in
 * the store, so that a write needs no read before it.
 */
import type { CachedChunk } from './chunk-cache.ts';

export const SECTOR_BYTES = 512;

/** What a chunk of zeros takes: its place in some tables. */
const EMPTY_HELD_BYTES = 64;

export class Chunk implements CachedChunk {
  readonly number: number;
  private readonly size: number;
  private readonly forget: (chunk: Chunk) => void;
  /** Undefined while everything that is valid is zero. */
  private bytes: Uint8Array | undefined;
  /** A byte for each sector, 1 when it is valid; undefined when all are. */
  private valid: Uint8Array | undefined;
  private missing: number;

  /** Nothing is valid at first. `forget` is called when the cache drops the chunk. */
  constructor(number: number, size: number, forget: (chunk: Chunk) => void) {
    this.number = number;
    this.size = size;
    this.forget = forget;
    this.missing = size / SECTOR_BYTES;
    this.valid = new Uint8Array(this.missing);
  }

  get heldBytes(): number {
    return this.bytes?.length ?? EMPTY_HELD_BYTES;
  }

  get isComplete(): boolean {
    return this.valid === undefined;
  }

  /** Whether no sector is valid. */
  get isBlank(): boolean {
    return this.missing === this.size / SECTOR_BYTES;
  }

  drop(): void {
    this.forget(this);
  }

  has(from: number, to: number): boolean {
    if (!this.valid) return true;
    const last = Math.ceil(to / SECTOR_BYTES);
    for (let sector = Math.floor(from / SECTOR_BYTES); sector < last; sector++) {
      if (this.valid[sector] === 0) return false;
    }
    return true;
  }

  /** Copies from what is valid. */
  read(from: number, target: Uint8Array): void {
    if (this.bytes) target.set(this.bytes.subarray(from, from + target.length));
    else target.fill(0);
  }

  /** Whole sectors. */
  write(from: number, source: Uint8Array): void {
    this.bytes ??= new Uint8Array(this.size);
    this.bytes.set(source, from);
    this.validate(from, from + source.length);
  }

  /** Whole sectors. */
  clear(from: number, to: number): void {
    if (to - from === this.size) this.bytes = undefined;
    else this.bytes?.fill(0, from, to);
    this.validate(from, to);
  }

  /** Takes what the store has where nothing newer is; absent and empty contents are zeros. */
  complete(stored: Uint8Array | undefined): void {
    const { valid } = this;
    if (!valid) return;
    if (stored && stored.length > 0) {
      if (this.isBlank) this.bytes = stored;
      else this.merge(valid, stored);
    }
    this.valid = undefined;
    this.missing = 0;
  }

  /** The contents of a complete chunk; undefined when they are zero. */
  contents(): Uint8Array | undefined {
    return this.bytes && !isZero(this.bytes) ? this.bytes : undefined;
  }

  private merge(valid: Uint8Array, stored: Uint8Array): void {
    this.bytes ??= new Uint8Array(this.size);
    for (let sector = 0; sector < valid.length; sector++) {
      if (valid[sector] !== 0) continue;
      const at = sector * SECTOR_BYTES;
      this.bytes.set(stored.subarray(at, at + SECTOR_BYTES), at);
    }
  }

  private validate(from: number, to: number): void {
    const { valid } = this;
    if (!valid) return;
    for (let sector = from / SECTOR_BYTES; sector < to / SECTOR_BYTES; sector++) {
      if (valid[sector] === 0) this.missing--;
      valid[sector] = 1;
    }
    if (this.missing === 0) this.valid = undefined;
  }
}

/** @param bytes a whole number of 8-byte words in a buffer of their own */
export function isZero(bytes: Uint8Array): boolean {
  const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
  // Minus zero compares equal to zero, so a sign bit alone has to be looked for, too.
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (word !== 0 || Object.is(word, -0)) return false;
  }
  return true;
}
