/**
 * One vCPU without its execution engine: the parts of CpuRuntime put together, reset, save and restore.
 * All guest-visible state is in the state block; the objects here only hold what follows from it.
 */
import type { InterruptLine, SavedState } from '../base/ports.ts';
import { disassemble } from '../isa/disassembler.ts';
import { CPU, CPU_STATE_SIZE, SLOT_SP } from '../layout/cpu-state.ts';
import type { Access } from '../mmu/access.ts';
import { Mmu } from '../mmu/mmu.ts';
import { NO_FAULT } from '../mmu/table-walk.ts';
import { BranchTargets, CALL } from './branch-targets.ts';
import { Comparators } from './comparators.ts';
import { type ExceptionKind, ISS_DEBUG, ISS_FP, ISS_WFE, ISS_WFI } from './exception-classes.ts';
import { Exceptions } from './exceptions.ts';
import { DAIF, ExecutionContext, LINE, SCTLR } from './execution-context.ts';
import { executeMisalignedAtomic } from './misaligned-atomics.ts';
import { CPU_PROFILES } from './profiles.ts';
import { readNzcv } from './pstate.ts';
import {
  ATTENTION_ATOMIC,
  CONTINUE,
  type CodeCache,
  type CpuCounters,
  type CpuOptions,
  type CpuPorts,
  type CpuRuntime,
  EXCEPTION,
  RESYNC,
  STEP_ONE,
  STEP_TAKEN,
  type StepResult,
  type SystemCounter,
  WAIT,
} from './runtime.ts';
import { restoreCpu, saveCpu } from './saved-cpu.ts';
import { ISS_STEP_PENDING, ISS_STEPPED, ISS_STEPPED_EXCLUSIVE, SoftwareStep } from './software-step.ts';
import { CpuState, cellOffset, hex64 } from './state.ts';
import { SystemInstructions } from './system-instructions.ts';
import { identificationValues } from './system-registers/identification.ts';
import { SystemRegisters } from './system-registers/table.ts';
import { Timers } from './timers.ts';
import { Watchpoints } from './watchpoints.ts';

const COMPONENT = 'cpu';
const PC_ALIGNMENT_MASK = 3;
const PAGE_OFFSET_MASK = 0xfff;
const EL1 = 1;
const LINK_REGISTER = 30;
const GENERAL_REGISTERS = 31;
const ELR_CELL = cellOffset('ELR_EL1');
const SCTLR_CELL = cellOffset('SCTLR_EL1');
/** At most this many different PCs are reported as undefined. */
const MAX_REPORTED = 1000;

export class Cpu implements CpuRuntime {
  readonly irqLine: InterruptLine;
  readonly fiqLine: InterruptLine;
  readonly state: CpuState;
  private readonly ports: CpuPorts;
  private readonly mmu: Mmu;
  private readonly context: ExecutionContext;
  private readonly exceptions: Exceptions;
  private readonly registers: SystemRegisters;
  private readonly system: SystemInstructions;
  private readonly timers: Timers;
  private readonly step: SoftwareStep;
  private readonly comparators: Comparators;
  private readonly branchTargets: BranchTargets;
  /** Where the atomic left for `finishAtomic` works, as a linear-memory address. */
  private misalignedAtomic = 0;
  /** The last wait was WFE's, and what the event stream had sent when WFE last ran. */
  private awaitsEvent = false;
  private eventsSeen: number | undefined;
  private readonly reported = new Set<string>();
  beforeDataAbort = (): void => {};

