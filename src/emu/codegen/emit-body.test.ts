/** Random bodies: the emitted code against an evaluation of the same operations one after the other. */
import { describe, expect, it } from 'vitest';
import { RandomWords } from '../fp/hard-operands.ts';
import { IrBuilder } from '../ir/builder.ts';
import type { Body, I32, Node, Value } from '../ir/ir.ts';
import { optimise, PASS_NAMES, PASSES } from '../ir/passes/optimise.ts';
import { CPU_BLOCK } from '../layout/memory-map.ts';
import { FunctionBuilder } from '../wasm/function-builder.ts';
import { IMPORT_MODULE, ModuleBuilder } from '../wasm/module-builder.ts';
import { emitInstruction } from './emit-body.ts';
import { Environment, type Push } from './environment.ts';

const CELLS = 6;
const CELL_BYTES = 4;
/** Host memory for loads and stores by address, behind the state. */
const HEAP = CPU_BLOCK + 0x1000;
const PAGES = 1;
const BODIES = 1500;

/** State in memory, calls to imported functions, and an end after the instruction. */
class TestEnvironment extends Environment {
  private readonly call0: number;

  constructor(call0: number) {
    super();
    this.call0 = call0;
  }
  call(f: FunctionBuilder, _helper: string, args: readonly Push[]): void {
    for (const push of args) push();
    f.call(this.call0);
  }
  next(f: FunctionBuilder): void {
    f.plain('return');
  }
  resync(f: FunctionBuilder): void {
    f.plain('return');
  }
  operand(): void {
    throw new Error('no operands here');
  }
  pc(f: FunctionBuilder): void {
    f.i64(0n);
  }
  branch(): void {
    throw new Error('no branches here');
  }
  branchTo(): void {
    throw new Error('no branches here');
  }
  leaveIfZero(f: FunctionBuilder): void {
    f.plain('drop');
  }
  afterSlowAccess(): void {}
}

/** What both ways start from and change. */
interface World {
  readonly words: Int32Array<ArrayBuffer>;
  /** Arguments of the calls, in order. */
  readonly calls: number[];
}

function newWorld(): World {
  const words = new Int32Array((PAGES * 65536) / CELL_BYTES);
  for (let i = 0; i < CELLS; i++) {
    words[CPU_BLOCK / CELL_BYTES + i] = 100 + i;
    words[HEAP / CELL_BYTES + i] = 200 + i;
  }
  return { words, calls: [] };
}

/** A helper that changes state and depends on what it sees. */
function helper(world: World, argument: number): number {
  world.calls.push(argument);
  const first = CPU_BLOCK / CELL_BYTES;
  world.words[first] = (world.words[first] ?? 0) + argument;
  return (world.words[first] ?? 0) ^ argument;
}

function runEmitted(body: Body): World {
  const world = newWorld();
  const module = new ModuleBuilder();
  module.importMemory('memory', PAGES, false);
  const call0 = module.importFunction('helper', ['i32'], ['i32']);
  const f = new FunctionBuilder([], []);
  emitInstruction(body, f, new TestEnvironment(call0));
  f.finish();
  module.addFunction(f, 'run');
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const shared = new Int32Array(memory.buffer);
  shared.set(world.words);
  const live: World = { words: shared as Int32Array<ArrayBuffer>, calls: world.calls };
  const imports = { memory, helper: (argument: number) => helper(live, argument) };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    [IMPORT_MODULE]: imports,
  });
  (instance.exports.run as () => void)();
  return live;
}

/** Every operation when its turn comes: what the emitter must be equal to. */
function runInOrder(body: Body): World {
  const world = newWorld();
  const values = new Map<number, number>();
  const at = (address: number) => address / CELL_BYTES;
  const runBody = ({ nodes, result }: Body): number => {
    for (const node of nodes) values.set(node.id, step(node));
    return result ? (values.get(result.id) ?? 0) : 0;
  };
  const step = ({ operation, args }: Node): number => {
    const [a = 0, b = 0] = args.map((value) => values.get(value.id) ?? 0);
    switch (operation.op) {
      case 'const':
        return Number(operation.value);
      case 'numeric':
        return operation.name === 'i32.add' ? (a + b) | 0 : a ^ b;
      case 'select':
        return (values.get(args[2]?.id ?? -1) ?? 0) !== 0 ? a : b;
      case 'state.load':
        return world.words[at(CPU_BLOCK + operation.offset)] ?? 0;
      case 'state.store':
        world.words[at(CPU_BLOCK + operation.offset)] = a;
        return 0;
      case 'host.load':
        return world.words[at(a + operation.offset)] ?? 0;
      case 'host.store':
        world.words[at(a + operation.offset)] = b;
        return 0;
      case 'host.atomic': {
        const old = world.words[at(a)] ?? 0;
        world.words[at(a)] = (old + b) | 0;
        return old;
      }
      case 'call':
        return helper(world, a);
      case 'if':
        return runBody(a !== 0 ? operation.then : (operation.else ?? { nodes: [] }));
      default:
        throw new Error(`not in these tests: ${operation.op}`);
    }
  };
  runBody(body);
  return world;
}

