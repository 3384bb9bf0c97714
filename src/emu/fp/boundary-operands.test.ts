import { describe, expect, it } from 'vitest';
import { boundaryCases, boundaryOperands } from './boundary-operands.ts';
import { DOUBLE } from './format.ts';

const all = (kinds: Parameters<typeof boundaryCases>[0]) =>
  Array.from({ length: boundaryCases(kinds) }, (_, index) => {
    const words = new Int32Array(2 * kinds.length);
    boundaryOperands(kinds, index, words);
    return [...new BigUint64Array(words.buffer)];
  });

describe('boundary operands', () => {
  it('are different in every combination', () => {
    const pairs = all(['h', 'w']).map((operands) => operands.join());
    expect(new Set(pairs).size).toBe(boundaryCases(['h']) * boundaryCases(['w']));
    expect(pairs).toHaveLength(boundaryCases(['h', 'w']));
  });

  it('hold zeros, the least denormal, the largest number, infinities and both kinds of NaN', () => {
    const doubles = new Set(all(['d']).map(([value]) => value));
    const { signBit, maxNormal, infinity, quietBit } = DOUBLE;
    for (const value of [0n, 1n, maxNormal, infinity, infinity | 1n, infinity | quietBit | 1n])
      for (const sign of [0n, signBit]) expect(doubles).toContain(value | sign);
  });

  it('fit into their widths', () => {
    for (const [kind, width] of [
      ['h', 16],
      ['b', 16],
      ['hh', 32],
      ['bb', 32],
      ['ss', 64],
      ['s', 32],
      ['d', 64],
      ['w', 32],
      ['x', 64],
    ] as const)
      for (const [value = -1n] of all([kind])) expect(BigInt.asUintN(width, value)).toBe(value);
  });
});
