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

/** @returns whether nothing was lost */
async function runRounds(rounds: number, subject: SoakSubject): Promise<boolean> {
  const harness = await DisksHarness.open(subject.files);
  try {
    const first = await harness.openPage();
    const id = await subject.makeDisk(first.page);
    await first.context.close();
    let last = -1;
    for (let number = 1; number <= rounds + 1; number++) {
      const startMs = performance.now();
      const round = new Round(number, last);
      const { page, kill } = await harness.openPage((fresh) => round.prepare(fresh));
      const verdict = number > 1 ? await subject.check(page, id, last) : NO_FAULT;
      if (number <= rounds) await subject.write(page, id, round);
      await kill();
      const fault = await verdict.fault;
      if (fault !== undefined) {
        console.error(`after round ${number - 1}: ${fault} (flushed up to ${last})`);
        return false;
      }
      if (number > rounds) break;
      const seconds = ((performance.now() - startMs) / MS_PER_SECOND).toFixed(1);
      console.log(
        `round ${number} of ${rounds}: ${round.last - last} records flushed, ${round.last + 1} in all, then killed; ${seconds} s`,
      );
      last = round.last;
    }
    console.log(`${rounds} rounds, ${last + 1} records flushed, nothing lost${subject.remark?.() ?? ''}`);
    return true;
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
if (!(await runRounds(Number(values.rounds), makeSubject()))) process.exitCode = 1;
