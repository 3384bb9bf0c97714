/**
 * The CPU interface of one CPU, as its ICC_*_EL1 system registers (Arm IHI 0069H 12.2, 4.8): priorities,
 * preemption, acknowledge, end of interrupt, SGIs. One security state (GICD_CTLR.DS = 1), group 0 as FIQ,
 * group 1 as IRQ, five priority bits, no virtual CPU interface.
 */
import type { InterruptLine, SavedState, Stateful } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';
import { type Arbiter, IDLE_PRIORITY, SPURIOUS } from './arbiter.ts';
import { PRIORITY_BITS, PRIORITY_MASK } from './interrupt-bank.ts';

/** Lowest INTID of the special ones, which cannot be ended or deactivated (2.2.1). */
const FIRST_SPECIAL_INTID = 1020;
const INTID_MASK = 0xff_ffff;
/** ICC_SRE_EL1: SRE, DFB and DIB all one; there is no memory-mapped CPU interface. */
const SRE_VALUE = 7;

const CTLR_CBPR = 1 << 0;
const CTLR_EOI_MODE = 1 << 1;
/** ICC_CTLR_EL1's fixed part: PRIbits, IDbits = 16 bits, A3V. */
const CTLR_FIXED = ((PRIORITY_BITS - 1) << 8) | (1 << 15);
/** Group priority has as many bits as priority has. */
const BPR0_MINIMUM = 7 - PRIORITY_BITS;
const BPR1_MINIMUM = BPR0_MINIMUM + 1;
const BPR_MASK = 7;
/** A priority's level in the active-priorities register. */
const LEVEL_SHIFT = 8 - PRIORITY_BITS;

/** ICC_SGI*R_EL1 in its two halves: TargetList, Aff1, INTID | Aff2, IRM, RS, Aff3. */
const SGI_TARGETS_MASK = 0xffff;
const SGI_AFF1_SHIFT = 16;
const SGI_INTID_SHIFT = 24;
const SGI_IRM_HIGH = 1 << 8;
const SGI_RS_HIGH_SHIFT = 12;
const SGI_AFF3_HIGH_SHIFT = 16;
const STATE_VERSION = 1;

interface RegisterRow {
  readonly read?: () => number;
  readonly write?: (low: number, high: number) => void;
}

export const ICC_REGISTERS = [
  'ICC_PMR_EL1',
  'ICC_IAR0_EL1',
  'ICC_EOIR0_EL1',
  'ICC_HPPIR0_EL1',
  'ICC_BPR0_EL1',
  'ICC_AP0R0_EL1',
  'ICC_AP1R0_EL1',
  'ICC_DIR_EL1',
  'ICC_RPR_EL1',
  'ICC_SGI1R_EL1',
  'ICC_ASGI1R_EL1',
  'ICC_SGI0R_EL1',
  'ICC_IAR1_EL1',
  'ICC_EOIR1_EL1',
  'ICC_HPPIR1_EL1',
  'ICC_BPR1_EL1',
  'ICC_CTLR_EL1',
  'ICC_SRE_EL1',
  'ICC_IGRPEN0_EL1',
  'ICC_IGRPEN1_EL1',
] as const;
export type IccRegister = (typeof ICC_REGISTERS)[number];

export interface CpuInterfacePorts {
  readonly irq: InterruptLine;
  readonly fiq: InterruptLine;
}

export class CpuInterface implements Stateful {
  private readonly arbiter: Arbiter;
  private readonly cpu: number;
  private readonly ports: CpuInterfacePorts;
  private readonly rows: Readonly<Record<IccRegister, RegisterRow>>;
  private priorityMask = 0;
  private control = 0;
  private binaryPoint: [number, number] = [BPR0_MINIMUM, BPR1_MINIMUM];
  private groupEnables = 0;
  /** Active priority levels of group 0 and group 1: bit n is priority n << LEVEL_SHIFT. */
  private activePriorities: [number, number] = [0, 0];

  constructor(arbiter: Arbiter, cpu: number, ports: CpuInterfacePorts) {
    this.arbiter = arbiter;
    this.cpu = cpu;
    this.ports = ports;
    this.rows = this.registerRows();
    arbiter.onChange(cpu, () => this.updateLines());
  }

  /** The register's value (the high word is always zero), or undefined when it cannot be read: UNDEFINED. */
  readRegister(name: string): number | undefined {
    return this.rows[name as IccRegister]?.read?.();
  }

