/** The disk as places for records, without a file system: the page writes them, or a kernel with fsync. */
import type { Page } from '@playwright/test';
import { findDefaultGuest } from '../../src/cli/default-guest.ts';
import { RECORD_BYTES } from './records.ts';
import type { PageTells, Round, SoakSubject } from './soak-round.ts';

const DISK_BYTES = 32 << 20;
const PLACES = DISK_BYTES / RECORD_BYTES;
/** How long the browser lives after the first flush of a round, at most. */
const LONGEST_LIFE_MS = 1500;
const LONGEST_GUEST_LIFE_MS = 6000;
const PROMPT = 'bramble:~# ';
const GUEST = {
  kernel: '/guest/kernel',
  initrd: '/guest/initrd',
  commandLine: 'console=ttyAMA0 cryptomgr.notests quiet',
};

const recordDisk = {
  makeDisk: (page: Page) =>
    page.evaluate(
      async (sizeBytes) => (await window.disks.disks.createEmpty({ name: 'soak', sizeBytes })).id,
      DISK_BYTES,
    ),
  async check(page: Page, id: string, last: number) {
    const fault = await page.evaluate(([disk, flushed]) => window.disks.checkRecords(disk, flushed), [
      id,
      last,
    ] as const);
    return { fault: Promise.resolve(fault) };
  },
  close: () => {},
};

/** The page writes to the disk itself. */
export function recordsOfPage(): SoakSubject {
  return {
    ...recordDisk,
    files: new Map(),
    async write(page: Page, id: string, round: Round) {
      const work = page.evaluate(
        ([disk, number]) => {
          const { flushed } = window as unknown as PageTells;
          return window.disks.writeRecords(disk, number, flushed);
        },
        [id, round.last + 1] as const,
      );
      // It ends with the browser.
      work.catch(() => {});
      await round.liveOn(LONGEST_LIFE_MS);
    },
  };
}

/** A booted kernel does the writing, and fsync the flushing. */
export function recordsOfKernel(): SoakSubject {
  const guest = findDefaultGuest();
  if (guest?.initrd === undefined) throw new Error('no guest is built ("npm run images" builds one)');
  return {
    ...recordDisk,
    files: new Map([
      [GUEST.kernel, { file: guest.kernel }],
      [GUEST.initrd, { file: guest.initrd }],
    ]),
    async write(page: Page, id: string, round: Round) {
      await round.start(page, id, GUEST);
      await round.prints(PROMPT);
      const loop =
        `i=${round.last + 1}; while yes $i | head -c ${RECORD_BYTES} | ` +
        `dd of=/dev/vda bs=${RECORD_BYTES} seek=$((i % ${PLACES})) conv=notrunc,fsync 2>/dev/null; ` +
        'do echo synced=$i; i=$((i+1)); done\n';
      await page.evaluate((text) => window.disks.type(text), loop);
      await round.liveOn(LONGEST_GUEST_LIFE_MS);
    },
  };
}
