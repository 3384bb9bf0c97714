/**
 * Where indirect jumps (jump tables, interpreters' dispatch) go. Regions report samples of jumps that left them;
 * when a jump has shown new targets often enough, its region is made again with them inside.
 */

/** Samples of targets that the region lacks before it is made again. */
const SAMPLES = 8;
/** More targets than this are not worth a table. */
const MAX_TARGETS = 64;
/** How often a jump may ask for a new region: code that goes everywhere must not be translated for ever. */
const MAX_ROUNDS = 6;
const RECORD_TO_OFFSET = 4;

interface Jump {
  /** Distances from the jump to its targets, in bytes. */
  readonly targets: Set<number>;
  samples: number;
  rounds: number;
}

export class JumpTargets {
  private readonly jumps = new Map<number, Jump>();

  /** Distances in bytes from the jump at a record to the targets seen. */
  of(record: number): readonly number[] {
    return [...(this.jumps.get(record)?.targets ?? [])];
  }

  /** Records of the known jumps in [first, last). */
  within(first: number, last: number): number[] {
    return [...this.jumps.keys()].filter((record) => record >= first && record < last);
  }

  /** Notes a sample within one decoded page; true when the region should be made again. */
  note(record: number, target: number): boolean {
    const jump = this.jumps.get(record) ?? { targets: new Set(), samples: 0, rounds: 0 };
    this.jumps.set(record, jump);
    if (jump.rounds >= MAX_ROUNDS || jump.targets.size >= MAX_TARGETS) return false;
    jump.targets.add((target - record) / RECORD_TO_OFFSET);
    if (++jump.samples < SAMPLES) return false;
    jump.samples = 0;
    jump.rounds++;
    return true;
  }
}
