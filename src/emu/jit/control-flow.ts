/**
 * The shape of a region's control flow: reverse postorder, dominators, loop headers, merge points
 * (Ramsey, "Beyond Relooper", ICFP 2022). Pure; blocks are numbers 0 … n − 1, the entry is 0.
 *
 * A graph is reducible when every edge that goes backwards in reverse postorder goes to a dominator. Where it
 * is not, the offending blocks are split: copied for the edges that enter the loop from its side.
 */

export interface FlowGraph {
  /** Successors of each node. */
  readonly successors: readonly (readonly number[])[];
}

export interface FlowShape {
  /** Nodes in reverse postorder; `order[0]` is the entry. */
  readonly order: readonly number[];
  /** Position of each node in `order`, or −1 when it cannot be reached. */
  readonly position: readonly number[];
  /** Immediate dominator of each node; the entry's is itself. */
  readonly dominator: readonly number[];
  /** Children in the dominator tree, in reverse postorder. */
  readonly children: readonly (readonly number[])[];
  /** Nodes that some edge reaches from behind. */
  readonly loopHeaders: ReadonlySet<number>;
  /** Nodes with two or more forward edges. */
  readonly mergePoints: ReadonlySet<number>;
  /** Edges that make the graph irreducible. */
  readonly sideEntries: readonly (readonly [from: number, to: number])[];
}

export function analyse({ successors }: FlowGraph): FlowShape {
  const order = reversePostorder(successors);
  const position = new Array<number>(successors.length).fill(-1);
  order.forEach((node, index) => {
    position[node] = index;
  });
  const predecessors = successors.map(() => [] as number[]);
  for (const node of order) for (const next of successors[node] ?? []) predecessors[next]?.push(node);
  const dominator = dominators(order, position, predecessors);
  const loopHeaders = new Set<number>();
  const forwardEdges = new Array<number>(successors.length).fill(0);
  const sideEntries: [number, number][] = [];
  for (const from of order)
    for (const to of successors[from] ?? []) {
      if ((position[to] ?? 0) > (position[from] ?? 0)) forwardEdges[to] = (forwardEdges[to] ?? 0) + 1;
      else {
        loopHeaders.add(to);
        if (!dominates(to, from, dominator, position)) sideEntries.push([from, to]);
      }
    }
  const children = successors.map(() => [] as number[]);
  for (const node of order.slice(1)) children[dominator[node] ?? 0]?.push(node);
  const mergePoints = new Set(order.filter((node) => (forwardEdges[node] ?? 0) > 1));
  return { order, position, dominator, children, loopHeaders, mergePoints, sideEntries };
}

function reversePostorder(successors: FlowGraph['successors']): number[] {
  const seen = new Set([0]);
  const postorder: number[] = [];
  const stack: { node: number; next: number }[] = [{ node: 0, next: 0 }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const list = successors[top.node] ?? [];
    const to = list[top.next++];
    if (to === undefined) {
      postorder.push(top.node);
      stack.pop();
    } else if (!seen.has(to)) {
      seen.add(to);
      stack.push({ node: to, next: 0 });
    }
  }
  return postorder.reverse();
}

/** Cooper, Harvey and Kennedy's iteration over reverse postorder. */
function dominators(
  order: readonly number[],
  position: readonly number[],
  predecessors: readonly (readonly number[])[],
): number[] {
  // By position: the entry is 0, and a dominator comes before what it dominates.
  const above = new Int32Array(order.length).fill(UNKNOWN);
  above[0] = 0;
  const before = order.map((node) => (predecessors[node] ?? []).map((p) => position[p] as number));
  for (let changed = true; changed; ) {
    changed = false;
    for (let at = 1; at < order.length; at++) {
      let found = UNKNOWN;
      for (const p of before[at] ?? [])
        if (above[p] !== UNKNOWN) found = found === UNKNOWN ? p : meet(above, found, p);
      if (found === above[at]) continue;
      above[at] = found;
      changed = true;
    }
  }
  const dominator = new Array<number>(position.length).fill(UNKNOWN);
  order.forEach((node, at) => {
    dominator[node] = order[above[at] as number] as number;
  });
  return dominator;
}

const UNKNOWN = -1;

/** The nearest node above both, by positions. */
function meet(above: Int32Array, a: number, b: number): number {
  let [x, y] = [a, b];
  while (x !== y) {
    while (x > y) x = above[x] as number;
    while (y > x) y = above[y] as number;
  }
  return x;
}

function dominates(a: number, b: number, dominator: readonly number[], position: readonly number[]): boolean {
  let node = b;
  while ((position[node] ?? 0) > (position[a] ?? 0)) node = dominator[node] ?? 0;
  return node === a;
}

/** Copies made to make a graph reducible: `original[node]` is the node a copy stands for. */
export interface ReducibleGraph {
  readonly successors: readonly (readonly number[])[];
  readonly original: readonly number[];
  readonly shape: FlowShape;
}

/** Splits nodes until the graph is reducible; undefined when more than `maxCopies` copies would be needed. */
export function makeReducible(graph: FlowGraph, maxCopies: number): ReducibleGraph | undefined {
  const successors = graph.successors.map((list) => [...list]);
  const original = successors.map((_, node) => node);
  for (;;) {
    const shape = analyse({ successors });
    const [entry] = shape.sideEntries;
    if (!entry) return { successors, original, shape };
    if (successors.length >= graph.successors.length + maxCopies) return undefined;
    const [, target] = entry;
    const copy = successors.length;
    successors.push([...(successors[target] ?? [])]);
    original.push(original[target] ?? target);
    for (const [from, to] of shape.sideEntries) {
      if (to !== target) continue;
      const list = successors[from] ?? [];
      list.forEach((node, i) => {
        if (node === target) list[i] = copy;
      });
    }
  }
}
