/**
 * The contract between code that executes instructions (interpreter, translator) and the parts of the CPU
 * written in TypeScript: translation misses, device accesses, exceptions, system registers, timers.
 *
 * Conventions. All arguments and results are i32. The state block's PC is the address of the executing
 * instruction when a method is called, and the methods leave the block exact. A method that takes an
 * exception sets PC to the vector; the caller then looks PC up again.
 */
import type { AccessSize, Clock, Entropy, InterruptLine, Log, Stateful } from '../base/ports.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Access } from '../mmu/access.ts';
import type { CpuProfile } from './profiles.ts';

/** Go on with the next instruction; PC was not touched. */
export const CONTINUE = 0;
/** Done, PC already points to the next instruction; translation or PSTATE changed: look everything up. */
export const RESYNC = 1;
/** An exception was taken: PC is the vector. */
export const EXCEPTION = 2;
/** Done, PC already points to the next instruction, and the guest waits: see `wakesUp`. */
export const WAIT = 3;
export type StepResult = typeof CONTINUE | typeof RESYNC | typeof EXCEPTION | typeof WAIT;

/** Answers of `softwareStep`. */
export const STEP_ONE = 1;
export const STEP_TAKEN = 2;

/** Bits of the state word ATTENTION. The CPU keeps these three; the others belong to the run loop. */
export const ATTENTION_INTERRUPT = 1;
/** An instruction was left for `finishAtomic`. */
export const ATTENTION_ATOMIC = 8;
/** Instructions at the current level are stepped one by one: see `softwareStep`. */
export const ATTENTION_STEP = 4;

