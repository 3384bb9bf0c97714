/** Features decide what is announced and what is allocated, from one table. */
import { describe, expect, it } from 'vitest';
import { decoderFor } from './a64/index.ts';
import { Decoder } from './decoder.ts';
import { ALL_FEATURES, announcement, type FeatureName, featureFields } from './features.ts';
import { row } from './row.ts';

const CRC32B = 0x1ac2_4020;
const SWP_X = 0xf820_8001;

describe('featureFields', () => {
  it('puts each feature into its field', () => {
    const features = new Set<FeatureName>(['FEAT_CRC32', 'FEAT_LSE', 'FEAT_E0PD']);
    expect(featureFields(features, 'ID_AA64ISAR0_EL1')).toBe(0x21_0000n);
    expect(featureFields(features, 'ID_AA64MMFR2_EL1')).toBe(0x1000_0000_0000_0000n);
    expect(featureFields(features, 'ID_AA64PFR0_EL1')).toBe(0n);
  });

  it('gives the highest value where features share a field, whatever their order', () => {
    const both: FeatureName[] = ['FEAT_PMULL', 'FEAT_AES'];
    for (const features of [both, both.toReversed()])
      expect(featureFields(new Set(features), 'ID_AA64ISAR0_EL1')).toBe(0x20n);
  });

  it('says FP16 in both of its fields', () => {
    expect(featureFields(new Set(['FEAT_FP16']), 'ID_AA64PFR0_EL1')).toBe(0x11_0000n);
  });

  it('announces every feature somewhere', () => {
    for (const feature of ALL_FEATURES) expect(announcement(feature)).toMatch(/^ID_AA64\w+\.\w+.* = \d$/);
  });
});

describe('a decoder for features', () => {
  it('leaves out what the CPU does not have', () => {
    const plain = decoderFor(new Set());
    expect(plain.decode(CRC32B)).toBeUndefined();
    expect(plain.decode(SWP_X)).toBeUndefined();
    expect(decoderFor(new Set(['FEAT_CRC32'])).decode(CRC32B)?.row.name).toBe('CRC32B');
    expect(decoderFor(new Set(['FEAT_LSE'])).decode(SWP_X)?.row.name).toBe('SWP (X)');
  });

  it('asks a row whose words belong to different features about the word', () => {
    const mixed = row('mixed', 'half:1 0000000000000000000000000000000', 'mixed', {
      feature: ({ half }) => (half ? 'FEAT_FP16' : undefined),
      execute: () => {},
    });
    const without = new Decoder([mixed], new Set());
    expect(without.decode(0)?.row).toBe(mixed);
    expect(without.decode(0x8000_0000)).toBeUndefined();
    expect(new Decoder([mixed], new Set(['FEAT_FP16'])).decode(0x8000_0000)?.row).toBe(mixed);
  });
});
