import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Sha256 } from '../emu/storage/sha256.ts';
import { createSha256Blocks } from './sha256-module.ts';

describe('the block function of SHA-256 in WebAssembly', () => {
  it('agrees with another implementation for many lengths, also beyond its memory', () => {
    const absorb = createSha256Blocks();
    expect(absorb).toBeDefined();
    const lengths = [0, 1, 63, 64, 65, 1000, 4096, (1 << 18) - 1, 1 << 18, (1 << 18) + 64, 700_001];
    for (const length of lengths) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 167 + (at >> 7)) & 0xff);
      const sum = new Sha256(undefined, absorb);
      sum.update(bytes.subarray(0, length / 3));
      sum.update(bytes.subarray(length / 3));
      expect(sum.hex()).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });
});
