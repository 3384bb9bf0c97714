/**
 * The generic timers of one vCPU (Arm ARM D11): CNTPCT and CNTVCT (virtual offset 0) count the clock at
 * 62.5 MHz; the EL1 physical and virtual timers drive level-sensitive lines. No BigInt: CNTVCT is hot.
 */
import type { Clock, InterruptLine } from '../base/ports.ts';
import type { CellName } from '../layout/system-register-cells.ts';
import { type CpuState, cellOffset } from './state.ts';

export const TIMER_HZ = 62_500_000;
export const NS_PER_TICK = 16;
const WORD = 2 ** 32;

/** CNTx_CTL: ENABLE, IMASK are kept; ISTATUS is computed. */
const ENABLE = 1 << 0;
const IMASK = 1 << 1;
const ISTATUS = 1 << 2;

/** CNTKCTL_EL1: the event stream of the virtual counter. */
const CNTKCTL = cellOffset('CNTKCTL_EL1');
const EVNTEN = 1 << 2;
const EVNTDIR = 1 << 3;
const EVNTI_SHIFT = 4;
const EVNTI_MASK = 0xf;

export class GenericTimer {
  private readonly state: CpuState;
  private readonly timers: Timers;
  private readonly control: number;
  private readonly compare: number;
  private readonly line: InterruptLine;
  private level = false;

  constructor(state: CpuState, timers: Timers, control: CellName, compare: CellName, line: InterruptLine) {
    this.state = state;
    this.timers = timers;
    this.control = cellOffset(control);
    this.compare = cellOffset(compare);
    this.line = line;
  }

  readControl(): number {
    const control = this.state.get(this.control);
    // ISTATUS is UNKNOWN while the timer is off; it reads as zero here.
    return control & ENABLE && this.conditionMet() ? control | ISTATUS : control;
  }

  writeControl(value: number): void {
    this.state.set(this.control, value & (ENABLE | IMASK));
    this.update();
  }

  writeCompare(lo: number, hi: number): void {
    this.state.setPair(this.compare, lo, hi);
    this.update();
  }

  /** CNTx_TVAL: the low half of compare value − count. */
  readTimerValue(): number {
    return (this.state.get(this.compare) - this.timers.count()) | 0;
  }

  /** Compare value = count + the signed 32-bit value, modulo 2^64. */
  writeTimerValue(value: number): void {
    const count = this.timers.count();
    const low = (count % WORD) + (value >>> 0);
    const high = Math.floor(count / WORD) + (value < 0 ? -1 : 0) + (low >= WORD ? 1 : 0);
    this.writeCompare(low | 0, high | 0);
  }

  update(): void {
    const control = this.state.get(this.control);
    const level = (control & (ENABLE | IMASK)) === ENABLE && this.conditionMet();
    if (level === this.level) return;
    this.level = level;
    this.line.setLevel(level);
  }

  /** The clock time at which the line will rise, or undefined. */
  deadlineNs(): number | undefined {
    if ((this.state.get(this.control) & (ENABLE | IMASK)) !== ENABLE || this.level) return undefined;
    const deadline = this.compareValue() * NS_PER_TICK;
    return Number.isSafeInteger(deadline) ? deadline : undefined;
  }

  private conditionMet(): boolean {
    return this.timers.count() >= this.compareValue();
  }

  /** Exact below 2^53, where counts are; larger values only need to compare as larger. */
  private compareValue(): number {
    return (this.state.high(this.compare) >>> 0) * WORD + (this.state.get(this.compare) >>> 0);
  }

  /** The line as it is after a restore: the interrupt controller restores its inputs itself. */
  resynchronize(): void {
    this.level = false;
    this.line.setLevel(false);
    this.update();
  }
}

export class Timers {
  readonly physical: GenericTimer;
  readonly virtual: GenericTimer;
  private readonly clock: Clock;
  private readonly state: CpuState;

  constructor(state: CpuState, clock: Clock, physicalLine: InterruptLine, virtualLine: InterruptLine) {
    this.clock = clock;
    this.state = state;
    this.physical = new GenericTimer(state, this, 'CNTP_CTL_EL0', 'CNTP_CVAL_EL0', physicalLine);
    this.virtual = new GenericTimer(state, this, 'CNTV_CTL_EL0', 'CNTV_CVAL_EL0', virtualLine);
  }

  get resolutionNs(): number {
    return this.clock.resolutionNs ?? 0;
  }

  /** CNTPCT_EL0 and CNTVCT_EL0, an integer below 2^53. */
  count(): number {
    return Math.floor(this.clock.nowNs() / NS_PER_TICK);
  }

  update(): void {
    this.physical.update();
    this.virtual.update();
  }

  /** How many events the event stream has sent, or undefined while it is off (Arm ARM D11.2.3). */
  eventsSent(): number | undefined {
    const stream = this.eventStream();
    return stream && Math.floor((this.count() - stream.firstTick) / stream.periodTicks);
  }

  nextEventNs(): number | undefined {
    const stream = this.eventStream();
    if (!stream) return undefined;
    const sent = Math.floor((this.count() - stream.firstTick) / stream.periodTicks);
    return ((sent + 1) * stream.periodTicks + stream.firstTick) * NS_PER_TICK;
  }

  /** Events come when bit EVNTI of CNTVCT rises, or falls with EVNTDIR. */
  private eventStream(): { readonly periodTicks: number; readonly firstTick: number } | undefined {
    const control = this.state.get(CNTKCTL);
    if ((control & EVNTEN) === 0) return undefined;
    const halfPeriod = 2 ** ((control >>> EVNTI_SHIFT) & EVNTI_MASK);
    return { periodTicks: 2 * halfPeriod, firstTick: control & EVNTDIR ? 0 : halfPeriod };
  }

  nextDeadlineNs(): number | undefined {
    const physical = this.physical.deadlineNs();
    const virtual = this.virtual.deadlineNs();
    if (physical === undefined || virtual === undefined) return physical ?? virtual;
    return Math.min(physical, virtual);
  }

  resynchronize(): void {
    this.physical.resynchronize();
    this.virtual.resynchronize();
  }
}
