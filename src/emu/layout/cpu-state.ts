/**
 * Offsets of one vCPU's state in the machine's linear memory, relative to the vCPU's block.
 *
 * Both the interpreter's wasm code and TypeScript read this state, so it is the only truth while the
 * guest runs; nothing guest-visible lives in closures or generated code. 64-bit fields are little-endian;
 * TypeScript reads them as two 32-bit halves (low half first) and never as BigInt on a hot path.
 */

/** Index of the register file slot that holds the current stack pointer. */
export const SLOT_SP = 31;
/** Slot that always reads as zero: register 31 as a source. */
export const SLOT_ZERO = 32;
/** Slot that takes writes to register 31 which go nowhere. */
export const SLOT_SINK = 33;

/** Entries of the table of checked branch targets. */
export const BRANCH_TARGETS = 64;

/** The fields, in order: name → size in bytes. Offsets are derived, each aligned to its size (16 at most). */
const FIELDS = {
  /** X0 … X30, SP, zero, sink. */
  X: 34 * 8,
  /** V0 … V31. */
  V: 32 * 16,
  /** Address of the instruction to execute next; exact whenever TypeScript code runs. */
  PC: 8,
  /**
   * Condition flags, lazily: N is the sign bit of FLAG_N, Z means FLAG_Z = 0, C is bit 0 of FLAG_C,
   * V is the sign bit of FLAG_V.
   */
  FLAG_N: 8,
  FLAG_Z: 8,
  FLAG_V: 8,
  FLAG_C: 4,

  // PSTATE, one word a field (Arm ARM D1.4).
  /** Current exception level, 0 … 3. */
  EL: 4,
  /** PSTATE.SP: 0 selects SP_EL0, 1 the SP of the current EL. */
  SPSEL: 4,
  /** PSTATE.D, A, I, F at bits 9, 8, 7, 6 as in SPSR. */
  DAIF: 4,
  PAN: 4,
  UAO: 4,
  SS: 4,
  IL: 4,
  DIT: 4,
  SSBS: 4,
  BTYPE: 4,

  // Words that generated code tests.
  /** Non-zero: leave generated code at the next taken branch (interrupt, stop request, end of slice). */
  ATTENTION: 4,
  /** Non-zero when FP and AdvSIMD instructions trap at the current EL (from CPACR_EL1 and EL). */
  FP_TRAPPED: 4,
  /**
   * Non-zero when native floating point gives Arm's result and flags for ordinary operands: FPCR asks for
   * round to nearest, no FZ, DN, AHP or traps, and FPSR.IXC is already set.
   */
  FP_FAST: 4,
  /**
   * While FP_FAST is set, the limits of fp/fast-limits for results of singles and doubles; else 0, below which nothing
   * is: so one comparison asks for both.
   */
  FP_FINITE_S: 4,
  FP_SMALLEST_S: 4,
  FP_ORDINARY_S: 4,
  FP_FINITE_D: 8,
  FP_SMALLEST_D: 8,
  FP_ORDINARY_D: 8,
  /** Non-zero when SP must be 16-byte aligned for loads and stores at the current EL. */
  SP_ALIGNMENT_CHECKED: 4,
  /** Non-zero when code or its mapping may have changed since the last ISB, which must then look everything up. */
  CODE_CHANGED: 4,
  /** Fuel, in bytes of records, that was put aside when ATTENTION cut a slice short. */
  FUEL: 4,
  /** Fuel of translated code, in bytes of records: handed over at entry and exit of a region. */
  BUDGET: 4,
  /**
   * Flags that translated code has not worked out: 0 = the cells above hold them, else a kind of codegen/lazy-flags
   * with its operands. Settled before anything else looks at the flags.
   */
  LAZY_FLAGS_KIND: 4,
  LAZY_FLAGS_CARRY: 4,
  LAZY_FLAGS_A: 8,
  LAZY_FLAGS_B: 8,
  /** Linear-memory address of the read and write TLB banks of the current regime. */
  TLB_READ: 4,
  TLB_WRITE: 4,
  /** The same for LDTR, STTR and the like: accesses as if from EL0. */
  TLB_READ_UNPRIVILEGED: 4,
  TLB_WRITE_UNPRIVILEGED: 4,
  /** Linear-memory address of the table that maps virtual code pages to decoded pages. */
  FETCH_TLB: 4,
  /** PC − record address / 4 for the current decoded page: PC = record / 4 + PC_BIAS (see interpreter/). */
  PC_BIAS: 8,

  // Exclusive monitor (Arm ARM B2.10): linear-memory address of the marked location, or 0 when open.
  EXCLUSIVE_ADDRESS: 4,
  EXCLUSIVE_SIZE: 4,
  /** What LDXR read, compared by STXR: up to 16 bytes. */
  EXCLUSIVE_VALUE: 16,

  FPCR: 4,
  FPSR: 4,

  /** 64 bytes through which helpers and generated code hand over values. */
  SCRATCH: 64,

  // Banked and system registers that generated code reads and writes directly.
  SP_EL0: 8,
  SP_EL1: 8,
  SP_EL2: 8,
  SP_EL3: 8,
  TPIDR_EL0: 8,
  TPIDRRO_EL0: 8,
  TPIDR_EL1: 8,

  // Counters for statistics; the guest does not see them.
  /** Instructions executed by translated code, in bytes of records. */
  COUNT_TRANSLATED: 8,
  COUNT_READ_MISSES: 4,
  COUNT_WRITE_MISSES: 4,
  COUNT_EXCEPTIONS: 4,
  COUNT_INTERRUPTS: 4,
  COUNT_MMIO: 4,

  /** Levels of the interrupt inputs: bit 0 IRQ, bit 1 FIQ, bit 2 a pending SError. */
  INTERRUPT_LINES: 4,
  /** The event register that WFE waits for (Arm ARM D1.7.1). */
  EVENT_REGISTER: 4,
  /** Non-zero when DC ZVA traps at the current EL (SCTLR_EL1.DZE at EL0). */
  ZVA_TRAPPED: 4,
  /** Non-zero once guarded pages have been seen: indirect branches then check their targets (FEAT_BTI). */
  BRANCH_TARGETS_GUARDED: 4,
  /** Targets that passed, each with its type of branch in the low bits, placed by bits of the address. */
  BRANCH_TARGETS: BRANCH_TARGETS * 8,
  /** Which bits of an address hold its authentication code (bit 55 aside), in each half; from TCR_EL1. */
  PAC_MASK_LOW_CODE: 8,
  PAC_MASK_HIGH_CODE: 8,
  PAC_MASK_LOW_DATA: 8,
  PAC_MASK_HIGH_DATA: 8,
  /** Left shift that brings the bit which selects the half when an address is signed to the top: 8 or 0. */
  PAC_SIGN_SHIFT_CODE: 8,
  PAC_SIGN_SHIFT_DATA: 8,
  /** The other system registers: one 8-byte cell a register; numbered by cpu/system-registers. */
  SYSTEM_REGISTERS: 1024 * 8,
} as const;

export type CpuField = keyof typeof FIELDS;

function place(): { offsets: Readonly<Record<CpuField, number>>; size: number } {
  let at = 0;
  const offsets = {} as Record<CpuField, number>;
  for (const [name, size] of Object.entries(FIELDS) as [CpuField, number][]) {
    const alignment = size >= 16 ? 16 : size;
    at = (at + alignment - 1) & -alignment;
    offsets[name] = at;
    at += size;
  }
  return { offsets, size: (at + 15) & -16 };
}

const placed = place();
/**
 * Offset of each field from the start of the vCPU's block. hot: V8 keeps an object filled by computed names
 * as a hash table; copied, its properties become constants (ERET and SVC together took 860 ns before, 245 after).
 */
export const CPU: Readonly<Record<CpuField, number>> = { ...placed.offsets };
/** Size of a vCPU's block in bytes. */
export const CPU_STATE_SIZE = placed.size;
