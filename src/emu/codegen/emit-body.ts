/** Turns a body into WebAssembly instructions: one emitter per operation, in the order that body-plan.ts decides. */
import { assert, fail, unreachable } from '../base/assert.ts';
import type { Body, Node, Operation, Value } from '../ir/ir.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';
import { type BodyPlan, planOf } from './body-plan.ts';
import { emitAtomic } from './emit-atomic.ts';
import { emitGuestAddress, emitGuestWrite } from './emit-memory.ts';
import type { Environment } from './environment.ts';
import { emitZero, loadOp, storeOp } from './memory-ops.ts';

/** Emits a whole instruction; the environment closes it when it falls through. */
export function emitInstruction(body: Body, f: FunctionBuilder, environment: Environment): void {
  new BodyEmitter(f, environment, body).emitRoot(body);
}

export class BodyEmitter {
  readonly f: FunctionBuilder;
  readonly environment: Environment;
  private readonly plan: BodyPlan;
  /** Values that wait in a local, by their node's number, and how often each is still to be used. */
  private readonly locals: (number | undefined)[] = [];
  private readonly left: number[] = [];

  constructor(f: FunctionBuilder, environment: Environment, body: Body) {
    this.f = f;
    this.environment = environment;
    this.plan = planOf(body);
  }

  emitRoot(body: Body): void {
    this.emitBody(body);
    const last = body.nodes.at(-1)?.operation.op;
    if (last !== 'branch' && last !== 'branch.to' && last !== 'resync') this.environment.next(this.f);
  }

  /** Emits a body as that of a function: `parameters` are the values that it takes, by number. */
  emitFunction(body: Body, parameters: ReadonlyMap<number, number>): void {
    for (const [id, parameter] of parameters) {
      this.locals[id] = parameter;
      this.left[id] = Number.POSITIVE_INFINITY;
    }
    this.emitBody(body);
  }

  /** Pushes a value. */
  push(value: Value): void {
    const local = this.locals[value.id];
    if (local === undefined) return this.compute(value);
    this.f.get(local);
    this.release(value, local);
  }

  /** The value has been used; after its last use the local is free. */
  private release(value: Value, local: number, uses = 1): void {
    const left = (this.left[value.id] ?? 0) - uses;
    this.left[value.id] = left;
    if (left > 0) return;
    this.locals[value.id] = undefined;
    this.f.freeLocal(value.type, local);
  }

  /** Runs `body` with the value available any number of times through the pusher it is given. */
  withRepeated(values: readonly Value[], body: (push: (() => void)[]) => void): void {
    const pushers: (() => void)[] = [];
    const temporary: { value: Value; local: number }[] = [];
    for (const value of values) {
      const known = this.locals[value.id];
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
      const local = this.locals[value.id];
      if (local !== undefined) this.release(value, local);
    }
  }

  private emitBody(body: Body): void {
    for (const node of body.nodes) {
      const isParameter = this.locals[node.id] !== undefined;
      if (isParameter || this.plan.isDeferred(node) || this.plan.isIdle(node)) continue;
      const used = this.plan.usesOf(node);
      this.compute(node);
      if (node.type === undefined) continue;
      if (used === 0) this.f.plain('drop');
      else {
        const local = this.f.takeLocal(node.type);
        this.f.set(local);
        this.locals[node.id] = local;
        this.left[node.id] = used;
      }
    }
    if (body.result) this.push(body.result);
  }

  /** Emits the operation itself; its result, if any, is on the stack afterwards. */
  private compute(node: Node): void {
    const { f, environment } = this;
    const { operation, args } = node;
    const arg = (i: number): Value => args[i] ?? fail(`${operation.op} lacks argument ${i}`);
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
      case 'fuel':
        return environment.fuel(f);
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
        return this.withAddress(operation, arg(0), (va) => emitGuestAddress(f, environment, operation, va));
      case 'guest.write':
        return this.withRepeated(args.slice(1), (values) =>
          this.withAddress(operation, arg(0), (va) => emitGuestWrite(f, environment, operation, va, values)),
        );
      case 'host.load':
        return this.hostLoad(node, operation, arg(0));
      case 'host.store':
        this.push(arg(0));
        this.push(arg(1));
        return f.store(storeOp(operation.store), operation.offset);
      case 'host.atomic':
        return this.withRepeated(args, (pushers) => emitAtomic(f, operation, pushers));
      case 'host.zero':
        return this.withRepeated([arg(0)], ([at]) => emitZero(f, operation.size, at as () => void));
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

  /** A read that waits for its only load: both ways load, so that hosts need not merge addresses. */
  private hostLoad(node: Node, operation: Operation & { op: 'host.load' }, address: Value): void {
    const { f } = this;
    const emit = (offset: number) => f.load(loadOp(operation.load), operation.offset + offset);
    const read = address.operation;
    if (read.op !== 'guest.read' || this.locals[address.id] !== undefined || !node.type) {
      this.push(address);
      return emit(0);
    }
    const { type } = node;
    const [target] = address.args;
    assert(target, 'a read has an address');
    this.withAddress(read, target, (va) => emitGuestAddress(f, this.environment, read, va, { type, emit }));
  }

  /** Runs `body` with the address of an access; of one that is looked up with others it is pushed once at most. */
  private withAddress(operation: Operation, address: Value, body: (va: () => void) => void): void {
    if (this.environment.mergedAddress(operation)) return body(() => this.push(address));
    this.withRepeated([address], ([va]) => body(va as () => void));
  }

  private conditional(node: Node, operation: Operation & { op: 'if' }, condition: Value): void {
    const { f } = this;
    this.push(condition);
    f.if(node.type, operation.hint);
    this.environment.beginIf();
    this.emitSide(operation.then, operation.hint === 'unlikely');
    this.environment.beginElse(f);
    if (operation.else) {
      f.plain('else');
      this.emitSide(operation.else, operation.hint === 'likely');
    }
    this.environment.endIf(f);
    f.end();
  }

  private emitSide(body: Body, isUnlikely: boolean): void {
    const call = isUnlikely ? this.environment.outlined(body) : undefined;
    if (!call) return this.emitBody(body);
    for (const [index, value] of call.values.entries()) {
      const local = this.locals[value.id];
      if (local === undefined) this.compute(value);
      else {
        this.f.get(local);
        this.release(value, local, call.uses[index]);
      }
    }
    this.f.call(call.index);
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
}
