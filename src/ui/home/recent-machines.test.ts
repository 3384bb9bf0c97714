import { describe, expect, it } from 'vitest';
import { RecentMachines } from './recent-machines.ts';

function storeWith(text: string | null) {
  let kept = text;
  return {
    getItem: () => kept,
    setItem: (_key: string, value: string) => {
      kept = value;
    },
  };
}

const machine = (query: string) => ({ title: query, query, bootedMs: 1 });

describe('RecentMachines', () => {
  it('keeps the newest few across visits, each once', () => {
    const store = storeWith(null);
    const recent = new RecentMachines(store);
    for (const query of ['a', 'b', 'c', 'a', 'd', 'e']) recent.add(machine(query));
    expect(new RecentMachines(store).list.map(({ query }) => query)).toEqual(['e', 'd', 'a', 'c']);
  });

  it.each(['{', '7', 'null', '[{"title":"x"}]'])('is empty when storage holds %s', (text) => {
    expect(new RecentMachines(storeWith(text)).list).toEqual([]);
  });

  it('remembers as long as the page when nothing can be stored', () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    };
    const recent = new RecentMachines(full);
    recent.add(machine('a'));
    expect(recent.list).toHaveLength(1);
    expect(new RecentMachines(undefined).list).toEqual([]);
  });
});
