/**
 * Lets operations on ranges of a disk run at the same time, except where the order shows: one that changes
 * bytes waits for earlier ones that touch the same bytes, and one that reads them for earlier changes.
 */

export interface RangeUse {
  readonly offset: number;
  readonly length: number;
  readonly changes: boolean;
}

interface Running extends RangeUse {
  readonly ended: Promise<void>;
}

export class OverlapOrder {
  readonly #running = new Set<Running>();

  /** Begins `operation` when nothing earlier is in its way; gives its result. */
  run(use: RangeUse, operation: () => Promise<void>): Promise<void> {
    const before = [...this.#running].filter((other) => isInTheWay(other, use)).map(({ ended }) => ended);
    const result = before.length > 0 ? Promise.all(before).then(operation) : operation();
    const running: Running = { ...use, ended: result.catch(() => {}) };
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return result;
  }
}

function isInTheWay(earlier: RangeUse, later: RangeUse): boolean {
  const isShared =
    earlier.offset < later.offset + later.length && later.offset < earlier.offset + earlier.length;
  return isShared && (earlier.changes || later.changes);
}