/** Fills a body with random operations over a few cells; values are used never, once or often. */
class RandomBody {
  readonly b = new IrBuilder();
  private readonly random: RandomWords;

  constructor(random: RandomWords, length: number) {
    this.random = random;
    const known: I32[] = [this.b.i32(1)];
    this.fill(known, length, 2);
    // Everything that is left shows in state.
    for (const [i, value] of known.slice(-CELLS).entries()) this.b.stateStore('i32', i * CELL_BYTES, value);
  }

  private fill(known: I32[], length: number, depth: number): void {
    for (let i = 0; i < length; i++) this.one(known, depth);
  }

  private one(known: I32[], depth: number): void {
    const { b, random } = this;
    const any = () => known[random.below(known.length)] as I32;
    const offset = random.below(CELLS) * CELL_BYTES;
    const address = () => b.i32(HEAP + random.below(CELLS) * CELL_BYTES);
    switch (random.below(depth > 0 ? 11 : 9)) {
      case 0:
      case 1:
        return void known.push(b.stateLoad<'i32'>('i32', offset));
      case 2:
        return b.stateStore('i32', offset, any());
      case 3:
        return void known.push(b.add(any(), any()));
      case 4:
        return void known.push(b.select(any(), any(), any()) as I32);
      case 5:
        return void known.push(b.hostLoad<'i32'>('i32', address()));
      case 6:
        return b.hostStore('i32', address(), any());
      case 7:
        return void known.push(b.hostAtomic('add', CELL_BYTES, address(), [any()]));
      case 8:
        return void known.push(b.call('helper', [any()]));
      case 9:
        return void known.push(
          b.choose(
            any(),
            () => this.side(known, depth),
            () => this.side(known, depth),
          ),
        );
      default:
        return b.if(
          any(),
          () => void this.side(known, depth),
          this.random.below(2) ? () => void this.side(known, depth) : undefined,
        );
    }
  }

  /** One side of a conditional: it sees the values from outside, its own stay inside. */
  private side(known: readonly I32[], depth: number): I32 {
    const inner = [...known];
    this.fill(inner, 1 + this.random.below(4), depth - 1);
    return inner.at(-1) as I32;
  }
}

const seen = ({ words, calls }: World) => ({ words: [...words.filter((word) => word !== 0)], calls });

describe('emitInstruction', () => {
  it('keeps the order of reads and effects in random bodies', () => {
    const random = new RandomWords(2024);
    for (let i = 0; i < BODIES; i++) {
      const { b } = new RandomBody(random, 3 + random.below(14));
      expect(seen(runEmitted(b.body)), `body ${i}`).toEqual(seen(runInOrder(b.body)));
    }
  });

  it.each(PASS_NAMES)('keeps what random bodies do after the pass %s', (name) => {
    const random = new RandomWords(2025);
    for (let i = 0; i < BODIES; i++) {
      const { b } = new RandomBody(random, 3 + random.below(14));
      expect(seen(runInOrder(PASSES[name](b.body))), `body ${i}`).toEqual(seen(runInOrder(b.body)));
    }
  });

  it('keeps what random bodies do after all passes', () => {
    const random = new RandomWords(2026);
    for (let i = 0; i < BODIES; i++) {
      const { b } = new RandomBody(random, 3 + random.below(14));
      expect(seen(runEmitted(optimise(b.body))), `body ${i}`).toEqual(seen(runInOrder(b.body)));
    }
  });

  it('reads before a later store when the value is used after it', () => {
    const b = new IrBuilder();
    const old = b.stateLoad<'i32'>('i32', 0);
    b.stateStore('i32', 0, b.i32(7));
    b.stateStore('i32', 4, old);
    expect([...runEmitted(b.body).words.slice(CPU_BLOCK / 4, CPU_BLOCK / 4 + 2)]).toEqual([7, 100]);
  });

  it('swaps two cells', () => {
    const b = new IrBuilder();
    const [first, second] = [b.stateLoad('i32', 0), b.stateLoad('i32', 4)] as [Value, Value];
    b.stateStore('i32', 0, second);
    b.stateStore('i32', 4, first);
    expect([...runEmitted(b.body).words.slice(CPU_BLOCK / 4, CPU_BLOCK / 4 + 2)]).toEqual([101, 100]);
  });

  it('makes a call whose result nobody uses, once', () => {
    const b = new IrBuilder();
    b.call('helper', [b.i32(5)]);
    expect(runEmitted(b.body).calls).toEqual([5]);
  });

  it('makes a call once when its result is used twice', () => {
    const b = new IrBuilder();
    const result = b.call('helper', [b.i32(5)]);
    b.stateStore('i32', 4, b.add(result, result));
    const { words, calls } = runEmitted(b.body);
    expect(calls).toEqual([5]);
    expect(words[CPU_BLOCK / 4 + 1]).toBe(2 * (105 ^ 5));
  });

  it('runs one side of a choice only', () => {
    const b = new IrBuilder();
    const chosen = b.choose(
      b.i32(0),
      () => b.call('helper', [b.i32(1)]),
      () => b.call('helper', [b.i32(2)]),
    );
    b.stateStore('i32', 8, chosen);
    expect(runEmitted(b.body).calls).toEqual([2]);
  });
});
