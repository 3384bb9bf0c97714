/**
 * Copies a body with some of its nodes replaced by others or by values that stand for them. What stays as it is is not
 * copied: most bodies stay, and there are thousands when the interpreter is made.
 */
import type { Body, Node, Operation, Value } from '../ir.ts';

/** What becomes of a node whose arguments have been replaced: itself, another in its place, or an earlier value. */
export type Visit = (node: Node) => Node | Value;

export class Rewriter {
  private readonly replaced = new Map<number, Value>();
  private readonly visit: Visit;

  constructor(visit: Visit) {
    this.visit = visit;
  }

  body(body: Body): Body {
    const nodes: Node[] = [];
    let changed = false;
    for (const node of body.nodes) {
      const made = this.visit(this.withReplaced(node));
      if (made !== node) {
        changed = true;
        if (made.type !== undefined) this.replaced.set(node.id, made as Value);
      }
      // An earlier value has its place already.
      if (made.id === node.id) nodes.push(made);
    }
    const result = body.result && this.value(body.result);
    if (!changed && result === body.result) return body;
    return result ? { nodes, result } : { nodes };
  }

  private withReplaced(node: Node): Node {
    const operation = this.operation(node.operation);
    const isSame = node.args.every((arg) => !this.replaced.has(arg.id));
    if (isSame && operation === node.operation) return node;
    return { ...node, operation, args: node.args.map((arg) => this.value(arg)) };
  }

  private operation(operation: Operation): Operation {
    if (operation.op !== 'if') return operation;
    const then = this.body(operation.then);
    const otherwise = operation.else && this.body(operation.else);
    if (then === operation.then && otherwise === operation.else) return operation;
    return { ...operation, then, else: otherwise };
  }

  private value(value: Value): Value {
    return this.replaced.get(value.id) ?? value;
  }
}
