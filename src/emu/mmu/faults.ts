/**
 * Fault status codes (ESR_ELx.DFSC/IFSC and PAR_EL1.FST, Arm ARM D17.2.40) and where faults are reported.
 * The codes with a level take it in their low two bits.
 */

/** + level. */
export const ADDRESS_SIZE_FAULT = 0b000000;
/** + level. */
export const TRANSLATION_FAULT = 0b000100;
/** + level. */
export const ACCESS_FLAG_FAULT = 0b001000;
/** + level. */
export const PERMISSION_FAULT = 0b001100;
export const EXTERNAL_ABORT = 0b010000;
/** + level: the abort hit a read of the translation table. */
export const EXTERNAL_ABORT_ON_WALK = 0b010100;
export const ALIGNMENT_FAULT = 0b100001;
/** An exclusive or atomic on a location that cannot do it. */
export const UNSUPPORTED_ATOMIC_FAULT = 0b110101;

/** Takes the exceptions that memory accesses cause. */
export interface FaultSink {
  dataAbort(vaLo: number, vaHi: number, status: number, write: boolean, cacheMaintenance: boolean): void;
  instructionAbort(status: number): void;
}
