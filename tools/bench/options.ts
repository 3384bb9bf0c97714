/** The options of `npm run bench`. */
import { parseArgs } from 'node:util';
import { BOOTS, type BootName, CLASSES, GUEST_WORKLOADS, type Workload } from './workloads.ts';

export type HostName = 'node' | 'chromium';
export type BenchEngine = 'normal' | 'interpret' | 'translate';

export interface BenchOptions {
  readonly workloads: readonly Workload[];
  readonly boots: readonly BootName[];
  readonly rounds: number;
  readonly hosts: readonly HostName[];
  readonly engine: BenchEngine;
  readonly scale: number;
  /** Where the results go as JSON, besides the cache. */
  readonly json: string | undefined;
  readonly writeDocs: boolean;
}

/** A command line that makes no sense, in words. */
export class UsageError extends Error {}

export const HELP = `Measures this machine beside qemu-system-aarch64, in turns.

  npm run bench -- [OPTIONS]

  --only NAMES      workloads or classes, separated by commas (default all); boot and boot_with_tests too
  --in HOSTS        node,chromium (default both)
  --rounds N        boots of every engine, and runs of every workload (default 3)
  --engine MODE     normal, interpret or translate (default normal)
  --scale FACTOR    amount of work in every workload (default 1)
  --quick           one round at scale 0.1, unless they are given
  --json FILE       write the results there too (they always go to .cache/bench/latest.json)
  --write-docs      put the table into docs/performance.md
  --help            print this

Names: ${[...BOOTS, ...GUEST_WORKLOADS].map(({ name }) => name).join(' ')}
Classes: ${CLASSES.join(', ')}
`;

const HOSTS: readonly HostName[] = ['node', 'chromium'];
const ENGINES: readonly BenchEngine[] = ['normal', 'interpret', 'translate'];
const DEFAULT_ROUNDS = 3;
const QUICK_SCALE = 0.1;

/** The options, or undefined when help is wanted. @throws {UsageError} */
export function parseBenchOptions(args: readonly string[]): BenchOptions | undefined {
  const given = readArguments(args);
  if (given.help) return undefined;
  const quick = given.quick === true;
  return {
    ...select(given.only),
    hosts: given.in === undefined ? HOSTS : given.in.split(',').map((name) => oneOf('in', name, HOSTS)),
    engine: oneOf('engine', given.engine ?? 'normal', ENGINES),
    rounds: positive('rounds', given.rounds, quick ? 1 : DEFAULT_ROUNDS),
    scale: positive('scale', given.scale, quick ? QUICK_SCALE : 1),
    json: given.json,
    writeDocs: given['write-docs'] === true,
  };
}

function readArguments(args: readonly string[]) {
  const options = {
    only: { type: 'string' },
    in: { type: 'string' },
    rounds: { type: 'string' },
    engine: { type: 'string' },
    scale: { type: 'string' },
    quick: { type: 'boolean' },
    json: { type: 'string' },
    'write-docs': { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (failure) {
    throw new UsageError(failure instanceof Error ? failure.message : String(failure));
  }
}

function select(only: string | undefined): Pick<BenchOptions, 'workloads' | 'boots'> {
  const bootNames = BOOTS.map(({ name }) => name);
  if (only === undefined) return { workloads: GUEST_WORKLOADS, boots: bootNames };
  const names = new Set(only.split(','));
  const known = new Set<string>([...bootNames, ...CLASSES, ...GUEST_WORKLOADS.map(({ name }) => name)]);
  for (const name of names) if (!known.has(name)) throw new UsageError(`there is no workload ${name}`);
  return {
    workloads: GUEST_WORKLOADS.filter((row) => names.has(row.name) || names.has(row.class)),
    // The name of the quicker boot is that of the class, too.
    boots: bootNames.filter((name) => names.has(name) || names.has('boot')),
  };
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new UsageError(`--${name} is ${choices.join(' or ')}, not ${value}`);
  return choice;
}

function positive(name: string, value: string | undefined, otherwise: number): number {
  const number = value === undefined ? otherwise : Number(value);
  const valid = number > 0 && Number.isFinite(number) && (name !== 'rounds' || Number.isInteger(number));
  if (!valid) throw new UsageError(`--${name} is a positive number, not ${value}`);
  return number;
}
