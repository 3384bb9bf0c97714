/**
 * Pass: a value that only one side of a conditional uses is computed there. Floating-point rows compute what an unlikely
 * side asks for next to what every execution needs; after this pass only that side pays for it.
 */
import { type Body, isPure, isRead, type Node } from '../ir.ts';

/** One side of the conditional at a place in the body. */
interface Place {
  readonly index: number;
  readonly side: 'then' | 'else';
}

/** Where the uses of values are that have been seen so far: on one side of one conditional, or anywhere. */
type Uses = Map<number, Place | 'anywhere'>;

export function sinkValues(body: Body): Body {
  if (!body.nodes.some(({ operation }) => operation.op === 'if')) return body;
  const uses: Uses = new Map();
  if (body.result) uses.set(body.result.id, 'anywhere');
  const sunk = body.nodes.map((): Record<Place['side'], Node[]> => ({ then: [], else: [] }));
  const isSunk = body.nodes.map(() => false);
  // Last first: all uses of a value come after it, and what a sunk value needs may follow it.
  for (let index = body.nodes.length - 1; index >= 0; index--) {
    const node = body.nodes[index] as Node;
    const place = uses.get(node.id);
    if (place && place !== 'anywhere' && mayMove(body, index, place.index)) {
      isSunk[index] = true;
      sunk[place.index]?.[place.side].unshift(node);
      for (const { id } of node.args) note(uses, id, place);
    } else {
      for (const { id } of node.args) note(uses, id, 'anywhere');
      noteSides(uses, node, index);
    }
  }
  const nodes = body.nodes.flatMap((node, index) => (isSunk[index] ? [] : [withSides(node, sunk[index])]));
  return { ...body, nodes };
}

function note(uses: Uses, id: number, place: Place | 'anywhere'): void {
  const known = uses.get(id);
  const agrees =
    known === undefined ||
    (known !== 'anywhere' &&
      place !== 'anywhere' &&
      known.index === place.index &&
      known.side === place.side);
  uses.set(id, agrees ? place : 'anywhere');
}

/** Notes what the sides of a conditional use, at any depth. */
function noteSides(uses: Uses, { operation }: Node, index: number): void {
  if (operation.op !== 'if') return;
  const visit = (body: Body, place: Place): void => {
    for (const node of body.nodes) {
      for (const { id } of node.args) note(uses, id, place);
      if (node.operation.op !== 'if') continue;
      visit(node.operation.then, place);
      if (node.operation.else) visit(node.operation.else, place);
    }
    if (body.result) note(uses, body.result.id, place);
  };
  visit(operation.then, { index, side: 'then' });
  if (operation.else) visit(operation.else, { index, side: 'else' });
}

/** A pure value may move anywhere before its uses, a read not past an effect. */
function mayMove({ nodes }: Body, from: number, to: number): boolean {
  const node = nodes[from] as Node;
  if (isPure(node.operation)) return true;
  if (!isRead(node.operation)) return false;
  for (let index = from + 1; index < to; index++) {
    const between = (nodes[index] as Node).operation;
    if (!isPure(between) && !isRead(between)) return false;
  }
  return true;
}

function withSides(node: Node, sunk: Record<Place['side'], readonly Node[]> | undefined): Node {
  const { operation } = node;
  if (operation.op !== 'if') return node;
  const sideOf = (side: Body, added: readonly Node[] = []): Body =>
    sinkValues({ ...side, nodes: [...added, ...side.nodes] });
  return {
    ...node,
    operation: {
      ...operation,
      then: sideOf(operation.then, sunk?.then),
      else: operation.else && sideOf(operation.else, sunk?.else),
    },
  };
}
