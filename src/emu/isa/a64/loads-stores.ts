/** Arm ARM C4.1.96, "Loads and Stores": general registers; plain, pair, literal. Exclusives and atomics: atomics.ts. */
import type { I32, I64, LoadKind, StoreKind, Value } from '../../ir/ir.ts';
import { signed } from '../pattern.ts';
import { type RawFields, type Register, type Row, row, s32, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { extend } from './shared.ts';

/** One transfer between memory and a register: what the size and opc fields say. */
interface Transfer {
  readonly mnemonic: string;
  /** The unscaled form: LDUR; and the unprivileged one: LDTR, where it exists. */
  readonly size: string;
  readonly v: '0' | '1';
  readonly opc: string;
  /** The register as the syntax names it. */
  readonly register: string;
  readonly bytes: 1 | 2 | 4 | 8 | 16;
  readonly load?: LoadKind;
  readonly store?: StoreKind;
}

const TRANSFERS: readonly Transfer[] = [
  { mnemonic: 'strb', size: '00', v: '0', opc: '00', register: 'Wt', bytes: 1, store: 'i32.8' },
  { mnemonic: 'ldrb', size: '00', v: '0', opc: '01', register: 'Wt', bytes: 1, load: 'i64.8u' },
  { mnemonic: 'ldrsb', size: '00', v: '0', opc: '10', register: 'Xt', bytes: 1, load: 'i64.8s' },
  { mnemonic: 'ldrsb', size: '00', v: '0', opc: '11', register: 'Wt', bytes: 1, load: 'i32.8s' },
  { mnemonic: 'strh', size: '01', v: '0', opc: '00', register: 'Wt', bytes: 2, store: 'i32.16' },
  { mnemonic: 'ldrh', size: '01', v: '0', opc: '01', register: 'Wt', bytes: 2, load: 'i64.16u' },
  { mnemonic: 'ldrsh', size: '01', v: '0', opc: '10', register: 'Xt', bytes: 2, load: 'i64.16s' },
  { mnemonic: 'ldrsh', size: '01', v: '0', opc: '11', register: 'Wt', bytes: 2, load: 'i32.16s' },
  { mnemonic: 'str', size: '10', v: '0', opc: '00', register: 'Wt', bytes: 4, store: 'i32' },
  { mnemonic: 'ldr', size: '10', v: '0', opc: '01', register: 'Wt', bytes: 4, load: 'i64.32u' },
  { mnemonic: 'ldrsw', size: '10', v: '0', opc: '10', register: 'Xt', bytes: 4, load: 'i64.32s' },
  { mnemonic: 'str', size: '11', v: '0', opc: '00', register: 'Xt', bytes: 8, store: 'i64' },
  { mnemonic: 'ldr', size: '11', v: '0', opc: '01', register: 'Xt', bytes: 8, load: 'i64' },
  { mnemonic: 'str', size: '00', v: '1', opc: '00', register: 'Bt', bytes: 1, store: 'i32.8' },
  { mnemonic: 'ldr', size: '00', v: '1', opc: '01', register: 'Bt', bytes: 1, load: 'i32.8u' },
  { mnemonic: 'str', size: '01', v: '1', opc: '00', register: 'Ht', bytes: 2, store: 'i32.16' },
  { mnemonic: 'ldr', size: '01', v: '1', opc: '01', register: 'Ht', bytes: 2, load: 'i32.16u' },
  { mnemonic: 'str', size: '10', v: '1', opc: '00', register: 'St', bytes: 4, store: 'f32' },
  { mnemonic: 'ldr', size: '10', v: '1', opc: '01', register: 'St', bytes: 4, load: 'v128.32zero' },
  { mnemonic: 'str', size: '11', v: '1', opc: '00', register: 'Dt', bytes: 8, store: 'f64' },
  { mnemonic: 'ldr', size: '11', v: '1', opc: '01', register: 'Dt', bytes: 8, load: 'v128.64zero' },
  { mnemonic: 'str', size: '00', v: '1', opc: '10', register: 'Qt', bytes: 16, store: 'v128' },
  { mnemonic: 'ldr', size: '00', v: '1', opc: '11', register: 'Qt', bytes: 16, load: 'v128' },
];

/** What a store writes: the low part of the register. */
function stored(b: Semantics, t: Transfer, r: Register): Value {
  if (t.v === '1')
    return b.lowV(t.store === 'i32.8' || t.store === 'i32.16' ? 'i32' : (t.store as LoadKind), r);
  return t.store === 'i64' ? b.X(r) : b.W(r);
}

/** Puts a loaded value into the register, the rest cleared. */
function setLoaded(b: Semantics, t: Transfer, r: Register, value: Value): void {
  if (t.v === '0') b.setR(r, value as I32 | I64);
  else if (value.type === 'i32') b.setS(r, value as I32);
  else b.setV(r, value as Value<'v128'>);
}

interface AccessOptions {
  readonly unprivileged?: boolean;
  /** Writes the base back, after the access and before the loaded register. */
  readonly writeback?: () => void;
}
function transfer(
  b: Semantics,
  t: Transfer,
  r: Register,
  va: I64,
  { unprivileged = false, writeback }: AccessOptions = {},
): void {
  const value = t.load ? b.load(va, t.load, { unprivileged }) : undefined;
  if (t.store) b.store(va, t.store, stored(b, t, r), { unprivileged });
  writeback?.();
  if (value) setLoaded(b, t, r, value);
}

const spBase = { spBase: ({ Rn = 0 }: RawFields) => Rn === 31 };
const simm9 = s32(['imm9'], ({ imm9 = 0 }) => signed(imm9, 9));

/** LDR → LDUR, LDRSB → LDURSB, … */
const variant = (mnemonic: string, letter: 'u' | 't') => mnemonic.replace(/^(ld|st)r/, `$1${letter}r`);

/** The option of an index that is sign-extended from 64 bits: what UXTX does, too. */
const SXTX = 7;
/** The option of an index of 64 bits. */
const LSL = 3;
const WORD_BYTES = 4;
const X_BYTES = 8;
const Q_BYTES = 16;

function plainForms(t: Transfer): Row[] {
  const { size, v, opc, mnemonic, register } = t as Transfer & { size: '00'; opc: '00' };
  const fp = v === '1';
  // The main loop stays small: forms that compilers rarely choose are functions of their own.
  const usual = !fp || t.bytes >= WORD_BYTES;
  const widens = mnemonic === 'ldrsb' || mnemonic === 'ldrsh';
  const common = { hot: usual, fp, specialise: spBase };
  // Loops walk through memory by all kinds but S and D; functions move SP by registers of 64 bits.
  const indexed = {
    ...common,
    hot: ({ spBase }: RawFields) =>
      usual && !widens && (spBase ? !fp && t.bytes === X_BYTES : !fp || t.bytes === Q_BYTES),
  };
  const title = `${mnemonic.toUpperCase()} (${register.toUpperCase()[0]})`;
  const rows = [
    row(
      `${title} unsigned offset`,
      `${size} 111 ${v} 01 ${opc} imm12:12 Rn:5 Rt:5`,
      `${mnemonic} <${register}>, [<Xn|SP>{, #<imm12*${t.bytes}>}]`,
      {
        ...common,
        operands: { offset: s32(['imm12'], ({ imm12 = 0 }) => imm12 * t.bytes) },
        execute: ({ Rn, Rt, spBase, offset }, b) => transfer(b, t, Rt, b.add(b.base(Rn, spBase), offset)),
      },
    ),
    row(
      `${title} unscaled`,
      `${size} 111 ${v} 00 ${opc} 0 imm9:9 00 Rn:5 Rt:5`,
      `${variant(mnemonic, 'u')} <${register}>, [<Xn|SP>{, #<simm9>}]`,
      {
        ...common,
        operands: { offset: simm9 },
        execute: ({ Rn, Rt, spBase, offset }, b) => transfer(b, t, Rt, b.add(b.base(Rn, spBase), offset)),
      },
    ),
    row(
      `${title} post-indexed`,
      `${size} 111 ${v} 00 ${opc} 0 imm9:9 01 Rn:5 Rt:5`,
      `${mnemonic} <${register}>, [<Xn|SP>], #<simm9>`,
      {
        ...indexed,
        operands: { offset: simm9 },
        execute: ({ Rn, Rt, spBase, offset }, b) => {
          const va = b.base(Rn, spBase);
          transfer(b, t, Rt, va, { writeback: () => b.setRSP(Rn, b.add(va, offset)) });
        },
      },
    ),
    row(
      `${title} pre-indexed`,
      `${size} 111 ${v} 00 ${opc} 0 imm9:9 11 Rn:5 Rt:5`,
      `${mnemonic} <${register}>, [<Xn|SP>, #<simm9>]!`,
      {
        ...indexed,
        operands: { offset: simm9 },
        execute: ({ Rn, Rt, spBase, offset }, b) => {
          const va = b.add(b.base(Rn, spBase), offset);
          transfer(b, t, Rt, va, { writeback: () => b.setRSP(Rn, va) });
        },
      },
    ),
    row(
      `${title} register`,
      `${size} 111 ${v} 00 ${opc} 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5`,
      `${mnemonic} <${register}>, [<Xn|SP>, <Rm:option>{, <extend:option>{ #<S*${Math.log2(t.bytes)}>}}]`,
      {
        ...common,
        hot: ({ option, S, spBase }) =>
          usual && !fp && !spBase && (widens ? option === LSL : option !== SXTX) && (t.bytes > 1 || !S),
        // Option bit 1 clear would extend from less than a word: unallocated.
        when: ({ option = 0 }) => (option & 2) !== 0,
        execute: ({ Rn, Rm, Rt, option, S, spBase }, b) => {
          const index = extend(b, 1, option, b.X(Rm)) as I64;
          const scaled = S && t.bytes > 1 ? b.shl(index, b.i64(Math.log2(t.bytes))) : index;
          transfer(b, t, Rt, b.add(b.base(Rn, spBase), scaled));
        },
      },
    ),
  ];
  if (fp) return rows;
  return [
    ...rows,
    row(
      `${title} unprivileged`,
      `${size} 111 ${v} 00 ${opc} 0 imm9:9 10 Rn:5 Rt:5`,
      `${variant(mnemonic, 't')} <${register}>, [<Xn|SP>{, #<simm9>}]`,
      {
        ...common,
        hot: false,
        operands: { offset: simm9 },
        execute: ({ Rn, Rt, spBase, offset }, b) =>
          transfer(b, t, Rt, b.add(b.base(Rn, spBase), offset), { unprivileged: true }),
      },
    ),
  ];
}

/** Prefetches do nothing; they may not fault. */
const prefetch: Row[] = [
  row('PRFM (immediate)', '11 111 0 01 10 imm12:12 Rn:5 imm5:5', 'prfm <prfop>, [<Xn|SP>{, #<imm12*8>}]', {
    hot: true,
    operands: { ignored: u16(['imm12', 'imm5'], () => 0) },
    execute: () => {},
  }),
  row('PRFUM', '11 111 0 00 10 0 imm9:9 00 Rn:5 imm5:5', 'prfum <prfop>, [<Xn|SP>{, #<simm9>}]', {
    operands: { ignored: u16(['imm9', 'imm5'], () => 0) },
    execute: () => {},
  }),
  row(
    'PRFM (register)',
    '11 111 0 00 10 1 Rm:5 option:3 S:1 10 Rn:5 imm5:5',
    'prfm <prfop>, [<Xn|SP>, <Rm:option>{, <extend:option>{ #<S*3>}}]',
    {
      when: ({ option = 0 }) => (option & 2) !== 0,
      operands: { ignored: u16(['imm5'], () => 0) },
      execute: () => {},
    },
  ),
  row('PRFM (literal)', '11 011 0 00 imm19:19 imm5:5', 'prfm <prfop>, <label19>', {
    operands: { ignored: u16(['imm19', 'imm5'], () => 0) },
    execute: () => {},
  }),
];

const literalOffset = s32(['imm19'], ({ imm19 = 0 }) => signed(imm19, 19) * 4);
const LITERALS: readonly { readonly opc: string; readonly transfer: Transfer }[] = [
  { opc: '00', transfer: find('ldr', 'Wt') },
  { opc: '01', transfer: find('ldr', 'Xt') },
  { opc: '10', transfer: find('ldrsw', 'Xt') },
  { opc: '00', transfer: find('ldr', 'St') },
  { opc: '01', transfer: find('ldr', 'Dt') },
  { opc: '10', transfer: find('ldr', 'Qt') },
];
function find(mnemonic: string, register: string): Transfer {
  const found = TRANSFERS.find((t) => t.mnemonic === mnemonic && t.register === register);
  if (!found) throw new Error(`no transfer ${mnemonic} ${register}`);
  return found;
}
const literals: Row[] = LITERALS.map(({ opc, transfer: t }) =>
  row(
    `${t.mnemonic.toUpperCase()} (literal, ${t.register[0]})`,
    `${opc as '00'} 011 ${t.v} 00 imm19:19 Rt:5`,
    `${t.mnemonic} <${t.register}>, <label19>`,
    {
      hot: t.v === '0',
      fp: t.v === '1',
      operands: { offset: literalOffset },
      execute: ({ Rt, offset }, b) => transfer(b, t, Rt, b.add(b.pc(), offset)),
    },
  ),
);

/** Pairs: opc and V choose the element. */
const PAIRS: readonly {
  readonly opc: string;
  readonly v: '0' | '1';
  readonly element: Transfer;
  readonly nonTemporal: boolean;
}[] = [
  { opc: '00', v: '0', element: find('ldr', 'Wt'), nonTemporal: true },
  { opc: '01', v: '0', element: find('ldrsw', 'Xt'), nonTemporal: false },
  { opc: '10', v: '0', element: find('ldr', 'Xt'), nonTemporal: true },
  { opc: '00', v: '1', element: find('ldr', 'St'), nonTemporal: true },
  { opc: '01', v: '1', element: find('ldr', 'Dt'), nonTemporal: true },
  { opc: '10', v: '1', element: find('ldr', 'Qt'), nonTemporal: true },
];
/** The mode of the non-temporal pairs. */
const NO_ALLOCATE = '000';
const CLEARS_PAGES = 'stnp';
const PAIR_MODES = [
  { bits: '001', suffix: 'post-indexed', writeback: 'post' },
  { bits: '010', suffix: 'signed offset', writeback: 'none' },
  { bits: '011', suffix: 'pre-indexed', writeback: 'pre' },
  { bits: NO_ALLOCATE, suffix: 'no-allocate', writeback: 'none' },
] as const;
const pairs: Row[] = PAIRS.flatMap(({ opc, v, element, nonTemporal }) =>
  PAIR_MODES.filter(({ bits }) => bits !== NO_ALLOCATE || nonTemporal).flatMap((mode) =>
    (['0', '1'] as const)
      .filter((l) => l === '1' || element.mnemonic !== 'ldrsw')
      .map((l) => pair(opc, v, element, mode, l)),
  ),
);

function pair(
  opc: string,
  v: '0' | '1',
  element: Transfer,
  mode: (typeof PAIR_MODES)[number],
  l: '0' | '1',
): Row {
  const { bytes, register } = element;
  const load = l === '1';
  const base = load ? 'ld' : 'st';
  const mnemonic =
    mode.bits === NO_ALLOCATE ? `${base}np` : element.mnemonic === 'ldrsw' ? 'ldpsw' : `${base}p`;
  const second = register.replace('t', 't2');
  const address = {
    post: `[<Xn|SP>], #<simm7*${bytes}>`,
    pre: `[<Xn|SP>, #<simm7*${bytes}>]!`,
    none: `[<Xn|SP>{, #<simm7*${bytes}>}]`,
  }[mode.writeback];
  return row(
    `${mnemonic.toUpperCase()} (${register[0]}) ${mode.suffix}`,
    `${opc as '00'} 101 ${v} ${mode.bits} ${l} imm7:7 Rt2:5 Rn:5 Rt:5`,
    `${mnemonic} <${register}>, <${second}>, ${address}`,
    {
      // Functions save X registers as they move SP, and pages are copied and cleared by STNP.
      hot:
        mode.writeback !== 'none'
          ? register === 'Xt'
          : mode.bits !== NO_ALLOCATE || (mnemonic === CLEARS_PAGES && register === 'Xt'),
      fp: v === '1',
      specialise: spBase,
      operands: { offset: s32(['imm7'], ({ imm7 = 0 }) => signed(imm7, 7) * bytes) },
      execute: ({ Rt, Rt2, Rn, spBase, offset }, b) => {
        const start = b.base(Rn, spBase);
        const moved = b.add(start, offset);
        const va = mode.writeback === 'post' ? start : moved;
        const finish = () => {
          if (mode.writeback !== 'none') b.setRSP(Rn, moved);
        };
        if (load && element.load) {
          const at = b.readAddress(va, 2 * bytes, { elementBytes: bytes });
          const first = b.hostLoad(element.load, at);
          const next = b.hostLoad(element.load, at, bytes);
          finish();
          setLoaded(b, element, Rt, first);
          setLoaded(b, element, Rt2, next);
        } else {
          const store = ({ 4: 'i32', 8: 'i64', 16: 'v128' } as const)[bytes as 4 | 8 | 16];
          const value = (r: Register) => stored(b, { ...element, store }, r);
          b.storeAll(va, [
            { store, value: value(Rt) },
            { store, value: value(Rt2) },
          ]);
          finish();
        }
      },
    },
  );
}

export const loadsStores: readonly Row[] = [
  ...TRANSFERS.flatMap(plainForms),
  ...prefetch,
  ...literals,
  ...pairs,
];
