import { describe, expect, it } from 'vitest';
import { CHECKS } from './checks.ts';
import { figureOf } from './run-checks.ts';
import { markdownTable, type ResultRow, textTable } from './table.ts';

const ROWS: readonly ResultRow[] = [
  {
    machine: 'node',
    group: 'Python',
    name: 'test_int',
    time: { seconds: 30, cpuSeconds: 12.34 },
    figure: '70 tests',
  },
  { machine: 'qemu', group: 'Python', name: 'test_int', time: { seconds: 5 }, failure: 'status 1: wrong' },
];

describe('the table of results', () => {
  it('has a row for each check and a column for each machine, and tells what failed below', () => {
    expect(textTable(['node', 'qemu'], ROWS).split('\n')).toEqual([
      'check             Node                             QEMU',
      'Python: test_int  passed, 70 tests, 12.3 s of CPU  FAILED, 5.0 s',
      '',
      'QEMU: Python: test_int',
      'status 1: wrong',
      '',
      '',
    ]);
  });

  it('is Markdown when asked, with a dash where a machine did not run a check', () => {
    expect(markdownTable(['node', 'interpret'], ROWS.slice(0, 1)).split('\n').slice(0, 3)).toEqual([
      '| check | Node | Node, interpreter only |',
      '| --- | --- | --- |',
      '| Python: test_int | passed, 70 tests, 12.3 s of CPU | – |',
    ]);
  });
});

describe('the figure of a check', () => {
  it('is the sum of all numbers found when its pattern is global', () => {
    const output = 'Ran 12 tests in 1s\nRan 30 tests in 2s\n';
    expect(figureOf({ figure: /Ran (\d+ tests)/g }, output)).toBe('42 tests');
    expect(figureOf({ figure: /Ran (\d+ tests)/ }, output)).toBe('12 tests');
    expect(figureOf({ figure: /Ran (\d+ tests)/g }, 'nothing')).toBeUndefined();
  });
});

it('names every check once', () => {
  const names = CHECKS.map(({ group, name }) => `${group}: ${name}`);
  expect(new Set(names).size).toBe(names.length);
});
