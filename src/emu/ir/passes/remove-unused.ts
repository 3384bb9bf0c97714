/** Pass: values that nothing uses are not computed. Reads of state and memory that has been translated have no effect. */
import { type Body, isPure, isRead, type Node } from '../ir.ts';

export function removeUnused(body: Body): Body {
  return withoutUnused(body, new Set());
}

/** `used`: values that what comes after the body uses; those that the body uses are added. */
function withoutUnused(body: Body, used: Set<number>): Body {
  if (body.result) used.add(body.result.id);
  const nodes: Node[] = [];
  for (let index = body.nodes.length - 1; index >= 0; index--) {
    const node = body.nodes[index] as Node;
    const { operation } = node;
    if (!used.has(node.id) && (isPure(operation) || isRead(operation))) continue;
    for (const { id } of node.args) used.add(id);
    nodes.push(
      operation.op === 'if'
        ? {
            ...node,
            operation: {
              ...operation,
              then: withoutUnused(operation.then, used),
              else: operation.else && withoutUnused(operation.else, used),
            },
          }
        : node,
    );
  }
  return { ...body, nodes: nodes.reverse() };
}