  constructor(ports: CpuPorts, options: CpuOptions) {
    this.ports = ports;
    const { affinity, profile = CPU_PROFILES.max } = options;
    const { features } = profile;
    const memory = ports.memory.memory;
    const state = new CpuState(memory, options.placement.block);
    this.state = state;
    this.comparators = new Comparators(state);
    this.mmu = new Mmu({
      memory: ports.memory,
      bus: ports.bus,
      faults: {
        dataAbort: (...fault) => {
          this.beforeDataAbort();
          this.exceptions.dataAbort(...fault);
        },
        instructionAbort: (status) => this.exceptions.instructionAbort(status),
      },
      guardedPage: features.has('FEAT_BTI') ? () => this.state.set(CPU.BRANCH_TARGETS_GUARDED, 1) : undefined,
      contextChanged: () => {
        this.branchTargets.forget();
        ports.codeCache.contextChanged();
      },
      placement: options.placement,
      fastPathChecksAlignment: options.fastPathChecksAlignment,
      watch: new Watchpoints(this.comparators, (...access) => {
        this.beforeDataAbort();
        this.exceptions.watchpoint(...access);
      }),
      misalignedAtomic: features.has('FEAT_LSE2') ? (at) => this.leaveAtomic(at) : undefined,
    });
    this.branchTargets = new BranchTargets(state, this.mmu, ports.memory);
    this.step = new SoftwareStep(state);
    this.context = new ExecutionContext(state, this.mmu, this.step, this.comparators);
    this.exceptions = new Exceptions(state, this.context, (spsr, el) => this.step.entersByReturn(spsr, el));
    this.timers = new Timers(state, ports.clock, ports.physicalTimerLine, ports.virtualTimerLine);
    this.registers = new SystemRegisters(features);
    this.system = new SystemInstructions(
      {
        state,
        context: this.context,
        timers: this.timers,
        gic: ports.gic,
        affinity,
        features,
        identification: identificationValues(profile),
        entropy: ports.entropy,
        hi: 0,
      },
      this.registers,
      { state, mmu: this.mmu, codeCache: this.forgettingCodeCache(), faults: this.exceptions, memory },
      this.exceptions,
      (what) => this.undefinedBecause(what),
    );
    this.irqLine = { setLevel: (high) => this.setLine(LINE.irq, high) };
    this.fiqLine = { setLevel: (high) => this.setLine(LINE.fiq, high) };
    this.reset(0);
  }

  // Memory.

  readSlow(vaLo: number, vaHi: number, access: Access): number {
    return this.mmu.readSlow(vaLo, vaHi, access);
  }

  writeSlow(vaLo: number, vaHi: number, access: Access): number {
    return this.mmu.writeSlow(vaLo, vaHi, access);
  }

  probe(vaLo: number, vaHi: number, access: Access): number {
    return this.mmu.probe(vaLo, vaHi, access);
  }

  rmwAddress(vaLo: number, vaHi: number, access: Access): number {
    return this.mmu.rmwAddress(vaLo, vaHi, access);
  }

  private leaveAtomic(linearAddress: number): void {
    this.misalignedAtomic = linearAddress;
    this.state.setBits(CPU.ATTENTION, ATTENTION_ATOMIC, true);
  }

  finishAtomic(): void {
    const { state } = this;
    state.setBits(CPU.ATTENTION, ATTENTION_ATOMIC, false);
    const page = this.mmu.fetchPage(state.get(CPU.PC), state.high(CPU.PC));
    if (page === 0) return;
    const { buffer } = this.ports.memory.memory;
    const word = new DataView(buffer).getUint32(page + (state.get(CPU.PC) & PAGE_OFFSET_MASK), true);
    executeMisalignedAtomic(state, buffer, this.misalignedAtomic, word);
    state.advance();
  }

  fetchAddress(): number {
    const s = this.state;
    const lo = s.get(CPU.PC);
    const hi = this.mmu.regime.canonicalHigh(s.high(CPU.PC));
    s.setPair(CPU.PC, lo, hi);
    if ((lo & PC_ALIGNMENT_MASK) !== 0) {
      this.exceptions.pcAlignment();
      return 0;
    }
    const page = this.mmu.fetchPage(lo, hi);
    if (page === 0 || !this.comparators.breaksAt(lo, hi)) return page;
    this.raise('breakpoint', ISS_DEBUG);
    return 0;
  }

