/**
 * Arm ARM C4.1.96: load/store exclusive and ordered, compare and swap, atomic memory operations (FEAT_LSE).
 *
 * The exclusive monitor remembers the host address and the value read; a store-exclusive succeeds when a
 * compare-and-exchange against that value does (a changed value that changed back goes unnoticed, which
 * software written for the architecture's monitor tolerates). Accesses are ordered as one vCPU sees them.
 */
import type { AtomicKind, I32, I64, LoadKind, StoreKind } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import { type RawFields, type Register, type Row, row, withFeature } from '../row.ts';
import type { Semantics } from '../semantics.ts';

const SIZES = [
  { bits: '00', suffix: 'b', bytes: 1, load: 'i32.8u', store: 'i32.8', register: 'W' },
  { bits: '01', suffix: 'h', bytes: 2, load: 'i32.16u', store: 'i32.16', register: 'W' },
  { bits: '10', suffix: '', bytes: 4, load: 'i32', store: 'i32', register: 'W' },
  { bits: '11', suffix: '', bytes: 8, load: 'i64', store: 'i64', register: 'X' },
] as const;
type Size = (typeof SIZES)[number];

const spBase = { spBase: ({ Rn = 0 }: RawFields) => Rn === 31 };
const is64 = (size: Size) => (size.bytes === 8 ? 1 : 0);
const aligned = (bytes: number, elementBytes = bytes) => ({ alignmentBytes: bytes, elementBytes });
/** For LDAR and STLR, whose alignment SCTLR_EL1.nAA may relax. */
const orderedAccess = (bytes: number) => ({ ...aligned(bytes), ordered: true });
const title = (name: string, size: Size) =>
  `${name.toUpperCase()}${size.suffix.toUpperCase()} (${size.register})`;

/** LDAR, STLR and their LORegion forms LDLAR, STLLR: o0 clear. */
const ordered: Row[] = SIZES.flatMap((size) =>
  (['1', '0'] as const).flatMap((o0) => {
    const region = o0 === '0' ? 'l' : '';
    return [
      row(
        title(`ld${region}ar`, size),
        `${size.bits} 001000 1 1 0 11111 ${o0} 11111 Rn:5 Rt:5`,
        `ld${region}ar${size.suffix} <${size.register}t>, [<Xn|SP>]`,
        {
          hot: o0 === '1',
          ...(o0 === '0' && { feature: 'FEAT_LOR' as const }),
          specialise: spBase,
          execute: ({ Rn, Rt, spBase }, b) =>
            b.setR(Rt, b.load(b.base(Rn, spBase), size.load, orderedAccess(size.bytes)) as I32 | I64),
        },
      ),
      row(
        title(`st${region}lr`, size),
        `${size.bits} 001000 1 0 0 11111 ${o0} 11111 Rn:5 Rt:5`,
        `st${region}lr${size.suffix} <${size.register}t>, [<Xn|SP>]`,
        {
          hot: o0 === '1',
          ...(o0 === '0' && { feature: 'FEAT_LOR' as const }),
          specialise: spBase,
          execute: ({ Rn, Rt, spBase }, b) =>
            b.store(b.base(Rn, spBase), size.store, b.R(is64(size), Rt), orderedAccess(size.bytes)),
        },
      ),
    ];
  }),
);

function openMonitor(b: Semantics, address: I32, bytes: number): void {
  b.stateStore('i32', CPU.EXCLUSIVE_ADDRESS, address);
  b.stateStore('i32', CPU.EXCLUSIVE_SIZE, b.i32(bytes));
}
/** Runs `attempt` (0: stored, 1: failed) when the monitor holds this location; always clears the monitor. */
function passMonitor(b: Semantics, address: I32, bytes: number, attempt: () => I32): I32 {
  const sameAddress = b.eq(b.stateLoad<'i32'>('i32', CPU.EXCLUSIVE_ADDRESS), address);
  const sameSize = b.eq(b.stateLoad<'i32'>('i32', CPU.EXCLUSIVE_SIZE), b.i32(bytes));
  const status = b.choose(b.and(sameAddress, sameSize), attempt, () => b.i32(1), 'likely');
  b.stateStore('i32', CPU.EXCLUSIVE_ADDRESS, b.i32(0));
  return status;
}

