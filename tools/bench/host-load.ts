/** How much else this computer did during a measurement: what else ran spoils times. */
import { cpus } from 'node:os';
import { cpuSecondsWithChildren } from './process-usage.ts';

const MS_PER_SECOND = 1000;

export class HostLoad {
  readonly #start = this.#read();

  /** Processors that others kept busy on average since the start; undefined where the system does not tell. */
  othersBusy(): number | undefined {
    const now = this.#read();
    if (now.own === undefined || this.#start.own === undefined) return undefined;
    const others = now.busy - this.#start.busy - (now.own - this.#start.own);
    // Both are counted in ticks, and children that still run are missing from ours.
    return Math.max(0, others / (now.wall - this.#start.wall));
  }

  #read(): { wall: number; busy: number; own: number | undefined } {
    const busyMs = cpus().reduce(
      (sum, { times }) => sum + times.user + times.nice + times.sys + times.irq,
      0,
    );
    return {
      wall: performance.now() / MS_PER_SECOND,
      busy: busyMs / MS_PER_SECOND,
      own: cpuSecondsWithChildren(),
    };
  }
}
