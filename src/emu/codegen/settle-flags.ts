/** Works out flags that translated code left as operands (LAZY_FLAGS_*), before TypeScript looks at them. */
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK } from '../layout/memory-map.ts';
import { LAZY_KINDS } from './lazy-flags.ts';

/** Views of the machine's memory that settling needs. */
export interface FlagCells {
  readonly words: Int32Array;
  readonly wide: BigInt64Array;
}

const at32 = (offset: number) => (CPU_BLOCK + offset) >> 2;
const at64 = (offset: number) => (CPU_BLOCK + offset) >> 3;

/** Only faults and the like come here, so BigInt is fine. */
export function settleLazyFlags({ words, wide }: FlagCells): void {
  const kind = words[at32(CPU.LAZY_FLAGS_KIND)] ?? 0;
  if (kind === 0) return;
  words[at32(CPU.LAZY_FLAGS_KIND)] = 0;
  const carryIn = words[at32(CPU.LAZY_FLAGS_CARRY)] ?? 0;
  const state = LAZY_KINDS[kind] ?? 'cells';
  if (state === 'packed') {
    put(
      words,
      wide,
      carryIn & 8 ? -1n : 0n,
      carryIn & 4 ? 0n : 1n,
      (carryIn >> 1) & 1,
      carryIn & 1 ? -1n : 0n,
    );
    return;
  }
  if (state === 'float64') {
    const number = new Float64Array(wide.buffer, (CPU_BLOCK + CPU.LAZY_FLAGS_A) & -8, 1)[0] ?? 0;
    const isLess = number < 0;
    return put(
      words,
      wide,
      isLess ? -1n : 0n,
      number === 0 ? 0n : 1n,
      Number(!isLess),
      Number.isNaN(number) ? -1n : 0n,
    );
  }
  const width = state.endsWith('64') ? 64 : 32;
  const operand = (offset: number) => BigInt.asUintN(width, wide[at64(offset)] ?? 0n);
  const a = operand(CPU.LAZY_FLAGS_A);
  if (state.startsWith('logic')) {
    const result = BigInt.asIntN(width, a);
    return put(words, wide, result, result, 0, 0n);
  }
  const b = state.startsWith('sub')
    ? BigInt.asUintN(width, ~operand(CPU.LAZY_FLAGS_B))
    : operand(CPU.LAZY_FLAGS_B);
  const carry = state.startsWith('sub') ? 1n : state.startsWith('adc') ? BigInt(carryIn) : 0n;
  const sum = a + b + carry;
  const result = BigInt.asIntN(width, sum);
  const overflow = BigInt.asIntN(width, (a ^ sum) & (b ^ sum)) < 0n;
  put(words, wide, result, result, Number(sum >> BigInt(width)), overflow ? -1n : 0n);
}

function put(words: Int32Array, wide: BigInt64Array, n: bigint, z: bigint, c: number, v: bigint): void {
  wide[at64(CPU.FLAG_N)] = n;
  wide[at64(CPU.FLAG_Z)] = z;
  words[at32(CPU.FLAG_C)] = c;
  wide[at64(CPU.FLAG_V)] = v;
}
