/**
 * Debug registers (Arm ARM D17.3): two breakpoints and two watchpoints (comparators.ts); OS lock; software step by
 * MDSCR_EL1.SS (software-step.ts). No external debugger: the communication channel is empty, the OS double lock is
 * kept but has no effect.
 */

import type { CellName } from '../../layout/system-register-cells.ts';
import { CONTEXT_AWARE } from '../comparators.ts';
import { CONTINUE, RESYNC, type StepResult } from '../runtime.ts';
import { cellOffset } from '../state.ts';
import type { SystemContext, SystemRegister } from './row.ts';

const LOW_WORD = 0xffff_ffffn;
/** SS ERR TDCC KDE HDE MDE TDA INTdis TXU RXO TXfull RXfull. */
const MDSCR_WRITABLE = 0x6ce0_f041n;
const MDCCINT_WRITABLE = 0x6000_0000n;
/** OSLSR_EL1: OSLM = 0b10 (implemented), OSLK. */
const OSLSR_OSLM = 1 << 3;
const OSLSR_OSLK = 1 << 1;
/** Virtual addresses, word aligned. */
const ADDRESS_WRITABLE = 0xffff_ffff_ffff_fffcn;
/** … or, in a breakpoint that is aware of contexts, CONTEXTIDR_EL1. */
const CONTEXT_WRITABLE = 0xffff_ffff_ffff_ffffn;
/** E PMC BAS HMC SSC LBN BT. */
const BCR_WRITABLE = 0x00ff_e1e7n;
/** E PAC LSC BAS HMC SSC LBN WT MASK. */
const WCR_WRITABLE = 0x1f1f_ffffn;
const CLAIM_TAGS = 0xff;
const OSLSR = cellOffset('OSLSR_EL1');
const CLAIM = cellOffset('DBGCLAIM_EL1');

/** Generated code must be left when other addresses match. */
function comparatorsChanged(c: SystemContext): StepResult {
  return c.context.comparatorsChanged() ? RESYNC : CONTINUE;
}

/** … and for the run loop to step. */
function debugChanged(c: SystemContext): StepResult {
  const changed = comparatorsChanged(c);
  return c.context.steppingChanged() ? RESYNC : changed;
}

function pair(index: 0 | 1, name: string, op2: number, writable: bigint): SystemRegister {
  const cell = `${name}${index}_EL1` as CellName;
  const encoding = [2, 0, 0, index, op2] as const;
  return { name: cell, encoding, access: 'EL1 RW', cell, writable, written: comparatorsChanged };
}

const COMPARATORS: readonly SystemRegister[] = ([0, 1] as const).flatMap((index) => [
  pair(index, 'DBGBVR', 4, index === CONTEXT_AWARE ? CONTEXT_WRITABLE : ADDRESS_WRITABLE),
  pair(index, 'DBGBCR', 5, BCR_WRITABLE),
  pair(index, 'DBGWVR', 6, ADDRESS_WRITABLE),
  pair(index, 'DBGWCR', 7, WCR_WRITABLE),
]);

export const DEBUG: readonly SystemRegister[] = [
  ...COMPARATORS,
  {
    name: 'OSDTRRX_EL1',
    encoding: [2, 0, 0, 0, 2],
    access: 'EL1 RW',
    cell: 'OSDTRRX_EL1',
    writable: LOW_WORD,
  },
  {
    name: 'MDCCINT_EL1',
    encoding: [2, 0, 0, 2, 0],
    access: 'EL1 RW',
    cell: 'MDCCINT_EL1',
    writable: MDCCINT_WRITABLE,
  },
  {
    name: 'MDSCR_EL1',
    encoding: [2, 0, 0, 2, 2],
    access: 'EL1 RW',
    cell: 'MDSCR_EL1',
    writable: MDSCR_WRITABLE,
    written: debugChanged,
  },
  {
    name: 'OSDTRTX_EL1',
    encoding: [2, 0, 0, 3, 2],
    access: 'EL1 RW',
    cell: 'OSDTRTX_EL1',
    writable: LOW_WORD,
  },
  {
    name: 'OSECCR_EL1',
    encoding: [2, 0, 0, 6, 2],
    access: 'EL1 RW',
    cell: 'OSECCR_EL1',
    writable: LOW_WORD,
  },
  { name: 'MDRAR_EL1', encoding: [2, 0, 1, 0, 0], access: 'EL1 RO', value: 0n },
  {
    name: 'OSLAR_EL1',
    encoding: [2, 0, 1, 0, 4],
    access: 'EL1 WO',
    write: (c, lo) => {
      c.state.set(OSLSR, lo & 1 ? OSLSR_OSLK : 0);
      return debugChanged(c);
    },
  },
  {
    name: 'OSLSR_EL1',
    encoding: [2, 0, 1, 1, 4],
    access: 'EL1 RO',
    cell: 'OSLSR_EL1',
    res1: BigInt(OSLSR_OSLM),
    reset: BigInt(OSLSR_OSLK),
    read: (c) => OSLSR_OSLM | c.state.get(OSLSR),
  },
  { name: 'OSDLR_EL1', encoding: [2, 0, 1, 3, 4], access: 'EL1 RW', cell: 'OSDLR_EL1', writable: 1n },
  { name: 'DBGPRCR_EL1', encoding: [2, 0, 1, 4, 4], access: 'EL1 RW', cell: 'DBGPRCR_EL1', writable: 1n },
  {
    name: 'DBGCLAIMSET_EL1',
    encoding: [2, 0, 7, 8, 6],
    access: 'EL1 RW',
    read: () => CLAIM_TAGS,
    write: (c, lo) => {
      c.state.set(CLAIM, c.state.get(CLAIM) | (lo & CLAIM_TAGS));
      return CONTINUE;
    },
  },
  {
    name: 'DBGCLAIMCLR_EL1',
    encoding: [2, 0, 7, 9, 6],
    access: 'EL1 RW',
    cell: 'DBGCLAIM_EL1',
    write: (c, lo) => {
      c.state.set(CLAIM, c.state.get(CLAIM) & ~lo);
      return CONTINUE;
    },
  },
  { name: 'DBGAUTHSTATUS_EL1', encoding: [2, 0, 7, 14, 6], access: 'EL1 RO', value: 0n },
  { name: 'MDCCSR_EL0', encoding: [2, 3, 0, 1, 0], access: 'EL0 RO', value: 0n },
  {
    name: 'DBGDTR_EL0',
    encoding: [2, 3, 0, 4, 0],
    access: 'EL0 RW',
    read: () => 0,
    write: () => CONTINUE,
  },
  {
    name: 'DBGDTRRX_EL0, DBGDTRTX_EL0',
    encoding: [2, 3, 0, 5, 0],
    access: 'EL0 RW',
    read: () => 0,
    write: () => CONTINUE,
  },
];
