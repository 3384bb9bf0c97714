/**
 * The CPU interface of the GICv3 as system registers (IHI 0069, chapter 12.2): encodings and rights here,
 * behaviour behind the GIC port. Five priority bits: one active-priorities register a group.
 */
import { CONTINUE } from '../runtime.ts';
import type { Access, SystemRegister } from './row.ts';

const ROWS: readonly (readonly [name: string, crn: number, crm: number, op2: number, access: Access])[] = [
  ['ICC_PMR_EL1', 4, 6, 0, 'EL1 RW'],
  ['ICC_IAR0_EL1', 12, 8, 0, 'EL1 RO'],
  ['ICC_EOIR0_EL1', 12, 8, 1, 'EL1 WO'],
  ['ICC_HPPIR0_EL1', 12, 8, 2, 'EL1 RO'],
  ['ICC_BPR0_EL1', 12, 8, 3, 'EL1 RW'],
  ['ICC_AP0R0_EL1', 12, 8, 4, 'EL1 RW'],
  ['ICC_AP1R0_EL1', 12, 9, 0, 'EL1 RW'],
  ['ICC_DIR_EL1', 12, 11, 1, 'EL1 WO'],
  ['ICC_RPR_EL1', 12, 11, 3, 'EL1 RO'],
  ['ICC_SGI1R_EL1', 12, 11, 5, 'EL1 WO'],
  ['ICC_ASGI1R_EL1', 12, 11, 6, 'EL1 WO'],
  ['ICC_SGI0R_EL1', 12, 11, 7, 'EL1 WO'],
  ['ICC_IAR1_EL1', 12, 12, 0, 'EL1 RO'],
  ['ICC_EOIR1_EL1', 12, 12, 1, 'EL1 WO'],
  ['ICC_HPPIR1_EL1', 12, 12, 2, 'EL1 RO'],
  ['ICC_BPR1_EL1', 12, 12, 3, 'EL1 RW'],
  ['ICC_CTLR_EL1', 12, 12, 4, 'EL1 RW'],
  ['ICC_SRE_EL1', 12, 12, 5, 'EL1 RW'],
  ['ICC_IGRPEN0_EL1', 12, 12, 6, 'EL1 RW'],
  ['ICC_IGRPEN1_EL1', 12, 12, 7, 'EL1 RW'],
];

export const GIC: readonly SystemRegister[] = ROWS.map(([name, crn, crm, op2, access]) => ({
  name,
  encoding: [3, 0, crn, crm, op2],
  access,
  read: (c) => c.gic.readRegister(name) ?? 0,
  write: (c, lo, hi) => {
    c.gic.writeRegister(name, lo >>> 0, hi >>> 0);
    return CONTINUE;
  },
}));