const ORDERS = [
  { bit: '0', load: 'ldx', store: 'stx' },
  { bit: '1', load: 'ldax', store: 'stlx' },
] as const;
const exclusives: Row[] = SIZES.flatMap((size) =>
  ORDERS.flatMap(({ bit, load, store }) => [
    row(
      title(`${load}r`, size),
      `${size.bits} 001000 0 1 0 11111 ${bit} 11111 Rn:5 Rt:5`,
      `${load}r${size.suffix} <${size.register}t>, [<Xn|SP>]`,
      {
        hot: size.bytes >= 4,
        specialise: spBase,
        execute: ({ Rn, Rt, spBase }, b) => {
          const address = b.readAddress(b.base(Rn, spBase), size.bytes, aligned(size.bytes));
          const value = b.hostLoad<'i32' | 'i64'>(size.load, address) as I32 | I64;
          openMonitor(b, address, size.bytes);
          b.stateStore('i64', CPU.EXCLUSIVE_VALUE, b.toX(value));
          b.setR(Rt, value);
        },
      },
    ),
    row(
      title(`${store}r`, size),
      `${size.bits} 001000 0 0 0 Rs:5 ${bit} 11111 Rn:5 Rt:5`,
      `${store}r${size.suffix} <Ws>, <${size.register}t>, [<Xn|SP>]`,
      {
        hot: size.bytes >= 4,
        specialise: spBase,
        execute: ({ Rn, Rs, Rt, spBase }, b) => {
          const address = b.updateAddress(b.base(Rn, spBase), size.bytes, aligned(size.bytes));
          const status = passMonitor(b, address, size.bytes, () => {
            const expected = b.stateLoad<'i32' | 'i64'>(
              size.bytes === 8 ? 'i64' : 'i32',
              CPU.EXCLUSIVE_VALUE,
            );
            const old = b.hostAtomic('cmpxchg', size.bytes, address, [expected, b.R(is64(size), Rt)]);
            return b.ne(old, expected);
          });
          b.setR(Rs, status);
        },
      },
    ),
  ]),
);

const PAIR_SIZES = [
  { bits: '0', register: 'W', bytes: 4, kind: 'i32' },
  { bits: '1', register: 'X', bytes: 8, kind: 'i64' },
] as const;
const exclusivePairs: Row[] = PAIR_SIZES.flatMap(({ bits, register, bytes, kind }) =>
  ORDERS.flatMap(({ bit, load, store }) => [
    row(
      `${load.toUpperCase()}P (${register})`,
      `1 ${bits} 001000 0 1 1 11111 ${bit} Rt2:5 Rn:5 Rt:5`,
      `${load}p <${register}t>, <${register}t2>, [<Xn|SP>]`,
      {
        specialise: spBase,
        execute: ({ Rn, Rt, Rt2, spBase }, b) => {
          const address = b.readAddress(b.base(Rn, spBase), 2 * bytes, aligned(2 * bytes, bytes));
          const first = b.hostLoad(kind, address) as I32 | I64;
          const second = b.hostLoad(kind, address, bytes) as I32 | I64;
          openMonitor(b, address, 2 * bytes);
          b.stateStore(kind, CPU.EXCLUSIVE_VALUE, first);
          b.stateStore(kind, CPU.EXCLUSIVE_VALUE + bytes, second);
          b.setR(Rt, first);
          b.setR(Rt2, second);
        },
      },
    ),
    row(
      `${store.toUpperCase()}P (${register})`,
      `1 ${bits} 001000 0 0 1 Rs:5 ${bit} Rt2:5 Rn:5 Rt:5`,
      `${store}p <Ws>, <${register}t>, <${register}t2>, [<Xn|SP>]`,
      {
        specialise: spBase,
        execute: ({ Rn, Rs, Rt, Rt2, spBase }, b) => {
          const address = b.updateAddress(b.base(Rn, spBase), 2 * bytes, aligned(2 * bytes, bytes));
          const sf = bytes === 8 ? 1 : 0;
          const status = passMonitor(
            b,
            address,
            2 * bytes,
            () =>
              comparePair(
                b,
                kind,
                bytes,
                address,
                [b.stateLoad(kind, CPU.EXCLUSIVE_VALUE), b.stateLoad(kind, CPU.EXCLUSIVE_VALUE + bytes)],
                [b.R(sf, Rt), b.R(sf, Rt2)],
              ).failed,
          );
          b.setR(Rs, status);
        },
      },
    ),
  ]),
);

