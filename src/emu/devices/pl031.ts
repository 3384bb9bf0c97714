/**
 * PL031 real-time clock (Arm DDI 0224C): seconds since 1970 as the wall clock tells them, plus an offset the
 * guest sets, and an alarm. The chip has no timer of its own: whoever runs the machine calls `poll` now and
 * then, and within `secondsToAlarm` when it sleeps.
 */
import type {
  AccessSize,
  InterruptLine,
  MmioDevice,
  SavedState,
  Stateful,
  WallClock,
} from '../base/ports.ts';
import { StateReader } from '../base/saved-state.ts';
import { primeCellBytes, readPrimeCellId } from './primecell.ts';

export const PL031_WINDOW_SIZE = 0x1000;

const RTCDR = 0x00;
const RTCMR = 0x04;
const RTCLR = 0x08;
const RTCCR = 0x0c;
const RTCIMSC = 0x10;
const RTCRIS = 0x14;
const RTCMIS = 0x18;
const RTCICR = 0x1c;
const INTERRUPT = 1;
/** RTCCR reads as one: the clock is always running. */
const ENABLED = 1;

const IDENTIFICATION = primeCellBytes({ partNumber: 0x031, revision: 1 });
const STATE_VERSION = 1;

export interface Pl031Ports {
  readonly interrupt: InterruptLine;
  readonly wallClock: WallClock;
}

export class Pl031 implements MmioDevice, Stateful {
  private readonly ports: Pl031Ports;
  /** Counter minus wall clock, modulo 2^32. */
  private offset = 0;
  private match = 0;
  private load = 0;
  private mask = 0;
  private raw = 0;
  /** When the counter meets the match register, in wall-clock seconds. */
  private alarmAt: number | undefined;

  constructor(ports: Pl031Ports) {
    this.ports = ports;
  }

  /** Raises the alarm when its time has come. */
  poll(): void {
    if (this.alarmAt === undefined || this.now() < this.alarmAt) return;
    this.alarmAt = undefined;
    this.raw = INTERRUPT;
    this.updateInterrupt();
  }

  /** Seconds until the alarm would interrupt, or undefined when it would not. */
  secondsToAlarm(): number | undefined {
    if (this.alarmAt === undefined || !(this.mask & INTERRUPT)) return undefined;
    return Math.max(0, this.alarmAt - this.now());
  }

  read(offset: number, _size: AccessSize): number {
    this.poll();
    switch (offset & ~3) {
      case RTCDR:
        return this.counter();
      case RTCMR:
        return this.match;
      case RTCLR:
        return this.load;
      case RTCCR:
        return ENABLED;
      case RTCIMSC:
        return this.mask;
      case RTCRIS:
        return this.raw;
      case RTCMIS:
        return this.raw & this.mask;
      default:
        return readPrimeCellId(IDENTIFICATION, offset & ~3) ?? 0;
    }
  }

  write(offset: number, _size: AccessSize, value: number): void {
    switch (offset & ~3) {
      case RTCMR:
        this.match = value >>> 0;
        this.setAlarm();
        break;
      case RTCLR:
        this.load = value >>> 0;
        this.offset = (this.load - this.now()) >>> 0;
        this.setAlarm();
        break;
      case RTCIMSC:
        this.mask = value & INTERRUPT;
        break;
      case RTCICR:
        this.raw &= ~value;
        break;
      default:
        return;
    }
    this.poll();
    this.updateInterrupt();
  }

  saveState(): SavedState {
    const { offset, match, load, mask, raw } = this;
    return { version: STATE_VERSION, offset, match, load, mask, raw, alarmAt: this.alarmAt ?? null };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader('pl031', state, STATE_VERSION);
    const alarmAt = state.alarmAt === null ? undefined : reader.number('alarmAt');
    this.offset = reader.number('offset');
    this.match = reader.number('match');
    this.load = reader.number('load');
    this.mask = reader.number('mask');
    this.raw = reader.number('raw');
    this.alarmAt = alarmAt;
    this.updateInterrupt();
  }

  private now(): number {
    return Math.floor(this.ports.wallClock.nowSeconds());
  }

  private counter(): number {
    return (this.now() + this.offset) >>> 0;
  }

  private setAlarm(): void {
    this.alarmAt = this.now() + ((this.match - this.counter()) >>> 0);
  }

  private updateInterrupt(): void {
    this.ports.interrupt.setLevel((this.raw & this.mask) !== 0);
  }
}
