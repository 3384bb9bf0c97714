/**
 * `npm run soak:disks -- [--rounds N] [--guest kernel|debian]`: writes numbered records to a library disk, flushes,
 * kills the browser at a random moment, opens it again and reads everything: each flushed record must be there, and
 * every record whole. A guest does the writing: a kernel to the bare disk, or Debian in files, and e2fsck checks its disk.
 */
import { parseArgs } from 'node:util';
import { DisksHarness } from './harness.ts';
import { filesOfDebian } from './soak-debian.ts';
import { recordsOfKernel, recordsOfPage } from './soak-records.ts';
import { Round, type SoakSubject, type Verdict } from './soak-round.ts';

const MS_PER_SECOND = 1000;
const NO_FAULT: Verdict = { fault: Promise.resolve(undefined) };

const SUBJECTS: Readonly<Record<string, () => SoakSubject>> = {
  page: recordsOfPage,
  kernel: recordsOfKernel,
  debian: filesOfDebian,
};

/** One disk, and what was flushed to it over all rounds. */
class Soak {
  readonly #harness: DisksHarness;
  readonly #subject: SoakSubject;
  readonly #id: string;
  #last = -1;

  static async open(harness: DisksHarness, subject: SoakSubject): Promise<Soak> {
    const { page, context } = await harness.openPage();
    const id = await subject.makeDisk(page);
    await context.close();
    return new Soak(harness, subject, id);
  }

  private constructor(harness: DisksHarness, subject: SoakSubject, id: string) {
    this.#harness = harness;
    this.#subject = subject;
    this.#id = id;
  }

  get flushed(): number {
    return this.#last + 1;
  }

  /** Looks at what the round before has left, writes, and kills. @throws {Error} when something is wrong */
  async round(number: number): Promise<void> {
    const last = this.#last;
    const round = new Round(number, last);
    const { page, kill } = await this.#harness.openPage((fresh) => round.prepare(fresh));
    let verdict = NO_FAULT;
    try {
      if (number > 1) verdict = await this.#subject.check(page, this.#id, last);
      await this.#subject.write(page, this.#id, round);
    } finally {
      await kill();
      this.#last = round.last;
      await demand(verdict, last);
    }
  }

  /** Looks at what the last round has left. @throws {Error} when something is wrong */
  async look(): Promise<void> {
    const { page, context } = await this.#harness.openPage();
    const verdict = await this.#subject.check(page, this.#id, this.#last);
    await context.close();
    await demand(verdict, this.#last);
  }
}

async function demand({ fault }: Verdict, last: number): Promise<void> {
  const found = await fault;
  if (found !== undefined) throw new Error(`${found} (flushed up to ${last})`);
}

/** Every kill's disk is looked at, also the last one's of a run that a signal or a failed round has ended. */
async function runRounds(rounds: number, subject: SoakSubject): Promise<void> {
  const harness = await DisksHarness.open(subject.files);
  try {
    const soak = await Soak.open(harness, subject);
    let number = 0;
    const failures: unknown[] = [];
    const note = (reason: unknown): void => void failures.push(reason);
    while (number < rounds && !isEnding && failures.length === 0) {
      const startMs = performance.now();
      const before = soak.flushed;
      await soak.round(++number).catch(note);
      const seconds = ((performance.now() - startMs) / MS_PER_SECOND).toFixed(1);
      console.log(
        `round ${number} of ${rounds}: ${soak.flushed - before} records flushed, ${soak.flushed} in all, then killed; ${seconds} s`,
      );
    }
    await soak.look().catch(note);
    if (failures.length > 0) throw new AggregateError(failures, `round ${number} ended the soak`);
    console.log(`${number} rounds, ${soak.flushed} records flushed, nothing lost${subject.remark?.() ?? ''}`);
  } finally {
    await harness.close();
    subject.close();
  }
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, guest: { type: 'string' } },
});
const makeSubject = SUBJECTS[values.guest ?? 'page'];
if (!makeSubject) throw new Error('--guest is kernel or debian');
let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isEnding = true;
    console.log('ends after this round; once more to end at once');
  });
}
await runRounds(Number(values.rounds), makeSubject());
