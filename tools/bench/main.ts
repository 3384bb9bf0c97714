/** `npm run bench`: runs the rounds, prints the table, writes the JSON. Run by tools/bench.mjs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineName, qemuVersion } from './engines.ts';
import { buildGuestImage } from './guest-image.ts';
import { type BenchOptions, HELP, parseBenchOptions, UsageError } from './options.ts';
import { checksumDifferences, type Failure, type Sample, summarise } from './results.ts';
import { runRound } from './round.ts';
import { markdownTable, replaceResults, textTable } from './table.ts';

const inProject = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const FOLDER = inProject('.cache/bench');
const PROGRAMS = inProject('bench/programs');
const DOCUMENT = inProject('docs/performance.md');
const BYTES_PER_GIB = 2 ** 30;
const STATUS_ERROR = 1;

const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

async function main(): Promise<number> {
  const options = parseBenchOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  const image = buildGuestImage(PROGRAMS, FOLDER);
  const engines: EngineName[] = ['qemu', ...options.hosts];
  const samples: Sample[] = [];
  const failures: Failure[] = [];
  const hosts = new Map<EngineName, string>([['qemu', qemuVersion()]]);
  for (let number = 0; number < options.rounds; number++) {
    const round = await runRound({ number, engines, options, image, folder: FOLDER, say });
    samples.push(...round.samples);
    failures.push(...round.failures);
    for (const [engine, host] of round.hosts) hosts.set(engine, host);
    writeResults(options, hosts, samples, failures);
  }
  return conclude(options, engines, hosts, samples, failures);
}

function conclude(
  options: BenchOptions,
  engines: readonly EngineName[],
  hosts: ReadonlyMap<EngineName, string>,
  samples: readonly Sample[],
  failures: readonly Failure[],
): number {
  const columns = { engines, rows: summarise(samples) };
  const measured = describe(options, hosts);
  process.stdout.write(`${textTable(columns)}\n${measured}\n`);
  if (options.writeDocs) {
    const document = readFileSync(DOCUMENT, 'utf8');
    writeFileSync(DOCUMENT, replaceResults(document, `${measured}\n\n${markdownTable(columns)}`));
  }
  const differences = checksumDifferences(samples);
  for (const difference of differences) say(`checksums differ: ${difference}`);
  for (const { engine, workload, message } of failures) say(`${engine}: ${workload} failed: ${message}`);
  return differences.length + failures.length === 0 ? 0 : STATUS_ERROR;
}

function describe(options: BenchOptions, hosts: ReadonlyMap<EngineName, string>): string {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}`;
  const run = `${options.rounds} rounds, work × ${options.scale}, engine mode ${options.engine}`;
  return `${[...hosts.values()].join(', ')}; ${machine}; ${run}.`;
}

function writeResults(
  options: BenchOptions,
  hosts: ReadonlyMap<EngineName, string>,
  samples: readonly Sample[],
  failures: readonly Failure[],
): void {
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / BYTES_PER_GIB),
    loadAverage: loadavg(),
  };
  const { rounds, scale, engine } = options;
  const summary = summarise(samples).map(({ medians, ratios, ...row }) => ({
    ...row,
    medians: Object.fromEntries(medians),
    ratios: Object.fromEntries(ratios),
  }));
  const differences = checksumDifferences(samples);
  const versions = Object.fromEntries(hosts);
  const results = {
    date: new Date().toISOString(),
    machine,
    versions,
    rounds,
    scale,
    engine,
    summary,
    differences,
    failures,
    samples,
  };
  const text = `${JSON.stringify(results, null, 2)}\n`;
  writeFileSync(join(FOLDER, 'latest.json'), text);
  if (options.json !== undefined) writeFileSync(options.json, text);
}

const SIGNAL_STATUS_BASE = 128;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
for (const [signal, number] of Object.entries(SIGNALS)) {
  process.on(signal, () => process.exit(SIGNAL_STATUS_BASE + number));
}

try {
  process.exitCode = await main();
} catch (failure) {
  const message = failure instanceof Error ? failure.message : String(failure);
  say(failure instanceof UsageError ? `${message} (--help lists the options)` : message);
  process.exitCode = STATUS_ERROR;
}
