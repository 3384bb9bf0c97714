/**
 * What the distributor, the redistributors and the CPU interfaces share: every interrupt's state, where SPIs
 * are routed, and which interrupt is the most urgent for each CPU (Arm IHI 0069H 4.1, 4.8).
 *
 * Invariant: `best(cpu)` is up to date after every method here returns. It is recomputed from bit vectors
 * (nine words) when something changed, and never on the acknowledge path otherwise.
 */
import type { InterruptLine, SavedState, Stateful } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';
import { InterruptBank } from './interrupt-bank.ts';

export const PRIVATE_INTERRUPTS = 32;
export const FIRST_PPI = 16;
const SGI_MASK = 0xffff;
/** SPIs that exist: INTID 32 … 287, as many as QEMU's virt board has. */
export const SPI_COUNT = 256;
/** Priority of "nothing is pending": lower than every real one. */
export const IDLE_PRIORITY = 0xff;
/** INTID of "no interrupt" (2.2.1). */
export const SPURIOUS = 1023;
const NO_CPU = -1;
const STATE_VERSION = 1;

/** The most urgent pending interrupt of a CPU. */
export interface Candidate {
  intid: number;
  priority: number;
  group: 0 | 1;
}

export class Arbiter implements Stateful {
  readonly spis = new InterruptBank(PRIVATE_INTERRUPTS, SPI_COUNT);
  readonly privates: readonly InterruptBank[];
  /** Affinity of each CPU: Aff3.Aff2.Aff1.Aff0, a byte each. */
  readonly affinities: readonly number[];
  private readonly routes = new Uint32Array(SPI_COUNT);
  private readonly routedCpu: Int32Array;
  /** Bit 0: group 0, bit 1: group 1, as in GICD_CTLR. */
  private distributorGroups = 0;
  private readonly cpuGroups: Uint8Array;
  private readonly candidates: readonly Candidate[];
  private readonly listeners: (() => void)[];

  constructor(affinities: readonly number[]) {
    this.affinities = affinities;
    this.privates = affinities.map(() => new InterruptBank(0, PRIVATE_INTERRUPTS, SGI_MASK));
    this.routedCpu = new Int32Array(SPI_COUNT).fill(affinities.indexOf(0));
    this.cpuGroups = new Uint8Array(affinities.length);
    this.candidates = affinities.map(() => ({ intid: SPURIOUS, priority: IDLE_PRIORITY, group: 1 }));
    this.listeners = affinities.map(() => () => {});
  }

  /** `listener` runs whenever the CPU's best candidate may have changed. */
  onChange(cpu: number, listener: () => void): void {
    this.listeners[cpu] = listener;
  }

  best(cpu: number): Readonly<Candidate> {
    return this.candidates[cpu]!;
  }

  spi(number: number): InterruptLine {
    return {
      setLevel: (high) => {
        if (this.spis.setLine(number, high)) this.refresh(this.routedCpu[number]!);
      },
    };
  }

  ppi(cpu: number, number: number): InterruptLine {
    const bank = this.privates[cpu]!;
    return {
      setLevel: (high) => {
        if (bank.setLine(number, high)) this.refresh(cpu);
      },
    };
  }

  get enabledGroups(): number {
    return this.distributorGroups;
  }

  set enabledGroups(groups: number) {
    this.distributorGroups = groups;
    this.refreshAll();
  }

  /** Groups that the CPU interface lets through (ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1). */
  setCpuGroups(cpu: number, groups: number): void {
    this.cpuGroups[cpu] = groups;
    this.refresh(cpu);
  }

  route(spi: number): number {
    return this.routes[spi]!;
  }

  setRoute(spi: number, affinity: number): void {
    this.routes[spi] = affinity;
    this.routedCpu[spi] = this.affinities.indexOf(affinity >>> 0);
    this.refreshAll();
  }

  /** Makes an SGI pending when the target has configured it for `group`. */
  sendSgi(cpu: number, intid: number, group: 0 | 1): void {
    const bank = this.privates[cpu]!;
    if (bank.isGroup1(intid) !== (group === 1)) return;
    bank.latch(intid);
    this.refresh(cpu);
  }

  acknowledge(cpu: number, intid: number): void {
    if (intid < PRIVATE_INTERRUPTS) this.privates[cpu]!.acknowledge(intid);
    else this.spis.acknowledge(intid - PRIVATE_INTERRUPTS);
    this.refresh(cpu);
  }

  deactivate(cpu: number, intid: number): void {
    if (intid < PRIVATE_INTERRUPTS) {
      this.privates[cpu]!.deactivate(intid);
      this.refresh(cpu);
    } else if (intid < PRIVATE_INTERRUPTS + SPI_COUNT) {
      this.spis.deactivate(intid - PRIVATE_INTERRUPTS);
      this.refresh(this.routedCpu[intid - PRIVATE_INTERRUPTS]!);
    }
  }

  /** Software changed interrupts of several CPUs. */
  refreshAll(): void {
    for (let cpu = 0; cpu < this.affinities.length; cpu++) this.refresh(cpu);
  }

  refresh(cpu: number): void {
    if (cpu === NO_CPU) return;
    const best = this.candidates[cpu]!;
    best.intid = SPURIOUS;
    best.priority = IDLE_PRIORITY;
    const groups = this.distributorGroups & this.cpuGroups[cpu]!;
    if (groups !== 0) {
      this.scan(this.privates[cpu]!, groups, NO_CPU, best);
      this.scan(this.spis, groups, cpu, best);
    }
    this.listeners[cpu]!();
  }

  saveState(): SavedState {
    return {
      version: STATE_VERSION,
      spis: this.spis.saveState(),
      privates: this.privates.map((bank) => bank.saveState()),
      routes: [...this.routes],
      distributorGroups: this.distributorGroups,
    };
  }

  /** The CPU interfaces restore after this, which completes the candidates. */
  restoreState(state: SavedState): void {
    const reader = new StateReader('gicv3', state, STATE_VERSION);
    const routes = reader.numbers('routes', SPI_COUNT);
    const privates = reader.nestedList('privates', this.privates.length);
    const spis = reader.nested('spis');
    this.distributorGroups = reader.number('distributorGroups');
    this.spis.restoreState(spis);
    for (const [cpu, bank] of this.privates.entries()) bank.restoreState(privates[cpu]!);
    for (const [spi, affinity] of routes.entries()) this.setRoute(spi, affinity);
  }

  /** Improves `best` from a bank; `target` is the CPU whose SPIs count, NO_CPU for a private bank. */
  private scan(bank: InterruptBank, groups: number, target: number, best: Candidate): void {
    for (let word = 0; word < bank.words; word++) {
      let waiting = bank.pending(word) & bank.enabled[word]! & ~bank.active[word]!;
      if (!(groups & 1)) waiting &= bank.group1[word]!;
      if (!(groups & 2)) waiting &= ~bank.group1[word]!;
      while (waiting !== 0) {
        const bit = 31 - Math.clz32(waiting & -waiting);
        waiting &= waiting - 1;
        const index = 32 * word + bit;
        if (target !== NO_CPU && this.routedCpu[index] !== target) continue;
        const priority = bank.priority[index]!;
        if (priority >= best.priority) continue;
        best.priority = priority;
        best.intid = bank.firstIntid + index;
        best.group = bank.isGroup1(index) ? 1 : 0;
      }
    }
  }
}
