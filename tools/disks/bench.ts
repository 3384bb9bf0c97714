/**
 * `npm run bench:disks -- [--mib N] [--guest]`: what the disk library does in Chromium, beside what is wanted of
 * it: an import and its memory, reads in order and at random places, of an imported disk and of one that was
 * written, through the port that a machine's disk has; with --guest also from inside Linux; with --only-guest
 * nothing else, after an import and a disk that is filled.
 */
import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Page } from '@playwright/test';
import { builtGuests } from '../../src/cli/default-guest.ts';
import type { ServedItem } from '../../src/cli/page-server.ts';
import { guestFiles, measureGuest } from './bench-guest.ts';
import { type Bar, Report } from './bench-report.ts';
import { DisksHarness } from './harness.ts';
import type { MadeDisk } from './page.ts';
import { memoryOf, peakMemoryDuring } from './page-memory.ts';

const MIB = 1 << 20;
const DEFAULT_MIB = '1024';
const SEQUENTIAL_BYTES = 1 << 20;
const RANDOM_READS = 2000;
const DEPTHS = [1, 4, 16];
/** What fits into the storage thread’s cache, often enough that the first time does not count. */
const MEMORY_BYTES = 32 * MIB;
const MEMORY_PASSES = 16;
/** Guests are slower than the library, and read several times. */
const GUEST_MIB = 256;
const COMPRESSED = '/compressed.img.xz';

const BARS = {
  importRate: { atLeast: 60 },
  importMemory: { below: 200 },
  inOrder: { atLeast: 200 },
  random: { atLeast: 2000 },
} as const;

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: DEFAULT_MIB },
    guest: { type: 'boolean', default: false },
    'only-guest': { type: 'boolean', default: false },
  },
});
const withGuest = values.guest || values['only-guest'];
const sizeMib = Number(values.mib);
const sizeBytes = sizeMib * MIB;
const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '';

/** Imports with `start`, which gives the disk and the time, and tells the rate and the memory it took. */
async function measureImport(
  what: string,
  bytes: number,
  bar: Bar,
  start: () => Promise<MadeDisk>,
): Promise<string> {
  const pids = (): number[] => harness.pageProcesses();
  const before = memoryOf(pids());
  let id = '';
  const work = report.rate(`import of ${what}`, bytes, bar, async () => {
    const made = await start();
    ({ id } = made);
    return made.ms;
  });
  const peak = await peakMemoryDuring(pids, work);
  const inMib = (size: number): string => (size / MIB).toFixed(0);
  const others = ['proportional', 'resident'] as const;
  const remark = others
    .map((kind) => `${kind} ${inMib(peak[`${kind}Bytes`])}, ${inMib(before[`${kind}Bytes`])} before`)
    .join('; ');
  report.figure(
    'private memory of the page’s process meanwhile',
    peak.privateBytes / MIB,
    'MB',
    BARS.importMemory,
    `${inMib(before.privateBytes)} before; ${remark}`,
  );
  return id;
}

/** Each in a page of its own, which has nothing to collect of what came before. */
async function measureImports(): Promise<string> {
  await inPage((page) => page.evaluate((bytes) => window.disks.makeLoad(bytes), sizeBytes));
  const raw = `${sizeMib} MiB, raw, with its sum`;
  const id = await inPage((page) =>
    measureImport(raw, sizeBytes, BARS.importRate, () =>
      page.evaluate((bytes) => window.disks.importMade('bench', bytes), sizeBytes),
    ),
  );
  if (compressed !== undefined) {
    const { size } = statSync(compressed);
    await inPage((page) =>
      measureImport('Debian’s image, the rate of its .xz', size, {}, () =>
        page.evaluate((address) => window.disks.importFrom('compressed', address), COMPRESSED),
      ),
    );
  }
  return id;
}

async function inPage<T>(work: (page: Page) => Promise<T>): Promise<T> {
  const { page, context } = await harness.openPage();
  try {
    return await work(page);
  } finally {
    await context.close();
  }
}

async function measureReads(page: Page, id: string, name: string): Promise<void> {
  const inOrder = (bytes: number, depth: number, passes: number): Promise<number> =>
    page.evaluate(([disk, reading]) => window.disks.readInOrder(disk, reading), [
      id,
      { bytes, requestBytes: SEQUENTIAL_BYTES, depth, passes },
    ] as const);
  for (const depth of DEPTHS) {
    const lanes = `${depth} at a time, ${name}`;
    await report.rate(`reads of 1 MiB in order, ${lanes}`, sizeBytes, BARS.inOrder, () =>
      inOrder(sizeBytes, depth, 1),
    );
    await report.rate(`32 MiB again and again, ${lanes}`, MEMORY_BYTES * MEMORY_PASSES, {}, () =>
      inOrder(MEMORY_BYTES, depth, MEMORY_PASSES),
    );
    await report.count(`random reads of 4 KiB, ${lanes}`, RANDOM_READS, BARS.random, () =>
      page.evaluate(([disk, count, many]) => window.disks.readRandom(disk, count, many), [
        id,
        RANDOM_READS,
        depth,
      ] as const),
    );
  }
}

async function measureWrites(page: Page): Promise<string> {
  const id = await page.evaluate(
    async (bytes) => (await window.disks.disks.createEmpty({ name: 'written', sizeBytes: bytes })).id,
    sizeBytes,
  );
  await report.rate('writes of 1 MiB in order, 4 at a time, with a flush', sizeBytes, {}, () =>
    page.evaluate(([disk, bytes]) => window.disks.writeInOrder(disk, bytes), [id, sizeBytes] as const),
  );
  return id;
}

/** An image that browsers get, where one was built. */
const compressed = builtGuests().find(({ disk }) => disk !== undefined)?.disk;
const files = withGuest ? guestFiles() : new Map<string, ServedItem>();
if (compressed !== undefined) files.set(COMPRESSED, { file: compressed });
const harness = await DisksHarness.open(files);
const report = new Report(() => harness.cpuSeconds());
try {
  console.log(`load before: ${load()}`);
  const imported = await measureImports();
  const written = await inPage(async (page) => {
    if (!values['only-guest']) await measureReads(page, imported, 'imported disk');
    const id = await measureWrites(page);
    if (!values['only-guest']) await measureReads(page, id, 'written disk');
    return id;
  });
  if (withGuest) {
    const mib = Math.min(GUEST_MIB, sizeMib);
    await measureGuest(harness, { id: imported, name: 'imported disk', mib }, report);
    await measureGuest(harness, { id: written, name: 'written disk', mib }, report, true);
  }
  console.log(`load after: ${load()}; bars missed: ${report.missed}`);
} finally {
  await harness.close();
}
