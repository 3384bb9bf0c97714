/**
 * Atomic instructions at misaligned addresses within 16 bytes (FEAT_LSE2, Arm ARM B2.2.1), which WebAssembly's
 * atomics refuse: compare and swap, read-modify-write and store-exclusive, one instruction at a time, in
 * TypeScript. The address has been translated and checked; permissions and alignment are settled.
 */
import { assert } from '../base/assert.ts';
import { extractFields, type Pattern, parsePattern } from '../isa/pattern.ts';
import type { RawFields } from '../isa/row.ts';
import { CPU, SLOT_SINK, SLOT_ZERO } from '../layout/cpu-state.ts';
import type { CpuState } from './state.ts';

const ZR = 31;
const BYTE_BITS = 8n;

/** One instruction being carried out: its fields, the bytes it works on, the registers. */
interface Atomic {
  readonly f: RawFields;
  readonly state: CpuState;
  readonly bytes: number;
  load(): bigint;
  store(value: bigint): void;
}

interface AtomicForm {
  readonly pattern: Pattern;
  readonly bytes: (f: RawFields) => number;
  readonly run: (a: Atomic) => void;
}

const sized = ({ size = 0 }: RawFields) => 1 << size;
/** Pairs of W registers; pairs of X must be aligned. */
const PAIR_BYTES = 8;
const WORD_BITS = 32n;

const read = ({ state }: Atomic, register: number, bytes: number): bigint =>
  BigInt.asUintN(8 * bytes, state.wide(state.slot(register === ZR ? SLOT_ZERO : register)));
const write = ({ state }: Atomic, register: number, value: bigint): void =>
  state.setWide(state.slot(register === ZR ? SLOT_SINK : register), value);

/** LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN by opc; values are unsigned, of `bits` bits. */
const OPERATIONS: readonly ((old: bigint, value: bigint, bits: number) => bigint)[] = [
  (old, value, bits) => BigInt.asUintN(bits, old + value),
  (old, value) => old & ~value,
  (old, value) => old ^ value,
  (old, value) => old | value,
  (old, value, bits) => (BigInt.asIntN(bits, old) > BigInt.asIntN(bits, value) ? old : value),
  (old, value, bits) => (BigInt.asIntN(bits, old) < BigInt.asIntN(bits, value) ? old : value),
  (old, value) => (old > value ? old : value),
  (old, value) => (old < value ? old : value),
];

function readModifyWrite(a: Atomic): void {
  const old = a.load();
  const value = read(a, a.f.Rs!, a.bytes);
  const isSwap = a.f.o3 === 1;
  a.store(isSwap ? value : OPERATIONS[a.f.opc!]!(old, value, 8 * a.bytes));
  write(a, a.f.Rt!, old);
}

function compareAndSwap(a: Atomic): void {
  const old = a.load();
  if (old === read(a, a.f.Rs!, a.bytes)) a.store(read(a, a.f.Rt!, a.bytes));
  write(a, a.f.Rs!, old);
}

function wordPair(a: Atomic, register: number): bigint {
  return read(a, register, 4) | (read(a, register + 1, 4) << WORD_BITS);
}

function compareAndSwapPair(a: Atomic): void {
  const { Rs = 0, Rt = 0 } = a.f;
  const old = a.load();
  if (old === wordPair(a, Rs)) a.store(wordPair(a, Rt));
  write(a, Rs, BigInt.asUintN(32, old));
  write(a, Rs + 1, old >> WORD_BITS);
}

/** The monitor has the host's address, the size and what was read. */
function storeExclusive(address: number, value: (a: Atomic) => bigint): AtomicForm['run'] {
  return (a) => {
    const { state } = a;
    const marked = state.get(CPU.EXCLUSIVE_ADDRESS) >>> 0 === address >>> 0;
    const passes = marked && state.get(CPU.EXCLUSIVE_SIZE) === a.bytes && a.load() === monitored(a);
    if (passes) a.store(value(a));
    state.set(CPU.EXCLUSIVE_ADDRESS, 0);
    write(a, a.f.Rs!, passes ? 0n : 1n);
  };
}

const monitored = ({ state, bytes }: Atomic): bigint =>
  BigInt.asUintN(8 * bytes, state.wide(CPU.EXCLUSIVE_VALUE));

const form = (pattern: string, bytes: AtomicForm['bytes'], run: AtomicForm['run']): AtomicForm => ({
  pattern: parsePattern(pattern),
  bytes,
  run,
});

function formsAt(address: number): readonly AtomicForm[] {
  return [
    form('size:2 111 0 00 A:1 R:1 1 Rs:5 0 opc:3 00 Rn:5 Rt:5', sized, readModifyWrite),
    form('size:2 111 0 00 A:1 R:1 1 Rs:5 1 000 00 Rn:5 Rt:5', sized, (a) =>
      readModifyWrite({ ...a, f: { ...a.f, o3: 1 } }),
    ),
    form('size:2 001000 1 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5', sized, compareAndSwap),
    form('0 0 001000 0 L:1 1 Rs:5 o0:1 11111 Rn:5 Rt:5', () => PAIR_BYTES, compareAndSwapPair),
    form(
      'size:2 001000 0 0 0 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5',
      sized,
      storeExclusive(address, (a) => read(a, a.f.Rt!, a.bytes)),
    ),
    form(
      '1 0 001000 0 0 1 Rs:5 o0:1 Rt2:5 Rn:5 Rt:5',
      () => PAIR_BYTES,
      storeExclusive(address, (a) => read(a, a.f.Rt!, 4) | (read(a, a.f.Rt2!, 4) << WORD_BITS)),
    ),
  ];
}

/** Carries out the atomic `word` on the bytes at a linear-memory address, but for moving PC on. */
export function executeMisalignedAtomic(
  state: CpuState,
  memory: ArrayBufferLike,
  address: number,
  word: number,
): void {
  const found = formsAt(address).find(({ pattern }) => ((word ^ pattern.value) & pattern.mask) === 0);
  assert(found, `no misaligned form of 0x${(word >>> 0).toString(16)}`);
  const f = extractFields(found.pattern, word);
  const bytes = found.bytes(f);
  const data = new Uint8Array(memory, address >>> 0, bytes);
  found.run({
    f,
    state,
    bytes,
    load: () => data.reduceRight((value, byte) => (value << BYTE_BITS) | BigInt(byte), 0n),
    store: (value) =>
      data.forEach((_, i) => {
        data[i] = Number(BigInt.asUintN(8, value >> (BYTE_BITS * BigInt(i))));
      }),
  });
}
