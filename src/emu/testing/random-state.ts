/**
 * Random register contents with a taste for trouble, and the parts that registers play in a test program.
 */
import type { RandomWords } from '../fp/hard-operands.ts';
import { SCRATCH_BASE, SCRATCH_BYTES } from './arena.ts';
import { newState, type ProcessorState, STATE } from './processor-state.ts';

const PAGE = 0x1000;
const GENERAL_REGISTERS = 31;
export const SP_OR_ZERO = 31;

/** Which general registers a program uses for what. */
export interface Roles {
  /** They point into scratch memory. */
  readonly pointers: readonly number[];
  /** Small offsets. */
  readonly indexes: readonly number[];
  /** Counts a loop down; nothing else touches it. */
  readonly counter: number;
  readonly data: readonly number[];
}

const POINTERS = 3;
const INDEXES = 2;

/** X30 plays no part: BL writes it. */
export function chooseRoles(random: RandomWords): Roles {
  const left = Array.from({ length: GENERAL_REGISTERS - 1 }, (_, i) => i);
  const take = () => left.splice(random.below(left.length), 1)[0] ?? 0;
  const pointers = Array.from({ length: POINTERS }, take);
  const indexes = Array.from({ length: INDEXES }, take);
  const counter = take();
  // The register before the counter would lead a pair into it.
  return { pointers, indexes, counter, data: left.filter((r) => r !== counter - 1) };
}

/** True once in `n` times. */
export const oneIn = (random: RandomWords, n: number) => random.below(n) === 0;

export function pick<T>(random: RandomWords, list: readonly T[]): T {
  return list[random.below(list.length)] as T;
}

/** Bit patterns of NaNs, infinities, extremes and ordinary numbers. */
const SINGLES = [
  [0, 0x8000_0000, 0x3f80_0000, 0xbf80_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000],
  [0x7f80_0001, 0x7f7f_ffff, 0x0080_0000, 1, 0x4b00_0000, 0x3f00_0000, 0xcf00_0000],
].flat();
const DOUBLES = [
  [0n, 1n << 63n, 0x3ffn << 52n, 0x7ffn << 52n, 0xfffn << 52n, 0x7ff8n << 48n, 1n],
  [(0x7ffn << 52n) + 1n, (0x7ffn << 52n) - 1n, 1n << 52n, 0x433n << 52n, 0x43en << 52n],
].flat();

/** An integer of `width` bits: ends of ranges, runs of ones, single bits, or anything. */
export function hardInteger(random: RandomWords, width: number): bigint {
  const bit = BigInt(random.below(width));
  const limit = 1n << BigInt(width);
  const choose = (): bigint => {
    switch (random.below(8)) {
      case 0:
        return BigInt(random.below(5)) - 2n;
      case 1:
        return (limit >> 1n) - BigInt(random.below(3)) + 1n;
      case 2:
        return 1n << bit;
      case 3:
        return (1n << bit) - 1n;
      case 4:
        return -(1n << bit);
      default:
        return random.bits(width);
    }
  };
  return BigInt.asUintN(width, choose());
}

function hard64(random: RandomWords): bigint {
  switch (random.below(6)) {
    case 0:
      return pick(random, DOUBLES);
    case 1: {
      const half = () => BigInt(pick(random, SINGLES));
      return half() | (half() << 32n);
    }
    case 2: {
      const lane = pick(random, [8, 16, 32]);
      let value = 0n;
      for (let at = 0; at < 64; at += lane) value |= hardInteger(random, lane) << BigInt(at);
      return value;
    }
    case 3:
      return ordinaryFloats(random);
    default:
      return hardInteger(random, 64);
  }
}

/** Numbers of similar size, so that sums cancel and products stay in range. */
function ordinaryFloats(random: RandomWords): bigint {
  const sign = random.bits(1);
  if (oneIn(random, 3)) return ordinaryHalves(random);
  if (oneIn(random, 2)) {
    const exponent = BigInt(1020 + random.below(70));
    return (sign << 63n) | (exponent << 52n) | random.bits(oneIn(random, 2) ? 8 : 52);
  }
  const single = () =>
    (random.bits(1) << 31n) |
    (BigInt(120 + random.below(40)) << 23n) |
    random.bits(oneIn(random, 2) ? 6 : 23);
  return (single() << 32n) | single();
}

/** Four halves, most of them near one. */
function ordinaryHalves(random: RandomWords): bigint {
  let value = 0n;
  for (let at = 0n; at < 64n; at += 16n) {
    const exponent = BigInt(oneIn(random, 4) ? random.below(32) : 12 + random.below(7));
    value |= ((random.bits(1) << 15n) | (exponent << 10n) | random.bits(oneIn(random, 2) ? 4 : 10)) << at;
  }
  return value;
}

/** Highest tag byte that the top-byte-ignore rule hides. */
const TAG_SHIFT = 56n;

function pointer(random: RandomWords): bigint {
  if (oneIn(random, 24)) return hard64(random);
  const page = PAGE * random.below(SCRATCH_BYTES / PAGE);
  const offset = (): number => {
    switch (random.below(10)) {
      case 0:
        return page + random.below(PAGE);
      case 1:
      case 2:
        return page - 40 + random.below(80);
      case 3:
        return SCRATCH_BYTES - random.below(128);
      case 4:
        return SCRATCH_BYTES / 2 + 8 * random.below(64);
      default:
        return SCRATCH_BYTES / 2 + 64 * random.below(32) - 1024;
    }
  };
  const tag = oneIn(random, 16) ? random.bits(8) << TAG_SHIFT : 0n;
  return BigInt(SCRATCH_BASE + offset()) | tag;
}

function index(random: RandomWords): bigint {
  const small = BigInt(random.below(9) * pick(random, [1, 8])) - 16n;
  // Extended registers see the low half only.
  const value = oneIn(random, 3) ? (small & 0xffff_ffffn) | (random.bits(32) << 32n) : small;
  return BigInt.asUintN(64, value);
}

/** FPCR: AHP, DN, FZ, RMode, FZ16. */
const FPCR_MODES = 0x07c8_0000n;
const FPSR_FLAGS = 0x0800_009fn;
const FPSR_IXC = 1n << 4n;

/** Registers, flags and modes for a program with these roles; PC is left to the caller. */
export function randomState(random: RandomWords, roles: Roles): ProcessorState {
  const state = newState();
  for (let i = 0; i < GENERAL_REGISTERS; i++) state[STATE.X + i] = hard64(random);
  for (const i of roles.pointers) state[STATE.X + i] = pointer(random);
  for (const i of roles.indexes) state[STATE.X + i] = index(random);
  state[STATE.X + roles.counter] = BigInt(1 + random.below(3));
  state[STATE.SP] = oneIn(random, 8) ? pointer(random) : pointer(random) & ~0xfn;
  state[STATE.NZCV] = random.bits(4);
  state[STATE.FPCR] = oneIn(random, 4) ? random.bits(32) & FPCR_MODES : 0n;
  state[STATE.FPSR] = oneIn(random, 4) ? random.bits(32) & FPSR_FLAGS : oneIn(random, 2) ? FPSR_IXC : 0n;
  for (let i = STATE.V; i < state.length; i++) state[i] = hard64(random);
  return state;
}
