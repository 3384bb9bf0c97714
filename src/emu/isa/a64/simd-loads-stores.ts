/**
 * Arm ARM C4.1.96: Advanced SIMD load/store multiple structures and single structure, with and without
 * post-index. One access for all structures, so that an instruction is done completely or not at all.
 */
import type { I32, I64, LoadKind, StoreKind, V128, Value } from '../../ir/ir.ts';
import { type RawFields, type Register, type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { vectorSizes } from './simd-rows.ts';
import {
  arrangement,
  D_BYTES,
  gather,
  LANE_LETTERS,
  type Lanes,
  registerList,
  SPLAT_LOADS,
  T,
  V_BYTES,
  writeLanes,
} from './simd-shared.ts';

const spBase = { spBase: ({ Rn = 0 }: RawFields) => Rn === 31 };
const DOUBLE = 3;

// ---- Post-index ----

/** Ways to address: the fixed bits, the register field, the syntax of the address. */
const ADDRESSING = [
  { suffix: '', post: '0', rm: '00000', address: () => '[<Xn|SP>]' },
  {
    suffix: ', post-index by size',
    post: '1',
    rm: '11111',
    address: (bytes: string) => `[<Xn|SP>], #${bytes}`,
  },
  { suffix: ', post-index by register', post: '1', rm: 'Rm:5', address: () => '[<Xn|SP>], <Xm>' },
] as const;
type Addressing = (typeof ADDRESSING)[number];

/** Writes the base back, after the access. */
function postIndex(
  b: Semantics,
  addressing: Addressing,
  f: { Rn: Register; Rm?: Register },
  va: I64,
  bytes: number,
) {
  if (addressing.post === '0') return;
  b.setRSP(f.Rn, b.add(va, f.Rm ? b.X(f.Rm) : b.i64(bytes)));
}

/** Writes consecutive registers. */
function writeList(b: Semantics, l: Lanes, first: Register, values: readonly V128[]): void {
  for (const [index, value] of values.entries()) writeLanes(b, l, b.nextV(first, index), value);
}

// ---- Multiple structures ----

/** Registers, and elements of a structure: LD1 takes its registers one after the other. */
const MULTIPLE = [
  { opcode: '0000', registers: 4, elements: 4 },
  { opcode: '0010', registers: 4, elements: 1 },
  { opcode: '0100', registers: 3, elements: 3 },
  { opcode: '0110', registers: 3, elements: 1 },
  { opcode: '0111', registers: 1, elements: 1 },
  { opcode: '1000', registers: 2, elements: 2 },
  { opcode: '1010', registers: 2, elements: 1 },
] as const;

/** Byte of memory that goes to byte `at` of register `index`, when `elements` are interleaved. */
function memoryByte(elements: number, laneBytes: number, index: number, at: number): number {
  return (Math.floor(at / laneBytes) * elements + index) * laneBytes + (at % laneBytes);
}

function loadMultiple(b: Semantics, va: I64, first: Register, shape: Structure): () => void {
  const { registers, elements, laneBytes, registerBytes } = shape;
  const bytes = registers * registerBytes;
  const from = b.readAddress(va, bytes, { elementBytes: laneBytes });
  const kind = registerBytes === V_BYTES ? 'v128' : 'v128.64zero';
  const chunks = Array.from({ length: registers }, (_, i) =>
    b.hostLoad<'v128'>(kind, from, i * registerBytes),
  );
  const values =
    elements === 1
      ? chunks
      : chunks.map((_, index) =>
          gather(
            b,
            chunks,
            Array.from({ length: V_BYTES }, (_, at) => {
              // Above a short register: the zeros above a chunk.
              if (at >= registerBytes) return at;
              const byte = memoryByte(elements, laneBytes, index, at);
              return Math.floor(byte / registerBytes) * V_BYTES + (byte % registerBytes);
            }),
          ),
        );
  return () => writeList(b, arrangement(0, 1), first, values);
}

function storeMultiple(b: Semantics, va: I64, first: Register, shape: Structure): void {
  const { registers, elements, laneBytes, registerBytes } = shape;
  const values = Array.from({ length: registers }, (_, index) => b.V(b.nextV(first, index)));
  const picks = new Array<number>(registers * V_BYTES).fill(-1);
  for (let index = 0; index < registers; index++)
    for (let at = 0; at < registerBytes; at++) {
      const byte = memoryByte(elements, laneBytes, index, at);
      picks[Math.floor(byte / registerBytes) * V_BYTES + (byte % registerBytes)] = index * V_BYTES + at;
    }
  const chunk = (i: number): V128 =>
    elements === 1 ? (values[i] as V128) : gather(b, values, picks.slice(i * V_BYTES, (i + 1) * V_BYTES));
  const parts = values.map((_, i) => part(b, registerBytes, chunk(i)));
  b.storeAll(va, parts, { elementBytes: laneBytes });
}
function part(b: Semantics, bytes: number, value: V128): { store: StoreKind; value: Value } {
  return bytes === V_BYTES
    ? { store: 'v128', value }
    : { store: 'i64', value: b.numeric<'i64'>('i64x2.extract_lane', [value], [0]) };
}

interface Structure {
  readonly registers: number;
  readonly elements: number;
  readonly laneBytes: number;
  readonly registerBytes: number;
}

type MultiplePattern = '0 Q:1 001100 1 0 0 Rm:5 0000 size:2 Rn:5 Rt:5';
const multiple: Row[] = MULTIPLE.flatMap(({ opcode, registers, elements }) =>
  (['1', '0'] as const).flatMap((l) =>
    ADDRESSING.map((addressing) => {
      const mnemonic = `${l === '1' ? 'ld' : 'st'}${elements}`;
      const address = addressing.address(`<Q:${registers * D_BYTES}|${registers * V_BYTES}>`);
      return row(
        `${mnemonic.toUpperCase()} (multiple structures, ${registers} registers${addressing.suffix})`,
        `0 Q:1 001100 ${addressing.post} ${l} 0 ${addressing.rm} ${opcode} size:2 Rn:5 Rt:5` as MultiplePattern,
        `${mnemonic} ${registerList('Vt', registers, T)}, ${address}`,
        {
          fp: true,
          specialise: spBase,
          // Structures of several elements have no arrangement 1D.
          when: elements === 1 ? () => true : vectorSizes('bhsd'),
          execute: ({ Q, size, Rn, Rt, spBase, ...rest }, b) => {
            const registerBytes = Q ? V_BYTES : D_BYTES;
            const shape = { registers, elements, laneBytes: 1 << size, registerBytes };
            const va = b.base(Rn, spBase);
            const finish = l === '1' ? loadMultiple(b, va, Rt, shape) : storeMultiple(b, va, Rt, shape);
            postIndex(b, addressing, { Rn, ...rest }, va, registers * registerBytes);
            finish?.();
          },
        },
      );
    }),
  ),
);

// ---- Single structure ----

/** How opcode<2:1>, S and size tell the lane: `index` are the fields above Q that form it. */
const LANES = [
  { size: 0, opcode: '00', rest: 'S:1 low:2', fields: ['S', 'low'], load: 'i32.8u', store: 'i32.8' },
  { size: 1, opcode: '01', rest: 'S:1 low:1 0', fields: ['S', 'low'], load: 'i32.16u', store: 'i32.16' },
  { size: 2, opcode: '10', rest: 'S:1 00', fields: ['S'], load: 'i32', store: 'i32' },
  { size: DOUBLE, opcode: '10', rest: '0 01', fields: [], load: 'i64', store: 'i64' },
] as const;
/** Q:S:size without the bits that the size takes. */
function laneIndex(
  size: number,
  f: { readonly Q: number; readonly S?: number; readonly low?: number },
): number {
  return (f.Q << (DOUBLE - size)) | ((f.S ?? 0) << Math.max(2 - size, 0)) | (f.low ?? 0);
}
/** R and the lowest bit of opcode: the number of elements, less one. */
const ELEMENTS = [1, 2, 3, 4] as const;
const elementBits = (elements: number) => ({
  r: (elements - 1) & 1 ? '1' : '0',
  o: (elements - 1) & 2 ? '1' : '0',
});

type SinglePattern = '0 Q:1 001101 1 1 0 Rm:5 000 S:1 low:2 Rn:5 Rt:5';
const single: Row[] = LANES.flatMap(({ size, opcode, rest, fields, load, store }) =>
  ELEMENTS.flatMap((elements) =>
    (['1', '0'] as const).flatMap((l) =>
      ADDRESSING.map((addressing) => {
        const { r, o } = elementBits(elements);
        const letter = LANE_LETTERS[size];
        const bytes = elements << size;
        const mnemonic = `${l === '1' ? 'ld' : 'st'}${elements}`;
        const index = `[<${['Q', ...fields].join('.')}>]`;
        return row(
          `${mnemonic.toUpperCase()} (single structure, ${letter.toUpperCase()}${addressing.suffix})`,
          `0 Q:1 001101 ${addressing.post} ${l} ${r} ${addressing.rm} ${opcode}${o} ${rest} Rn:5 Rt:5` as SinglePattern,
          `${mnemonic} ${registerList('Vt', elements, letter)}${index}, ${addressing.address(String(bytes))}`,
          {
            fp: true,
            specialise: spBase,
            execute: ({ Rn, Rt, spBase, ...f }, b) => {
              const transfer = { elements, size, lane: laneIndex(size, f), load, store };
              const va = b.base(Rn, spBase);
              const finish = l === '1' ? loadLanes(b, va, Rt, transfer) : storeLanes(b, va, Rt, transfer);
              postIndex(b, addressing, { Rn, ...f }, va, bytes);
              finish?.();
            },
          },
        );
      }),
    ),
  ),
);

interface LaneTransfer {
  readonly elements: number;
  readonly size: number;
  readonly lane: number;
  readonly load: LoadKind;
  readonly store: StoreKind;
}
function loadLanes(b: Semantics, va: I64, first: Register, t: LaneTransfer): () => void {
  const laneBytes = 1 << t.size;
  const from = b.readAddress(va, t.elements * laneBytes, { elementBytes: laneBytes });
  const { shape } = arrangement(t.size, 1);
  const values = Array.from({ length: t.elements }, (_, index) => {
    const lane = b.hostLoad<'i32' | 'i64'>(t.load, from, index * laneBytes);
    return b.numeric<'v128'>(`${shape}.replace_lane`, [b.V(b.nextV(first, index)), lane], [t.lane]);
  });
  return () => writeList(b, arrangement(0, 1), first, values);
}
function storeLanes(b: Semantics, va: I64, first: Register, t: LaneTransfer): void {
  const laneBytes = 1 << t.size;
  const parts = Array.from({ length: t.elements }, (_, index) => ({
    store: t.store,
    value: b.laneV<'i32' | 'i64'>(t.load, b.nextV(first, index), t.lane * laneBytes) as I32 | I64,
  }));
  b.storeAll(va, parts, { elementBytes: laneBytes });
}

/** LD1R … LD4R: each element into all lanes of its register. */
type ReplicatePattern = '0 Q:1 001101 1 1 0 Rm:5 110 0 size:2 Rn:5 Rt:5';
const replicate: Row[] = ELEMENTS.flatMap((elements) =>
  ADDRESSING.map((addressing) => {
    const { r, o } = elementBits(elements);
    const address = addressing.address(`<size:${[0, 1, 2, 3].map((size) => elements << size).join('|')}>`);
    return row(
      `LD${elements}R${addressing.suffix}`,
      `0 Q:1 001101 ${addressing.post} 1 ${r} ${addressing.rm} 11${o} 0 size:2 Rn:5 Rt:5` as ReplicatePattern,
      `ld${elements}r ${registerList('Vt', elements, T)}, ${address}`,
      {
        fp: true,
        specialise: spBase,
        execute: ({ Q, size, Rn, Rt, spBase, ...rest }, b) => {
          const laneBytes = 1 << size;
          const va = b.base(Rn, spBase);
          const from = b.readAddress(va, elements * laneBytes, { elementBytes: laneBytes });
          const values = Array.from({ length: elements }, (_, index) =>
            b.hostLoad<'v128'>(SPLAT_LOADS[size] as LoadKind, from, index * laneBytes),
          );
          postIndex(b, addressing, { Rn, ...rest }, va, elements * laneBytes);
          writeList(b, arrangement(size, Q), Rt, values);
        },
      },
    );
  }),
);

export const simdLoadsStores: readonly Row[] = [...multiple, ...single, ...replicate];
