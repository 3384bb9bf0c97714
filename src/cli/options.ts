/** The command line's options as rows: parsing and the help text read the same table. */
import { readFileSync } from 'node:fs';
import type { EngineMode } from '../embed/api.ts';
import { CPU_NAMES, type CpuName, DEFAULT_CPU } from '../emu/cpu/profiles.ts';

export interface DiskFile {
  readonly path: string;
  /** `write`: the guest's writes reach the file. */
  readonly mode: 'write' | 'readonly' | 'snapshot';
}

export interface VmOptions {
  memoryMiB: number;
  guest: string | undefined;
  kernel: string | undefined;
  initrd: string | undefined;
  dtb: string | undefined;
  append: string | undefined;
  disks: DiskFile[];
  cpu: CpuName;
  engine: EngineMode;
  until: RegExp | undefined;
  timeoutSeconds: number | undefined;
  stats: string | undefined;
  profile: boolean;
  symbols: string | undefined;
  host: 'node' | 'chromium';
  whenQuiet: boolean;
  prompt: RegExp;
  typeAtOnce: boolean;
  quiet: boolean;
  help: boolean;
}

/** A command line that makes no sense, in words. */
export class UsageError extends Error {}

interface OptionRow {
  readonly name: string;
  /** What the option's argument is called; absent for switches. */
  readonly argument?: string;
  readonly help: string;
  readonly apply: (options: VmOptions, value: string) => void;
}