  fetchesAlone(): boolean {
    return this.comparators.breaksInPage(this.state.get(CPU.PC), this.state.high(CPU.PC));
  }

  instructionCacheEnabled(): boolean {
    return this.mmu.regime.instructionCache;
  }

  // System instructions.

  systemRead(key: number, rt: number): StepResult {
    return this.system.read(key, rt);
  }

  systemWrite(key: number, rt: number): StepResult {
    return this.system.write(key, rt);
  }

  systemOperation(key: number, rt: number): StepResult {
    return this.system.operation(key, rt);
  }

  systemImmediate(op1op2: number, crm: number): StepResult {
    return this.system.immediate(op1op2, crm);
  }

  // Exceptions.

  supervisorCall(imm16: number): StepResult {
    this.state.advance();
    // The call counts as executed: SSAdvance() of its pseudocode.
    this.state.set(CPU.SS, 0);
    return this.raise('svc', imm16);
  }

  /** Without EL2 and EL3 the calls are UNDEFINED, unless firmware stands behind them. */
  hypervisorCall(_imm16: number): StepResult {
    return this.firmwareCall('hvc');
  }

  secureMonitorCall(_imm16: number): StepResult {
    return this.firmwareCall('smc');
  }

  private firmwareCall(instruction: 'hvc' | 'smc'): StepResult {
    const { firmware } = this.ports;
    if (firmware.conduit !== instruction || this.state.get(CPU.EL) === 0) {
      return this.undefinedBecause(instruction.toUpperCase());
    }
    this.state.advance();
    const s = this.state;
    const x = (index: number) => s.wide(s.slot(index));
    s.setWide(s.slot(0), firmware.call(x(0), x(1), x(2), x(3)));
    return RESYNC;
  }

  breakpoint(imm16: number): StepResult {
    return this.raise('brk', imm16);
  }

  /** Halting debug is not implemented. */
  halt(_imm16: number): StepResult {
    return this.undefinedBecause('HLT');
  }

  undefinedInstruction(word: number): StepResult {
    const pc = this.state.wide(CPU.PC);
    const bytes = (word >>> 0).toString(16).padStart(8, '0');
    return this.undefinedBecause(`instruction 0x${bytes}: ${disassemble(word, pc, { aliases: true })}`);
  }

  private undefinedBecause(what: string): StepResult {
    const pc = hex64(this.state.get(CPU.PC), this.state.high(CPU.PC));
    if (!this.reported.has(pc) && this.reported.size < MAX_REPORTED) {
      this.reported.add(pc);
      const el = this.state.get(CPU.EL);
      this.ports.log.write('warning', COMPONENT, `undefined at EL${el}, PC ${pc}: ${what}`);
    }
    return this.raise('unknown', 0);
  }

  fpTrap(): StepResult {
    return this.raise('fp', ISS_FP);
  }

  raiseFpExceptions(exceptions: number): void {
    const s = this.state;
    const before = s.get(CPU.FPSR);
    if ((before | exceptions) === before) return;
    s.set(CPU.FPSR, before | exceptions);
    this.context.floatingPointChanged();
  }

  get counter(): SystemCounter {
    return this.timers;
  }

  branchTarget(lo: number, hi: number, type: number): StepResult {
    const { state, branchTargets } = this;
    const canonical = this.mmu.regime.canonicalHigh(hi);
    if (branchTargets.permits(lo, canonical, branchTargets.typeFromHere(type))) {
      if (state.get(CPU.BTYPE) === 0) branchTargets.remember(lo, hi, type);
      return CONTINUE;
    }
    // The exception is the target's: a call has written its link register.
    if (type === CALL) {
      state.advance();
      state.copyPair(CPU.PC, state.slot(LINK_REGISTER));
    }
    state.setPair(CPU.PC, lo, canonical);
    return this.raise('branchTarget', state.get(CPU.BTYPE));
  }

