/** Which floating-point encodings a CPU has with and without the extensions. */
import { describe, expect, it } from 'vitest';
import { encodeInstruction } from '../assembler-instructions.ts';
import { ALL_FEATURES, type FeatureName } from '../features.ts';
import { decoderFor } from './index.ts';

const EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  FEAT_FP16: [
    'fadd h0, h1, h2',
    'fadd v0.8h, v1.8h, v2.8h',
    'fcmp h0, #0.0',
    'fccmp h0, h1, #0, eq',
    'fcsel h0, h1, h2, ne',
    'fmadd h0, h1, h2, h3',
    'fmov h0, #1.0',
    'fmov v0.4h, #1.0',
    'fmov w0, h1',
    'fmov h0, x1',
    'fcvtzs x0, h1',
    'fcvtzu x0, h1, #3',
    'ucvtf v0.4h, v1.4h',
    'scvtf h0, h1, #5',
    'fmaxnmv h0, v1.4h',
    'faddp h0, v1.2h',
    'fmla v0.4h, v1.4h, v2.h[7]',
    'frecpx h0, h1',
  ],
  FEAT_FHM: ['fmlal v0.2s, v1.2h, v2.2h', 'fmlsl2 v0.4s, v1.4h, v2.h[5]'],
  FEAT_FCMA: ['fcadd v0.2d, v1.2d, v2.2d, #90', 'fcmla v0.4s, v1.4s, v2.s[1], #270'],
  FEAT_JSCVT: ['fjcvtzs w0, d1'],
  FEAT_FRINTTS: ['frint32z s0, s1', 'frint64x v0.2d, v1.2d'],
  FEAT_BF16: [
    'bfcvt h0, s1',
    'bfdot v0.2s, v1.4h, v2.2h[3]',
    'bfmmla v0.4s, v1.8h, v2.8h',
    'bfmlalt v0.4s, v1.8h, v2.h[6]',
  ],
};
const CASES = Object.entries(EXTENSIONS).flatMap(([feature, texts]) =>
  texts.map((text) => [text, feature as FeatureName] as const),
);

const EVERYTHING = new Set(ALL_FEATURES);
const BASE = decoderFor(new Set());

describe('floating-point extensions', () => {
  it.each(CASES)('have %s with %s only', (text, feature) => {
    const word = encodeInstruction(text, 0n);
    expect(decoderFor(EVERYTHING).decode(word)).toBeDefined();
    expect(decoderFor(new Set([feature])).decode(word)).toBeDefined();
    expect(decoderFor(new Set(ALL_FEATURES.filter((one) => one !== feature))).decode(word)).toBeUndefined();
  });

  it.each(['fcvt h0, s1', 'fcvt d0, h1', 'fcvtn v0.4h, v1.4s', 'fcvtl2 v0.4s, v1.8h'])(
    'are not needed for %s',
    (text) => {
      expect(BASE.decode(encodeInstruction(text, 0n))).toBeDefined();
    },
  );

  it.each([
    ['FADD of ftype 2', 0x1ea2_2820],
    ['FRINT32Z of halves', 0x1ee8_4020],
    ['FMOV between X and ftype 0', 0x9e26_0020],
    ['FMLA of 1D', 0x0e62_cc20],
    ['FCMLA of 1D', 0x2ec2_c420],
    ['FCMLA by element of 2S', 0x2f82_1020],
    ['FCMLA by element of 4H with H', 0x2f42_1820],
    ['FCVTZS of a half with 17 bits of fraction', 0x5f0f_fc20],
  ])('leave %s unallocated', (_name, word) => {
    expect(decoderFor(EVERYTHING).decode(word)).toBeUndefined();
  });
});
