/**
 * Checks that a body keeps the IR's rules: values are defined before they are used and have the types that
 * operations ask for; only the last operation ends an instruction; what may leave the instruction early comes
 * before every write of architectural state; conditionals that set flags do so knowingly on both ways.
 */
import {
  accessType,
  type Body,
  isTerminator,
  type Node,
  numericType,
  type Operation,
  type Type,
} from './ir.ts';

export interface Signature {
  readonly args: readonly Type[];
  readonly result: Type;
}

/** What the verifier cannot know by itself. */
export interface VerifierFacts {
  /** Types of a numeric operation; undefined when there is none of that name. */
  signature(name: string): Signature | undefined;
  /** Whether a state offset holds what a fault must leave alone. */
  isArchitectural(offset: number): boolean;
  /** Whether a helper may raise an exception. */
  mayLeave(helper: string): boolean;
}

/** One line for each broken rule; none when the body is good. */
export function verifyBody(body: Body, facts: VerifierFacts): string[] {
  const verifier = new Verifier(facts);
  verifier.body(body, new Set());
  return verifier.problems;
}

class Verifier {
  readonly problems: string[] = [];
  private readonly facts: VerifierFacts;
  private readonly ids = new Set<number>();
  /** An operation before that has written architectural state. */
  private written: Node | undefined;
  /** The last operation on this way was a call, and nothing has been written since. */
  private afterCall = false;

  constructor(facts: VerifierFacts) {
    this.facts = facts;
  }

  body({ nodes, result }: Body, outer: ReadonlySet<number>): void {
    const visible = new Set(outer);
    nodes.forEach((node, index) => {
      this.node(node, visible);
      if (isTerminator(node.operation) && index < nodes.length - 1)
        this.complain(node, 'ends the instruction, but is not the last operation');
      visible.add(node.id);
    });
    if (result && !visible.has(result.id)) this.problems.push(`result %${result.id} is not defined`);
  }

  private node(node: Node, visible: ReadonlySet<number>): void {
    if (this.ids.has(node.id)) this.complain(node, 'has the number of another operation');
    this.ids.add(node.id);
    for (const { id } of node.args)
      if (!visible.has(id)) this.complain(node, `uses %${id} before it is defined`);
    this.types(node);
    this.order(node);
    if (node.operation.op === 'if') this.conditional(node, node.operation, visible);
  }

  private conditional(node: Node, operation: Operation & { op: 'if' }, visible: ReadonlySet<number>): void {
    const before = { written: this.written, afterCall: this.afterCall };
    this.body(operation.then, visible);
    const then = { written: this.written, afterCall: this.afterCall, ends: endsInTerminator(operation.then) };
    Object.assign(this, before);
    if (operation.else) this.body(operation.else, visible);
    if (!then.ends) this.written ??= then.written;
    this.afterCall = false;
    const types = [operation.then.result?.type, operation.else?.result?.type];
    for (const type of node.type || types[0] ? types : [])
      if (type !== node.type) this.complain(node, `gives ${type}, but is ${node.type}`);
    if (!operation.else && setsFlags(operation.then) && !then.ends)
      this.complain(node, 'sets flags on one way and has no other');
  }

  private types(node: Node): void {
    const expected = this.signature(node);
    if (!expected) return;
    const given = node.args.map(({ type }) => type);
    if (expected.args.join() !== given.join())
      this.complain(node, `takes (${expected.args.join()}), but is given (${given.join()})`);
    if (expected.result !== node.type) this.complain(node, `gives ${expected.result}, but is ${node.type}`);
  }