  /** Instructions that change may be targets that were checked. */
  private forgettingCodeCache(): CodeCache {
    const { codeCache } = this.ports;
    return {
      invalidatePhysicalLine: (address, bytes) => {
        this.branchTargets.forget();
        codeCache.invalidatePhysicalLine(address, bytes);
      },
      invalidateAll: () => {
        this.branchTargets.forget();
        codeCache.invalidateAll();
      },
      contextChanged: () => codeCache.contextChanged(),
    };
  }

  illegalState(): StepResult {
    return this.raise('illegalState', 0);
  }

  spAlignment(): StepResult {
    return this.raise('spAlignment', 0);
  }

  private raise(kind: ExceptionKind, iss: number): StepResult {
    this.exceptions.synchronous(kind, iss);
    return EXCEPTION;
  }

  eret(): StepResult {
    return this.returnTo(ELR_CELL);
  }

  eretToScratch(): StepResult {
    return this.returnTo(CPU.SCRATCH);
  }

  /** Exception return to the address in a field of the state block. */
  private returnTo(field: number): StepResult {
    if (this.state.get(CPU.EL) === 0) return this.undefinedBecause('ERET');
    this.exceptions.exceptionReturn(field);
    if (this.exceptions.takeInterrupt()) return EXCEPTION;
    if (!this.state.get(CPU.IL)) return this.afterReturn();
    // The next instruction meets PSTATE.IL, unless a step is due or it cannot be fetched (Arm ARM D1.3.5.5).
    if (this.softwareStep() === STEP_TAKEN || this.fetchAddress() === 0) return EXCEPTION;
    return this.illegalState();
  }

  /** A return with PSTATE.BTYPE, to where an exception came between an indirect branch and its target. */
  private afterReturn(): StepResult {
    const s = this.state;
    const type = s.get(CPU.BTYPE);
    if (type === 0 || this.step.active()) return RESYNC;
    if (this.branchTargets.permits(s.get(CPU.PC), s.high(CPU.PC), type)) return RESYNC;
    return this.raise('branchTarget', type);
  }

  waitForInterrupt(): StepResult {
    const s = this.state;
    const passes = this.wakesUp();
    if (!passes && s.get(CPU.EL) === 0 && !(s.get(SCTLR_CELL) & SCTLR.nTWI))
      return this.raise('wfx', ISS_WFI);
    this.awaitsEvent = false;
    s.advance();
    return passes ? RESYNC : WAIT;
  }

  waitForEvent(): StepResult {
    const s = this.state;
    const events = this.timers.eventsSent();
    const passes =
      s.get(CPU.EVENT_REGISTER) !== 0 ||
      (events !== undefined && events !== this.eventsSeen) ||
      this.context.unmaskedLines() !== 0;
    if (!passes && s.get(CPU.EL) === 0 && !(s.get(SCTLR_CELL) & SCTLR.nTWE))
      return this.raise('wfx', ISS_WFE);
    s.set(CPU.EVENT_REGISTER, 0);
    this.eventsSeen = events;
    this.awaitsEvent = !passes;
    s.advance();
    return passes ? RESYNC : WAIT;
  }

  sendEvent(): StepResult {
    this.state.set(CPU.EVENT_REGISTER, 1);
    return CONTINUE;
  }

  softwareStep(): number {
    if (!this.step.active()) return CONTINUE;
    if (this.state.get(CPU.SS)) return STEP_ONE;
    this.raise('softwareStep', ISS_STEP_PENDING);
    return STEP_TAKEN;
  }

  softwareStepped(wasLoadExclusive: boolean): void {
    if (!this.step.active()) return;
    this.state.set(CPU.SS, 0);
    this.raise('softwareStep', ISS_STEPPED | (wasLoadExclusive ? ISS_STEPPED_EXCLUSIVE : 0));
  }

  // Interrupts and time.

