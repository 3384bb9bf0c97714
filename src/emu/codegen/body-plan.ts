/**
 * Where the values of a body are computed. A value that is used once is computed where it is used, if nothing in
 * between can change what it reads; any other goes into a local when it is computed. So the order of effects
 * is kept, and the stack machine's code stays small.
 */
import { type Body, isPure, isRead, type Node, type Operation, type Value } from '../ir/ir.ts';

/** Operations with an effect whose value may still move to its single use. */
const MOVABLE_EFFECTS = new Set<Operation['op']>(['guest.read', 'guest.update', 'call', 'host.atomic']);
/** Those among them that change what a read may see. */
const WRITING_EFFECTS = new Set<Operation['op']>(['call', 'host.atomic']);

const plans = new WeakMap<Body, BodyPlan>();

/** The plan of an instruction's body; bodies do not change once they are built. */
export function planOf(body: Body): BodyPlan {
  const known = plans.get(body) ?? new BodyPlan(body);
  plans.set(body, known);
  return known;
}

export class BodyPlan {
  /** By the node's number. */
  private readonly uses: number[] = [];
  private readonly consumers: { body: Body; index: number }[] = [];
  private readonly deferred: boolean[] = [];

  constructor(body: Body) {
    this.count(body);
    this.decide(body);
  }

  /** How often a value is used by what is really emitted. */
  usesOf({ id }: Node): number {
    return this.uses[id] ?? 0;
  }

  /** Whether a value waits for its use. */
  isDeferred({ id }: Node): boolean {
    return this.deferred[id] === true;
  }

  /** Whether nothing would change without the operation. */
  isIdle(node: Node): boolean {
    return !this.uses[node.id] && (isPure(node.operation) || isRead(node.operation));
  }

  /** Last first, so that a value nobody needs does not use its arguments. */
  private count(body: Body): void {
    if (body.result) this.use(body.result, body, body.nodes.length);
    for (let index = body.nodes.length - 1; index >= 0; index--) {
      const node = body.nodes[index];
      if (!node || this.isIdle(node)) continue;
      if (node.operation.op === 'if') {
        this.count(node.operation.then);
        if (node.operation.else) this.count(node.operation.else);
      }
      for (const value of node.args) this.use(value, body, index);
    }
  }

  private use({ id }: Value, body: Body, index: number): void {
    this.uses[id] = (this.uses[id] ?? 0) + 1;
    this.consumers[id] = { body, index };
  }

  /** Finds the values that can wait for their single use. Later nodes first, so that uses are settled. */
  private decide(body: Body): void {
    const root = body.nodes.map((_, i) => i);
    for (let i = body.nodes.length - 1; i >= 0; i--) {
      const node = body.nodes[i];
      if (!node) continue;
      const { op } = node.operation;
      if (op === 'if') {
        this.decide(node.operation.then);
        if (node.operation.else) this.decide(node.operation.else);
        continue;
      }
      if (node.type === undefined) continue;
      if (op === 'const' || op === 'operand' || op === 'pc') {
        this.deferred[node.id] = true;
        continue;
      }
      const consumer = this.consumers[node.id];
      if (this.uses[node.id] !== 1 || consumer?.body !== body) continue;
      const at =
        consumer.index < body.nodes.length ? (root[consumer.index] ?? consumer.index) : consumer.index;
      if (!this.mayMove(body, node, i, at)) continue;
      this.deferred[node.id] = true;
      root[i] = at;
    }
  }

  private mayMove(body: Body, node: Node, from: number, to: number): boolean {
    if (isPure(node.operation)) return true;
    if (!isRead(node.operation) && !MOVABLE_EFFECTS.has(node.operation.op)) return false;
    const writes = WRITING_EFFECTS.has(node.operation.op);
    for (let i = from + 1; i < to; i++) {
      const between = body.nodes[i];
      if (!between || isPure(between.operation)) continue;
      if (isRead(between.operation) && !(writes && this.uses[between.id])) continue;
      // A translation changes no state that a state read could see; its slow path does reuse SCRATCH.
      if (between.operation.op === 'guest.read' && node.operation.op === 'state.load') continue;
      return false;
    }
    return true;
  }
}
