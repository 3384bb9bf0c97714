/**
 * Loads and stores of the RCpc model (FEAT_LRCPC, FEAT_LRCPC2; Arm ARM C4.1.96 "Atomic memory operations", LDAPR,
 * and "LDAPR/STLR (unscaled immediate)"). Accesses are ordered as one vCPU sees them.
 */
import type { I32, I64, LoadKind, StoreKind } from '../../ir/ir.ts';
import { signed } from '../pattern.ts';
import { type RawFields, type Row, row, s32, withFeature } from '../row.ts';

interface Transfer {
  readonly mnemonic: string;
  readonly size: '00' | '01' | '10' | '11';
  readonly opc: '00' | '01' | '10' | '11';
  readonly register: 'Wt' | 'Xt';
  readonly bytes: number;
  readonly load?: LoadKind;
  readonly store?: StoreKind;
}

const TRANSFERS: readonly Transfer[] = [
  { mnemonic: 'stlurb', size: '00', opc: '00', register: 'Wt', bytes: 1, store: 'i32.8' },
  { mnemonic: 'ldapurb', size: '00', opc: '01', register: 'Wt', bytes: 1, load: 'i64.8u' },
  { mnemonic: 'ldapursb', size: '00', opc: '10', register: 'Xt', bytes: 1, load: 'i64.8s' },
  { mnemonic: 'ldapursb', size: '00', opc: '11', register: 'Wt', bytes: 1, load: 'i32.8s' },
  { mnemonic: 'stlurh', size: '01', opc: '00', register: 'Wt', bytes: 2, store: 'i32.16' },
  { mnemonic: 'ldapurh', size: '01', opc: '01', register: 'Wt', bytes: 2, load: 'i64.16u' },
  { mnemonic: 'ldapursh', size: '01', opc: '10', register: 'Xt', bytes: 2, load: 'i64.16s' },
  { mnemonic: 'ldapursh', size: '01', opc: '11', register: 'Wt', bytes: 2, load: 'i32.16s' },
  { mnemonic: 'stlur', size: '10', opc: '00', register: 'Wt', bytes: 4, store: 'i32' },
  { mnemonic: 'ldapur', size: '10', opc: '01', register: 'Wt', bytes: 4, load: 'i64.32u' },
  { mnemonic: 'ldapursw', size: '10', opc: '10', register: 'Xt', bytes: 4, load: 'i64.32s' },
  { mnemonic: 'stlur', size: '11', opc: '00', register: 'Xt', bytes: 8, store: 'i64' },
  { mnemonic: 'ldapur', size: '11', opc: '01', register: 'Xt', bytes: 8, load: 'i64' },
];

const spBase = { spBase: ({ Rn = 0 }: RawFields) => Rn === 31 };
const ordered = (bytes: number) => ({ alignmentBytes: bytes, elementBytes: bytes, ordered: true });
const title = (mnemonic: string, register: string) => `${mnemonic.toUpperCase()} (${register[0]})`;

const unscaled: Row[] = TRANSFERS.map(({ mnemonic, size, opc, register, bytes, load, store }) =>
  row(
    title(mnemonic, register),
    `${size} 011001 ${opc} 0 imm9:9 00 Rn:5 Rt:5`,
    `${mnemonic} <${register}>, [<Xn|SP>{, #<simm9>}]`,
    {
      specialise: spBase,
      operands: { offset: s32(['imm9'], ({ imm9 = 0 }) => signed(imm9, 9)) },
      execute: ({ Rn, Rt, spBase, offset }, b) => {
        const va = b.add(b.base(Rn, spBase), offset);
        if (load) b.setR(Rt, b.load(va, load, ordered(bytes)) as I32 | I64);
        if (store) b.store(va, store, store === 'i64' ? b.X(Rt) : b.W(Rt), ordered(bytes));
      },
    },
  ),
);

const SIZES = TRANSFERS.filter(({ load, mnemonic }) => load && /^ldapur[bh]?$/.test(mnemonic));
const register: Row[] = SIZES.map(({ mnemonic, size, register, bytes, load }) => {
  const name = mnemonic.replace('ldapur', 'ldapr');
  return row(
    title(name, register),
    `${size} 111 0 00 1 0 1 11111 1 100 00 Rn:5 Rt:5`,
    `${name} <${register}>, [<Xn|SP>]`,
    {
      specialise: spBase,
      execute: ({ Rn, Rt, spBase }, b) =>
        b.setR(Rt, b.load(b.base(Rn, spBase), load as LoadKind, ordered(bytes)) as I32 | I64),
    },
  );
});

export const releaseConsistency: readonly Row[] = [
  ...withFeature('FEAT_LRCPC', register),
  ...withFeature('FEAT_LRCPC2', unscaled),
];
