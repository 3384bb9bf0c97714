import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seededWords } from '../testing/device-harness.ts';
import { Sha256 } from './sha256.ts';

const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function randomBytes(length: number, seed: number): Uint8Array {
  const random = seededWords(seed);
  return Uint8Array.from({ length }, random);
}

describe('Sha256', () => {
  it('agrees with another implementation for every length of up to three blocks', () => {
    for (let length = 0; length <= 192; length++) {
      const bytes = randomBytes(length, length + 1);
      const sum = new Sha256();
      sum.update(bytes);
      expect(sum.hex()).toBe(expected(bytes));
    }
  });

  it('gives the same sum however the bytes are cut', () => {
    const random = seededWords(7);
    const bytes = randomBytes(10_000, 3);
    for (let round = 0; round < 50; round++) {
      const sum = new Sha256();
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + (random() % 300));
        sum.update(bytes.subarray(at, end));
        at = end;
      }
      expect(sum.hex()).toBe(expected(bytes));
    }
  });

  it('goes on from a state that was taken out', () => {
    const bytes = randomBytes(1000, 5);
    const first = new Sha256();
    first.update(bytes.subarray(0, 640));
    const second = new Sha256(structuredClone(first.snapshot())!);
    second.update(bytes.subarray(640));
    expect(second.hex()).toBe(expected(bytes));
    first.update(bytes.subarray(640, 641));
    expect(first.snapshot()).toBeUndefined();
  });
});
