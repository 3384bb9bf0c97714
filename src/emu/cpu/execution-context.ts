/**
 * What follows from EL, PSTATE and the control registers: the words that generated code tests (FP_TRAPPED,
 * SP_ALIGNMENT_CHECKED, ZVA_TRAPPED, FP_FAST, ATTENTION) and the translation context of the MMU.
 * Whoever changes an input calls the matching method here.
 */
import {
  DOUBLE_LIMITS,
  type FastLimits,
  limitsAfterUnderflow,
  NO_LIMITS,
  SINGLE_LIMITS,
} from '../fp/fast-limits.ts';
import { CPU } from '../layout/cpu-state.ts';
import type { Mmu } from '../mmu/mmu.ts';
import type { RegimeRegisters } from '../mmu/regime.ts';
import type { Comparators } from './comparators.ts';
import { ATTENTION_INTERRUPT, ATTENTION_STEP } from './runtime.ts';
import type { SoftwareStep } from './software-step.ts';
import { type CpuState, cellOffset } from './state.ts';

/** Bits of SCTLR_EL1 (low half) with effects outside translation. */
export const SCTLR = {
  SA: 1 << 3,
  SA0: 1 << 4,
  UMA: 1 << 9,
  DZE: 1 << 14,
  UCT: 1 << 15,
  nTWI: 1 << 16,
  nTWE: 1 << 18,
  TSCXT: 1 << 20,
  SPAN: 1 << 23,
  UCI: 1 << 26,
} as const;
/** In the high half. */
export const SCTLR_HI_DSSBS = 1 << (44 - 32);

const CPACR_FPEN_SHIFT = 20;
/** CPACR_EL1.FPEN: 0 and 2 trap EL0 and EL1, 1 traps EL0. */
const FPEN_TRAPS_ALL = [true, false, true, false] as const;
const FPEN_TRAPS_EL0 = [true, true, true, false] as const;

/** FPCR: FZ16, RMode, FZ, DN, AHP; any of them set rules out the host's arithmetic. */
const FPCR_UNUSUAL = (1 << 19) | (3 << 22) | (1 << 24) | (1 << 25) | (1 << 26);
const FPSR_UFC = 1 << 3;
const FPSR_IXC = 1 << 4;
const HALF_BYTES = 4;
/** What the cells that generated code compares with hold, by the state of FPCR and FPSR: offsets and 32-bit words, in turns. */
const LIMIT_WORDS = {
  unusual: limitWords(NO_LIMITS, NO_LIMITS),
  usual: limitWords(SINGLE_LIMITS, DOUBLE_LIMITS),
  afterUnderflow: limitWords(limitsAfterUnderflow(SINGLE_LIMITS), limitsAfterUnderflow(DOUBLE_LIMITS)),
};
function limitWords(single: FastLimits, double: FastLimits): readonly number[] {
  const halves = (cell: number, limit: bigint) => [
    ...[cell, Number(limit & 0xffff_ffffn)],
    ...[cell + HALF_BYTES, Number(limit >> 32n)],
  ];
  return [
    ...[CPU.FP_FINITE_S, Number(single.finite)],
    ...[CPU.FP_SMALLEST_S, Number(single.smallest)],
    ...[CPU.FP_ORDINARY_S, Number(single.ordinary)],
    ...halves(CPU.FP_FINITE_D, double.finite),
    ...halves(CPU.FP_SMALLEST_D, double.smallest),
    ...halves(CPU.FP_ORDINARY_D, double.ordinary),
  ];
}

/** Interrupt inputs in INTERRUPT_LINES and the DAIF bits that mask them. */
export const LINE = { irq: 1 << 0, fiq: 1 << 1, serror: 1 << 2 } as const;
export const DAIF = { D: 1 << 9, A: 1 << 8, I: 1 << 7, F: 1 << 6 } as const;

const SCTLR_CELL = cellOffset('SCTLR_EL1');
const CPACR_CELL = cellOffset('CPACR_EL1');
const TCR_CELL = cellOffset('TCR_EL1');
const MAIR_CELL = cellOffset('MAIR_EL1');
const TTBR0_CELL = cellOffset('TTBR0_EL1');
const TTBR1_CELL = cellOffset('TTBR1_EL1');

const TAG_BITS = 8;
const BIT_55_HI = 1 << (55 - 32);
const TAG_HI = 0xff << 24;

/** The bits of an address above the translated ones, but for bit 55 and an ignored top byte; as two halves. */
function codeBits(inputBits: number, topByteIgnored: boolean): [lo: number, hi: number] {
  const lo = inputBits < 32 ? -1 << inputBits : 0;
  const hi = inputBits < 32 ? -1 : -1 << (inputBits - 32);
  return [lo, hi & ~BIT_55_HI & (topByteIgnored ? ~TAG_HI : -1)];
}

export class ExecutionContext {
  private readonly state: CpuState;
  private readonly mmu: Mmu;
  private readonly step: SoftwareStep;
  private readonly comparators: Comparators;

  constructor(state: CpuState, mmu: Mmu, step: SoftwareStep, comparators: Comparators) {
    this.state = state;
    this.mmu = mmu;
    this.step = step;
    this.comparators = comparators;
  }

  /** After a change of EL, PAN, UAO or DAIF. */
  pstateChanged(): void {
    this.trapsChanged();
    const s = this.state;
    this.mmu.enter(s.get(CPU.EL), s.get(CPU.PAN) !== 0, s.get(CPU.UAO) !== 0);
    this.interruptsChanged();
    this.steppingChanged();
  }

