import { describe, expect, it } from 'vitest';
import {
  checksumDifferences,
  classMean,
  geometricMean,
  median,
  parseBenchLine,
  type Sample,
  smallerIsBetter,
  summarise,
} from './results.ts';

function sample(engine: Sample['engine'], value: number, more: Partial<Sample> = {}): Sample {
  return { workload: 'sieve', class: 'integer', engine, round: 0, value, unit: 'Mnum/s', ...more };
}

describe('lines of benchmarks', () => {
  it('finds the line when the console shows other text around it', () => {
    const text =
      'echo of the command\nBENCH fib32 1.2e+03 Mcall/s # t=0.100s chk=0000000000213d05\nbramble:~# ';
    expect(parseBenchLine(text)).toEqual({
      name: 'fib32',
      value: 1200,
      unit: 'Mcall/s',
      checksum: '0000000000213d05',
    });
  });

  it('finds nothing when a benchmark printed nothing', () => {
    expect(parseBenchLine('bramble-bench atomic_lse_1t\nbramble:~# ')).toBeUndefined();
  });

  it.each([
    ['ns/load', true],
    ['us', true],
    ['us/roundtrip', true],
    ['s', true],
    ['MB/s', false],
    ['Mnum/s', false],
    ['Mstep/s', false],
  ])('knows whether a smaller value is better when the unit is %s', (unit, smaller) => {
    expect(smallerIsBetter(unit)).toBe(smaller);
  });
});

describe('median and geometric mean', () => {
  it('takes the middle when the count is odd, between both when it is even', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 6])).toBe(5.5);
  });

  it('gives a doubling and a halving the same weight', () => {
    expect(geometricMean([2, 0.5])).toBeCloseTo(1, 12);
  });
});

describe('summary', () => {
  it('divides by QEMU when more is better', () => {
    const [row] = summarise([
      sample('qemu', 100),
      sample('qemu', 300),
      sample('qemu', 200),
      sample('node', 500),
    ]);
    expect(row?.medians.get('qemu')).toBe(200);
    expect(row?.ratios.get('node')).toBe(2.5);
  });

  it('divides QEMU by ours when less is better', () => {
    const [row] = summarise([sample('qemu', 100, { unit: 'ns' }), sample('node', 400, { unit: 'ns' })]);
    expect(row?.ratios.get('node')).toBe(0.25);
  });

  it('has no ratio when QEMU has no value', () => {
    const [row] = summarise([sample('node', 400)]);
    expect(row?.ratios.size).toBe(0);
  });

  it('has no ratio for memory, which is not a speed', () => {
    const memory = { workload: 'memory_after_boot', class: 'footprint', unit: 'MiB' } as const;
    const [row] = summarise([sample('qemu', 200, memory), sample('node', 400, memory)]);
    expect(row?.ratios.size).toBe(0);
  });

  it('names the slowest line of a class', () => {
    const rows = summarise([
      sample('qemu', 1),
      sample('chromium', 4),
      sample('qemu', 1, { workload: 'qsort' }),
      sample('chromium', 0.25, { workload: 'qsort' }),
      sample('qemu', 1, { workload: 'fork_exit', class: 'system' }),
      sample('chromium', 100, { workload: 'fork_exit', class: 'system' }),
    ]);
    const mean = classMean(rows, 'integer', 'chromium');
    expect(mean).toMatchObject({ worst: 0.25, worstWorkload: 'qsort', count: 2 });
    expect(mean?.mean).toBeCloseTo(1, 12);
    expect(classMean(rows, 'integer', 'node')).toBeUndefined();
  });
});

describe('checksums', () => {
  it('finds the workload whose checksum differs between engines', () => {
    const samples = [
      sample('qemu', 1, { checksum: 'a' }),
      sample('node', 1, { checksum: 'b' }),
      sample('qemu', 1, { workload: 'qsort', checksum: 'c' }),
      sample('node', 1, { workload: 'qsort', checksum: 'c' }),
    ];
    expect(checksumDifferences(samples)).toEqual(['sieve: a (qemu) but b (node)']);
  });

  it('finds a checksum that differs between rounds of one engine', () => {
    const samples = [sample('node', 1, { checksum: 'a' }), sample('node', 1, { round: 1, checksum: 'b' })];
    expect(checksumDifferences(samples)).toHaveLength(1);
  });
});
