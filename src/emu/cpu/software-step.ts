/**
 * Software step (Arm ARM D2.12), the mechanism behind PTRACE_SINGLESTEP and in-guest debuggers. Active while
 * MDSCR_EL1.SS is set, the OS lock is open and debug exceptions are enabled at the current level; then
 * PSTATE.SS tells whether one instruction may still run.
 */
import { CPU } from '../layout/cpu-state.ts';
import { DAIF } from './execution-context.ts';
import { type CpuState, cellOffset } from './state.ts';

const MDSCR = cellOffset('MDSCR_EL1');
const OSLSR = cellOffset('OSLSR_EL1');
const MDSCR_SS = 1 << 0;
const MDSCR_KDE = 1 << 13;
const OSLSR_OSLK = 1 << 1;
const ISV = 1 << 24;
const DEBUG_EXCEPTION_STATUS = 0x22;
/** ISS of the exception after a stepped instruction. */
export const ISS_STEPPED = ISV | DEBUG_EXCEPTION_STATUS;
/** ISS.EX: that was a Load-Exclusive. */
export const ISS_STEPPED_EXCLUSIVE = 1 << 6;
/** ISS when no instruction was stepped. */
export const ISS_STEP_PENDING = DEBUG_EXCEPTION_STATUS;

/** Whether debug exceptions but BRK can be taken from `el`; `daif` has PSTATE.D at the place SPSR has it (D2.4). */
export function debugExceptionsEnabled(state: CpuState, el: number, daif: number): boolean {
  return el === 0 || ((state.get(MDSCR) & MDSCR_KDE) !== 0 && (daif & DAIF.D) === 0);
}

export class SoftwareStep {
  private readonly state: CpuState;

  constructor(state: CpuState) {
    this.state = state;
  }

  /** Whether instructions at the current level are being stepped. */
  active(): boolean {
    return this.armed() && this.enabledAt(this.state.get(CPU.EL), this.state.get(CPU.DAIF));
  }

  /** Whether a return to `el` with this SPSR takes PSTATE.SS from it. */
  entersByReturn(spsr: number, el: number): boolean {
    const from = this.state;
    return this.armed() && !this.enabledAt(from.get(CPU.EL), from.get(CPU.DAIF)) && this.enabledAt(el, spsr);
  }

  private armed(): boolean {
    return (this.state.get(MDSCR) & MDSCR_SS) !== 0 && (this.state.get(OSLSR) & OSLSR_OSLK) === 0;
  }

  private enabledAt(el: number, daif: number): boolean {
    return debugExceptionsEnabled(this.state, el, daif);
  }
}
