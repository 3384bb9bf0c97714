/**
 * Debian on a disk of the library: it writes numbered files while other files come and go, and is killed while it
 * writes or boots. Mostly without systemd, whose boot takes longest.
 */
import type { Page } from '@playwright/test';
import { builtGuests } from '../../src/cli/default-guest.ts';
import { DiskOutside, FILE_PLACES, FOLDER, PIECE_BYTES, SIZES } from './disk-outside.ts';
import { type Round, type SoakSubject, sleep } from './soak-round.ts';

const PROMPT = 'root@debian:~# ';
const ADDRESSES = { kernel: '/guest/kernel', initrd: '/guest/initrd' };
const IMAGE = '/guest/disk';
const CHANGES = '/changes';
const PLAIN_INIT = 'init=/usr/local/sbin/plain-init quiet';
/** Every so many rounds boot with systemd; as many, others, die at a random moment of their boot. */
const ROUNDS_OF_EACH_KIND = 10;
const SYSTEMD_ROUND = 5;
const DYING_ROUND = 0;
const LONGEST_LIFE_MS = 3000;
const LONGEST_BOOT_MS = 8000;

/** Each file is new, durable, and only then in its place; the place counts when the folder is durable too. */
function writingLoop(first: number): string {
  return [
    `mkdir -p /root/${FOLDER} && cd /root/${FOLDER} && sync`,
    "nice -n 19 sh -c 'while :; do rm -rf /root/churn; cp -r /etc /root/churn; done' &",
    `i=${first}; while yes $i | head -c $(((1 + i % ${SIZES}) * ${PIECE_BYTES})) >new && sync new &&`,
    `  mv new $((i % ${FILE_PLACES})) && if [ $((i % 8)) = 0 ]; then sync; else sync .; fi; do`,
    '  echo synced=$i; i=$((i+1)); done',
    '',
  ].join('\n');
}

export function filesOfDebian(): SoakSubject {
  const guest = builtGuests().find(({ name }) => name === 'debian');
  if (guest?.initrd === undefined || guest.disk === undefined)
    throw new Error('Debian is not built ("npm run images debian" builds it)');
  const { kernel, initrd, disk, append } = guest;
  const outside = DiskOutside.unpack(disk);
  const started = (round: Round): { commandLine: string } & typeof ADDRESSES => ({
    ...ADDRESSES,
    commandLine: round.number % ROUNDS_OF_EACH_KIND === SYSTEMD_ROUND ? append : `${append} ${PLAIN_INIT}`,
  });
  return {
    files: new Map([
      [ADDRESSES.kernel, { file: kernel }],
      [ADDRESSES.initrd, { file: initrd }],
      [IMAGE, { file: disk }],
      [CHANGES, { disk: outside.changes }],
    ]),
    makeDisk: (page: Page) =>
      page.evaluate(async (source) => (await window.disks.disks.import({ source, name: 'soak' })).id, IMAGE),
    async check(page: Page, id: string, last: number) {
      await page.evaluate(([disk, address, bytes]) => window.disks.sendChanges(disk, address, bytes), [
        id,
        CHANGES,
        outside.changes.store.size,
      ] as const);
      return { fault: outside.check(last) };
    },
    async write(page: Page, id: string, round: Round) {
      await round.start(page, id, started(round));
      if (round.number % ROUNDS_OF_EACH_KIND === DYING_ROUND) return sleep(Math.random() * LONGEST_BOOT_MS);
      await round.prints(PROMPT);
      await page.evaluate((text) => window.disks.type(text), writingLoop(round.last + 1));
      await round.liveOn(LONGEST_LIFE_MS);
    },
    remark: () => `; e2fsck found every copy clean, ${outside.replays} after replaying the journal`,
    close: () => outside.close(),
  };
}
