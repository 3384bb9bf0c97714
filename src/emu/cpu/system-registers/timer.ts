/**
 * Generic timer registers (Arm ARM D17.8). Counters and control registers are computed by timers.ts.
 */
import { CONTINUE } from '../runtime.ts';
import { TIMER_HZ } from '../timers.ts';
import { GATE, type Gate, type SystemContext, type SystemRegister } from './row.ts';

const WORD = 2 ** 32;
const ALL = 0xffff_ffff_ffff_ffffn;
const CNTKCTL_WRITABLE = 0x3ffn;

function readCounter(c: SystemContext): number {
  const count = c.timers.count();
  c.hi = Math.floor(count / WORD);
  return count | 0;
}

/** The three registers of a timer: CRm 2 is the physical one, 3 the virtual one. */
function timer(which: 'physical' | 'virtual', letter: 'P' | 'V', crm: number, gate: Gate): SystemRegister[] {
  return [
    {
      name: `CNT${letter}_TVAL_EL0`,
      encoding: [3, 3, 14, crm, 0],
      access: 'EL0 RW',
      gate,
      read: (c) => c.timers[which].readTimerValue(),
      write: (c, lo) => {
        c.timers[which].writeTimerValue(lo);
        return CONTINUE;
      },
    },
    {
      name: `CNT${letter}_CTL_EL0`,
      encoding: [3, 3, 14, crm, 1],
      access: 'EL0 RW',
      gate,
      cell: `CNT${letter}_CTL_EL0`,
      read: (c) => c.timers[which].readControl(),
      write: (c, lo) => {
        c.timers[which].writeControl(lo);
        return CONTINUE;
      },
    },
    {
      name: `CNT${letter}_CVAL_EL0`,
      encoding: [3, 3, 14, crm, 2],
      access: 'EL0 RW',
      gate,
      cell: `CNT${letter}_CVAL_EL0`,
      writable: ALL,
      write: (c, lo, hi) => {
        c.timers[which].writeCompare(lo, hi);
        return CONTINUE;
      },
    },
  ];
}

export const TIMER: readonly SystemRegister[] = [
  {
    // Writable at the highest implemented level, which is EL1; the counter's rate does not follow.
    name: 'CNTFRQ_EL0',
    encoding: [3, 3, 14, 0, 0],
    access: 'EL0 RO, EL1 RW',
    gate: GATE.anyCounter,
    cell: 'CNTFRQ_EL0',
    writable: 0xffff_ffffn,
    reset: BigInt(TIMER_HZ),
  },
  {
    name: 'CNTPCT_EL0',
    encoding: [3, 3, 14, 0, 1],
    access: 'EL0 RO',
    gate: GATE.physicalCounter,
    read: readCounter,
  },
  {
    name: 'CNTVCT_EL0',
    encoding: [3, 3, 14, 0, 2],
    access: 'EL0 RO',
    gate: GATE.virtualCounter,
    read: readCounter,
  },
  {
    name: 'CNTKCTL_EL1',
    encoding: [3, 0, 14, 1, 0],
    access: 'EL1 RW',
    cell: 'CNTKCTL_EL1',
    writable: CNTKCTL_WRITABLE,
  },
  ...timer('physical', 'P', 2, GATE.physicalTimer),
  ...timer('virtual', 'V', 3, GATE.virtualTimer),
];
