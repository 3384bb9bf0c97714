/**
 * PSTATE as SPSR, NZCV and friends hold it, against the words of the state block (Arm ARM C5.2.19, D1.4).
 * AArch64 only; TCO and ALLINT are not implemented and read as zero.
 */
import { CPU, SLOT_SP } from '../layout/cpu-state.ts';
import type { CpuState } from './state.ts';

/** Bits of SPSR_EL1 that PSTATE has. */
export const SPSR = {
  N: 1 << 31,
  Z: 1 << 30,
  C: 1 << 29,
  V: 1 << 28,
  DIT: 1 << 24,
  UAO: 1 << 23,
  PAN: 1 << 22,
  SS: 1 << 21,
  IL: 1 << 20,
  SSBS: 1 << 12,
  BTYPE_SHIFT: 10,
  BTYPE_MASK: 3,
  DAIF: 0xf << 6,
  /** M[4]: AArch32. */
  AARCH32: 1 << 4,
  EL_SHIFT: 2,
  EL_MASK: 3,
  /** M[1]: RES0 in AArch64. */
  M1: 1 << 1,
  SP: 1 << 0,
} as const;

const SIGN = 1 << 31;
const EL0 = 0;

/** The banked stack pointers by exception level. */
const SP_BANK = [CPU.SP_EL0, CPU.SP_EL1, CPU.SP_EL2, CPU.SP_EL3] as const;

export function readNzcv(s: CpuState): number {
  const zero = (s.get(CPU.FLAG_Z) | s.high(CPU.FLAG_Z)) === 0;
  return (
    (s.high(CPU.FLAG_N) < 0 ? SPSR.N : 0) |
    (zero ? SPSR.Z : 0) |
    ((s.get(CPU.FLAG_C) & 1) !== 0 ? SPSR.C : 0) |
    (s.high(CPU.FLAG_V) < 0 ? SPSR.V : 0)
  );
}

export function writeNzcv(s: CpuState, nzcv: number): void {
  s.setPair(CPU.FLAG_N, 0, nzcv & SPSR.N ? SIGN : 0);
  s.setPair(CPU.FLAG_Z, nzcv & SPSR.Z ? 0 : 1, 0);
  s.set(CPU.FLAG_C, nzcv & SPSR.C ? 1 : 0);
  s.setPair(CPU.FLAG_V, 0, nzcv & SPSR.V ? SIGN : 0);
}

/** What an exception taken now saves. */
export function packSpsr(s: CpuState): number {
  return (
    readNzcv(s) |
    (s.get(CPU.DIT) ? SPSR.DIT : 0) |
    (s.get(CPU.UAO) ? SPSR.UAO : 0) |
    (s.get(CPU.PAN) ? SPSR.PAN : 0) |
    (s.get(CPU.SS) ? SPSR.SS : 0) |
    (s.get(CPU.IL) ? SPSR.IL : 0) |
    (s.get(CPU.SSBS) ? SPSR.SSBS : 0) |
    (s.get(CPU.BTYPE) << SPSR.BTYPE_SHIFT) |
    (s.get(CPU.DAIF) & SPSR.DAIF) |
    (s.get(CPU.EL) << SPSR.EL_SHIFT) |
    s.get(CPU.SPSEL)
  );
}

/** The part of a return's SPSR that applies even to an illegal one. */
export function applySpsrFlags(s: CpuState, spsr: number): void {
  writeNzcv(s, spsr);
  s.set(CPU.PAN, spsr & SPSR.PAN ? 1 : 0);
  s.set(CPU.DAIF, spsr & SPSR.DAIF);
}

/** Changes PSTATE.EL and PSTATE.SP, and with them the current stack pointer. */
export function selectMode(s: CpuState, el: number, spsel: number): void {
  s.copyPair(s.slot(SLOT_SP), stackBank(s));
  s.set(CPU.EL, el);
  s.set(CPU.SPSEL, spsel);
  s.copyPair(stackBank(s), s.slot(SLOT_SP));
}

/** Where the current stack pointer lives while another one is selected. */
function stackBank(s: CpuState): number {
  return SP_BANK[s.get(CPU.SPSEL) ? s.get(CPU.EL) : EL0]!;
}