  /** False when the register cannot be written: UNDEFINED. */
  writeRegister(name: string, low: number, high: number): boolean {
    const write = this.rows[name as IccRegister]?.write;
    write?.(low >>> 0, high >>> 0);
    return write !== undefined;
  }

  saveState(): SavedState {
    return {
      version: STATE_VERSION,
      priorityMask: this.priorityMask,
      control: this.control,
      binaryPoint: this.binaryPoint,
      groupEnables: this.groupEnables,
      activePriorities: this.activePriorities,
    };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader('gicv3 cpu interface', state, STATE_VERSION);
    const [bpr0, bpr1] = reader.numbers('binaryPoint', 2);
    const [active0, active1] = reader.numbers('activePriorities', 2);
    this.priorityMask = reader.number('priorityMask');
    this.control = reader.number('control');
    this.groupEnables = reader.number('groupEnables');
    this.binaryPoint = [bpr0!, bpr1!];
    this.activePriorities = [active0! >>> 0, active1! >>> 0];
    this.arbiter.setCpuGroups(this.cpu, this.groupEnables);
  }

  private registerRows(): Readonly<Record<IccRegister, RegisterRow>> {
    return {
      ICC_PMR_EL1: { read: () => this.priorityMask, write: (value) => this.setPriorityMask(value) },
      ICC_IAR0_EL1: { read: () => this.acknowledge(0) },
      ICC_IAR1_EL1: { read: () => this.acknowledge(1) },
      ICC_EOIR0_EL1: { write: (value) => this.endOfInterrupt(0, value & INTID_MASK) },
      ICC_EOIR1_EL1: { write: (value) => this.endOfInterrupt(1, value & INTID_MASK) },
      ICC_HPPIR0_EL1: { read: () => this.highestPending(0) },
      ICC_HPPIR1_EL1: { read: () => this.highestPending(1) },
      ICC_BPR0_EL1: { read: () => this.binaryPoint[0], write: (value) => this.setBinaryPoint(0, value) },
      ICC_BPR1_EL1: { read: () => this.readBinaryPoint1(), write: (value) => this.setBinaryPoint(1, value) },
      ICC_AP0R0_EL1: {
        read: () => this.activePriorities[0],
        write: (value) => this.setActivePriorities(0, value),
      },
      ICC_AP1R0_EL1: {
        read: () => this.activePriorities[1],
        write: (value) => this.setActivePriorities(1, value),
      },
      ICC_DIR_EL1: { write: (value) => this.deactivate(value & INTID_MASK) },
      ICC_RPR_EL1: { read: () => this.runningPriority() },
      ICC_SGI0R_EL1: { write: (low, high) => this.sendSgi(0, low, high) },
      ICC_SGI1R_EL1: { write: (low, high) => this.sendSgi(1, low, high) },
      // Secure group 1 does not exist with one security state; its SGIs count as group 0.
      ICC_ASGI1R_EL1: { write: (low, high) => this.sendSgi(0, low, high) },
      ICC_CTLR_EL1: { read: () => CTLR_FIXED | this.control, write: (value) => this.setControl(value) },
      ICC_SRE_EL1: { read: () => SRE_VALUE, write: () => {} },
      ICC_IGRPEN0_EL1: {
        read: () => this.groupEnables & 1,
        write: (value) => this.setGroupEnables((this.groupEnables & 2) | (value & 1)),
      },
      ICC_IGRPEN1_EL1: {
        read: () => this.groupEnables >> 1,
        write: (value) => this.setGroupEnables((this.groupEnables & 1) | ((value & 1) << 1)),
      },
    };
  }

  private acknowledge(group: 0 | 1): number {
    const best = this.arbiter.best(this.cpu);
    if (best.group !== group || !this.isSignalled()) return SPURIOUS;
    const intid = best.intid;
    const level = (best.priority & this.groupPriorityMask(group)) >> LEVEL_SHIFT;
    this.activePriorities[group] = (this.activePriorities[group] | (1 << level)) >>> 0;
    this.arbiter.acknowledge(this.cpu, intid);
    return intid;
  }

