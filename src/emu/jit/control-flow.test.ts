/** The shape of control flow against definitions worked out by brute force, on hand-made and random graphs. */
import { describe, expect, it } from 'vitest';
import { RandomWords } from '../fp/hard-operands.ts';
import { analyse, type FlowGraph, makeReducible, type ReducibleGraph } from './control-flow.ts';

const graph = (...successors: number[][]): FlowGraph => ({ successors });

/** Nodes that can be reached from the entry without passing `without`. */
function reachable({ successors }: FlowGraph, without = -1): Set<number> {
  const seen = new Set<number>();
  const work = without === 0 ? [] : [0];
  for (let node = work.pop(); node !== undefined; node = work.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    work.push(...(successors[node] ?? []).filter((next) => next !== without));
  }
  return seen;
}

/** a dominates b: without a, b cannot be reached. */
function dominators(g: FlowGraph): Map<number, Set<number>> {
  const all = reachable(g);
  const found = new Map([...all].map((node) => [node, new Set<number>()]));
  for (const a of all) {
    const left = reachable(g, a);
    for (const b of all) if (!left.has(b)) found.get(b)?.add(a);
  }
  return found;
}

/** Reducible: taking away the edges that lead back to a dominator leaves no cycle. */
function isReducible(g: FlowGraph): boolean {
  const dominatorsOf = dominators(g);
  const forward = g.successors.map((list, from) => list.filter((to) => !dominatorsOf.get(from)?.has(to)));
  const state = new Map<number, 'open' | 'done'>();
  const acyclicFrom = (node: number): boolean => {
    if (state.get(node) === 'done') return true;
    if (state.get(node) === 'open') return false;
    state.set(node, 'open');
    const acyclic = (forward[node] ?? []).every(acyclicFrom);
    state.set(node, 'done');
    return acyclic;
  };
  return acyclicFrom(0);
}

function randomGraph(random: RandomWords): FlowGraph {
  const size = 1 + random.below(12);
  return {
    successors: Array.from({ length: size }, () => [
      ...new Set(Array.from({ length: random.below(4) }, () => random.below(size))),
    ]),
  };
}
const RANDOM_GRAPHS = 2000;
function forRandomGraphs(seed: number, check: (g: FlowGraph) => void): void {
  const random = new RandomWords(seed);
  for (let i = 0; i < RANDOM_GRAPHS; i++) check(randomGraph(random));
}

describe('analyse', () => {
  it('finds the header and no merge point in a loop', () => {
    const { loopHeaders, mergePoints, order, dominator } = analyse(graph([1], [1, 2], []));
    expect([...loopHeaders]).toEqual([1]);
    expect([...mergePoints]).toEqual([]);
    expect(order).toEqual([0, 1, 2]);
    expect(dominator).toEqual([0, 0, 1]);
  });

  it('finds the join of a diamond', () => {
    const { mergePoints, dominator, children } = analyse(graph([1, 2], [3], [3], []));
    expect([...mergePoints]).toEqual([3]);
    expect(dominator[3]).toBe(0);
    expect([...(children[0] ?? [])].sort()).toEqual([1, 2, 3]);
  });

  it('names the side entry of a loop with two entries', () => {
    const { sideEntries } = analyse(graph([1, 2], [2], [1]));
    expect(sideEntries).toHaveLength(1);
  });

  it('leaves out nodes that cannot be reached', () => {
    const { order, position } = analyse(graph([2], [2], []));
    expect(order).toEqual([0, 2]);
    expect(position[1]).toBe(-1);
  });

  it('gives the immediate dominators of random graphs', () => {
    forRandomGraphs(1, (g) => {
      const { order, dominator } = analyse(g);
      const expected = dominators(g);
      expect([...order].sort((a, b) => a - b)).toEqual([...expected.keys()].sort((a, b) => a - b));
      for (const [node, all] of expected) {
        const chain = new Set([node]);
        for (let at = node; at !== 0; at = dominator[at] ?? 0) chain.add(dominator[at] ?? 0);
        expect(chain).toEqual(all);
      }
    });
  });

  it('puts every node of a random graph after its dominator and lists it as its child', () => {
    forRandomGraphs(2, (g) => {
      const { order, position, dominator, children } = analyse(g);
      for (const node of order.slice(1)) {
        const parent = dominator[node] ?? -1;
        expect(position[parent] ?? -1).toBeLessThan(position[node] ?? -1);
        expect(children[parent]).toContain(node);
      }
    });
  });

  it('reports side entries exactly when a random graph is irreducible', () => {
    forRandomGraphs(3, (g) => {
      expect(analyse(g).sideEntries.length === 0).toBe(isReducible(g));
    });
  });
});

describe('makeReducible', () => {
  /** Every edge of the original is there: directly, or over dispatchers that know its target. */
  function expectSameWays(g: FlowGraph, { successors, dispatchers }: ReducibleGraph): void {
    const stepsTo = (node: number, target: number) =>
      (successors[node] ?? []).filter((next) => next === target || dispatchers.get(next)?.includes(target));
    for (const node of reachable(g)) {
      const list = g.successors[node] ?? [];
      const reached = (successors[node] ?? []).flatMap((next) => dispatchers.get(next) ?? [next]);
      for (const target of list) {
        let at = node;
        for (let steps = 0; steps === 0 || at !== target; steps++) {
          const ways = stepsTo(at, target);
          expect(ways).toHaveLength(1);
          expect(steps).toBeLessThanOrEqual(dispatchers.size);
          at = ways[0] ?? -1;
        }
        expect(reached).toContain(target);
      }
    }
  }

  it('leaves a reducible graph as it is', () => {
    const g = graph([1, 2], [3], [3], [0]);
    const { successors, dispatchers } = makeReducible(g);
    expect(successors).toEqual(g.successors);
    expect(dispatchers.size).toBe(0);
  });

  it('puts a dispatcher before a loop with two entries', () => {
    const g = graph([1, 2], [2], [1]);
    const made = makeReducible(g);
    expect(made.successors).toEqual([[3], [3], [3], [1, 2]]);
    expect([...made.dispatchers]).toEqual([[3, [1, 2]]]);
  });

  it('puts a dispatcher before a loop with two entries inside another one', () => {
    const g = graph([1, 2], [2, 3], [1, 4], [4, 1], [3]);
    const made = makeReducible(g);
    expect(made.dispatchers.size).toBe(2);
    expectSameWays(g, made);
  });

  it('makes random graphs reducible without changing their ways', () => {
    let changed = 0;
    forRandomGraphs(4, (g) => {
      const result = makeReducible(g);
      expect(isReducible(result)).toBe(true);
      expect(result.shape.sideEntries).toEqual([]);
      expectSameWays(g, result);
      if (result.dispatchers.size > 0) changed++;
    });
    expect(changed).toBeGreaterThan(RANDOM_GRAPHS * 0.08);
  });
});
