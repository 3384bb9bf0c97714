/**
 * Pass: operations on constants become constants, and operations that change nothing their operand. Integers
 * only: arithmetic of the host on numbers is not Arm's.
 */
import type { Body, Node, Operation, Value } from '../ir.ts';
import { Rewriter } from './rewrite.ts';

/** WebAssembly's integer instructions on constants, as unsigned BigInts of the operands' width. */
const EVALUATED: Readonly<Record<string, (a: bigint, b: bigint, width: bigint) => bigint>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  shl: (a, b, width) => a << (b % width),
  shr_u: (a, b, width) => a >> (b % width),
  shr_s: (a, b, width) => BigInt.asIntN(Number(width), a) >> (b % width),
  rotr: (a, b, width) => (a >> (b % width)) | (a << (width - (b % width))),
  eq: (a, b) => BigInt(a === b),
  ne: (a, b) => BigInt(a !== b),
  eqz: (a) => BigInt(a === 0n),
  extend_i32_u: (a) => BigInt.asUintN(32, a),
  extend_i32_s: (a) => BigInt.asIntN(32, a),
  wrap_i64: (a) => a,
};
/** Operations that give their first operand when the second is this. */
const NEUTRAL: Readonly<Record<string, bigint>> = {
  add: 0n,
  sub: 0n,
  or: 0n,
  xor: 0n,
  shl: 0n,
  shr_u: 0n,
  shr_s: 0n,
  rotr: 0n,
  mul: 1n,
  and: -1n,
};
const COMMUTATIVE = new Set(['add', 'or', 'xor', 'mul', 'and']);

interface Rule {
  readonly evaluate: (a: bigint, b: bigint, width: bigint) => bigint;
  readonly neutral: bigint | undefined;
  readonly commutes: boolean;
}
/** By the whole name of a numeric operation. */
const RULES = new Map<string, Rule>(
  ['i32', 'i64'].flatMap((type) =>
    Object.entries(EVALUATED).map(([name, evaluate]): [string, Rule] => [
      `${type}.${name}`,
      { evaluate, neutral: NEUTRAL[name], commutes: COMMUTATIVE.has(name) },
    ]),
  ),
);

export function foldConstants(body: Body): Body {
  return new Rewriter(fold).body(body);
}

function fold(node: Node): Node | Value {
  const { operation, args } = node;
  if (operation.op === 'select') return foldSelect(node);
  if (operation.op !== 'numeric' || !args.some(isConstant)) return node;
  const rule = RULES.get(operation.name);
  const [first, second] = args;
  if (!rule || !first) return node;
  if (args.every(isConstant)) {
    const width = first.type === 'i64' ? 64 : 32;
    const [a = 0n, b = 0n] = args.map((arg) => BigInt.asUintN(width, constantOf(arg) ?? 0n));
    return constant(node, rule.evaluate(a, b, BigInt(width)));
  }
  if (rule.neutral === undefined || !second) return node;
  if (constantOf(second) === rule.neutral) return first;
  return rule.commutes && constantOf(first) === rule.neutral ? second : node;
}

/** A choice that is made, or makes no difference. */
function foldSelect(node: Node): Node | Value {
  const [a, b, condition] = node.args;
  if (!a || !b || !condition) return node;
  if (a.id === b.id) return a;
  const known = constantOf(condition);
  if (known === undefined) return node;
  return known !== 0n ? a : b;
}

function constant(node: Node, value: bigint): Node {
  const folded = node.type === 'i64' ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value));
  return { ...node, operation: { op: 'const', value: folded }, args: [] };
}

function isConstant({ operation, type }: Value): boolean {
  return operation.op === 'const' && (type === 'i32' || type === 'i64');
}

function constantOf(value: Value): bigint | undefined {
  if (!isConstant(value)) return undefined;
  return BigInt((value.operation as Operation & { op: 'const' }).value as number | bigint);
}