const ENGINES: readonly EngineMode[] = ['normal', 'interpret', 'translate'];
const HOSTS: readonly VmOptions['host'][] = ['node', 'chromium'];
const DISK_MODES: readonly DiskFile['mode'][] = ['readonly', 'snapshot'];
const DEFAULT_MEMORY_MIB = 512;
const SMALLEST_MEMORY_MIB = 32;
const LARGEST_MEMORY_MIB = 3072;
const MIB_PER_GIB = 1024;
const DEFAULT_PROMPT = /[#$] $/;

const OPTIONS: readonly OptionRow[] = [
  {
    name: 'machine',
    argument: 'NAME',
    help: 'the board: virt (default virt)',
    apply: (_options, value) => void oneOf('machine', value, ['virt']),
  },
  {
    name: 'cpus',
    argument: 'N',
    help: 'processors: 1 (default 1)',
    apply: (_options, value) => void oneOf('cpus', value, ['1']),
  },
  {
    name: 'memory',
    argument: 'MIB',
    help: `RAM in MiB, or with G in GiB; ${SMALLEST_MEMORY_MIB} to ${LARGEST_MEMORY_MIB} (default ${DEFAULT_MEMORY_MIB})`,
    apply: (options, value) => {
      options.memoryMiB = parseMemory(value);
    },
  },
  {
    name: 'guest',
    argument: 'NAME',
    help: 'a built guest: its kernel, initrd, command line and disk (default: the first)',
    apply: (options, value) => {
      options.guest = value;
    },
  },
  {
    name: 'kernel',
    argument: 'FILE',
    help: 'arm64 Linux Image, plain or gzip, or a raw binary (default: the built guest)',
    apply: (options, value) => {
      options.kernel = value;
    },
  },
  {
    name: 'initrd',
    argument: 'FILE',
    help: 'initial RAM disk',
    apply: (options, value) => {
      options.initrd = value;
    },
  },
  {
    name: 'dtb',
    argument: 'FILE',
    help: 'device tree instead of the generated one',
    apply: (options, value) => {
      options.dtb = value;
    },
  },
  {
    name: 'append',
    argument: 'TEXT',
    help: 'the kernel’s command line',
    apply: (options, value) => {
      options.append = value;
    },
  },
  {
    name: 'disk',
    argument: 'FILE[,MODE]',
    help: 'disk image: raw, or with a MODE also qcow2, VHD, xz; MODE readonly, or snapshot to forget writes; may be repeated',
    apply: (options, value) => void options.disks.push(parseDisk(value)),
  },
  {
    name: 'cpu',
    argument: 'NAME',
    help: `${CPU_NAMES.join(', ')} (default ${DEFAULT_CPU})`,
    apply: (options, value) => {
      options.cpu = oneOf('cpu', value, CPU_NAMES);
    },
  },
  {
    name: 'engine',
    argument: 'MODE',
    help: 'normal, interpret or translate (default normal)',
    apply: (options, value) => {
      options.engine = oneOf('engine', value, ENGINES);
    },
  },
  {
    name: 'until',
    argument: 'REGEX',
    help: 'end, with success, once the console’s text matches',
    apply: (options, value) => {
      options.until = parsePattern('until', value);
    },
  },
  {
    name: 'timeout',
    argument: 'SECONDS',
    help: 'end, with status 124, after so long',
    apply: (options, value) => {
      options.timeoutSeconds = parseSeconds(value);
    },
  },
  {
    name: 'stats',
    argument: 'FILE',
    help: 'write figures of the run as JSON',
    apply: (options, value) => {
      options.stats = value;
    },
  },
  {
    name: 'profile',
    help: 'tell on standard error where the host’s time went: tiers, regions, functions',
    apply: (options) => {
      options.profile = true;
    },
  },
  {
    name: 'symbols',
    argument: 'FILE',
    help: 'names for --profile: System.map, or /proc/kallsyms of the guest',
    apply: (options, value) => {
      options.symbols = value;
    },
  },
  {
    name: 'in',
    argument: 'HOST',
    help: 'node, or chromium: the same in a headless browser (default node)',
    apply: (options, value) => {
      options.host = oneOf('in', value, HOSTS);
    },
  },
  {
    name: 'when-quiet',
    help: 'boot when the browser has ended its own start, for measurements (--in chromium)',
    apply: (options) => {
      options.whenQuiet = true;
    },
  },
  {
    name: 'prompt',
    argument: 'REGEX',
    help: `what the guest prints when it wants a line (default ${DEFAULT_PROMPT.source})`,
    apply: (options, value) => {
      options.prompt = parsePattern('prompt', value);
    },
  },
  {
    name: 'type-at-once',
    help: 'type a piped standard input without waiting for prompts',
    apply: (options) => {
      options.typeAtOnce = true;
    },
  },
  {
    name: 'quiet',
    help: 'nothing on standard error but errors',
    apply: (options) => {
      options.quiet = true;
    },
  },
  {
    name: 'help',
    help: 'print this',
    apply: (options) => {
      options.help = true;
    },
  },
];

/** @throws {UsageError} */
export function parseOptions(args: readonly string[]): VmOptions {
  const options: VmOptions = {
    memoryMiB: DEFAULT_MEMORY_MIB,
    guest: undefined,
    kernel: undefined,
    initrd: undefined,
    dtb: undefined,
    append: undefined,
    disks: [],
    cpu: DEFAULT_CPU,
    engine: 'normal',
    until: undefined,
    timeoutSeconds: undefined,
    stats: undefined,
    profile: false,
    symbols: undefined,
    host: 'node',
    whenQuiet: false,
    prompt: DEFAULT_PROMPT,
    typeAtOnce: false,
    quiet: false,
    help: false,
  };
  for (let at = 0; at < args.length; at++) {
    const [, name, attached] = /^--([^=]+)(?:=(.*))?$/s.exec(args[at] ?? '') ?? [];
    const row = OPTIONS.find((candidate) => candidate.name === name);
    if (!row) throw new UsageError(`unknown option ${args[at]}`);
    if (row.argument === undefined) {
      if (attached !== undefined) throw new UsageError(`--${row.name} takes no argument`);
      row.apply(options, '');
      continue;
    }
    const value = attached ?? args[++at];
    if (value === undefined) throw new UsageError(`--${row.name} needs an argument: ${row.argument}`);
    row.apply(options, value);
  }
  if (options.kernel === undefined && options.initrd !== undefined && !options.help) {
    throw new UsageError('--initrd without --kernel');
  }
  if (options.profile && options.host !== 'node') throw new UsageError('--profile is for --in node');
  return options;
}

export function helpText(): string {
  const heads = OPTIONS.map(({ name, argument }) => `  --${name}${argument ? ` ${argument}` : ''}`);
  const width = Math.max(...heads.map((head) => head.length)) + 2;
  const rows = OPTIONS.map(({ help }, at) => (heads[at] ?? '').padEnd(width) + help);
  const text = new URL('./help.txt', import.meta.url);
  return readFileSync(text, 'utf8').replace('@OPTIONS@', rows.join('\n'));
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new UsageError(`--${name} is ${choices.join(' or ')}, not ${value}`);
  return choice;
}

function parseMemory(value: string): number {
  const [, digits, unit] = /^(\d+)(M|G|MiB|GiB)?$/i.exec(value) ?? [];
  const memoryMiB = Number(digits) * (unit?.toUpperCase().startsWith('G') ? MIB_PER_GIB : 1);
  if (!(memoryMiB >= SMALLEST_MEMORY_MIB && memoryMiB <= LARGEST_MEMORY_MIB)) {
    throw new UsageError(
      `--memory is from ${SMALLEST_MEMORY_MIB} to ${LARGEST_MEMORY_MIB} MiB, not ${value}`,
    );
  }
  return memoryMiB;
}

/** The mode stands after the last comma, where it is one; other commas belong to the file's name. */
function parseDisk(value: string): DiskFile {
  const comma = value.lastIndexOf(',');
  const mode = DISK_MODES.find((candidate) => candidate === value.slice(comma + 1));
  return comma > 0 && mode ? { path: value.slice(0, comma), mode } : { path: value, mode: 'write' };
}

function parsePattern(name: string, value: string): RegExp {
  try {
    return new RegExp(value, 'm');
  } catch (failure) {
    throw new UsageError(`--${name}: ${failure instanceof Error ? failure.message : String(failure)}`);
  }
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (!(seconds > 0 && Number.isFinite(seconds)))
    throw new UsageError(`--timeout is a number of seconds, not ${value}`);
  return seconds;
}