  private setLine(line: number, high: boolean): void {
    this.state.setBits(CPU.INTERRUPT_LINES, line, high);
    this.context.interruptsChanged();
  }

  raiseSystemError(): void {
    this.setLine(LINE.serror, true);
  }

  pollInterrupts(): number {
    this.context.interruptsChanged();
    return this.exceptions.takeInterrupt() ? 1 : 0;
  }

  wakesUp(): boolean {
    return this.state.get(CPU.INTERRUPT_LINES) !== 0;
  }

  updateTimers(): void {
    this.timers.update();
  }

  nextTimerDeadlineNs(): number | undefined {
    return this.timers.nextDeadlineNs();
  }

  nextWakeUpNs(): number | undefined {
    const timer = this.timers.nextDeadlineNs();
    const event = this.awaitsEvent ? this.timers.nextEventNs() : undefined;
    if (timer === undefined || event === undefined) return timer ?? event;
    return Math.min(timer, event);
  }

  // State.

  reset(pc: number): void {
    const s = this.state;
    const lines = s.get(CPU.INTERRUPT_LINES);
    s.bytes(CPU_STATE_SIZE).fill(0);
    for (const register of this.registers.stored) {
      if (register.reset !== 0n) s.setWide(register.offset, register.reset);
    }
    s.setNumber(CPU.PC, pc);
    s.setPair(CPU.FLAG_Z, 1, 0);
    s.set(CPU.EL, 1);
    s.set(CPU.SPSEL, 1);
    s.set(CPU.DAIF, DAIF.D | DAIF.A | DAIF.I | DAIF.F);
    s.set(CPU.INTERRUPT_LINES, lines & ~LINE.serror);
    this.mmu.forgetBanks();
    this.context.everythingChanged();
    this.timers.resynchronize();
  }

  setX(index: number, value: number): void {
    this.state.setNumber(this.state.slot(index), value);
  }

  saveState(): SavedState {
    return saveCpu(this.state);
  }

  restoreState(saved: SavedState): void {
    restoreCpu(this.state, saved);
    this.mmu.forgetBanks();
    this.context.everythingChanged();
    this.timers.resynchronize();
    this.ports.codeCache.invalidateAll();
  }

  counters(): CpuCounters {
    const count = (field: number) => this.state.get(field) >>> 0;
    return {
      exceptions: count(CPU.COUNT_EXCEPTIONS),
      interrupts: count(CPU.COUNT_INTERRUPTS),
      tlbMisses: count(CPU.COUNT_READ_MISSES) + count(CPU.COUNT_WRITE_MISSES),
      mmioAccesses: count(CPU.COUNT_MMIO),
    };
  }

  /** Guest-physical address of the page that a privileged read at a virtual address would reach; for tools. */
  physicalPage(vaLo: number, vaHi: number): number | undefined {
    const { fault, page } = this.mmu.translateFor(vaLo, vaHi, EL1, false, false);
    return fault === NO_FAULT ? page : undefined;
  }

  describe(): string {
    const s = this.state;
    const wide = (offset: number) => hex64(s.get(offset), s.high(offset));
    const lines = [`PC   ${wide(CPU.PC)}`, `SP   ${wide(s.slot(SLOT_SP))}`];
    for (let i = 0; i < GENERAL_REGISTERS; i++) lines.push(`X${i}`.padEnd(5) + wide(s.slot(i)));
    const nzcv = (readNzcv(s) >>> 28).toString(2).padStart(4, '0');
    lines.push(`EL${s.get(CPU.EL)} NZCV ${nzcv} DAIF ${(s.get(CPU.DAIF) >> 6).toString(2).padStart(4, '0')}`);
    for (const name of ['ESR_EL1', 'FAR_EL1', 'ELR_EL1', 'SPSR_EL1'] as const) {
      lines.push(name.padEnd(9) + wide(cellOffset(name)));
    }
    return lines.join('\n');
  }
}