/** A system-register or SYS encoding in 16 bits: op0:op1:CRn:CRm:op2. */
export function systemKey(op0: number, op1: number, crn: number, crm: number, op2: number): number {
  return (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;
}

/** What CNTPCT_EL0 and CNTVCT_EL0 read. */
export interface SystemCounter {
  /** An integer below 2^53. */
  count(): number;
  /** Nanoseconds between different counts, at least (Clock). */
  readonly resolutionNs: number;
}

export interface CpuRuntime extends Stateful {
  /** Called before a data abort is taken, which saves PSTATE: the last moment to make the flags exact. */
  beforeDataAbort: () => void;
  /**
   * A load that missed the read TLB. Returns the linear-memory address where all bytes can be read (RAM, or
   * the block's SCRATCH for page-crossing and device loads), or 0 after a data abort.
   */
  readSlow(vaLo: number, vaHi: number, access: Access): number;
  /**
   * A store that missed the write TLB, bytes in SCRATCH. Writes all bytes and returns 1, or writes none and
   * returns 0 after a data abort.
   */
  writeSlow(vaLo: number, vaHi: number, access: Access): number;
  /**
   * Where an atomic, exclusive or DC ZVA may work in place: linear-memory address of RAM that permits what
   * `access` asks (read, write or both), or 0 after a data abort. Never SCRATCH.
   */
  rmwAddress(vaLo: number, vaHi: number, access: Access): number;
  /** Where plain accesses of one page go (Mmu.probe), or 0; never faults. */
  probe(vaLo: number, vaHi: number, access: Access): number;
  /**
   * Translates PC for execution: linear-memory address of the 4 KiB page of RAM that holds it, or 0 after an
   * instruction abort, a PC alignment fault or a breakpoint. May rewrite PC to its canonical form (top byte ignored, TBI):
   * read PC from the block afterwards.
   */
  fetchAddress(): number;
  /** Whether the instruction at PC must be fetched by itself: one of its page has a breakpoint. */
  fetchesAlone(): boolean;
  /** Whether fetches may be cached (SCTLR_EL1.I): if not, fetches must see every earlier store. */
  instructionCacheEnabled(): boolean;

  /** MRS. `rt` is a slot of the register file as in the layout: 0 … 30, SLOT_ZERO or SLOT_SINK. */
  systemRead(key: number, rt: number): StepResult;
  /** MSR (register). */
  systemWrite(key: number, rt: number): StepResult;
  /** SYS and SYSL: AT, DC, IC, TLBI. */
  systemOperation(key: number, rt: number): StepResult;
  /** MSR (immediate): `op1op2` is op1:op2 in 6 bits. */
  systemImmediate(op1op2: number, crm: number): StepResult;

  supervisorCall(imm16: number): StepResult;
  hypervisorCall(imm16: number): StepResult;
  secureMonitorCall(imm16: number): StepResult;
  breakpoint(imm16: number): StepResult;
  halt(imm16: number): StepResult;
  /** Unallocated or unimplemented instruction; logged once for each PC. */
  undefinedInstruction(word: number): StepResult;
  /** An FP or AdvSIMD instruction while FP_TRAPPED. */
  fpTrap(): StepResult;
  /** Cumulative exceptions of a floating-point operation: bits to set in FPSR. */
  raiseFpExceptions(exceptions: number): void;
  readonly counter: SystemCounter;
  illegalState(): StepResult;
  spAlignment(): StepResult;
  eret(): StepResult;
  /**
   * The instruction at PC is about to branch to an address with PSTATE.BTYPE = `type`: CONTINUE, or the Branch Target
   * exception has been taken at the target.
   */
  branchTarget(lo: number, hi: number, type: number): StepResult;
  /** ERETAA, ERETAB: to the address in SCRATCH instead of ELR_EL1. */
  eretToScratch(): StepResult;
  /** WAIT, or RESYNC when an interrupt is pending already (masked or not). */
  waitForInterrupt(): StepResult;
  /** WAIT, or RESYNC when an event has come; an interrupt that is masked is none. */
  waitForEvent(): StepResult;
  sendEvent(): StepResult;
  /**
   * Carries out the atomic instruction at PC, whose address is misaligned (FEAT_LSE2): asked for by
   * ATTENTION_ATOMIC after the instruction was left, because hosts have no such atomics.
   */
  finishAtomic(): void;

  /**
   * Software step (PTRACE_SINGLESTEP of the guest); ask whenever ATTENTION_STEP is set. CONTINUE: not stepping;
   * STEP_ONE: execute one instruction, then call `softwareStepped`; STEP_TAKEN: the step exception has been taken.
   */
  softwareStep(): number;
  /** Takes the exception after a stepped instruction, unless that took one itself. */
  softwareStepped(wasLoadExclusive: boolean): void;

  /**
   * Takes a pending unmasked interrupt, with PC being the address of the next instruction: 1 when PC is now
   * its vector, else 0. Recomputes bit 0 of ATTENTION.
   */
  pollInterrupts(): number;
  /** Whether a CPU in WFI would go on: some interrupt line is high. */
  wakesUp(): boolean;
  /** Outputs of the interrupt controller. */
  readonly irqLine: InterruptLine;
  readonly fiqLine: InterruptLine;
  /** System error: edge; taken once when unmasked. */
  raiseSystemError(): void;

  /** Brings the timers' interrupt lines up to date; call between slices and when a deadline has passed. */
  updateTimers(): void;
  /** Clock time at which a timer line will next rise, or undefined when none will. */
  nextTimerDeadlineNs(): number | undefined;
  /** The same for a CPU that waits: in WFE also the next event of the event stream. */
  nextWakeUpNs(): number | undefined;

  /** Cold reset: PC = `pc`, EL1h, everything masked, MMU off. */
  reset(pc: number): void;
  /** Sets X0 … X30, for boot protocols. */
  setX(index: number, value: number): void;
  counters(): CpuCounters;
  /** One line a register, for failures and debuggers. */
  describe(): string;
}

export interface CpuCounters {
  readonly exceptions: number;
  readonly interrupts: number;
  readonly tlbMisses: number;
  readonly mmioAccesses: number;
}

/** Guest-physical addresses that are not RAM; memory/bus.ts fits. */
export interface DeviceBus {
  /** An unsigned value, or a negative number where nothing answers: an external abort. */
  read(address: number, size: AccessSize): number;
  /** False where nothing answers. */
  write(address: number, size: AccessSize, value: number): boolean;
}

/** Where decoded or translated code lives; told about everything that may make it stale. */
export interface CodeCache {
  /** IC IVAU: instructions in [address, address + bytes) of guest-physical memory may have changed. */
  invalidatePhysicalLine(address: number, bytes: number): void;
  /** IC IALLU, IALLUIS. */
  invalidateAll(): void;
  /**
   * Virtual addresses may now lead elsewhere (TLBI, other TLB bank): forget every way from a virtual address
   * to code that does not go through FETCH_TLB.
   */
  contextChanged(): void;
}

/** The system-register face of a GICv3 CPU interface; names as in the architecture, ICC_IAR1_EL1 etc. */
export interface GicCpuInterface {
  /** Undefined when the register cannot be read. */
  readRegister(name: string): number | undefined;
  /** False when the register cannot be written. */
  writeRegister(name: string, lo: number, hi: number): boolean;
}

/** Firmware behind HVC or SMC (PSCI, SMCCC). */
export interface FirmwareCalls {
  /** Which instruction reaches it; the other is UNDEFINED. */
  readonly conduit: 'hvc' | 'smc';
  /** Arguments are X0 … X3, unsigned; the result is the new X0. */
  call(x0: bigint, x1: bigint, x2: bigint, x3: bigint): bigint;
}

/** Where one vCPU's tables lie in linear memory. */
export interface CpuPlacement {
  readonly block: number;
  readonly tlb: number;
  readonly fetch: number;
}

export interface CpuOptions {
  /** MPIDR_EL1 affinity fields. */
  readonly affinity: number;
  /** Which CPU it is; `max` without. */
  readonly profile?: CpuProfile;
  readonly placement: CpuPlacement;
  /**
   * Whether the fast path sends every access that is not aligned to its elements to the slow path. Only
   * then can memory whose accesses must be aligned (MMU off, SCTLR_EL1.A) be in the TLB.
   */
  readonly fastPathChecksAlignment: boolean;
}

export interface CpuPorts {
  readonly memory: GuestMemory;
  readonly bus: DeviceBus;
  readonly gic: GicCpuInterface;
  readonly firmware: FirmwareCalls;
  readonly clock: Clock;
  /** For RNDR and RNDRRS. */
  readonly entropy: Entropy;
  readonly log: Log;
  readonly codeCache: CodeCache;
  /** Outputs of the generic timers: CNTP (PPI 14) and CNTV (PPI 11). */
  readonly physicalTimerLine: InterruptLine;
  readonly virtualTimerLine: InterruptLine;
}
