/**
 * Turns a body into WebAssembly instructions: one emitter per operation.
 *
 * A value that is used once is computed where it is used, if nothing in between can change what it reads;
 * any other value goes into a local when it is computed. So the order of effects is kept, and the stack
 * machine's code stays small.
 */
import { assert, unreachable } from '../base/assert.ts';
import { type Body, isPure, isRead, type Node, type Operation, type Value } from '../ir/ir.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { emitAtomic } from './emit-atomic.ts';
import { emitGuestAddress, emitGuestWrite } from './emit-memory.ts';
import type { Environment } from './environment.ts';
import { loadOp, storeOp } from './memory-ops.ts';

/** Operations with an effect whose value may still move to its single use. */
const MOVABLE_EFFECTS = new Set<Operation['op']>(['guest.read', 'guest.update', 'call', 'host.atomic']);
/** Those among them that change what a read may see. */
const WRITING_EFFECTS = new Set<Operation['op']>(['call', 'host.atomic']);

/** Emits a whole instruction; the environment closes it when it falls through. */
export function emitInstruction(body: Body, f: FunctionBuilder, environment: Environment): void {
  new BodyEmitter(f, environment, body).emitRoot(body);
}

export class BodyEmitter {
  readonly f: FunctionBuilder;
  readonly environment: Environment;
  private readonly uses = new Map<number, number>();
  private readonly consumers = new Map<number, { body: Body; index: number }>();
  private readonly deferred = new Set<number>();
  private readonly locals = new Map<number, number>();

  constructor(f: FunctionBuilder, environment: Environment, body: Body) {
    this.f = f;
    this.environment = environment;
    this.count(body);
    this.decide(body);
  }

  emitRoot(body: Body): void {
    this.emitBody(body);
    const last = body.nodes.at(-1)?.operation.op;
    if (last !== 'branch' && last !== 'branch.to' && last !== 'resync') this.environment.next(this.f);
  }

  /** Pushes a value. */
  push(value: Value): void {
    const local = this.locals.get(value.id);
    if (local === undefined) return this.compute(value);
    this.f.get(local);
    this.release(value, local);
  }

  /** A local that holds the value, and whether the caller must free it. */
  private release(value: Value, local: number): void {
    const left = (this.uses.get(value.id) ?? 0) - 1;
    this.uses.set(value.id, left);
    if (left > 0) return;
    this.locals.delete(value.id);
    this.f.freeLocal(value.type, local);
  }

  /** Runs `body` with the value available any number of times through the pusher it is given. */
  withRepeated(values: readonly Value[], body: (push: (() => void)[]) => void): void {
    const pushers: (() => void)[] = [];
    const temporary: { value: Value; local: number }[] = [];
    for (const value of values) {
      const known = this.locals.get(value.id);
      if (known !== undefined) pushers.push(() => this.f.get(known));
      else if (value.operation.op === 'const') pushers.push(() => this.compute(value));
      else {
        const local = this.f.takeLocal(value.type);
        this.compute(value);
        this.f.set(local);
        temporary.push({ value, local });
        pushers.push(() => this.f.get(local));
      }
    }
    body(pushers);
    for (const { value, local } of temporary) this.f.freeLocal(value.type, local);
    for (const value of values) {
      const local = this.locals.get(value.id);
      if (local !== undefined) this.release(value, local);
    }
  }

  private emitBody(body: Body): void {
    for (const node of body.nodes) {
      if (this.deferred.has(node.id)) continue;
      if (this.isIdle(node)) continue;
      const used = this.uses.get(node.id) ?? 0;
      this.compute(node);
      if (node.type === undefined) continue;
      if (used === 0) this.f.plain('drop');
      else {
        const local = this.f.takeLocal(node.type);
        this.f.set(local);
        this.locals.set(node.id, local);
      }
    }
    if (body.result) this.push(body.result);
  }

