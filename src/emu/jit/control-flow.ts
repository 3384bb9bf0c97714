/**
 * The shape of a region's control flow: reverse postorder, dominators, loop headers, merge points
 * (Ramsey, "Beyond Relooper", ICFP 2022). Pure; blocks are numbers 0 … n − 1, the entry is 0.
 *
 * A graph is reducible when every edge that goes backwards in reverse postorder goes to a dominator. Where it
 * is not, a loop has several entries; these get a dispatcher before them, which becomes the loop's one header.
 */

export interface FlowGraph {
  /** Successors of each node. */
  readonly successors: readonly (readonly number[])[];
}

export interface FlowShape {
  /** Nodes in reverse postorder; `order[0]` is the entry. */
  readonly order: readonly number[];
  /** Position of each node in `order`, or NOT_REACHED. */
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

const NOT_REACHED = -1;

export function analyse({ successors }: FlowGraph): FlowShape {
  const order = reversePostorder(successors);
  const position = new Array<number>(successors.length).fill(NOT_REACHED);
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

/** A graph with dispatchers: nodes from which the way that was meant at the edge to them goes on. */
export interface ReducibleGraph {
  /** Nodes of the graph that was given, then dispatchers. */
  readonly successors: readonly (readonly number[])[];
  /** For each dispatcher the nodes that are reached through it, and no other way. */
  readonly dispatchers: ReadonlyMap<number, readonly number[]>;
  readonly shape: FlowShape;
}

/** Puts a dispatcher before the entries of each loop that has several. */
export function makeReducible(graph: FlowGraph): ReducibleGraph {
  const shape = analyse(graph);
  if (shape.sideEntries.length === 0) return { successors: graph.successors, dispatchers: new Map(), shape };
  const isReached = (node: number) => shape.position[node] !== NOT_REACHED;
  const successors = graph.successors.map((list, node) => (isReached(node) ? [...list] : []));
  const dispatchers = new Map<number, readonly number[]>();
  joinEntries(new Set(shape.order), undefined, successors, dispatchers);
  return { successors, dispatchers, shape: analyse({ successors }) };
}

/** Gives every loop among some nodes one entry; edges to `header` belong to the loop around them. */
function joinEntries(
  nodes: ReadonlySet<number>,
  header: number | undefined,
  successors: number[][],
  dispatchers: Map<number, readonly number[]>,
): void {
  for (const loop of loopsAmong(nodes, header, successors)) {
    const entries = entriesOf(loop, successors);
    const [only, ...others] = entries;
    if (others.length === 0) {
      joinEntries(loop, only, successors, dispatchers);
      continue;
    }
    const dispatcher = successors.length;
    for (const [from, list] of successors.entries())
      successors[from] = [...new Set(list.map((to) => (entries.includes(to) ? dispatcher : to)))];
    successors.push(entries);
    dispatchers.set(dispatcher, entries);
    joinEntries(new Set([...loop, dispatcher]), dispatcher, successors, dispatchers);
  }
}

/** Nodes of a loop that are reached from outside it, or where everything begins. */
function entriesOf(loop: ReadonlySet<number>, successors: readonly (readonly number[])[]): number[] {
  const entered = new Set<number>();
  if (loop.has(0)) entered.add(0);
  for (const [from, list] of successors.entries())
    if (!loop.has(from)) for (const to of list) if (loop.has(to)) entered.add(to);
  return [...entered];
}

/** Strongly connected components that have an edge, without edges to `header` (Tarjan 1972). */
function loopsAmong(
  nodes: ReadonlySet<number>,
  header: number | undefined,
  successors: readonly (readonly number[])[],
): Set<number>[] {
  const found: Set<number>[] = [];
  const indexes = new Map<number, number>();
  const finished = new Set<number>();
  const stack: number[] = [];
  const next = (node: number): number[] =>
    (successors[node] ?? []).filter((to) => to !== header && nodes.has(to));
  const visit = (node: number): number => {
    const index = indexes.size;
    indexes.set(node, index);
    let low = index;
    stack.push(node);
    for (const to of next(node)) {
      if (!indexes.has(to)) low = Math.min(low, visit(to));
      else if (!finished.has(to)) low = Math.min(low, indexes.get(to) ?? index);
    }
    if (low < index) return low;
    const component = stack.splice(stack.indexOf(node));
    for (const each of component) finished.add(each);
    if (component.length > 1 || next(node).includes(node)) found.push(new Set(component));
    return low;
  };
  for (const node of nodes) if (!indexes.has(node)) visit(node);
  return found;
}
