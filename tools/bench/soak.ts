/**
 * `npm run soak:mixed`: keeps one guest busy with everything that the benchmark knows (storms of processes, code that
 * is written and run, floating point, the shell), in random order, and watches that every result stays the
 * same and that the memory of the process that runs it does not grow without bound.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SeededRandom } from '../../src/emu/storage/filesystems/testing/seeded-random.ts';
import { guestCommand } from './engines.ts';
import { BenchGuest } from './guest.ts';
import { buildGuestImage } from './guest-image.ts';
import { parseBenchLine } from './results.ts';
import { BOOTS, GUEST_WORKLOADS } from './workloads.ts';

const inProject = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const FOLDER = inProject('.cache/bench');
const HELP = `Runs random workloads in one guest and compares their results.

  npm run soak:mixed -- [--minutes N] [--in node|chromium] [--engine MODE] [--seed N] [--limit MIB]

  --minutes N    how long (default 10)
  --in HOST      node or chromium (default node)
  --engine MODE  normal or interpret (default normal)
  --seed N       of the order (default 1)
  --limit MIB    the most memory that the process may take (default 1200)

Exit status: 0 when every result was the same and memory stayed within the limit.
`;
const MS_PER_MINUTE = 60_000;
const BYTES_PER_MIB = 1 << 20;
const BOOT_SECONDS = 300;
const WORKLOAD_SECONDS = 900;
/** Small: so that many different things take turns. */
const scaled = (count: number): number => Math.ceil(count / 4);

const say = (line: string): void => void process.stderr.write(`soak: ${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      in: { type: 'string', default: 'node' },
      engine: { type: 'string', default: 'normal' },
      seed: { type: 'string', default: '1' },
      limit: { type: 'string', default: '1200' },
      help: { type: 'boolean', default: false },
    },
  });
  const { minutes, in: host, engine, seed, limit } = values;
  const isKnown = ['node', 'chromium'].includes(host) && ['normal', 'interpret'].includes(engine);
  if (values.help || !isKnown) {
    process.stdout.write(HELP);
    return values.help ? 0 : 1;
  }
  mkdirSync(FOLDER, { recursive: true });
  const image = buildGuestImage(inProject('bench/programs'), FOLDER);
  const stats = join(FOLDER, 'soak.json');
  const command = guestCommand(
    host as 'node' | 'chromium',
    image,
    BOOTS[0].append,
    engine as 'normal' | 'interpret',
    stats,
  );
  const guest = new BenchGuest(command);
  await guest.booted(BOOT_SECONDS);
  const random = new SeededRandom(Number(seed));
  const known = new Map<string, string>();
  const end = performance.now() + Number(minutes) * MS_PER_MINUTE;
  let nextReport = performance.now() + MS_PER_MINUTE;
  let runs = 0;
  let mostMib = 0;
  while (performance.now() < end) {
    const workload = random.pick(GUEST_WORKLOADS);
    const text = await guest.run(workload.command(scaled), WORKLOAD_SECONDS);
    const line = parseBenchLine(text);
    if (!line) throw new Error(`${workload.name} printed no result: ${text}`);
    const before = known.get(workload.name) ?? line.checksum;
    if (before !== line.checksum)
      throw new Error(`${workload.name} gave ${line.checksum} after ${before}, run ${runs}`);
    known.set(workload.name, before);
    runs++;
    mostMib = Math.max(mostMib, (guest.usage()?.residentBytes ?? 0) / BYTES_PER_MIB);
    if (mostMib > Number(limit)) throw new Error(`the guest's process takes ${mostMib.toFixed(0)} MiB`);
    if (performance.now() < nextReport) continue;
    nextReport += MS_PER_MINUTE;
    say(`${runs} runs of ${known.size} workloads, at most ${mostMib.toFixed(0)} MiB`);
  }
  await guest.close();
  say(`${runs} runs of ${known.size} workloads, all results the same, at most ${mostMib.toFixed(0)} MiB`);
  return 0;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
