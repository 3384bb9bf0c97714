import { describe, expect, it } from 'vitest';
import { summarise } from './results.ts';
import { markdownTable, replaceResults, textTable } from './table.ts';

const rows = summarise([
  { workload: 'fib32', class: 'integer', engine: 'qemu', round: 0, value: 100, unit: 'Mcall/s' },
  { workload: 'fib32', class: 'integer', engine: 'node', round: 0, value: 250, unit: 'Mcall/s' },
  { workload: 'atomic_lse_1t', class: 'system', engine: 'node', round: 0, value: 12.345, unit: 'Mop/s' },
]);
const columns = { engines: ['qemu', 'node'] as const, rows };

describe('tables', () => {
  it('prints values, ratios and geomeans, and a dash when there is no value', () => {
    expect(textTable(columns)).toBe(`Integer and memory
workload     unit  QEMU  Node      ×
fib32     Mcall/s   100   250  2.50×

System
workload        unit  QEMU  Node  ×
atomic_lse_1t  Mop/s     –  12.3  –

geomean of ×                              Node
Integer and memory  2.50× (least 2.50×, fib32)
System                                       –
`);
  });

  it('prints the same as Markdown', () => {
    expect(markdownTable(columns)).toContain('| fib32 | Mcall/s | 100 | 250 | 2.50× |\n');
  });
});

describe('the document', () => {
  const begin = '<!-- results: written by npm run bench -- --write-docs -->';
  const end = '<!-- end of results -->';

  it('keeps what stands around the results', () => {
    expect(replaceResults(`a\n${begin}\nold\n${end}\nb`, 'new\n')).toBe(`a\n${begin}\n\nnew\n\n${end}\nb`);
  });

  it('refuses a document without a place for them', () => {
    expect(() => replaceResults('a', 'new')).toThrow('no place');
  });
});