  /** Emits the operation itself; its result, if any, is on the stack afterwards. */
  private compute(node: Node): void {
    const { f, environment } = this;
    const { operation, args } = node;
    const arg = (i: number): Value => {
      const value = args[i];
      assert(value, `${operation.op} lacks argument ${i}`);
      return value;
    };
    switch (operation.op) {
      case 'const':
        return this.constant(node, operation.value);
      case 'numeric':
        for (const value of args) this.push(value);
        return f.numeric(operation.name, operation.lanes);
      case 'select':
        for (const value of args) this.push(value);
        return f.plain('select');
      case 'operand':
        return environment.operand(f, operation.slot);
      case 'pc':
        return environment.pc(f);
      case 'state.load':
        return environment.loadState(f, operation.load, operation.offset, this.optional(args[0]));
      case 'state.store':
        return environment.storeState(
          f,
          operation.store,
          operation.offset,
          () => this.push(arg(0)),
          this.optional(args[1]),
        );
      case 'guest.read':
      case 'guest.update':
        return this.withRepeated([arg(0)], ([va]) =>
          emitGuestAddress(f, environment, operation, va as () => void),
        );
      case 'guest.write':
        return this.withRepeated(args, ([va, ...values]) =>
          emitGuestWrite(f, environment, operation, va as () => void, values),
        );
      case 'host.load':
        this.push(arg(0));
        return f.load(loadOp(operation.load), operation.offset);
      case 'host.store':
        this.push(arg(0));
        this.push(arg(1));
        return f.store(storeOp(operation.store), operation.offset);
      case 'host.atomic':
        return this.withRepeated(args, (pushers) => emitAtomic(f, operation, pushers));
      case 'host.zero':
        this.push(arg(0));
        f.i32(0);
        f.i32(operation.size);
        return f.memoryFill();
      case 'flags.set':
        return this.withRepeated(args, (pushers) => environment.setFlags(f, operation, pushers));
      case 'flags.put':
        return this.withRepeated([arg(0)], ([nzcv]) => environment.putFlags(f, nzcv as () => void));
      case 'flags.get':
        return environment.getFlags(f);
      case 'flags.carry':
        return environment.carry(f);
      case 'flags.holds':
        return environment.holds(f, operation.condition);
      case 'call':
        return environment.call(
          f,
          operation.helper,
          args.map((value) => () => this.push(value)),
        );
      case 'if':
        return this.conditional(node, operation, arg(0));
      case 'branch':
        return environment.branch(f, operation.slot);
      case 'branch.to':
        this.push(arg(0));
        return environment.branchTo(f, operation.hint);
      case 'resync':
        return environment.resync(f);
      default:
        return unreachable(operation, 'operation');
    }
  }

  private conditional(node: Node, operation: Operation & { op: 'if' }, condition: Value): void {
    const { f } = this;
    this.push(condition);
    f.if(node.type, operation.hint);
    this.environment.beginIf();
    this.emitBody(operation.then);
    this.environment.beginElse(f);
    if (operation.else) {
      f.plain('else');
      this.emitBody(operation.else);
    }
    this.environment.endIf(f);
    f.end();
  }

  private constant(node: Node, value: number | bigint | readonly number[]): void {
    if (typeof value === 'bigint') this.f.i64(value);
    else if (typeof value === 'number') this.f.i32(value);
    else this.f.v128(value);
    assert(node.type, 'a constant has a type');
  }

  private optional(value: Value | undefined): (() => void) | undefined {
    return value && (() => this.push(value));
  }

  /** Counts uses by what is really emitted: last first, so that a value nobody needs does not use its arguments. */
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

  /** Whether nothing would change without the operation. */
  private isIdle(node: Node): boolean {
    return !this.uses.get(node.id) && (isPure(node.operation) || isRead(node.operation));
  }

  private use(value: Value, body: Body, index: number): void {
    this.uses.set(value.id, (this.uses.get(value.id) ?? 0) + 1);
    this.consumers.set(value.id, { body, index });
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
        this.deferred.add(node.id);
        continue;
      }
      const consumer = this.consumers.get(node.id);
      if (this.uses.get(node.id) !== 1 || consumer?.body !== body) continue;
      const at =
        consumer.index < body.nodes.length ? (root[consumer.index] ?? consumer.index) : consumer.index;
      if (!this.mayMove(body, node, i, at)) continue;
      this.deferred.add(node.id);
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
      if (isRead(between.operation) && !(writes && this.uses.get(between.id))) continue;
      // A translation changes no state that a state read could see; its slow path does reuse SCRATCH.
      if (between.operation.op === 'guest.read' && node.operation.op === 'state.load') continue;
      return false;
    }
    return true;
  }
}
