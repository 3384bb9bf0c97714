import { describe, expect, it } from 'vitest';
import { asEntered, enteredBytes } from './disk-size.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('enteredBytes', () => {
  it.each([
    ['4', 'GiB', 4 * GIB],
    [' 1.5 ', 'GiB', 1.5 * GIB],
    ['1,5', 'GiB', 1.5 * GIB],
    ['100', 'MiB', 100 * MIB],
    ['1.0001', 'MiB', MIB],
  ] as const)('reads %s %s', (text, unit, bytes) => {
    expect(enteredBytes({ text, unit })).toBe(bytes);
  });

  it.each(['', ' ', 'many', '0', '-1', '1e99', 'Infinity', '0.5'])('refuses %j MiB', (text) => {
    expect(enteredBytes({ text, unit: 'MiB' })).toBeUndefined();
  });
});

describe('asEntered', () => {
  it.each([
    [4 * GIB, '4', 'GiB'],
    [1.5 * GIB, '1.5', 'GiB'],
    [512 * MIB, '512', 'MiB'],
    [2 * GIB + MIB, '2049', 'MiB'],
  ] as const)('writes %d bytes as %s %s, which reads as the same size', (bytes, text, unit) => {
    expect(asEntered(bytes)).toEqual({ text, unit });
    expect(enteredBytes({ text, unit })).toBe(bytes);
  });
});
