/**
 * Branch target identification (FEAT_BTI, Arm ARM D8.3.5): an indirect branch into a guarded page must lead to BTI,
 * PACIASP or PACIBSP of a fitting type, or to BRK or HLT. The branch checks its target before it goes there, so that
 * nothing else pays; PSTATE.BTYPE is therefore zero but for what faults at the target. Invariant: the table holds
 * targets only that would pass again; whatever may change that empties it.
 */
import { BRANCH_TARGETS, CPU } from '../layout/cpu-state.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Mmu } from '../mmu/mmu.ts';
import { NO_FAULT } from '../mmu/table-walk.ts';
import { type CpuState, cellOffset } from './state.ts';

/** PSTATE.BTYPE. */
export const CALL = 2;
const JUMP_X16 = 1;
const JUMP = 3;
const PAGE_BYTES = 0x1000;
const ENTRY_BYTES = 8;
const SCTLR = cellOffset('SCTLR_EL1');
/** SCTLR_EL1.BT0 and BT1, in the high half: PACIASP does not take jumps of type 3 at this level. */
const SCTLR_HI_BT = [1 << (35 - 32), 1 << (36 - 32)] as const;

interface LandingPad {
  readonly mask: number;
  readonly value: number;
  readonly accepts: readonly number[];
}
const HINT = 0xd503201f | 0;
const hint = (number: number, accepts: readonly number[]): LandingPad => ({
  mask: -1,
  value: HINT | (number << 5),
  accepts,
});
/** Instructions of EXCEPTION_IMMEDIATE form: BRK and HLT. */
const EXCEPTION_MASK = 0xffe0_001f | 0;
const LANDING_PADS: readonly LandingPad[] = [
  hint(34, [JUMP_X16, CALL]), // BTI c
  hint(36, [JUMP_X16, JUMP]), // BTI j
  hint(38, [JUMP_X16, CALL, JUMP]), // BTI jc
  { mask: EXCEPTION_MASK, value: 0xd420_0000 | 0, accepts: [JUMP_X16, CALL, JUMP] },
  { mask: EXCEPTION_MASK, value: 0xd440_0000 | 0, accepts: [JUMP_X16, CALL, JUMP] },
];
const [PACIASP, PACIBSP] = [HINT | (25 << 5), HINT | (27 << 5)] as const;

export class BranchTargets {
  private readonly state: CpuState;
  private readonly mmu: Mmu;
  private readonly memory: GuestMemory;
  private readonly words: Int32Array;

  constructor(state: CpuState, mmu: Mmu, memory: GuestMemory) {
    this.state = state;
    this.mmu = mmu;
    this.memory = memory;
    this.words = new Int32Array(memory.memory.buffer);
  }

  forget(): void {
    const first = (this.state.block + CPU.BRANCH_TARGETS) >>> 2;
    if (this.state.get(CPU.BRANCH_TARGETS_GUARDED))
      this.words.fill(0, first, first + (BRANCH_TARGETS * ENTRY_BYTES) / 4);
  }

  /** Enters a target as generated code looks for it. */
  remember(lo: number, hi: number, type: number): void {
    const slot = (lo >>> 2) & (BRANCH_TARGETS - 1);
    this.state.setPair(CPU.BRANCH_TARGETS + slot * ENTRY_BYTES, lo + type, hi);
  }

  /** The type that a branch at PC really has: outside guarded pages jumps through any register are like X16's. */
  typeFromHere(type: number): number {
    if (type !== JUMP) return type;
    const here = this.mmu.translateCode(this.state.get(CPU.PC), this.state.high(CPU.PC));
    return here.fault === NO_FAULT && here.guarded ? JUMP : JUMP_X16;
  }

  /**
   * Whether a branch of this type may arrive at an address. Where the fetch will fault or the answer is no, PSTATE.BTYPE
   * is set for the exception.
   */
  permits(lo: number, hi: number, type: number): boolean {
    const target = this.mmu.translateCode(lo, hi);
    const faults = target.fault !== NO_FAULT || (lo & 3) !== 0;
    const passes = faults || !target.guarded || this.accepts(target.page + (lo & (PAGE_BYTES - 1)), type);
    this.state.set(CPU.BTYPE, faults || !passes ? type : 0);
    return passes;
  }

  private accepts(address: number, type: number): boolean {
    const at = this.memory.offsetOf(address, 4);
    // Not RAM: the fetch faults.
    if (at < 0) return true;
    const word = this.words[at >>> 2]!;
    if (word === PACIASP || word === PACIBSP) return type !== JUMP || !this.strict();
    return LANDING_PADS.some(({ mask, value, accepts }) => (word & mask) === value && accepts.includes(type));
  }

  private strict(): boolean {
    return (this.state.high(SCTLR) & SCTLR_HI_BT[this.state.get(CPU.EL) === 0 ? 0 : 1]) !== 0;
  }
}
