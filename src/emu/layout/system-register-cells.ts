/**
 * The system registers that have a cell in the state block, in cell order. Appending is compatible; the order
 * is private to a run (saved states name registers).
 */
const NAMES = [
  'SCTLR_EL1',
  'ACTLR_EL1',
  'CPACR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'TCR_EL1',
  'MAIR_EL1',
  'AMAIR_EL1',
  'SPSR_EL1',
  'ELR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'AFSR0_EL1',
  'AFSR1_EL1',
  'VBAR_EL1',
  'PAR_EL1',
  'CONTEXTIDR_EL1',
  'CSSELR_EL1',
  'APIAKEYLO_EL1',
  'APIAKEYHI_EL1',
  'APIBKEYLO_EL1',
  'APIBKEYHI_EL1',
  'APDAKEYLO_EL1',
  'APDAKEYHI_EL1',
  'APDBKEYLO_EL1',
  'APDBKEYHI_EL1',
  'APGAKEYLO_EL1',
  'APGAKEYHI_EL1',
  'SCXTNUM_EL0',
  'SCXTNUM_EL1',
  'CNTFRQ_EL0',
  'CNTKCTL_EL1',
  'CNTP_CTL_EL0',
  'CNTP_CVAL_EL0',
  'CNTV_CTL_EL0',
  'CNTV_CVAL_EL0',
  'MDSCR_EL1',
  'MDCCINT_EL1',
  'OSLSR_EL1',
  'OSDLR_EL1',
  'OSECCR_EL1',
  'OSDTRRX_EL1',
  'OSDTRTX_EL1',
  'DBGPRCR_EL1',
  'DBGCLAIM_EL1',
  'DBGBVR0_EL1',
  'DBGBVR1_EL1',
  'DBGBCR0_EL1',
  'DBGBCR1_EL1',
  'DBGWVR0_EL1',
  'DBGWVR1_EL1',
  'DBGWCR0_EL1',
  'DBGWCR1_EL1',
] as const;

export type CellName = (typeof NAMES)[number];
export const CELL_NAMES: readonly CellName[] = NAMES;

const CELL_BYTES = 8;
/** Offset of each register's cell from the start of the cells. */
export const CELL_OFFSET = Object.fromEntries(
  NAMES.map((name, index) => [name, index * CELL_BYTES]),
) as Readonly<Record<CellName, number>>;
