/**
 * The condition flags as the state block holds them (layout/cpu-state): N in the sign bit of FLAG_N, Z as
 * FLAG_Z = 0, C in FLAG_C, V in the sign bit of FLAG_V. Setting them costs no extraction, testing one costs
 * a load and a comparison.
 */
import { assert } from '../base/assert.ts';
import type { Operation } from '../ir/ir.ts';
import { CPU } from '../layout/cpu-state.ts';
import type { FunctionBuilder } from '../wasm/function-builder.ts';

type Push = () => void;

export function emitSetFlags(
  f: FunctionBuilder,
  base: number,
  { kind, width }: Operation & { op: 'flags.set' },
  args: readonly Push[],
): void {
  if (kind === 'float') return emitFloatFlags(f, base, args[0] as Push);
  const type = width === 64 ? 'i64' : 'i32';
  const result = args.at(-1);
  assert(result, 'flags.set needs a result');
  const widen = () => {
    if (width === 32) f.numeric('i64.extend_i32_s');
  };
  for (const cell of [CPU.FLAG_N, CPU.FLAG_Z]) {
    f.i32(0);
    result();
    widen();
    f.store('i64.store', base + cell);
  }
  f.i32(0);
  emitCarryOut(f, kind, type, args);
  f.store('i32.store', base + CPU.FLAG_C);
  f.i32(0);
  if (kind === 'logic') f.i64(0n);
  else {
    emitOverflow(f, kind, type, args);
    widen();
  }
  f.store('i64.store', base + CPU.FLAG_V);
}

/** FPCompare's flags of a number compared with zero: less sets N, equal Z and C, greater C, unordered C and V. */
function emitFloatFlags(f: FunctionBuilder, base: number, number: Push): void {
  const isLess = () => {
    number();
    pushFloatZero(f);
    f.numeric('f64.lt');
  };
  const storeSign = (cell: number, condition: Push) => {
    f.i32(0);
    f.i64(0n);
    condition();
    f.numeric('i64.extend_i32_u');
    f.numeric('i64.sub');
    f.store('i64.store', base + cell);
  };
  storeSign(CPU.FLAG_N, isLess);
  f.i32(0);
  number();
  pushFloatZero(f);
  f.numeric('f64.ne');
  f.numeric('i64.extend_i32_u');
  f.store('i64.store', base + CPU.FLAG_Z);
  f.i32(0);
  isLess();
  f.numeric('i32.eqz');
  f.store('i32.store', base + CPU.FLAG_C);
  storeSign(CPU.FLAG_V, () => {
    number();
    number();
    f.numeric('f64.ne');
  });
}

export function pushFloatZero(f: FunctionBuilder): void {
  f.i64(0n);
  f.numeric('f64.reinterpret_i64');
}

/** Carry out of AddWithCarry; for a subtraction it means "no borrow". */
function emitCarryOut(f: FunctionBuilder, kind: string, type: 'i32' | 'i64', args: readonly Push[]): void {
  const [a, b, carryOrResult, adcResult] = args as [Push, Push, Push, Push];
  if (kind === 'logic') return f.i32(0);
  if (kind === 'sub') {
    a();
    b();
    return f.numeric(`${type}.ge_u`);
  }
  if (kind === 'add') {
    carryOrResult();
    a();
    return f.numeric(`${type}.lt_u`);
  }
  // adc: with a carry in, the sum wraps exactly when it is not above a.
  adcResult();
  a();
  f.numeric(`${type}.le_u`);
  adcResult();
  a();
  f.numeric(`${type}.lt_u`);
  carryOrResult();
  f.plain('select');
}

/** Signed overflow in the sign bit: both operands differ from the result (sub: operands differ). */
function emitOverflow(f: FunctionBuilder, kind: string, type: 'i32' | 'i64', args: readonly Push[]): void {
  const [a, b] = args as [Push, Push];
  const result = args.at(-1) as Push;
  a();
  result();
  f.numeric(`${type}.xor`);
  if (kind === 'sub') a();
  else result();
  b();
  f.numeric(`${type}.xor`);
  f.numeric(`${type}.and`);
}

