/**
 * The SYS instructions (Arm ARM C5.3 to C5.5): address translation, cache and TLB maintenance, one row each.
 * There is one level of memory and no stale data, so cleaning and invalidating data moves nothing; only the
 * permission checks of DC by address and the effect of IC on decoded code remain.
 */
import type { FeatureName } from '../isa/features.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  ACCESS_CACHE_MAINTENANCE,
  ACCESS_READ,
  ACCESS_WRITE,
  ZERO_BLOCK_ACCESS,
  ZERO_BLOCK_BYTES,
} from '../mmu/access.ts';
import { EXTERNAL_ABORT_ON_WALK, type FaultSink } from '../mmu/faults.ts';
import type { Mmu } from '../mmu/mmu.ts';
import { NO_FAULT } from '../mmu/table-walk.ts';
import { CONTINUE, type CodeCache, EXCEPTION, RESYNC, type StepResult, systemKey } from './runtime.ts';
import { type CpuState, cellOffset } from './state.ts';
import { type Encoding, GATE, type Gate } from './system-registers/row.ts';

export interface OperationContext {
  readonly state: CpuState;
  readonly mmu: Mmu;
  readonly codeCache: CodeCache;
  readonly faults: FaultSink;
  readonly memory: WebAssembly.Memory;
}

export interface SystemOperation {
  readonly name: string;
  readonly encoding: Encoding;
  /** UNDEFINED on a CPU without it. */
  readonly feature?: FeatureName;
  /** Usable at EL0 while the gate is open; EL1 only without one. */
  readonly el0?: Gate;
  readonly run: (c: OperationContext, lo: number, hi: number) => StepResult;
}

const LINE_BYTES = 64;
/** A cache line as an access: it checks permissions, not alignment. */
const LINE_ACCESS = 1 | ACCESS_CACHE_MAINTENANCE;
const WORD = 2 ** 32;
const PAR = cellOffset('PAR_EL1');

/** PAR_EL1 (Arm ARM D17.2.106). */
const PAR_F = 1;
const PAR_FST_SHIFT = 1;
const PAR_SH_SHIFT = 7;
const PAR_RES1 = 1 << 11;
const PAR_HI_ATTR_SHIFT = 56 - 32;
const PAR_HI_PA_MASK = 0xffff;

const EXTERNAL_ABORT_LEVELS = 3;

/** TLBI operands: VA[55:12] in bits 43:0, ASID in 63:48. */
const OPERAND_VA_SHIFT = 12;
const OPERAND_HI_VA_MASK = 0xffffff;
const OPERAND_HI_ASID_SHIFT = 16;

function nothing(): StepResult {
  return CONTINUE;
}

function checkLine(c: OperationContext, lo: number, hi: number, need: number): StepResult {
  return c.mmu.physicalAddress(lo, hi, LINE_ACCESS | need) < 0 ? EXCEPTION : CONTINUE;
}

function dataLine(c: OperationContext, lo: number, hi: number): StepResult {
  return checkLine(c, lo, hi, ACCESS_READ);
}

function instructionLine(c: OperationContext, lo: number, hi: number): StepResult {
  const physical = c.mmu.physicalAddress(lo, hi, LINE_ACCESS | ACCESS_READ);
  if (physical < 0) return EXCEPTION;
  c.codeCache.invalidatePhysicalLine(physical - (physical % LINE_BYTES), LINE_BYTES);
  return CONTINUE;
}

function allInstructions(c: OperationContext): StepResult {
  c.codeCache.invalidateAll();
  return RESYNC;
}

function zeroBlock(c: OperationContext, lo: number, hi: number): StepResult {
  const at = c.mmu.rmwAddress(lo, hi, ZERO_BLOCK_ACCESS) >>> 0;
  if (at === 0) return EXCEPTION;
  new Uint8Array(c.memory.buffer, at, ZERO_BLOCK_BYTES).fill(0);
  return CONTINUE;
}

