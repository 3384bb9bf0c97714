/**
 * Taking exceptions and returning from them (Arm ARM D1.3, D1.4.4): ESR, FAR, SPSR, ELR and PSTATE exact.
 * EL2 and EL3 are not implemented; `targetEl` is the one place that would route to them.
 */
import { CPU } from '../layout/cpu-state.ts';
import type { FaultSink } from '../mmu/faults.ts';
import {
  type ExceptionKind,
  ISS_CACHE_MAINTENANCE,
  ISS_DEBUG,
  ISS_WRITE,
  syndrome,
  VECTOR,
} from './exception-classes.ts';
import { DAIF, type ExecutionContext, LINE, SCTLR, SCTLR_HI_DSSBS } from './execution-context.ts';
import { applySpsrFlags, packSpsr, SPSR, selectMode } from './pstate.ts';
import { type CpuState, cellOffset } from './state.ts';

const ELR = cellOffset('ELR_EL1');
const SPSR_CELL = cellOffset('SPSR_EL1');
const ESR = cellOffset('ESR_EL1');
const FAR = cellOffset('FAR_EL1');
const VBAR = cellOffset('VBAR_EL1');
const SCTLR_CELL = cellOffset('SCTLR_EL1');
const ALL_MASKED = DAIF.D | DAIF.A | DAIF.I | DAIF.F;

/** An SError of a machine that has no further syndrome (ISS.IDS = 0, DFSC 0: uncategorized). */
const ISS_SERROR = 0;

export class Exceptions implements FaultSink {
  private readonly state: CpuState;
  private readonly context: ExecutionContext;
  /** Whether an ERET from EL1 re-arms software step; see software-step.ts. */
  private readonly stepAfterReturn: (spsr: number, el: number) => boolean;

  constructor(
    state: CpuState,
    context: ExecutionContext,
    stepAfterReturn: (spsr: number, el: number) => boolean,
  ) {
    this.state = state;
    this.context = context;
    this.stepAfterReturn = stepAfterReturn;
  }

  /** A synchronous exception that returns to the current PC. */
  synchronous(kind: ExceptionKind, iss: number): void {
    this.state.set(ESR, syndrome(kind, this.state.get(CPU.EL) === 0, iss));
    this.state.set(ESR + 4, 0);
    this.enter(VECTOR.synchronous);
  }

  dataAbort(vaLo: number, vaHi: number, status: number, write: boolean, cacheMaintenance: boolean): void {
    this.state.setPair(FAR, vaLo, vaHi);
    const iss = status | (write ? ISS_WRITE : 0) | (cacheMaintenance ? ISS_WRITE | ISS_CACHE_MAINTENANCE : 0);
    this.synchronous('dataAbort', iss);
  }

  /** A watchpoint, met at an address that FAR tells. */
  watchpoint(vaLo: number, vaHi: number, write: boolean): void {
    this.state.setPair(FAR, vaLo, vaHi);
    this.synchronous('watchpoint', ISS_DEBUG | (write ? ISS_WRITE : 0));
  }

  instructionAbort(status: number): void {
    this.state.copyPair(CPU.PC, FAR);
    this.synchronous('instructionAbort', status);
  }

  pcAlignment(): void {
    this.state.copyPair(CPU.PC, FAR);
    this.synchronous('pcAlignment', 0);
  }

  /** Takes the most urgent pending interrupt that is not masked; false when there is none. */
  takeInterrupt(): boolean {
    const lines = this.context.unmaskedLines();
    if (lines === 0) return false;
    this.state.increment(CPU.COUNT_INTERRUPTS);
    if (lines & LINE.serror) {
      this.state.set(CPU.INTERRUPT_LINES, this.state.get(CPU.INTERRUPT_LINES) & ~LINE.serror);
      this.state.setPair(ESR, syndrome('serror', this.state.get(CPU.EL) === 0, ISS_SERROR), 0);
      this.enter(VECTOR.serror);
    } else this.enter(lines & LINE.irq ? VECTOR.irq : VECTOR.fiq);
    return true;
  }

  /** ERET at EL1, to the address in a field of the state block. An illegal return sets PSTATE.IL and stays at the same level. */
  exceptionReturn(addressField: number): void {
    const s = this.state;
    const spsr = s.get(SPSR_CELL);
    const el = (spsr >>> SPSR.EL_SHIFT) & SPSR.EL_MASK;
    const legal = isLegalReturn(spsr, el, s.get(CPU.EL));
    s.set(CPU.SS, legal && this.stepAfterReturn(spsr, el) && spsr & SPSR.SS ? 1 : 0);
    s.copyPair(addressField, CPU.PC);
    applySpsrFlags(s, spsr);
    if (legal) {
      selectMode(s, el, spsr & SPSR.SP);
      s.set(CPU.IL, spsr & SPSR.IL ? 1 : 0);
      s.set(CPU.SSBS, spsr & SPSR.SSBS ? 1 : 0);
      s.set(CPU.UAO, spsr & SPSR.UAO ? 1 : 0);
      s.set(CPU.BTYPE, (spsr >>> SPSR.BTYPE_SHIFT) & SPSR.BTYPE_MASK);
      s.set(CPU.DIT, spsr & SPSR.DIT ? 1 : 0);
    } else s.set(CPU.IL, 1);
    s.set(CPU.EXCLUSIVE_ADDRESS, 0);
    s.set(CPU.EVENT_REGISTER, 1);
    this.context.pstateChanged();
  }

  /** The level that takes exceptions from the current one. */
  private targetEl(): 1 {
    return 1;
  }

  /** Everything that every exception does; ESR and FAR are written already. Returns to PC. */
  private enter(kindOffset: number): void {
    const s = this.state;
    const target = this.targetEl();
    const sctlr = s.get(SCTLR_CELL);
    s.set(SPSR_CELL, packSpsr(s));
    s.set(SPSR_CELL + 4, 0);
    s.copyPair(CPU.PC, ELR);
    s.setPair(CPU.PC, s.get(VBAR) | kindOffset | this.originOffset(target), s.high(VBAR));
    selectMode(s, target, 1);
    s.set(CPU.DAIF, ALL_MASKED);
    s.set(CPU.SS, 0);
    s.set(CPU.IL, 0);
    s.set(CPU.BTYPE, 0);
    s.set(CPU.UAO, 0);
    if (!(sctlr & SCTLR.SPAN)) s.set(CPU.PAN, 1);
    s.set(CPU.SSBS, s.high(SCTLR_CELL) & SCTLR_HI_DSSBS ? 1 : 0);
    s.increment(CPU.COUNT_EXCEPTIONS);
    this.context.pstateChanged();
  }

  private originOffset(target: number): number {
    if (this.state.get(CPU.EL) < target) return VECTOR.fromLower;
    return this.state.get(CPU.SPSEL) ? VECTOR.fromCurrentSpx : VECTOR.fromCurrentSp0;
  }
}

/** Arm ARM D1.4.4: AArch32, reserved modes, unimplemented or higher levels make a return illegal. */
function isLegalReturn(spsr: number, el: number, from: number): boolean {
  if (spsr & (SPSR.AARCH32 | SPSR.M1) || el > from) return false;
  return el !== 0 || (spsr & SPSR.SP) === 0;
}