/** Bit numbers of N, Z, C, V in a packed word. */
const PACKED = { n: 3, z: 2, c: 1, v: 0 } as const;

export function emitPutFlags(f: FunctionBuilder, base: number, nzcv: Push): void {
  const toSign = (bit: number) => {
    nzcv();
    f.i32(31 - bit);
    f.numeric('i32.shl');
    f.numeric('i64.extend_i32_s');
  };
  f.i32(0);
  toSign(PACKED.n);
  f.store('i64.store', base + CPU.FLAG_N);
  f.i32(0);
  nzcv();
  f.numeric('i64.extend_i32_u');
  f.i64(1n << BigInt(PACKED.z));
  f.numeric('i64.and');
  f.numeric('i64.eqz');
  f.numeric('i64.extend_i32_u');
  f.store('i64.store', base + CPU.FLAG_Z);
  f.i32(0);
  nzcv();
  f.i32(PACKED.c);
  f.numeric('i32.shr_u');
  f.i32(1);
  f.numeric('i32.and');
  f.store('i32.store', base + CPU.FLAG_C);
  f.i32(0);
  toSign(PACKED.v);
  f.store('i64.store', base + CPU.FLAG_V);
}

export function emitGetFlags(f: FunctionBuilder, base: number): void {
  const { n, z, c, v } = FLAG_TESTS;
  const parts = [
    [n, PACKED.n],
    [z, PACKED.z],
    [c, PACKED.c],
    [v, PACKED.v],
  ] as const;
  parts.forEach(([test, bit], index) => {
    test(f, base);
    f.i32(bit);
    f.numeric('i32.shl');
    if (index > 0) f.numeric('i32.or');
  });
}

type Test = (f: FunctionBuilder, base: number) => void;
const load64 = (f: FunctionBuilder, base: number, cell: number) => {
  f.i32(0);
  f.load('i64.load', base + cell);
};
const negative =
  (cell: number): Test =>
  (f, base) => {
    load64(f, base, cell);
    f.i64(0n);
    f.numeric('i64.lt_s');
  };
const FLAG_TESTS = {
  n: negative(CPU.FLAG_N),
  z: (f, base) => {
    load64(f, base, CPU.FLAG_Z);
    f.numeric('i64.eqz');
  },
  c: (f, base) => {
    f.i32(0);
    f.load('i32.load', base + CPU.FLAG_C);
  },
  v: negative(CPU.FLAG_V),
} satisfies Record<string, Test>;

const and = (a: Test, b: Test): Test => {
  return (f, base) => {
    a(f, base);
    b(f, base);
    f.numeric('i32.and');
  };
};
const not = (test: Test): Test => {
  return (f, base) => {
    test(f, base);
    f.numeric('i32.eqz');
  };
};
/** N = V. */
const notLess: Test = (f, base) => {
  load64(f, base, CPU.FLAG_N);
  load64(f, base, CPU.FLAG_V);
  f.numeric('i64.xor');
  f.i64(0n);
  f.numeric('i64.ge_s');
};

/** ConditionHolds for cond<3:1>; bit 0 inverts (Arm ARM, shared/functions/system). */
const CONDITIONS: readonly Test[] = [
  FLAG_TESTS.z,
  FLAG_TESTS.c,
  FLAG_TESTS.n,
  FLAG_TESTS.v,
  and(FLAG_TESTS.c, not(FLAG_TESTS.z)),
  notLess,
  and(notLess, not(FLAG_TESTS.z)),
];

export function emitCondition(f: FunctionBuilder, base: number, condition: number): void {
  const test = CONDITIONS[condition >> 1];
  assert(test, `condition ${condition} always holds`);
  (condition & 1 ? not(test) : test)(f, base);
}
