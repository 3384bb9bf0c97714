import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../filesystems/testing/seeded-random.ts';
import { Crc32, Crc64, crc32, Sha256Sum } from './checksums.ts';
import { Xxh64 } from './xxh64.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');

/** The check value of the catalogue of CRCs: the sum of the digits 1 to 9. */
const DIGITS = bytes('123456789');

describe('checksums', () => {
  it('has the known values of CRC-32 and CRC-64', () => {
    expect(crc32(DIGITS).toString(16)).toBe('cbf43926');
    const crc64 = new Crc64();
    crc64.update(DIGITS);
    expect(hex(crc64.digest().reverse())).toBe('995dc9bbdf1939fa');
  });

  /** Of the algorithm's own description. */
  it.each([
    ['', 'ef46db3751d8e999'],
    ['a', 'd24ec4f1a98c6e5b'],
    ['abc', '44bc2cf5ad770999'],
    ['Nobody inspects the spammish repetition', 'fbcea83c8a378bf1'],
  ])('has the known value of XXH64 of "%s"', (text, sum) => {
    const xxh64 = new Xxh64();
    xxh64.update(bytes(text));
    expect(xxh64.value().toString(16).padStart(16, '0')).toBe(sum);
  });

  it('gives the same sum however the bytes come', () => {
    const random = new SeededRandom(1);
    for (const create of [() => new Crc32(), () => new Crc64(), () => new Sha256Sum(), () => new Xxh64()]) {
      for (let length = 0; length < 100; length++) {
        const contents = random.bytes(length);
        const whole = create();
        whole.update(contents);
        const parts = create();
        const cut = random.below(length + 1);
        parts.update(contents.subarray(0, cut));
        parts.update(contents.subarray(cut));
        expect(hex(parts.digest())).toBe(hex(whole.digest()));
      }
    }
  });

  it('has SHA-256 in the order of files', () => {
    const sum = new Sha256Sum();
    sum.update(DIGITS);
    expect(hex(sum.digest())).toBe(createHash('sha256').update(DIGITS).digest('hex'));
  });
});