  /** After a change of EL, SCTLR_EL1 or CPACR_EL1. */
  trapsChanged(): void {
    const s = this.state;
    const el0 = s.get(CPU.EL) === 0;
    const sctlr = s.get(SCTLR_CELL);
    const fpen = (s.get(CPACR_CELL) >>> CPACR_FPEN_SHIFT) & 3;
    const trapped = el0 ? FPEN_TRAPS_EL0[fpen] : FPEN_TRAPS_ALL[fpen];
    s.set(CPU.FP_TRAPPED, trapped ? 1 : 0);
    s.set(CPU.SP_ALIGNMENT_CHECKED, sctlr & (el0 ? SCTLR.SA0 : SCTLR.SA) ? 1 : 0);
    s.set(CPU.ZVA_TRAPPED, el0 && !(sctlr & SCTLR.DZE) ? 1 : 0);
  }

  /** After a change of SCTLR_EL1, TCR_EL1 or MAIR_EL1. */
  regimeChanged(): void {
    this.mmu.configure(this.regimeRegisters());
    this.trapsChanged();
    this.authenticationChanged();
  }

  /** After a change of TCR_EL1: where addresses hold authentication codes (Arm ARM D8.10.1). */
  private authenticationChanged(): void {
    const { low, high } = this.mmu.regime;
    const s = this.state;
    for (const [half, code, data] of [
      [low, CPU.PAC_MASK_LOW_CODE, CPU.PAC_MASK_LOW_DATA],
      [high, CPU.PAC_MASK_HIGH_CODE, CPU.PAC_MASK_HIGH_DATA],
    ] as const) {
      s.setPair(code, ...codeBits(half.inputBits, half.codeTopByteIgnored));
      s.setPair(data, ...codeBits(half.inputBits, half.topByteIgnored));
    }
    const tagged = (ignored: boolean) => (ignored ? TAG_BITS : 0);
    s.setPair(CPU.PAC_SIGN_SHIFT_CODE, tagged(low.codeTopByteIgnored || high.codeTopByteIgnored), 0);
    s.setPair(CPU.PAC_SIGN_SHIFT_DATA, tagged(low.topByteIgnored || high.topByteIgnored), 0);
  }

  /** After a change of TTBRn_EL1. */
  tablesChanged(): void {
    this.mmu.configureTables(this.regimeRegisters());
  }

  /** After a change of FPCR or FPSR. */
  floatingPointChanged(): void {
    const s = this.state;
    const fpsr = s.get(CPU.FPSR);
    const usual = (s.get(CPU.FPCR) & FPCR_UNUSUAL) === 0 && (fpsr & FPSR_IXC) !== 0;
    s.set(CPU.FP_FAST, usual ? 1 : 0);
    const words = LIMIT_WORDS[!usual ? 'unusual' : fpsr & FPSR_UFC ? 'afterUnderflow' : 'usual'];
    // hot: programs that ask for exceptions come here twice for each operation.
    for (let at = 0; at < words.length; at += 2) s.set(words[at]!, words[at + 1]!);
  }

  /** The interrupt inputs that PSTATE lets through, as LINE bits. */
  unmaskedLines(): number {
    const s = this.state;
    const daif = s.get(CPU.DAIF);
    const masked =
      (daif & DAIF.I ? LINE.irq : 0) | (daif & DAIF.F ? LINE.fiq : 0) | (daif & DAIF.A ? LINE.serror : 0);
    return s.get(CPU.INTERRUPT_LINES) & ~masked;
  }

  /** ISR_EL1: what is pending, masked or not, at the places of A, I and F. */
  interruptStatus(): number {
    const lines = this.state.get(CPU.INTERRUPT_LINES);
    return (
      (lines & LINE.irq ? DAIF.I : 0) | (lines & LINE.fiq ? DAIF.F : 0) | (lines & LINE.serror ? DAIF.A : 0)
    );
  }

  /** After a change of the interrupt inputs or DAIF. */
  interruptsChanged(): void {
    const wanted = this.unmaskedLines() !== 0;
    const present = (this.state.get(CPU.ATTENTION) & ATTENTION_INTERRUPT) !== 0;
    if (wanted !== present) this.state.setBits(CPU.ATTENTION, ATTENTION_INTERRUPT, wanted);
  }

  /** After a change of EL, DAIF, MDSCR_EL1 or the OS lock: whether instructions are stepped from now on. */
  steppingChanged(): boolean {
    const wanted = this.step.active();
    const present = (this.state.get(CPU.ATTENTION) & ATTENTION_STEP) !== 0;
    if (wanted !== present) this.state.setBits(CPU.ATTENTION, ATTENTION_STEP, wanted);
    return wanted;
  }

  /**
   * After a change of MDSCR_EL1, the OS lock or a comparator: whether other addresses match from now on. What the TLBs
   * know of pages no longer holds then.
   */
  comparatorsChanged(): boolean {
    const changed = this.comparators.update();
    if (changed) this.mmu.invalidateAll();
    return changed;
  }

  /** After everything changed: reset or restore. */
  everythingChanged(): void {
    this.comparators.update();
    this.regimeChanged();
    this.floatingPointChanged();
    this.pstateChanged();
  }

  private regimeRegisters(): RegimeRegisters {
    const s = this.state;
    return {
      sctlr: s.get(SCTLR_CELL),
      tcrLo: s.get(TCR_CELL),
      tcrHi: s.high(TCR_CELL),
      mairLo: s.get(MAIR_CELL),
      mairHi: s.high(MAIR_CELL),
      ttbr0Lo: s.get(TTBR0_CELL),
      ttbr0Hi: s.high(TTBR0_CELL),
      ttbr1Lo: s.get(TTBR1_CELL),
      ttbr1Hi: s.high(TTBR1_CELL),
    };
  }
}
