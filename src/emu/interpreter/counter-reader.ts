/**
 * The system counter for code that asks again and again. A browser's clock takes some 200 ns to read and moves in steps
 * of 5 µs or more; so while a guest has executed less than fits into half a step since it asked, it is told the same.
 * It never goes backwards, and follows the clock at the latest half a step later.
 */
import type { SystemCounter } from '../cpu/runtime.ts';
import { RECORD_SIZE } from '../layout/memory-map.ts';

/** A guess that is on the safe side: translated code seldom executes more. */
const INSTRUCTIONS_PER_NS = 1;
/** Fuel that no read has. */
const NONE = 0;

export class CounterReader {
  private readonly counter: SystemCounter;
  private ticks = 0;
  /** Fuel that was left when `ticks` was read, in bytes of records. */
  private fuel = NONE;
  private span: number | undefined;

  constructor(counter: SystemCounter) {
    this.counter = counter;
  }

  /** Time has passed without instructions. */
  beginSlice(): void {
    this.fuel = NONE;
  }

  /** `fuel`: what is left of the slice's, or 0 when the caller does not know. */
  read(fuel: number): number {
    this.span ??= (this.counter.resolutionNs / 2) * INSTRUCTIONS_PER_NS * RECORD_SIZE;
    const spent = this.fuel - fuel;
    if (fuel > NONE && spent >= 0 && spent < this.span) return this.ticks;
    this.fuel = fuel;
    this.ticks = this.counter.count();
    return this.ticks;
  }
}