/** AT: what an access from `el` would meet, into PAR_EL1; `checkPan` for the S1E1xP forms. */
function addressTranslation(el: number, write: boolean, checkPan = false): SystemOperation['run'] {
  return (c, lo, hi) => {
    const pan = checkPan && c.state.get(CPU.PAN) !== 0;
    const t = c.mmu.translateFor(lo, hi, el, write, pan);
    if ((t.fault & ~EXTERNAL_ABORT_LEVELS) === EXTERNAL_ABORT_ON_WALK) {
      // Not a result of the translation: the walk itself failed (Arm ARM D8.15).
      c.faults.dataAbort(lo, hi, t.fault, true, true);
      return EXCEPTION;
    }
    if (t.fault !== NO_FAULT) {
      c.state.setPair(PAR, PAR_RES1 | (t.fault << PAR_FST_SHIFT) | PAR_F, 0);
    } else {
      const high = Math.floor(t.page / WORD) & PAR_HI_PA_MASK;
      const low = t.page | 0 | PAR_RES1 | (t.shareability << PAR_SH_SHIFT);
      c.state.setPair(PAR, low, high | (t.attributes << PAR_HI_ATTR_SHIFT));
    }
    return CONTINUE;
  };
}

function tlbiAll(c: OperationContext): StepResult {
  c.mmu.invalidateAll();
  return RESYNC;
}

function tlbiAddress(c: OperationContext, lo: number, hi: number): StepResult {
  const vaHi = ((hi << OPERAND_VA_SHIFT) | (lo >>> (32 - OPERAND_VA_SHIFT))) & OPERAND_HI_VA_MASK;
  c.mmu.invalidateAddress(lo << OPERAND_VA_SHIFT, vaHi);
  // Data accesses see it at once; code that runs from that page may do so until the next ISB.
  c.state.set(CPU.CODE_CHANGED, 1);
  return CONTINUE;
}

function tlbiAsid(c: OperationContext, _lo: number, hi: number): StepResult {
  c.mmu.invalidateAsid(hi >>> OPERAND_HI_ASID_SHIFT);
  return RESYNC;
}

/** A range operand: BaseADDR 36:0, NUM 43:39, SCALE 45:44, TG 47:46, ASID 63:48. */
const RANGE = {
  signShift: 63 - 36,
  numberShift: 39 - 32,
  numberMask: 0x1f,
  scaleShift: 44 - 32,
  granuleShift: 46 - 32,
  /** log2 of the granule by TG; 0 is reserved. */
  granules: [0, 12, 14, 16],
} as const;
/** More pages than this go all at once. */
const MOST_PAGES_ONE_BY_ONE = 512;

/** TLBI RVAE1 and relatives (FEAT_TLBIRANGE): (NUM + 1) × 2^(5 × SCALE + 1) granules from BaseADDR on. */
function tlbiRange(c: OperationContext, lo: number, hi: number): StepResult {
  const granuleBits = RANGE.granules[(hi >>> RANGE.granuleShift) & 3]!;
  if (granuleBits === 0) return CONTINUE;
  const number = (hi >>> RANGE.numberShift) & RANGE.numberMask;
  const pages = (number + 1) * 2 ** (5 * ((hi >>> RANGE.scaleShift) & 3) + 1);
  if (pages > MOST_PAGES_ONE_BY_ONE) return tlbiAll(c);
  // The base's top bit is the sign of the address.
  const first = ((hi << RANGE.signShift) >> RANGE.signShift) * WORD + (lo >>> 0);
  for (let page = first; page < first + pages; page++) {
    const address = page * 2 ** granuleBits;
    c.mmu.invalidateAddress(address | 0, Math.floor(address / WORD) & OPERAND_HI_VA_MASK);
  }
  c.state.set(CPU.CODE_CHANGED, 1);
  return CONTINUE;
}

/** TLBI by op2; CRm 1, 3 and 7 are the Outer Shareable, the Inner Shareable and the local form. */
const TLBI_FORMS = [
  [0, 'VMALLE1', tlbiAll],
  [1, 'VAE1', tlbiAddress],
  [2, 'ASIDE1', tlbiAsid],
  [3, 'VAAE1', tlbiAddress],
  [5, 'VALE1', tlbiAddress],
  [7, 'VAALE1', tlbiAddress],
] as const;