  private signature(node: Node): { args: readonly Type[]; result: Type | undefined } | undefined {
    const { operation, args, type } = node;
    const gives = (result: Type | undefined, ...types: Type[]) => ({ args: types, result });
    const index: Type[] = operation.op === 'state.load' && args.length > 0 ? ['i32'] : [];
    switch (operation.op) {
      case 'const':
        return gives(typeOfConstant(operation.value, type));
      case 'numeric': {
        const known = this.facts.signature(operation.name);
        if (!known) this.complain(node, 'is no numeric operation');
        return known && gives(numericType(operation.name), ...known.args);
      }
      case 'select':
        return type && gives(type, type, type, 'i32');
      case 'operand':
        return gives(operation.slot.kind === 's32' || operation.slot.kind === 'i64' ? 'i64' : 'i32');
      case 'fuel':
        return gives('i32');
      case 'pc':
        return gives('i64');
      case 'state.load':
        return gives(accessType(operation.load), ...index);
      case 'state.store':
        return gives(undefined, accessType(operation.store), ...(args.length > 1 ? (['i32'] as const) : []));
      case 'guest.read':
      case 'guest.update':
        return gives('i32', 'i64');
      case 'guest.write':
        return gives(undefined, 'i64', ...operation.parts.map(({ store }) => accessType(store)));
      case 'host.load':
        return gives(accessType(operation.load), 'i32');
      case 'host.store':
        return gives(undefined, 'i32', accessType(operation.store));
      case 'host.atomic': {
        const values = operation.kind === 'cmpxchg' ? [operation.type, operation.type] : [operation.type];
        return gives(operation.type, 'i32', ...values);
      }
      case 'host.zero':
        return gives(undefined, 'i32');
      case 'flags.set':
        return gives(undefined, ...flagOperands(operation));
      case 'flags.put':
        return gives(undefined, 'i32');
      case 'flags.get':
      case 'flags.carry':
      case 'flags.holds':
        return gives('i32');
      case 'call':
        return gives(operation.result ? 'i32' : undefined, ...args.map(() => 'i32' as const));
      case 'if':
        return gives(type, 'i32');
      case 'branch':
      case 'resync':
        return gives(undefined);
      case 'branch.to':
        return gives(undefined, 'i64');
    }
  }

  /** What may leave comes first; a resync follows its call, as the call has made the state exact. */
  private order(node: Node): void {
    const { operation } = node;
    if (this.mayLeave(operation) && this.written)
      this.complain(node, `may leave after ${this.written.operation.op} has written state`);
    if (operation.op === 'resync' && !this.afterCall) this.complain(node, 'does not follow a call');
    if (writes(operation, this.facts)) this.written ??= node;
    const isQuiet = operation.op === 'if' || operation.op === 'resync';
    if (!isQuiet) this.afterCall = operation.op === 'call' && this.facts.mayLeave(operation.helper);
    // The condition of an if that tests a call's answer: the call is the operation before it.
    if (operation.op === 'if') this.afterCall = node.args[0]?.operation.op === 'call';
  }

  private mayLeave(operation: Operation): boolean {
    const { op } = operation;
    if (op === 'call') return this.facts.mayLeave(operation.helper);
    return op === 'guest.read' || op === 'guest.update' || op === 'guest.write';
  }

  private complain(node: Node, what: string): void {
    this.problems.push(`%${node.id} ${node.operation.op} ${what}`);
  }
}

function writes(operation: Operation, facts: VerifierFacts): boolean {
  if (operation.op === 'state.store') return facts.isArchitectural(operation.offset);
  return operation.op === 'flags.set' || operation.op === 'flags.put';
}

function endsInTerminator({ nodes }: Body): boolean {
  const last = nodes.at(-1);
  return last !== undefined && isTerminator(last.operation);
}

function setsFlags({ nodes }: Body): boolean {
  return nodes.some(
    ({ operation }) =>
      operation.op === 'flags.set' ||
      operation.op === 'flags.put' ||
      (operation.op === 'if' && (setsFlags(operation.then) || (operation.else && setsFlags(operation.else)))),
  );
}

/**
 * Arguments of flags.set: a, b and the result; a sum with carry in has that, too; logic has its result alone, a
 * comparison of numbers one that stands for it.
 */
function flagOperands({ kind, width }: Operation & { op: 'flags.set' }): Type[] {
  const type = width === 64 ? 'i64' : 'i32';
  if (kind === 'float') return ['f64'];
  if (kind === 'logic') return [type];
  return kind === 'adc' ? [type, type, 'i32', type] : [type, type, type];
}

function typeOfConstant(
  value: number | bigint | readonly number[],
  type: Type | undefined,
): Type | undefined {
  if (typeof value === 'bigint') return 'i64';
  if (typeof value === 'number') return type === 'f32' || type === 'f64' ? type : 'i32';
  return 'v128';
}
