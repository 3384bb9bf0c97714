/**
 * Exception classes that can be taken to EL1 here: ESR_EL1.EC (Arm ARM D17.2.37) and what each reports.
 * Every one of them has IL = 1: A64 instructions are 32 bits, and the aborts have no valid ISS.ISV.
 */

export interface ExceptionClass {
  readonly ec: number;
  readonly name: string;
  /** Where the class differs by the level it came from: EC when taken from EL0 … */
  readonly fromLower?: number;
}

export const EXCEPTION_CLASSES = {
  unknown: { ec: 0x00, name: 'Unknown reason' },
  wfx: { ec: 0x01, name: 'Trapped WFI or WFE' },
  fp: { ec: 0x07, name: 'Access to Advanced SIMD or floating-point trapped' },
  branchTarget: { ec: 0x0d, name: 'Branch Target' },
  illegalState: { ec: 0x0e, name: 'Illegal Execution state' },
  svc: { ec: 0x15, name: 'SVC instruction execution in AArch64 state' },
  system: { ec: 0x18, name: 'Trapped MSR, MRS or System instruction' },
  instructionAbort: { ec: 0x21, fromLower: 0x20, name: 'Instruction Abort' },
  pcAlignment: { ec: 0x22, name: 'PC alignment fault' },
  dataAbort: { ec: 0x25, fromLower: 0x24, name: 'Data Abort' },
  spAlignment: { ec: 0x26, name: 'SP alignment fault' },
  serror: { ec: 0x2f, name: 'SError interrupt' },
  breakpoint: { ec: 0x31, fromLower: 0x30, name: 'Breakpoint' },
  softwareStep: { ec: 0x33, fromLower: 0x32, name: 'Software Step' },
  watchpoint: { ec: 0x35, fromLower: 0x34, name: 'Watchpoint' },
  brk: { ec: 0x3c, name: 'BRK instruction execution in AArch64 state' },
} as const satisfies Record<string, ExceptionClass>;

export type ExceptionKind = keyof typeof EXCEPTION_CLASSES;

const EC_SHIFT = 26;
const IL = 1 << 25;

/** ESR_EL1 for a class, as taken from EL0 or from EL1 itself. */
export function syndrome(kind: ExceptionKind, fromEl0: boolean, iss: number): number {
  const row: ExceptionClass = EXCEPTION_CLASSES[kind];
  const ec = fromEl0 ? (row.fromLower ?? row.ec) : row.ec;
  return (ec << EC_SHIFT) | IL | iss;
}

/** Offsets in the vector table (Arm ARM D1.3.1). */
export const VECTOR = {
  fromCurrentSp0: 0x000,
  fromCurrentSpx: 0x200,
  fromLower: 0x400,
  synchronous: 0x000,
  irq: 0x080,
  fiq: 0x100,
  serror: 0x180,
} as const;

/** ISS of WFI, WFE and FP traps: CV = 1, COND = always. */
const ISS_CONDITION_ALWAYS = (1 << 24) | (0xe << 20);
export const ISS_FP = ISS_CONDITION_ALWAYS;
export const ISS_WFI = ISS_CONDITION_ALWAYS | 0;
export const ISS_WFE = ISS_CONDITION_ALWAYS | 1;
/** IFSC and DFSC of debug exceptions. */
export const ISS_DEBUG = 0x22;
export const ISS_WRITE = 1 << 6;
export const ISS_CACHE_MAINTENANCE = 1 << 8;
