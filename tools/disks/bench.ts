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

const { values } = parseArgs({ options: { mib: { type: 'string', default: DEFAULT_MIB } } });
const sizeBytes = Number(values.mib) * MIB;

function rate(bytes: number, ms: number): string {
  return `${(bytes / MIB / (ms / 1000)).toFixed(0)} MB/s`;
}

const harness = await DisksHarness.open();
try {
  const { page, context } = await harness.openPage();
  const load = (): string => readFileSync('/proc/loadavg', 'utf8').split(' ')[0] ?? '';
  console.log(`load before: ${load()}`);
  await page.evaluate((bytes) => window.disks.makeLoad(bytes), sizeBytes);
  const before = harness.cpuSeconds();
  const peakBefore = harness.peakPageBytes();
  const { id, ms } = await page.evaluate((bytes) => window.disks.importMade('bench', bytes), sizeBytes);
  const cpuSeconds = harness.cpuSeconds() - before;
  console.log(
    `import of ${values.mib} MiB, raw, with its sum: ${rate(sizeBytes, ms)}, ` +
      `${cpuSeconds.toFixed(1)} s of CPU, the page’s process had at most ` +
      `${(harness.peakPageBytes() / MIB).toFixed(0)} MB (${(peakBefore / MIB).toFixed(0)} before)`,
  );
  for (const depth of DEPTHS) {
    const { firstMs, againMs, bytes } = await page.evaluate(
      ([disk, request, lanes]) => window.disks.readAll(disk, request, lanes),
      [id, SEQUENTIAL_BYTES, depth] as const,
    );
    console.log(
      `sequential reads of 1 MiB, ${depth} at a time: ${rate(sizeBytes, firstMs)} from IndexedDB, ` +
        `${rate(bytes, againMs)} from memory`,
    );
    const randomMs = await page.evaluate(
      ([disk, count, lanes]) => window.disks.readRandom(disk, count, lanes),
      [id, RANDOM_READS, depth] as const,
    );
    console.log(
      `random reads of 4 KiB, ${depth} at a time: ${((RANDOM_READS / randomMs) * 1000).toFixed(0)} a second`,
    );
  }
  console.log(`load after: ${load()}`);
  await context.close();
} finally {
  await harness.close();
}
