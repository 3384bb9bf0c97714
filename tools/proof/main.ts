/**
 * `npm run proof:debian [-- --in MACHINE,… --only REGEX --no-boot --no-checks --markdown]`: boots Debian in each machine,
 * writes a file and restarts, then runs the rows of checks.ts in a guest, and prints what came of them.
 * Exit status 1 when anything failed in a machine of ours, 2 on a wrong option.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { PackagesUnavailableError } from '../images/debian.ts';
import { proveBoot } from './boot.ts';
import { CHECKS } from './checks.ts';
import { proofImage } from './image.ts';
import { MACHINES, type MachineName } from './machines.ts';
import { proveChecks } from './run-checks.ts';
import { markdownTable, type ResultRow, textTable } from './table.ts';

const EXIT_USAGE = 2;
const EXIT_NO_PACKAGES = 3;
const QEMU = 'qemu-system-aarch64';

const say = (text: string): void => void process.stderr.write(`proof: ${text}\n`);

interface ProofOptions {
  readonly machines: readonly MachineName[];
  readonly only: RegExp;
  readonly boot: boolean;
  readonly checks: boolean;
  readonly markdown: boolean;
}

/** @throws {Error} in words */
function readOptions(): ProofOptions {
  const { values } = parseArgs({
    options: {
      in: { type: 'string', default: 'node' },
      only: { type: 'string', default: '' },
      'no-boot': { type: 'boolean', default: false },
      'no-checks': { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
    },
  });
  const machines = values.in.split(',').map((name) => {
    const machine = MACHINES.find((known) => known === name);
    if (machine === undefined) throw new Error(`--in ${name}: the machines are ${MACHINES.join(', ')}`);
    return machine;
  });
  if (machines.includes('qemu') && spawnSync(QEMU, ['--version']).error !== undefined) {
    throw new Error(`--in qemu needs ${QEMU} (Debian: apt-get install qemu-system-arm)`);
  }
  return {
    machines,
    only: new RegExp(values.only),
    boot: !values['no-boot'],
    checks: !values['no-checks'],
    markdown: values.markdown,
  };
}

async function main(): Promise<number> {
  let options: ProofOptions;
  try {
    options = readOptions();
  } catch (failure) {
    say(failure instanceof Error ? failure.message : String(failure));
    return EXIT_USAGE;
  }
  const image = await proofImage(say);
  const rows: ResultRow[] = [];
  for (const machine of options.machines) {
    if (options.boot) rows.push(...(await proveBoot(machine, image, say)));
    if (!options.checks) continue;
    const checks = CHECKS.filter(({ name, group }) => options.only.test(`${group}: ${name}`));
    rows.push(...(await proveChecks(machine, image, checks, say)));
  }
  const print = options.markdown ? markdownTable : textTable;
  process.stdout.write(print(options.machines, rows));
  return rows.some(({ machine, failure }) => machine !== 'qemu' && failure !== undefined) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (failure) {
  if (!(failure instanceof PackagesUnavailableError)) throw failure;
  say(failure.message);
  process.exitCode = EXIT_NO_PACKAGES;
}
