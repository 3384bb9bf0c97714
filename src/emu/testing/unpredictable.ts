/**
 * What random programs leave out: encodings that are CONSTRAINED UNPREDICTABLE (Arm ARM K1), and instructions
 * whose effect under the oracle's operating system is not the architecture's.
 */
import { cacheMaintenance } from '../isa/a64/cache-maintenance.ts';
import { pointerAuthentication } from '../isa/a64/pointer-authentication.ts';
import type { RawFields, Row } from '../isa/row.ts';

const EXCLUDED_BY_NAME: Readonly<Record<string, string>> = {
  SVC: 'calls the operating system of the oracle',
  HLT: 'reaches semihosting in the oracle',
  WFE: 'waits',
  WFI: 'waits',
  'DC ZVA': 'the size of its block differs in the oracle',
  ...Object.fromEntries(
    cacheMaintenance.map(({ name }) => [name, 'caches differ in the oracle: cache-maintenance.test.ts']),
  ),
  SYS: 'cache and TLB maintenance: tested with the CPU',
  SYSL: 'cache and TLB maintenance: tested with the CPU',
  'MSR (immediate)': 'PSTATE fields that differ between the CPUs',
  'FCVTZS (AdvSIMD scalar, fixed-point, h)':
    'QEMU 7.2 sign-extends the half-word over the word; the manual clears what is above (V[d] of 16 bits)',
  'MRS CNTPCT_EL0': 'tells the time',
  'MRS CNTVCT_EL0': 'tells the time',
  'MRS RNDR': 'random',
  'MRS RNDRRS': 'random',
  'MRS TPIDR_EL1': 'not for EL0, where the oracle runs',
  'MSR TPIDR_EL1': 'not for EL0, where the oracle runs',
  'MRS SP_EL0': 'not for EL0, where the oracle runs',
  'MSR SP_EL0': 'not for EL0, where the oracle runs',
  'MRS ELR_EL1': 'not for EL0, where the oracle runs',
  'MSR ELR_EL1': 'not for EL0, where the oracle runs',
  'MRS SPSR_EL1': 'not for EL0, where the oracle runs',
  'MRS ESR_EL1': 'not for EL0, where the oracle runs',
  'MRS FAR_EL1': 'not for EL0, where the oracle runs',
  'MSR FAR_EL1': 'not for EL0, where the oracle runs',
  'MRS APIAKEYLO_EL1': 'not for EL0, where the oracle runs',
  'MSR APIAKEYLO_EL1': 'not for EL0, where the oracle runs',
  'MRS APIAKEYHI_EL1': 'not for EL0, where the oracle runs',
  'MSR APIAKEYHI_EL1': 'not for EL0, where the oracle runs',
  'MSR DAIFSet': 'not for EL0, where the oracle runs',
  'MSR DAIFClr': 'not for EL0, where the oracle runs',
  'MRS DAIF': 'not for EL0, where the oracle runs',
  'MSR DAIF': 'not for EL0, where the oracle runs',
};

/** Rows that random programs do not contain, and why. */
export const EXCLUDED: Readonly<Record<string, string>> = {
  ...EXCLUDED_BY_NAME,
  // Codes are IMPLEMENTATION DEFINED, keys random, and addresses of another width: pointer-authentication.test.ts.
  ...Object.fromEntries(pointerAuthentication.map(({ name }) => [name, 'authentication codes are our own'])),
};

const SP = 31;
const WRITEBACK = /\]!|\], (#|<X)/;
/** The first transfer register is a general one. */
const GENERAL_TRANSFER = /<[WXR]t>/;
const LOAD_PAIR = /^ld(p|np|psw|xp|axp) /;
const STORE_EXCLUSIVE = /^stl?xp?r?[bh]? <Ws>/;

export function isMemoryAccess(row: Row): boolean {
  return row.syntax.includes('[<Xn|SP>');
}

export function isStoreExclusive(row: Row): boolean {
  return STORE_EXCLUSIVE.test(row.syntax);
}

/** QEMU 7.2 lets LDAPR be misaligned, where the architecture has a fault (Arm ARM B2.5.2). */
export function mustBeMadeAligned(row: Row): boolean {
  return row.name.startsWith('LDAPR');
}

export function isUnpredictable(row: Row, fields: RawFields): boolean {
  const { Rn, Rt, Rt2, Rs } = fields;
  if (Rt === undefined) return false;
  if (LOAD_PAIR.test(row.syntax) && Rt === Rt2) return true;
  if (isStoreExclusive(row)) return Rs === Rt || Rs === Rt2 || (Rs === Rn && Rn !== SP);
  const writesBack = WRITEBACK.test(row.syntax) && GENERAL_TRANSFER.test(row.syntax);
  return writesBack && Rn !== SP && (Rn === Rt || Rn === Rt2);
}
