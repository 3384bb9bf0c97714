/**
 * The shape of a system-register row and the gates that let EL0 through.
 *
 * Every bit is accounted for: `writable` bits are kept, `res1` bits read as one, the rest is RES0. Rows with
 * `read`/`write` compute instead.
 */

import type { Entropy } from '../../base/ports.ts';
import type { FeatureName, FeatureSet } from '../../isa/features.ts';
import { CPU, type CpuField } from '../../layout/cpu-state.ts';
import type { CellName } from '../../layout/system-register-cells.ts';
import { type ExecutionContext, SCTLR } from '../execution-context.ts';
import type { GicCpuInterface, StepResult } from '../runtime.ts';
import { type CpuState, cellOffset } from '../state.ts';
import type { Timers } from '../timers.ts';

/** What the behaviour of a register may touch. */
export interface SystemContext {
  readonly state: CpuState;
  readonly context: ExecutionContext;
  readonly timers: Timers;
  readonly gic: GicCpuInterface;
  readonly affinity: number;
  readonly features: FeatureSet;
  readonly entropy: Entropy;
  /** Values of the identification registers. */
  readonly identification: ReadonlyMap<string, bigint>;
  /** High half of the value that `read` returns. */
  hi: number;
}

/** Which levels may read and write. Anything else is UNDEFINED. */
export type Access = 'EL1 RO' | 'EL1 WO' | 'EL1 RW' | 'EL0 RO' | 'EL0 RW' | 'EL0 RO, EL1 RW';

/** op0, op1, CRn, CRm, op2. */
export type Encoding = readonly [number, number, number, number, number];

/** Whether EL0 is let through; if not, the access traps to EL1 with EC 0x18. */
export type Gate = (state: CpuState) => boolean;

export interface FeatureBits {
  readonly feature: FeatureName;
  readonly bits: bigint;
  readonly otherwise?: 'res1';
}

export interface SystemRegister {
  readonly name: string;
  readonly encoding: Encoding;
  readonly access: Access;
  /** UNDEFINED on a CPU without it. */
  readonly feature?: FeatureName;
  readonly gate?: Gate;
  /** Not accessible, at any level, while FP_TRAPPED. */
  readonly floatingPoint?: boolean;
  /** When not, accesses are UNDEFINED. */
  readonly available?: (state: CpuState) => boolean;
  /** Where it is stored: a cell by name, or a field of the layout. */
  readonly cell?: CellName;
  readonly field?: CpuField;
  readonly writable?: bigint;
  /** Bits that are writable only on CPUs with a feature; without it they read as zero, or as one. */
  readonly featureBits?: readonly FeatureBits[];
  readonly res1?: bigint;
  /** Value after a cold reset, as far as we choose one; zero otherwise. */
  readonly reset?: bigint;
  /** A read-only value. */
  readonly value?: bigint;
  /** Returns the low half, having set `c.hi`; registers of 32 bits need not set it. */
  readonly read?: (c: SystemContext) => number;
  /** Replaces the store to the cell. */
  readonly write?: (c: SystemContext, lo: number, hi: number) => StepResult;
  /** Runs after the store. */
  readonly written?: (c: SystemContext) => StepResult;
}

const CNTKCTL = cellOffset('CNTKCTL_EL1');

function sctlrGate(bit: number): Gate {
  const offset = cellOffset('SCTLR_EL1');
  return (s) => (s.get(offset) & bit) !== 0;
}

function timerGate(bits: number): Gate {
  return (s) => (s.get(CNTKCTL) & bits) !== 0;
}

/** CNTKCTL_EL1 fields. */
const EL0PCTEN = 1 << 0;
const EL0VCTEN = 1 << 1;
const EL0VTEN = 1 << 8;
const EL0PTEN = 1 << 9;

export const GATE = {
  uct: sctlrGate(SCTLR.UCT),
  uci: sctlrGate(SCTLR.UCI),
  uma: sctlrGate(SCTLR.UMA),
  dze: sctlrGate(SCTLR.DZE),
  /** TSCXT traps when set. */
  scxtnum: ((s) => !sctlrGate(SCTLR.TSCXT)(s)) satisfies Gate,
  anyCounter: timerGate(EL0PCTEN | EL0VCTEN),
  physicalCounter: timerGate(EL0PCTEN),
  virtualCounter: timerGate(EL0VCTEN),
  physicalTimer: timerGate(EL0PTEN),
  virtualTimer: timerGate(EL0VTEN),
} as const satisfies Record<string, Gate>;

/** Whether the CPU is at EL0. */
export function atEl0(state: CpuState): boolean {
  return state.get(CPU.EL) === 0;
}
