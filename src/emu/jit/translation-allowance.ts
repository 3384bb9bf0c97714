/**
 * How much may be translated. A region costs the host some milliseconds, and on a computer with few processors the
 * machine's thread pays for part of them; most of what a boot runs never earns that back. So translations are saved up
 * as time passes: a program that starts finds many, a boot few, and while they are scarce code must be much hotter.
 */
import type { Clock } from '../base/ports.ts';

const REGIONS_PER_SECOND = 100;
/** What a program may find saved up. */
const MOST_SAVED = 400;
/** A machine's first seconds run what is run once. */
const DEBT_AT_START = 150;
const NS_PER_SECOND = 1e9;

export class TranslationAllowance {
  private readonly clock: Clock;
  private saved = -DEBT_AT_START;
  private updatedNs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.updatedNs = clock.nowNs();
  }

  /** After some time has passed. */
  update(): void {
    const now = this.clock.nowNs();
    const earned = ((now - this.updatedNs) / NS_PER_SECOND) * REGIONS_PER_SECOND;
    this.saved = Math.min(this.saved + earned, MOST_SAVED);
    this.updatedNs = now;
  }

  /** A region is being translated. */
  spend(): void {
    this.saved -= 1;
  }

  /** It need not be after all. */
  giveBack(): void {
    this.saved += 1;
  }

  get isScarce(): boolean {
    return this.saved < 1;
  }
}
