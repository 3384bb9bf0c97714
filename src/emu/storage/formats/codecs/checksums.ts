/**
 * The sums that compressed files carry: CRC-32 (gzip, zip, xz; RFC 1952 section 8) and CRC-64 of ECMA-182
 * as xz uses it, both reflected, four bytes at a time from four tables ("slicing"); and SHA-256 in their shape.
 */
import { Sha256 } from '../../sha256.ts';

const CRC32_POLYNOMIAL = 0xedb8_8320;
const CRC64_POLYNOMIAL = { low: 0xd787_0f42, high: 0xc96c_5795 };
const ENTRIES = 256;
const SLICES = 4;

/** A running sum. */
export interface Checksum {
  update(bytes: Uint8Array): void;
  /** The sum as it stands in files. */
  digest(): Uint8Array;
}

const crc32Tables = makeCrc32Tables();

function makeCrc32Tables(): Uint32Array {
  const tables = new Uint32Array(SLICES * ENTRIES);
  for (let byte = 0; byte < ENTRIES; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? CRC32_POLYNOMIAL : 0);
    tables[byte] = crc;
  }
  for (let at = ENTRIES; at < tables.length; at++) {
    const before = tables[at - ENTRIES]!;
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}

/** CRC-32 of `bytes`, or of them behind others whose sum is `crc`. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const tables = crc32Tables;
  let sum = ~crc;
  let at = 0;
  for (const stop = bytes.length - (bytes.length % SLICES); at < stop; at += SLICES) {
    sum ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    sum =
      tables[3 * ENTRIES + (sum & 0xff)]! ^
      tables[2 * ENTRIES + ((sum >>> 8) & 0xff)]! ^
      tables[ENTRIES + ((sum >>> 16) & 0xff)]! ^
      tables[sum >>> 24]!;
  }
  for (; at < bytes.length; at++) sum = (sum >>> 8) ^ tables[(sum ^ bytes[at]!) & 0xff]!;
  return ~sum >>> 0;
}

export class Crc32 implements Checksum {
  value = 0;

  update(bytes: Uint8Array): void {
    this.value = crc32(bytes, this.value);
  }

  digest(): Uint8Array {
    return littleEndian(this.value);
  }
}

const crc64Tables = makeCrc64Tables();

function makeCrc64Tables(): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(SLICES * ENTRIES);
  const high = new Int32Array(SLICES * ENTRIES);
  for (let byte = 0; byte < ENTRIES; byte++) {
    let [l, h] = [byte, 0];
    for (let bit = 0; bit < 8; bit++) {
      const isSet = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (!isSet) continue;
      l ^= CRC64_POLYNOMIAL.low;
      h ^= CRC64_POLYNOMIAL.high;
    }
    low[byte] = l;
    high[byte] = h;
  }
  for (let at = ENTRIES; at < low.length; at++) {
    const [l, h] = [low[at - ENTRIES]!, high[at - ENTRIES]!];
    low[at] = ((l >>> 8) | (h << 24)) ^ low[l & 0xff]!;
    high[at] = (h >>> 8) ^ high[l & 0xff]!;
  }
  return { low, high };
}

export class Crc64 implements Checksum {
  private low = -1;
  private high = -1;

  update(bytes: Uint8Array): void {
    const { low: lows, high: highs } = crc64Tables;
    let { low, high } = this;
    let at = 0;
    for (const stop = bytes.length - (bytes.length % SLICES); at < stop; at += SLICES) {
      const word =
        low ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
      const first = 3 * ENTRIES + (word & 0xff);
      const second = 2 * ENTRIES + ((word >>> 8) & 0xff);
      const third = ENTRIES + ((word >>> 16) & 0xff);
      const fourth = word >>> 24;
      low = high ^ lows[first]! ^ lows[second]! ^ lows[third]! ^ lows[fourth]!;
      high = highs[first]! ^ highs[second]! ^ highs[third]! ^ highs[fourth]!;
    }
    for (; at < bytes.length; at++) {
      const entry = (low ^ bytes[at]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ lows[entry]!;
      high = (high >>> 8) ^ highs[entry]!;
    }
    this.low = low;
    this.high = high;
  }

  digest(): Uint8Array {
    return Uint8Array.of(...littleEndian(~this.low), ...littleEndian(~this.high));
  }
}

export class Sha256Sum implements Checksum {
  private readonly sum = new Sha256();

  update(bytes: Uint8Array): void {
    this.sum.update(bytes);
  }

  digest(): Uint8Array {
    const pairs = this.sum.hex().match(/../g) ?? [];
    return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
  }
}

/** What a file without a sum has. */
export class NoChecksum implements Checksum {
  update(): void {}

  digest(): Uint8Array {
    return new Uint8Array(0);
  }
}

function littleEndian(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}
