/**
 * EL1 control and exception registers. Writes that change translation or traps answer RESYNC.
 */
import { CONTINUE, RESYNC, type StepResult } from '../runtime.ts';
import type { FeatureBits, SystemContext, SystemRegister } from './row.ts';

const ALL = 0xffff_ffff_ffff_ffffn;
const LOW_WORD = 0xffff_ffffn;

/** M A C SA SA0 UMA I DZE UCT nTWI nTWE WXN UCI; no EE, E0E, AArch32. */
const SCTLR_WRITABLE = 0x040d_d21fn;
const SCTLR_FEATURE_BITS: readonly FeatureBits[] = [
  { feature: 'FEAT_LSE2', bits: 1n << 6n }, // nAA
  { feature: 'FEAT_CSV2_2', bits: 1n << 20n, otherwise: 'res1' }, // TSCXT
  { feature: 'FEAT_PAN', bits: 1n << 23n, otherwise: 'res1' }, // SPAN
  { feature: 'FEAT_PAuth', bits: 0xc800_2000n }, // EnIA EnIB EnDA EnDB
  { feature: 'FEAT_BTI', bits: 0x18_0000_0000n }, // BT0 BT1
  { feature: 'FEAT_SSBS', bits: 1n << 44n }, // DSSBS
];
/** ITD, SED, EOS, EIS, nTLSMD, LSMAOE. */
const SCTLR_RES1 = 0x3040_0980n;
/** At reset also SPAN, nTWI and nTWE, as before these bits existed. */
const SCTLR_RESET = SCTLR_RES1 | 0x0085_0000n;
/** TxSZ, EPDn, cacheability, shareability, TGn, A1, IPS, AS, TBIn. */
const TCR_WRITABLE = 0x0077_ffff_ffbfn;
const TCR_FEATURE_BITS: readonly FeatureBits[] = [
  { feature: 'FEAT_PAuth', bits: 3n << 51n }, // TBIDn
  { feature: 'FEAT_E0PD', bits: 3n << 55n }, // E0PDn
];
/** FPEN. */
const CPACR_WRITABLE = 0x0030_0000n;
/** N Z C V SS IL D A I F and M[4:0]. */
const SPSR_WRITABLE = 0xf030_03dfn;
const SPSR_FEATURE_BITS: readonly FeatureBits[] = [
  { feature: 'FEAT_BTI', bits: 3n << 10n }, // BTYPE
  { feature: 'FEAT_SSBS', bits: 1n << 12n },
  { feature: 'FEAT_PAN', bits: 1n << 22n },
  { feature: 'FEAT_UAO', bits: 1n << 23n },
  { feature: 'FEAT_DIT', bits: 1n << 24n },
];
const VBAR_WRITABLE = 0xffff_ffff_ffff_f800n;

function regimeChanged(c: SystemContext): StepResult {
  c.context.regimeChanged();
  return RESYNC;
}

function tablesChanged(c: SystemContext): StepResult {
  c.context.tablesChanged();
  return RESYNC;
}

function trapsChanged(c: SystemContext): StepResult {
  c.context.trapsChanged();
  return RESYNC;
}

const KEYS = [
  ['APIA', 1, 0],
  ['APIB', 1, 2],
  ['APDA', 2, 0],
  ['APDB', 2, 2],
  ['APGA', 3, 0],
] as const;
const POINTER_KEYS: readonly SystemRegister[] = KEYS.flatMap(([name, crm, op2]) =>
  (['LO', 'HI'] as const).map((half, index) => ({
    name: `${name}KEY${half}_EL1`,
    encoding: [3, 0, 2, crm, op2 + index],
    access: 'EL1 RW',
    feature: 'FEAT_PAuth',
    cell: `${name}KEY${half}_EL1`,
    writable: ALL,
  })),
);

