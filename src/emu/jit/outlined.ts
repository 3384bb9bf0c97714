/**
 * Sides of conditionals that hardly ever run, as functions of their own: what a floating-point instruction does when the
 * host's result may not be Arm's is half of its code, and the same for all instructions of its kind. A module has one
 * function for all sides that do the same; values from before the conditional, and registers, become parameters.
 */
import { fail } from '../base/assert.ts';
import { BodyEmitter } from '../codegen/emit-body.ts';
import { Environment, type Push } from '../codegen/environment.ts';
import { helperKind } from '../interpreter/runtime-imports.ts';
import type { Body, Operation, Value } from '../ir/ir.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import type { ModuleBuilder } from '../wasm/module-builder.ts';
import { registerAt } from './registers.ts';

/** A call is not worth fewer operations. */
const LEAST_OPERATIONS = 8;

export interface OutlinedBody {
  readonly body: Body;
  /** What becomes parameters, and how often the body uses each. */
  readonly values: readonly Value[];
  readonly uses: readonly number[];
  /** The same for bodies that do the same. */
  readonly key: string;
}

const known = new WeakMap<Body, OutlinedBody | undefined>();

/** A body as a function, or undefined when it is small or does what only a region's own code can do. */
export function outlinedBody(body: Body): OutlinedBody | undefined {
  if (known.has(body)) return known.get(body);
  const text = new BodyText(body);
  const outlined = text.isSelfContained && text.operations >= LEAST_OPERATIONS ? text.result() : undefined;
  known.set(body, outlined);
  return outlined;
}

/** Reads a body: is it self-contained, what does it take from outside, and what does it do, as text. */
class BodyText {
  isSelfContained = true;
  operations = 0;
  private readonly body: Body;
  private readonly names = new Map<number, string>();
  private readonly values: Value[] = [];
  private readonly uses: number[] = [];
  private readonly parts: string[] = [];

  constructor(body: Body) {
    this.body = body;
    this.read(body);
  }

  result(): OutlinedBody {
    const { body, values, uses } = this;
    const types = values.map(({ type }) => type);
    return { body, values, uses, key: [types.join(), ...this.parts].join('\n') };
  }

  private read({ nodes, result }: Body): void {
    for (const node of nodes) {
      if (readsRegister(node.operation)) continue;
      this.operations++;
      if (!isPlain(node.operation)) this.isSelfContained = false;
      if (!this.isSelfContained) return;
      this.parts.push(`${nameOf(node.operation)} ${node.args.map((value) => this.use(value)).join(' ')}`);
      this.names.set(node.id, `%${this.names.size}`);
      if (node.operation.op !== 'if') continue;
      this.read(node.operation.then);
      this.parts.push('else');
      if (node.operation.else) this.read(node.operation.else);
      this.parts.push('end');
    }
    this.parts.push(`result ${result ? `${result.type} ${this.use(result)}` : ''}`);
  }

  /** The name of a value; of one from outside the parameter's. */
  private use(value: Value): string {
    const name = this.names.get(value.id);
    if (name?.startsWith('%')) return name;
    if (name) {
      const index = Number(name.slice(1));
      this.uses[index] = (this.uses[index] ?? 0) + 1;
      return name;
    }
    if (value.operation.op === 'const') return `${value.type} ${value.operation.value}`;
    const parameter = `$${this.values.push(value) - 1}`;
    this.uses.push(1);
    this.names.set(value.id, parameter);
    return parameter;
  }
}

/** Whether a function outside the region can do it. */
function isPlain(operation: Operation): boolean {
  switch (operation.op) {
    case 'const':
    case 'numeric':
    case 'select':
    case 'if':
    case 'state.load':
      return true;
    case 'state.store':
      return registerAt(operation.offset) === undefined;
    case 'call':
      return helperKind(operation.helper) === 'arithmetic';
    default:
      return false;
  }
}

function readsRegister(operation: Operation): operation is Operation & { op: 'state.load' } {
  return operation.op === 'state.load' && registerAt(operation.offset) !== undefined;
}

/** The operation and what it is made of, but for the bodies of a conditional. */
function nameOf(operation: Operation): string {
  return Object.values(operation)
    .filter((part) => typeof part !== 'object' || Array.isArray(part))
    .join();
}

/** Code of a function: it has no instruction, no flags, and no registers but as parameters. */
class OutlinedEnvironment extends Environment {
  private readonly helpers: ReadonlyMap<string, number>;

  constructor(helpers: ReadonlyMap<string, number>) {
    super();
    this.helpers = helpers;
  }

  /** Arithmetic does not look at the record. */
  call(f: FunctionBuilder, helper: string, args: readonly Push[]): void {
    f.i32(0);
    for (const push of args) push();
    f.call(this.helpers.get(helper) ?? fail(`helper ${helper}`));
  }
  operand = outside;
  pc = outside;
  next = outside;
  branch = outside;
  branchTo = outside;
  resync = outside;
  leaveIfZero = outside;
  afterSlowAccess = outside;
}

function outside(): never {
  return fail('only a region can do that');
}

/** The functions of one module. */
export class OutlinedFunctions {
  private readonly module: ModuleBuilder;
  private readonly environment: Environment;
  private readonly indexes = new Map<string, number>();
  /** By index. */
  readonly made = new Map<number, FunctionBuilder>();
  /** Size of all of them. */
  sizeBytes = 0;

  constructor(module: ModuleBuilder, helpers: ReadonlyMap<string, number>) {
    this.module = module;
    this.environment = new OutlinedEnvironment(helpers);
  }

  /** Index of the function, which is made when it is first asked for. */
  indexOf({ body, values, key }: OutlinedBody): number {
    const first = this.indexes.get(key);
    if (first !== undefined) return first;
    const f = new FunctionBuilder(
      values.map(({ type }) => type),
      body.result ? [body.result.type] : [],
    );
    const parameters = new Map(values.map(({ id }, parameter) => [id, parameter]));
    new BodyEmitter(f, this.environment, body).emitFunction(body, parameters);
    f.finish();
    this.sizeBytes += f.code.length;
    const index = this.module.addFunction(f);
    this.indexes.set(key, index);
    this.made.set(index, f);
    return index;
  }
}
