/** Lines of `npm run bench:disks`: a figure, the bar it is measured against, and what it cost. */

const MIB = 1 << 20;
const MS_PER_SECOND = 1000;

export interface Bar {
  readonly atLeast?: number;
  readonly below?: number;
}

export class Report {
  readonly #cpuSeconds: () => number;
  missed = 0;

  /** @param cpuSeconds that the browser has had so far */
  constructor(cpuSeconds: () => number) {
    this.#cpuSeconds = cpuSeconds;
  }

  figure(what: string, value: number, unit: string, bar: Bar = {}, remark = ''): void {
    const { atLeast, below } = bar;
    const wanted =
      atLeast !== undefined ? `at least ${atLeast}` : below !== undefined ? `below ${below}` : '';
    const isMet = value >= (atLeast ?? value) && (below === undefined || value < below);
    if (!isMet) this.missed++;
    const verdict = wanted && ` (bar: ${wanted}, ${isMet ? 'met' : 'MISSED'})`;
    console.log(`${what}: ${value.toFixed(0)} ${unit}${verdict}${remark && `; ${remark}`}`);
  }

  /** A rate of `work`, which gives the milliseconds that count, with the CPU time of the whole browser. */
  async rate(what: string, bytes: number, bar: Bar, work: () => Promise<number>): Promise<void> {
    const before = this.#cpuSeconds();
    const ms = await work();
    const cpuMs = (this.#cpuSeconds() - before) * MS_PER_SECOND;
    const mib = bytes / MIB;
    const remark = `${(cpuMs / mib).toFixed(1)} ms of CPU for each MB`;
    this.figure(what, mib / (ms / MS_PER_SECOND), 'MB/s', bar, remark);
  }

  /** So many operations of one kind. */
  async count(what: string, count: number, bar: Bar, work: () => Promise<number>): Promise<void> {
    const before = this.#cpuSeconds();
    const ms = await work();
    const cpuMs = (this.#cpuSeconds() - before) * MS_PER_SECOND;
    const remark = `${(cpuMs / count).toFixed(2)} ms of CPU for each`;
    this.figure(what, (count / ms) * MS_PER_SECOND, 'a second', bar, remark);
  }
}