  /** Priority drop, and deactivation unless EOImode separates them (12.2.10, 4.7). */
  private endOfInterrupt(group: 0 | 1, intid: number): void {
    if (intid >= FIRST_SPECIAL_INTID) return;
    const [active0, active1] = this.activePriorities;
    const highestGroup = lowestBit(active0) <= lowestBit(active1) ? 0 : 1;
    if ((active0 | active1) === 0 || highestGroup !== group) return;
    const active = this.activePriorities[group];
    this.activePriorities[group] = (active & (active - 1)) >>> 0;
    if (!(this.control & CTLR_EOI_MODE)) this.arbiter.deactivate(this.cpu, intid);
    this.updateLines();
  }

  private deactivate(intid: number): void {
    if (intid < FIRST_SPECIAL_INTID && this.control & CTLR_EOI_MODE) this.arbiter.deactivate(this.cpu, intid);
  }

  private highestPending(group: 0 | 1): number {
    const best = this.arbiter.best(this.cpu);
    return best.group === group ? best.intid : SPURIOUS;
  }

  private runningPriority(): number {
    const active = this.activePriorities[0] | this.activePriorities[1];
    return active === 0 ? IDLE_PRIORITY : lowestBit(active) << LEVEL_SHIFT;
  }

  /** Bits of a priority that decide about preemption (4.8.2). BPR1 counts one lower than BPR0. */
  private groupPriorityMask(group: 0 | 1): number {
    const point =
      group === 0 || this.control & CTLR_CBPR ? this.binaryPoint[0] : Math.max(this.binaryPoint[1] - 1, 0);
    return (0xff << (point + 1)) & 0xff;
  }

  /** Whether the best candidate is urgent enough to interrupt what is running. */
  private isSignalled(): boolean {
    const best = this.arbiter.best(this.cpu);
    if (best.intid === SPURIOUS || best.priority >= this.priorityMask) return false;
    const running = this.runningPriority();
    if (running === IDLE_PRIORITY) return true;
    const mask = this.groupPriorityMask(best.group);
    return (best.priority & mask) < (running & mask);
  }

  private updateLines(): void {
    const signalled = this.isSignalled();
    const { group } = this.arbiter.best(this.cpu);
    this.ports.fiq.setLevel(signalled && group === 0);
    this.ports.irq.setLevel(signalled && group === 1);
  }

  private setPriorityMask(value: number): void {
    this.priorityMask = value & PRIORITY_MASK;
    this.updateLines();
  }

  private readBinaryPoint1(): number {
    return this.control & CTLR_CBPR ? Math.min(this.binaryPoint[0] + 1, BPR_MASK) : this.binaryPoint[1];
  }

  private setBinaryPoint(group: 0 | 1, value: number): void {
    if (group === 1 && this.control & CTLR_CBPR) return;
    this.binaryPoint[group] = Math.max(value & BPR_MASK, group === 0 ? BPR0_MINIMUM : BPR1_MINIMUM);
    this.updateLines();
  }

  private setActivePriorities(group: 0 | 1, value: number): void {
    this.activePriorities[group] = value >>> 0;
    this.updateLines();
  }

  private setControl(value: number): void {
    this.control = value & (CTLR_CBPR | CTLR_EOI_MODE);
    this.updateLines();
  }

  private setGroupEnables(groups: number): void {
    this.groupEnables = groups;
    this.arbiter.setCpuGroups(this.cpu, groups);
  }

  private sendSgi(group: 0 | 1, low: number, high: number): void {
    const intid = (low >>> SGI_INTID_SHIFT) & 0xf;
    const everyoneElse = (high & SGI_IRM_HIGH) !== 0;
    const cluster =
      ((((high >>> SGI_AFF3_HIGH_SHIFT) & 0xff) << 24) |
        ((high & 0xff) << 16) |
        (((low >>> SGI_AFF1_SHIFT) & 0xff) << 8)) >>>
      0;
    const firstAff0 = ((high >>> SGI_RS_HIGH_SHIFT) & 0xf) * 16;
    for (const [cpu, affinity] of this.arbiter.affinities.entries()) {
      const listed = affinity - cluster - firstAff0;
      const isTarget = everyoneElse
        ? cpu !== this.cpu
        : listed >= 0 && listed < 16 && (low & SGI_TARGETS_MASK & (1 << listed)) !== 0;
      if (isTarget) this.arbiter.sendSgi(cpu, intid, group);
    }
  }
}

/** Index of the lowest set bit; 32 when there is none. */
function lowestBit(value: number): number {
  return value === 0 ? 32 : 31 - Math.clz32(value & -value);
}
