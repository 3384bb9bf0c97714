/**
 * What surrounds a floating-point operation: the fields of FPCR that change its result and the exceptions
 * it adds to FPSR (Arm ARM C5.2.8 FPCR, C5.2.10 FPSR).
 *
 * FEAT_AFP (AH, FIZ, NEP) and trapped exceptions (IOE … IDE) are not implemented: those bits are RES0, and
 * whoever writes FPCR clears them.
 */

/** Cumulative exception bits, where FPSR has them. */
export const FPSR = {
  IOC: 1 << 0,
  DZC: 1 << 1,
  OFC: 1 << 2,
  UFC: 1 << 3,
  IXC: 1 << 4,
  IDC: 1 << 7,
} as const;

/** Fields of FPCR that these algorithms read. */
export const FPCR = {
  FZ16: 1 << 19,
  RMODE_SHIFT: 22,
  RMODE: 3 << 22,
  FZ: 1 << 24,
  DN: 1 << 25,
  AHP: 1 << 26,
} as const;

/** FPRounding: the first four as FPCR.RMode encodes them, then those that only instructions ask for. */
export const ROUNDING = {
  TIEEVEN: 0,
  POSINF: 1,
  NEGINF: 2,
  ZERO: 3,
  TIEAWAY: 4,
  ODD: 5,
} as const;
export type Rounding = (typeof ROUNDING)[keyof typeof ROUNDING];

/** FPCR taken apart, and the exceptions raised so far. One object serves many operations. */
export class FpEnvironment {
  rounding: Rounding = ROUNDING.TIEEVEN;
  /** FPCR.FZ: single and double. */
  flushToZero = false;
  /** FPCR.FZ16: half, except in conversions between formats. */
  flushToZero16 = false;
  defaultNaN = false;
  alternativeHalf = false;
  /** Bits of FPSR. */
  exceptions = 0;

  constructor(fpcr = 0) {
    this.load(fpcr);
  }

  /** Takes the modes from `fpcr` and forgets the exceptions. */
  load(fpcr: number): void {
    this.rounding = ((fpcr & FPCR.RMODE) >>> FPCR.RMODE_SHIFT) as Rounding;
    this.flushToZero = (fpcr & FPCR.FZ) !== 0;
    this.flushToZero16 = (fpcr & FPCR.FZ16) !== 0;
    this.defaultNaN = (fpcr & FPCR.DN) !== 0;
    this.alternativeHalf = (fpcr & FPCR.AHP) !== 0;
    this.exceptions = 0;
  }

  /** FPProcessException with every trap disabled. */
  raise(exceptions: number): void {
    this.exceptions |= exceptions;
  }
}
