/** `npm run bench`: runs the rounds, prints the table, writes the JSON. Run by tools/bench.mjs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineName, qemuVersion } from './engines.ts';
import { buildGuestImage } from './guest-image.ts';
import { HostLoad } from './host-load.ts';
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

interface Measurement {
  readonly options: BenchOptions;
  readonly engines: readonly EngineName[];
  /** Name and version of what ran each engine. */
  readonly hosts: Map<EngineName, string>;
  readonly samples: Sample[];
  readonly failures: Failure[];
  readonly load: HostLoad;
}

async function main(): Promise<number> {
  const options = parseBenchOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(HELP);
    return 0;
  }
  const image = buildGuestImage(PROGRAMS, FOLDER);
  const engines: EngineName[] = ['qemu', ...options.hosts];
  const hosts = new Map<EngineName, string>([['qemu', qemuVersion()]]);
  const measurement: Measurement = {
    options,
    engines,
    hosts,
    samples: [],
    failures: [],
    load: new HostLoad(),
  };
  for (let number = 0; number < options.rounds; number++) {
    const round = await runRound({ number, engines, options, image, folder: FOLDER, say });
    measurement.samples.push(...round.samples);
    measurement.failures.push(...round.failures);
    for (const [engine, host] of round.hosts) hosts.set(engine, host);
    writeJson(measurement);
  }
  return conclude(measurement);
}

/** Prints the table and what went wrong; the exit status. */
function conclude(measurement: Measurement): number {
  const { options, engines, samples, failures } = measurement;
  const columns = { engines, rows: summarise(samples) };
  const circumstances = describe(measurement);
  process.stdout.write(`${textTable(columns)}\n${circumstances}\n`);
  if (options.writeDocs) {
    const document = readFileSync(DOCUMENT, 'utf8');
    writeFileSync(DOCUMENT, replaceResults(document, `${circumstances}\n\n${markdownTable(columns)}`));
  }
  const differences = checksumDifferences(samples);
  for (const difference of differences) say(`checksums differ: ${difference}`);
  for (const { engine, workload, message } of failures) say(`${engine}: ${workload} failed: ${message}`);
  return differences.length + failures.length === 0 ? 0 : STATUS_ERROR;
}

/** What was measured where, in one paragraph. */
function describe({ options, hosts, load }: Measurement): string {
  const [cpu] = cpus();
  const othersBusy = load.othersBusy();
  return [
    `${[...hosts.values()].join(', ')};`,
    `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'};`,
    `rounds: ${options.rounds}, work × ${options.scale}, engine mode ${options.engine};`,
    `other programs kept ${othersBusy?.toFixed(1) ?? 'an unknown number of'} processors busy meanwhile.`,
  ].join(' ');
}

function writeJson({ options, hosts, samples, failures, load }: Measurement): void {
  const [cpu] = cpus();
  const { rounds, scale, engine } = options;
  const results = {
    date: new Date().toISOString(),
    machine: {
      cpu: cpu?.model.trim(),
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / BYTES_PER_GIB),
      othersBusy: load.othersBusy(),
    },
    versions: Object.fromEntries(hosts),
    rounds,
    scale,
    engine,
    summary: summarise(samples).map(({ medians, ratios, ...row }) => ({
      ...row,
      medians: Object.fromEntries(medians),
      ratios: Object.fromEntries(ratios),
    })),
    differences: checksumDifferences(samples),
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
