import { describe, expect, it } from 'vitest';
import { bitFieldMask, decodeBitMask } from './bitmask.ts';

/** Arm ARM, logical immediates: patterns of 2 to 64 bits, each rotated, without all zeros and all ones. */
const MASKS_OF_64_BITS = 5334;
const MASKS_OF_32_BITS = 1302;

function allMasks(n: readonly number[]): (bigint | undefined)[] {
  return n.flatMap((N) => Array.from({ length: 64 * 64 }, (_, i) => decodeBitMask(N, i & 63, i >> 6)));
}

describe('decodeBitMask', () => {
  it('gives every mask of 64 bits when all encodings are tried', () => {
    expect(new Set(allMasks([0, 1]).filter((mask) => mask !== undefined)).size).toBe(MASKS_OF_64_BITS);
  });

  it('gives every mask of 32 bits when N is zero', () => {
    expect(new Set(allMasks([0]).filter((mask) => mask !== undefined)).size).toBe(MASKS_OF_32_BITS);
  });

  it('refuses all ones', () => {
    expect(decodeBitMask(1, 63, 0)).toBeUndefined();
    expect(decodeBitMask(0, 31, 0)).toBeUndefined();
    expect(decodeBitMask(0, 0b111101, 0)).toBeUndefined();
  });

  it('rotates right', () => {
    expect(decodeBitMask(1, 0, 1)).toBe(1n << 63n);
    expect(decodeBitMask(0, 0b111100, 0)).toBe(0x5555_5555_5555_5555n);
    expect(decodeBitMask(0, 0b111100, 1)).toBe(0xaaaa_aaaa_aaaa_aaaan);
  });
});

describe('bitFieldMask', () => {
  it('covers the extracted bits at the bottom when imms is not below immr', () => {
    expect(bitFieldMask(64, 15, 8)).toBe(0xffn);
    expect(bitFieldMask(32, 31, 0)).toBe(0xffff_ffffn);
  });

  it('covers the inserted bits at their place when imms is below immr', () => {
    expect(bitFieldMask(64, 3, 60)).toBe(0xf0n);
    expect(bitFieldMask(32, 0, 1)).toBe(0x8000_0000n);
  });
});