type Pair = readonly [I32 | I64, I32 | I64];
/**
 * Compares two neighbouring elements and stores others when both are equal; gives what was there. wasm has no
 * 128-bit exchange, so this is atomic for one vCPU only.
 */
function comparePair(
  b: Semantics,
  kind: 'i32' | 'i64',
  bytes: number,
  address: I32,
  expected: readonly unknown[],
  wanted: Pair,
) {
  const [first, second] = expected as unknown as Pair;
  const old: Pair = [b.hostLoad(kind, address) as I32 | I64, b.hostLoad(kind, address, bytes) as I32 | I64];
  const failed = b.eqz(b.and(b.eq(old[0], first), b.eq(old[1], second)));
  b.if(
    failed,
    () => {},
    () => {
      b.hostStore(kind, address, wanted[0]);
      b.hostStore(kind, address, wanted[1], bytes);
    },
  );
  return { failed, old };
}

const CAS_ORDERS = [
  { l: '0', o0: '0', suffix: '' },
  { l: '1', o0: '0', suffix: 'a' },
  { l: '0', o0: '1', suffix: 'l' },
  { l: '1', o0: '1', suffix: 'al' },
] as const;
const compareAndSwap: Row[] = CAS_ORDERS.flatMap(({ l, o0, suffix }) => [
  ...SIZES.map((size) =>
    row(
      title(`cas${suffix}`, size),
      `${size.bits} 001000 1 ${l} 1 Rs:5 ${o0} 11111 Rn:5 Rt:5`,
      `cas${suffix}${size.suffix} <${size.register}s>, <${size.register}t>, [<Xn|SP>]`,
      {
        specialise: spBase,
        execute: ({ Rn, Rs, Rt, spBase }, b) => {
          const sf = is64(size);
          const address = b.updateAddress(b.base(Rn, spBase), size.bytes, {
            ...aligned(size.bytes),
            read: true,
          });
          const expected = narrowed(b, size, b.R(sf, Rs));
          b.setR(Rs, b.hostAtomic('cmpxchg', size.bytes, address, [expected, b.R(sf, Rt)]) as I32 | I64);
        },
      },
    ),
  ),
  ...PAIR_SIZES.map(({ bits, register, bytes, kind }) =>
    row(
      `CASP${suffix.toUpperCase()} (${register})`,
      `0 ${bits} 001000 0 ${l} 1 Rs:5 ${o0} 11111 Rn:5 Rt:5`,
      `casp${suffix} <${register}s>, <${register}s+1>, <${register}t>, <${register}t+1>, [<Xn|SP>]`,
      {
        specialise: spBase,
        valid: ({ Rs = 0, Rt = 0 }) => Rs % 2 === 0 && Rt % 2 === 0,
        execute: ({ Rn, Rs, Rt, spBase }, b) => {
          const sf = bytes === 8 ? 1 : 0;
          const address = b.updateAddress(b.base(Rn, spBase), 2 * bytes, {
            ...aligned(2 * bytes, bytes),
            read: true,
          });
          const { old } = comparePair(
            b,
            kind,
            bytes,
            address,
            [b.R(sf, Rs), b.R(sf, b.nextX(Rs))],
            [b.R(sf, Rt), b.R(sf, b.nextX(Rt))],
          );
          b.setR(Rs, old[0]);
          b.setR(b.nextX(Rs), old[1]);
        },
      },
    ),
  ),
]);

/** A compare value of a byte or half-word is taken modulo its size. */
function narrowed(b: Semantics, size: Size, value: I32 | I64): I32 | I64 {
  return size.bytes < 4 ? b.and(value as I32, b.i32((1 << (8 * size.bytes)) - 1)) : value;
}