export const CONTROL: readonly SystemRegister[] = [
  ...POINTER_KEYS,
  {
    name: 'SCTLR_EL1',
    encoding: [3, 0, 1, 0, 0],
    access: 'EL1 RW',
    cell: 'SCTLR_EL1',
    writable: SCTLR_WRITABLE,
    featureBits: SCTLR_FEATURE_BITS,
    res1: SCTLR_RES1,
    reset: SCTLR_RESET,
    written: regimeChanged,
  },
  { name: 'ACTLR_EL1', encoding: [3, 0, 1, 0, 1], access: 'EL1 RW', cell: 'ACTLR_EL1', writable: 0n },
  {
    name: 'CPACR_EL1',
    encoding: [3, 0, 1, 0, 2],
    access: 'EL1 RW',
    cell: 'CPACR_EL1',
    writable: CPACR_WRITABLE,
    written: trapsChanged,
  },
  {
    name: 'TTBR0_EL1',
    encoding: [3, 0, 2, 0, 0],
    access: 'EL1 RW',
    cell: 'TTBR0_EL1',
    writable: ALL,
    written: tablesChanged,
  },
  {
    name: 'TTBR1_EL1',
    encoding: [3, 0, 2, 0, 1],
    access: 'EL1 RW',
    cell: 'TTBR1_EL1',
    writable: ALL,
    written: tablesChanged,
  },
  {
    name: 'TCR_EL1',
    encoding: [3, 0, 2, 0, 2],
    access: 'EL1 RW',
    cell: 'TCR_EL1',
    writable: TCR_WRITABLE,
    featureBits: TCR_FEATURE_BITS,
    written: regimeChanged,
  },
  {
    name: 'MAIR_EL1',
    encoding: [3, 0, 10, 2, 0],
    access: 'EL1 RW',
    cell: 'MAIR_EL1',
    writable: ALL,
    written: regimeChanged,
  },
  { name: 'AMAIR_EL1', encoding: [3, 0, 10, 3, 0], access: 'EL1 RW', cell: 'AMAIR_EL1', writable: 0n },
  {
    name: 'SPSR_EL1',
    encoding: [3, 0, 4, 0, 0],
    access: 'EL1 RW',
    cell: 'SPSR_EL1',
    writable: SPSR_WRITABLE,
    featureBits: SPSR_FEATURE_BITS,
  },
  { name: 'ELR_EL1', encoding: [3, 0, 4, 0, 1], access: 'EL1 RW', cell: 'ELR_EL1', writable: ALL },
  { name: 'AFSR0_EL1', encoding: [3, 0, 5, 1, 0], access: 'EL1 RW', cell: 'AFSR0_EL1', writable: 0n },
  { name: 'AFSR1_EL1', encoding: [3, 0, 5, 1, 1], access: 'EL1 RW', cell: 'AFSR1_EL1', writable: 0n },
  { name: 'ESR_EL1', encoding: [3, 0, 5, 2, 0], access: 'EL1 RW', cell: 'ESR_EL1', writable: LOW_WORD },
  { name: 'FAR_EL1', encoding: [3, 0, 6, 0, 0], access: 'EL1 RW', cell: 'FAR_EL1', writable: ALL },
  { name: 'PAR_EL1', encoding: [3, 0, 7, 4, 0], access: 'EL1 RW', cell: 'PAR_EL1', writable: ALL },
  {
    name: 'VBAR_EL1',
    encoding: [3, 0, 12, 0, 0],
    access: 'EL1 RW',
    cell: 'VBAR_EL1',
    writable: VBAR_WRITABLE,
  },
  { name: 'RVBAR_EL1', encoding: [3, 0, 12, 0, 1], access: 'EL1 RO', value: 0n },
  {
    name: 'ISR_EL1',
    encoding: [3, 0, 12, 1, 0],
    access: 'EL1 RO',
    read: (c) => c.context.interruptStatus(),
  },
  // There are no LORegions: LDLAR and STLLR are LDAR and STLR (Arm ARM B2.3.5).
  ...(['LORSA', 'LOREA', 'LORN', 'LORC'] as const).map(
    (name, op2): SystemRegister => ({
      name: `${name}_EL1`,
      encoding: [3, 0, 10, 4, op2],
      access: 'EL1 RW',
      feature: 'FEAT_LOR',
      read: () => 0,
      write: () => CONTINUE,
    }),
  ),
  { name: 'LORID_EL1', encoding: [3, 0, 10, 4, 7], access: 'EL1 RO', feature: 'FEAT_LOR', value: 0n },
  {
    name: 'CONTEXTIDR_EL1',
    encoding: [3, 0, 13, 0, 1],
    access: 'EL1 RW',
    cell: 'CONTEXTIDR_EL1',
    writable: LOW_WORD,
  },
];
