/**
 * SHA-256's block function (FIPS 180-4, 6.2.2) as WebAssembly, with its 64 rounds written out: the schedule is
 * a ring of sixteen locals (6.2.2, note), and the working variables change names instead of places.
 */
import { type AbsorbBlocks, BLOCK_BYTES, ROUND_CONSTANTS, STATE_WORDS } from '../emu/storage/sha256.ts';
import { FunctionBuilder } from '../emu/wasm/function-builder.ts';
import { IMPORT_MODULE, ModuleBuilder } from '../emu/wasm/module-builder.ts';

const WORD_BYTES = 4;
const SCHEDULE_RING = 16;
/** The state lies at 0, blocks follow. */
const INPUT_AT = 64;
const PAGE_BYTES = 1 << 16;
const PAGES = 5;
/** The parameter of `absorb`. */
const TO = 0;
const MOST_INPUT_BYTES = (PAGES - 1) * PAGE_BYTES;

/** The functions of 4.1.2 as rotations and a shift of the word. */
const SIGMA = {
  sum0: { rotations: [2, 13, 22], shift: undefined },
  sum1: { rotations: [6, 11, 25], shift: undefined },
  early: { rotations: [7, 18], shift: 3 },
  late: { rotations: [17, 19], shift: 10 },
} as const;

/** An implementation for this thread; undefined where WebAssembly is not allowed. */
export function createSha256Blocks(): AbsorbBlocks | undefined {
  try {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const module = new WebAssembly.Module(sha256Module());
    const { absorb } = new WebAssembly.Instance(module, { [IMPORT_MODULE]: { memory } }).exports;
    return overMemory(memory, absorb as (to: number) => void);
  } catch {
    return undefined;
  }
}

function overMemory(memory: WebAssembly.Memory, absorb: (to: number) => void): AbsorbBlocks {
  const words = new Int32Array(memory.buffer, 0, STATE_WORDS);
  const input = new Uint8Array(memory.buffer, INPUT_AT);
  return (state, bytes, from, to) => {
    words.set(state);
    for (let at = from; at < to; at += MOST_INPUT_BYTES) {
      const part = bytes.subarray(at, Math.min(to, at + MOST_INPUT_BYTES));
      input.set(part);
      absorb(INPUT_AT + part.length);
    }
    state.set(words);
  };
}

/** Exports `absorb(to)`: takes the blocks from INPUT_AT to `to`. */
export function sha256Module(): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory('memory', PAGES, false);
  const f = new FunctionBuilder(['i32'], []);
  new BlockFunction(f).write();
  f.finish();
  module.addFunction(f, 'absorb');
  return module.build();
}

/** Locals of a to h. */
type WorkingVariables = [number, number, number, number, number, number, number, number];

class BlockFunction {
  readonly #f: FunctionBuilder;
  readonly #at: number;
  readonly #t1: number;
  readonly #ring: readonly number[];
  /** a to h of the standard; they go round by one with each round. */
  #working: number[];

  constructor(f: FunctionBuilder) {
    const take = (count: number): number[] => Array.from({ length: count }, () => f.takeLocal('i32'));
    this.#f = f;
    [this.#at, this.#t1] = take(2) as [number, number];
    this.#ring = take(SCHEDULE_RING);
    this.#working = take(STATE_WORDS);
  }

  write(): void {
    const f = this.#f;
    f.i32(INPUT_AT);
    f.set(this.#at);
    const again = f.loop();
    this.#loadState();
    for (let round = 0; round < ROUND_CONSTANTS.length; round++) this.#round(round);
    this.#addToState();
    f.get(this.#at);
    f.i32(BLOCK_BYTES);
    f.numeric('i32.add');
    f.tee(this.#at);
    f.get(TO);
    f.numeric('i32.lt_u');
    f.brIf(again);
    f.end();
  }

  #loadState(): void {
    for (const [index, local] of this.#working.entries()) {
      this.#f.i32(0);
      this.#f.load('i32.load', index * WORD_BYTES);
      this.#f.set(local);
    }
  }

  #addToState(): void {
    const f = this.#f;
    for (const [index, local] of this.#working.entries()) {
      f.i32(0);
      f.i32(0);
      f.load('i32.load', index * WORD_BYTES);
      f.get(local);
      f.numeric('i32.add');
      f.store('i32.store', index * WORD_BYTES);
    }
  }

  #round(round: number): void {
    const code = this.#f;
    const [a, b, c, d, e, f, g, h] = this.#working as WorkingVariables;
    this.#scheduleWord(round);
    // T1 = h + Sum1(e) + Ch(e, f, g) + K + W, where the schedule's word is on the stack.
    code.i32(ROUND_CONSTANTS[round]!);
    code.numeric('i32.add');
    this.#with(h, 'i32.add');
    this.#sigma(e, 'sum1');
    code.numeric('i32.add');
    // Ch(x, y, z) = z xor (x and (y xor z))
    this.#pair(f, g, 'i32.xor');
    this.#with(e, 'i32.and');
    this.#with(g, 'i32.xor');
    code.numeric('i32.add');
    code.tee(this.#t1);
    this.#with(d, 'i32.add');
    code.set(d);
    // T2 = Sum0(a) + Maj(a, b, c), where Maj(x, y, z) = (x and y) or (z and (x or y))
    code.get(this.#t1);
    this.#sigma(a, 'sum0');
    code.numeric('i32.add');
    this.#pair(a, b, 'i32.and');
    this.#pair(a, b, 'i32.or');
    this.#with(c, 'i32.and');
    code.numeric('i32.or');
    code.numeric('i32.add');
    code.set(h);
    this.#working = [h, a, b, c, d, e, f, g];
  }

  /** Leaves W of a round on the stack, and in the ring. */
  #scheduleWord(round: number): void {
    const f = this.#f;
    const word = (back: number): number => this.#ring[(round - back + SCHEDULE_RING) % SCHEDULE_RING]!;
    if (round < SCHEDULE_RING) {
      f.get(this.#at);
      f.load('i32.load', round * WORD_BYTES);
      f.set(this.#t1);
      // The words of a block are big-endian (5.2.1).
      this.#rotated(this.#t1, 24, 0x00ff_00ff);
      this.#rotated(this.#t1, 8, 0xff00_ff00 | 0);
      f.numeric('i32.or');
    } else {
      f.get(word(16));
      this.#sigma(word(15), 'early');
      f.numeric('i32.add');
      this.#with(word(7), 'i32.add');
      this.#sigma(word(2), 'late');
      f.numeric('i32.add');
    }
    f.tee(word(0));
  }

  #rotated(local: number, right: number, mask: number): void {
    const f = this.#f;
    f.get(local);
    f.i32(right);
    f.numeric('i32.rotr');
    f.i32(mask);
    f.numeric('i32.and');
  }

  #sigma(local: number, name: keyof typeof SIGMA): void {
    const f = this.#f;
    const { rotations, shift } = SIGMA[name];
    for (const [index, amount] of rotations.entries()) {
      f.get(local);
      f.i32(amount);
      f.numeric('i32.rotr');
      if (index > 0) f.numeric('i32.xor');
    }
    if (shift === undefined) return;
    f.get(local);
    f.i32(shift);
    f.numeric('i32.shr_u');
    f.numeric('i32.xor');
  }

  #pair(left: number, right: number, operation: string): void {
    this.#f.get(left);
    this.#with(right, operation);
  }

  #with(local: number, operation: string): void {
    this.#f.get(local);
    this.#f.numeric(operation);
  }
}