/** Load, combine with Rs, store; Rt takes the old value. */
interface Combination {
  readonly name: string;
  readonly o3: '0' | '1';
  readonly opc: string;
  /** A wasm atomic and what it does with Rs, or a comparison that chooses between old value and Rs. */
  readonly atomic?: AtomicKind;
  readonly invert?: boolean;
  readonly keepOldWhen?: 'ge_s' | 'le_s' | 'ge_u' | 'le_u';
}
const COMBINATIONS: readonly Combination[] = [
  { name: 'add', o3: '0', opc: '000', atomic: 'add' },
  { name: 'clr', o3: '0', opc: '001', atomic: 'and', invert: true },
  { name: 'eor', o3: '0', opc: '010', atomic: 'xor' },
  { name: 'set', o3: '0', opc: '011', atomic: 'or' },
  { name: 'smax', o3: '0', opc: '100', keepOldWhen: 'ge_s' },
  { name: 'smin', o3: '0', opc: '101', keepOldWhen: 'le_s' },
  { name: 'umax', o3: '0', opc: '110', keepOldWhen: 'ge_u' },
  { name: 'umin', o3: '0', opc: '111', keepOldWhen: 'le_u' },
  { name: 'swp', o3: '1', opc: '000', atomic: 'xchg' },
];
const RMW_ORDERS = [
  { a: '0', r: '0', suffix: '' },
  { a: '1', r: '0', suffix: 'a' },
  { a: '0', r: '1', suffix: 'l' },
  { a: '1', r: '1', suffix: 'al' },
] as const;
const atomicOperations: Row[] = COMBINATIONS.flatMap((combination) =>
  RMW_ORDERS.flatMap(({ a, r, suffix }) =>
    SIZES.map((size) => {
      const mnemonic = `${combination.o3 === '1' ? '' : 'ld'}${combination.name}${suffix}`;
      return row(
        title(mnemonic, size),
        `${size.bits} 111 0 00 ${a} ${r} 1 Rs:5 ${combination.o3} ${combination.opc as '000'} 00 Rn:5 Rt:5`,
        `${mnemonic}${size.suffix} <${size.register}s>, <${size.register}t>, [<Xn|SP>]`,
        {
          specialise: spBase,
          execute: ({ Rn, Rs, Rt, spBase }, b) => {
            const address = b.updateAddress(b.base(Rn, spBase), size.bytes, {
              ...aligned(size.bytes),
              read: true,
            });
            b.setR(Rt, combine(b, combination, size, address, Rs));
          },
        },
      );
    }),
  ),
);

function combine(
  b: Semantics,
  { atomic, invert, keepOldWhen }: Combination,
  size: Size,
  address: I32,
  Rs: Register,
): I32 | I64 {
  const value = b.R(is64(size), Rs) as I32 | I64;
  if (atomic) return b.hostAtomic(atomic, size.bytes, address, [invert ? b.not(value) : value]) as I32 | I64;
  // wasm has no atomic minimum and maximum: load, choose, store, which is atomic for one vCPU only.
  const signed = keepOldWhen?.endsWith('_s') ?? false;
  const kind = (signed && size.bytes < 4 ? size.load.replace('u', 's') : size.load) as LoadKind;
  const old = b.hostLoad(kind, address) as I32 | I64;
  const operand = size.bytes < 4 ? narrow(b, size, value as I32, signed) : value;
  const keep = b.numeric<'i32'>(`${old.type}.${keepOldWhen}`, [old, operand]);
  b.hostStore(size.store as StoreKind, address, b.select(keep, old as I32, operand as I32));
  return signed && size.bytes < 4 ? narrowed(b, size, old) : old;
}
function narrow(b: Semantics, size: Size, value: I32, signed: boolean): I32 {
  return signed
    ? b.numeric<'i32'>(`i32.extend${8 * size.bytes}_s`, [value])
    : (narrowed(b, size, value) as I32);
}

export const atomics: readonly Row[] = [
  ...ordered,
  ...exclusives,
  ...exclusivePairs,
  ...withFeature('FEAT_LSE', [...compareAndSwap, ...atomicOperations]),
];
