/**
 * `npm run bench:disks -- [--mib N]`: what the disk library does in Chromium: an import, sequential reads from
 * IndexedDB and from memory, and random reads of 4 kB, through the port that a machine's disk has.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DisksHarness } from './harness.ts';

const MIB = 1 << 20;
const DEFAULT_MIB = '1024';
const SEQUENTIAL_BYTES = 1 << 20;
const RANDOM_READS = 2000;
const DEPTHS = [1, 4, 16];
const MS_PER_SECOND = 1000;
/** What fits into the storage thread’s cache, often enough that the first time does not count. */
const MEMORY_BYTES = 32 * MIB;
const MEMORY_PASSES = 16;

const { values } = parseArgs({ options: { mib: { type: 'string', default: DEFAULT_MIB } } });
const sizeBytes = Number(values.mib) * MIB;

/** Runs `work`, which gives the milliseconds that count, and tells the rate and the CPU time of the browser. */
async function measure(what: string, bytes: number, work: () => Promise<number>): Promise<void> {
  const before = harness.cpuSeconds();
  const ms = await work();
  const cpuSeconds = harness.cpuSeconds() - before;
  const perSecond = bytes / MIB / (ms / MS_PER_SECOND);
  const perMib = (cpuSeconds * MS_PER_SECOND) / (bytes / MIB);
  console.log(`${what}: ${perSecond.toFixed(0)} MB/s, ${perMib.toFixed(1)} ms of CPU for each MB`);
}

const harness = await DisksHarness.open();
try {
  const { page, context } = await harness.openPage();
  const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '';
  console.log(`load before: ${load()}`);
  await page.evaluate((bytes) => window.disks.makeLoad(bytes), sizeBytes);
  const peakBefore = harness.peakPageBytes();
  let id = '';
  await measure(`import of ${values.mib} MiB, raw, with its sum`, sizeBytes, async () => {
    const made = await page.evaluate((bytes) => window.disks.importMade('bench', bytes), sizeBytes);
    ({ id } = made);
    return made.ms;
  });
  const inMib = (bytes: number): string => (bytes / MIB).toFixed(0);
  console.log(
    `peak of the page’s process: ${inMib(harness.peakPageBytes())} MB, ${inMib(peakBefore)} before`,
  );
  for (const depth of DEPTHS) {
    await measure(`reads of 1 MiB in order from IndexedDB, ${depth} at a time`, sizeBytes, () =>
      page.evaluate(([disk, reading]) => window.disks.readInOrder(disk, reading), [
        id,
        { bytes: sizeBytes, requestBytes: SEQUENTIAL_BYTES, depth, passes: 1 },
      ] as const),
    );
    await measure(`the same from memory, ${depth} at a time`, MEMORY_BYTES * MEMORY_PASSES, () =>
      page.evaluate(([disk, reading]) => window.disks.readInOrder(disk, reading), [
        id,
        { bytes: MEMORY_BYTES, requestBytes: SEQUENTIAL_BYTES, depth, passes: MEMORY_PASSES },
      ] as const),
    );
    const randomMs = await page.evaluate(
      ([disk, count, lanes]) => window.disks.readRandom(disk, count, lanes),
      [id, RANDOM_READS, depth] as const,
    );
    const perSecond = (RANDOM_READS / randomMs) * MS_PER_SECOND;
    console.log(`random reads of 4 KiB, ${depth} at a time: ${perSecond.toFixed(0)} a second`);
  }
  console.log(`load after: ${load()}`);
  await context.close();
} finally {
  await harness.close();
}