const TLBI: readonly SystemOperation[] = TLBI_FORMS.flatMap(([op2, name, run]) => [
  { name: `TLBI ${name}OS`, encoding: [1, 0, 8, 1, op2], feature: 'FEAT_TLBIOS', run },
  { name: `TLBI ${name}IS`, encoding: [1, 0, 8, 3, op2], run },
  { name: `TLBI ${name}`, encoding: [1, 0, 8, 7, op2], run },
]);

const RANGE_NAMES = ['RVAE1', 'RVAAE1', 'RVALE1', 'RVAALE1'];
const RANGE_FORMS = [
  [6, ''],
  [2, 'IS'],
  [5, 'OS'],
] as const;
const TLBI_RANGES: readonly SystemOperation[] = RANGE_FORMS.flatMap(([crm, suffix]) =>
  RANGE_NAMES.map((name, index) => ({
    name: `TLBI ${name}${suffix}`,
    encoding: [1, 0, 8, crm, 2 * index + 1],
    feature: 'FEAT_TLBIRANGE',
    run: tlbiRange,
  })),
);

export const SYSTEM_OPERATIONS: readonly SystemOperation[] = [
  { name: 'IC IALLUIS', encoding: [1, 0, 7, 1, 0], run: allInstructions },
  { name: 'IC IALLU', encoding: [1, 0, 7, 5, 0], run: allInstructions },
  { name: 'IC IVAU', encoding: [1, 3, 7, 5, 1], el0: GATE.uci, run: instructionLine },
  {
    name: 'DC IVAC',
    encoding: [1, 0, 7, 6, 1],
    run: (c, lo, hi) => checkLine(c, lo, hi, ACCESS_WRITE),
  },
  { name: 'DC ISW', encoding: [1, 0, 7, 6, 2], run: nothing },
  { name: 'DC CSW', encoding: [1, 0, 7, 10, 2], run: nothing },
  { name: 'DC CISW', encoding: [1, 0, 7, 14, 2], run: nothing },
  { name: 'DC ZVA', encoding: [1, 3, 7, 4, 1], el0: GATE.dze, run: zeroBlock },
  { name: 'DC CVAC', encoding: [1, 3, 7, 10, 1], el0: GATE.uci, run: dataLine },
  {
    name: 'DC CVAP',
    encoding: [1, 3, 7, 12, 1],
    feature: 'FEAT_DPB',
    el0: GATE.uci,
    run: dataLine,
  },
  {
    name: 'DC CVADP',
    encoding: [1, 3, 7, 13, 1],
    feature: 'FEAT_DPB2',
    el0: GATE.uci,
    run: dataLine,
  },
  { name: 'DC CVAU', encoding: [1, 3, 7, 11, 1], el0: GATE.uci, run: dataLine },
  { name: 'DC CIVAC', encoding: [1, 3, 7, 14, 1], el0: GATE.uci, run: dataLine },
  { name: 'AT S1E1R', encoding: [1, 0, 7, 8, 0], run: addressTranslation(1, false) },
  { name: 'AT S1E1W', encoding: [1, 0, 7, 8, 1], run: addressTranslation(1, true) },
  { name: 'AT S1E0R', encoding: [1, 0, 7, 8, 2], run: addressTranslation(0, false) },
  { name: 'AT S1E0W', encoding: [1, 0, 7, 8, 3], run: addressTranslation(0, true) },
  {
    name: 'AT S1E1RP',
    encoding: [1, 0, 7, 9, 0],
    feature: 'FEAT_PAN2',
    run: addressTranslation(1, false, true),
  },
  {
    name: 'AT S1E1WP',
    encoding: [1, 0, 7, 9, 1],
    feature: 'FEAT_PAN2',
    run: addressTranslation(1, true, true),
  },
  ...TLBI,
  ...TLBI_RANGES,
];

const KEYS = 1 << 16;
/** Encoding → 1 + index, 0 where there is no operation. */
const BY_KEY = new Uint8Array(KEYS);
SYSTEM_OPERATIONS.forEach((row, index) => {
  BY_KEY[systemKey(...row.encoding)] = index + 1;
});

export function findOperation(key: number): SystemOperation | undefined {
  return SYSTEM_OPERATIONS[BY_KEY[key]! - 1];
}
