import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseBenchOptions, UsageError } from './options.ts';
import { GUEST_WORKLOADS } from './workloads.ts';

const names = (args: readonly string[]): string[] =>
  parseBenchOptions(args)?.workloads.map(({ name }) => name) ?? [];

describe('options', () => {
  it('measures everything when nothing is selected', () => {
    expect(parseBenchOptions([])).toMatchObject({
      boots: ['boot', 'boot_with_tests'],
      rounds: 3,
      hosts: ['node', 'chromium'],
      engine: 'normal',
      scale: 1,
    });
    expect(names([])).toHaveLength(GUEST_WORKLOADS.length);
  });

  it('takes names of workloads and of classes', () => {
    expect(names(['--only', 'programs,sieve'])).toEqual([
      'sieve',
      'shell_loop',
      'shell_commands',
      'gzip',
      'awk',
      'sort',
    ]);
    expect(parseBenchOptions(['--only', 'sieve'])?.boots).toEqual([]);
    expect(parseBenchOptions(['--only', 'boot'])?.boots).toEqual(['boot', 'boot_with_tests']);
  });

  it('does less when it is quick, and what is asked for nevertheless', () => {
    expect(parseBenchOptions(['--quick', '--scale', '0.5'])).toMatchObject({ rounds: 1, scale: 0.5 });
  });

  it.each([
    ['--only', 'nonsense'],
    ['--rounds', '0'],
    ['--rounds', '1.5'],
    ['--in', 'firefox'],
    ['--engine', 'fast'],
    ['--nonsense', '1'],
  ])('refuses %s %s in words', (option, value) => {
    expect(() => parseBenchOptions([option, value])).toThrow(UsageError);
  });

  it('knows every benchmark that the guest program has', () => {
    const header = new URL('../../bench/programs/benchmarks.h', import.meta.url);
    expect(existsSync(header)).toBe(true);
    const rows = [...readFileSync(header, 'utf8').matchAll(/ROW\((\w+)\)/g)].map(([, name]) => name);
    const lines = GUEST_WORKLOADS.filter((row) => row.class !== 'programs').map(({ name }) => name);
    expect(lines).toEqual(rows);
  });
});
