/**
 * `npm run soak:disks -- [--rounds N] [--guest]`: writes numbered records to a library disk, flushes, kills the
 * browser at a random moment, opens it again and reads everything: each flushed record must be there, and
 * every record whole. With --guest a booted kernel does the writing, and fsync the flushing.
 */
import { parseArgs } from 'node:util';
import type { Page } from '@playwright/test';
import { findDefaultGuest } from '../../src/cli/default-guest.ts';
import { DisksHarness } from './harness.ts';
import { RECORD_BYTES } from './records.ts';

const DISK_BYTES = 32 << 20;
const PLACES = DISK_BYTES / RECORD_BYTES;
/** How long the browser lives after the first flush of a round, at most. */
const LONGEST_LIFE_MS = 1500;
const LONGEST_GUEST_LIFE_MS = 6000;
const PROMPT = 'bramble:~# ';
const KERNEL = '/guest/kernel';
const INITRD = '/guest/initrd';

/** What the page is given to call. */
interface PageTells {
  /** Every record up to this one was flushed. */
  flushed(last: number): Promise<void>;
  printed(text: string): Promise<void>;
}

/** One life of the browser: what was flushed in it, as far as it said so before it died. */
class Round {
  last: number;
  #output = '';
  #wake: (() => void) | undefined;

  constructor(last: number) {
    this.last = last;
  }

  async prepare(page: Page): Promise<void> {
    const tells: PageTells = {
      flushed: async (last) => this.#take(last),
      printed: async (text) => {
        this.#output += text;
        for (const [, number] of this.#output.matchAll(/synced=(\d+)\r?\n/g)) this.#take(Number(number));
        this.#wake?.();
      },
    };
    await page.exposeFunction('flushed', tells.flushed);
    await page.exposeFunction('printed', tells.printed);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  get hasPrompt(): boolean {
    return this.#output.includes(PROMPT);
  }

  #take(last: number): void {
    this.last = Math.max(this.last, last);
    this.#wake?.();
  }
}

/** Lets the page write to the disk itself; gives a promise of nothing, for the page is killed meanwhile. */
async function writeFromPage(page: Page, id: string, first: number): Promise<void> {
  const work = page.evaluate(
    ([disk, number]) => {
      const { flushed } = window as unknown as PageTells;
      return window.disks.writeRecords(disk, number, flushed);
    },
    [id, first] as const,
  );
  // It ends with the browser.
  work.catch(() => {});
}

async function writeFromGuest(page: Page, id: string, first: number, round: Round): Promise<void> {
  await page.evaluate(
    ([disk, kernel, initrd]) => {
      const { printed } = window as unknown as PageTells;
      return window.disks.bootGuest(disk, kernel, initrd, printed);
    },
    [id, KERNEL, INITRD] as const,
  );
  await round.until(() => round.hasPrompt);
  const loop =
    `i=${first}; while yes $i | head -c ${RECORD_BYTES} | ` +
    `dd of=/dev/vda bs=${RECORD_BYTES} seek=$((i % ${PLACES})) conv=notrunc,fsync 2>/dev/null; ` +
    'do echo synced=$i; i=$((i+1)); done\n';
  await page.evaluate((text) => window.disks.type(text), loop);
}

async function runRounds(rounds: number, withGuest: boolean): Promise<boolean> {
  const guest = withGuest ? findDefaultGuest() : undefined;
  if (withGuest && guest?.initrd === undefined)
    throw new Error('no guest is built ("npm run images" builds one)');
  const files = guest?.initrd === undefined ? {} : { [KERNEL]: guest.kernel, [INITRD]: guest.initrd };
  const harness = await DisksHarness.open(files);
  try {
    const first = await harness.openPage();
    const id = await first.page.evaluate(
      async (sizeBytes) => (await window.disks.disks.createEmpty({ name: 'soak', sizeBytes })).id,
      DISK_BYTES,
    );
    await first.context.close();
    let last = -1;
    for (let number = 1; number <= rounds; number++) {
      const round = new Round(last);
      const { page, kill } = await harness.openPage((fresh) => round.prepare(fresh));
      const fault = await page.evaluate(([disk, flushed]) => window.disks.checkRecords(disk, flushed), [
        id,
        last,
      ] as const);
      if (fault !== undefined) {
        console.error(`round ${number}: ${fault} (flushed up to ${last})`);
        return false;
      }
      if (withGuest) await writeFromGuest(page, id, last + 1, round);
      else await writeFromPage(page, id, last + 1);
      await round.until(() => round.last > last);
      const lifeMs = Math.random() * (withGuest ? LONGEST_GUEST_LIFE_MS : LONGEST_LIFE_MS);
      await new Promise((resolve) => setTimeout(resolve, lifeMs));
      await kill();
      console.log(`round ${number} of ${rounds}: ${round.last - last} records flushed, then killed`);
      last = round.last;
    }
    const { page, context } = await harness.openPage();
    const fault = await page.evaluate(([disk, flushed]) => window.disks.checkRecords(disk, flushed), [
      id,
      last,
    ] as const);
    await context.close();
    console.log(fault ?? `${rounds} rounds, ${last + 1} records flushed, nothing lost`);
    return fault === undefined;
  } finally {
    await harness.close();
  }
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, guest: { type: 'boolean', default: false } },
});
if (!(await runRounds(Number(values.rounds), values.guest))) process.exitCode = 1;
