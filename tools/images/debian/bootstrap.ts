/**
 * Debian's second stage, inside a machine of ours: a builder guest with the packages on one disk installs
 * them on another (files/bootstrap/init). That needs neither root rights nor emulation by the kernel here.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  createWriteStream,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type CpioEntry, writeCpio } from '../cpio.ts';
import type { DebianPackage, PrivateApt } from '../debian.ts';
import { gzipForServing, initramfsEntries, moduleEntries, overlayEntries } from '../initramfs.ts';
import type { KernelParts } from '../linux-parts.ts';
import type { DiskRecipe } from '../recipe.ts';
import { plainDeb } from './plain-deb.ts';

const BYTES_PER_MIB = 1 << 20;
const SECTOR_BYTES = 512;
/** Of a disk for packages; the machine keeps them in memory while it installs them. */
const BUILDER_MEMORY_MIB = 512;
/**
 * What dpkg and everything else need, to be installed first. usr-is-merged says that /bin and /usr/bin are one,
 * as the bootstrap makes them; without it apt would choose a package that needs all of Perl to merge them.
 */
const ESSENTIAL = ['?essential', '?priority(required)', 'dpkg', 'usr-is-merged'];
/** Makes and checks file systems before any package is installed. */
const FILE_SYSTEM_TOOLS = ['e2fsprogs'];
const COMMAND_LINE = 'console=ttyAMA0 cryptomgr.notests quiet';
const COMPLETE = 'bootstrap: complete';

/** A step inside the machine failed; the message names the log. */
export class BootstrapError extends Error {}

export interface Bootstrap {
  readonly recipe: DiskRecipe;
  readonly apt: PrivateApt;
  readonly kernel: KernelParts;
  readonly busybox: Uint8Array;
  /** Empty folder for the disks and the machine's log. */
  readonly folder: string;
  readonly say: (text: string) => void;
}

export interface BootstrappedDisk {
  readonly path: string;
  readonly packages: readonly DebianPackage[];
}

/** Makes the disk. @throws {BootstrapError} */
export async function bootstrapDisk(job: Bootstrap): Promise<BootstrappedDisk> {
  const { recipe, apt, folder } = job;
  const wanted = recipe.packages.map((row) => row.value);
  job.say('downloading packages (about 60 MB the first time)');
  const packages = apt.downloadAll([...ESSENTIAL, ...wanted]);
  const lists = {
    tools: namesOf(apt.resolve(FILE_SYSTEM_TOOLS)),
    essential: namesOf(apt.resolve(ESSENTIAL)),
  };
  job.say(`writing ${packages.length} packages to a disk`);
  const source = join(folder, 'packages.cpio');
  const sourceBytes = writeDisk(source, writeCpio(archiveEntries(job, packages, lists)));

  const path = join(folder, 'disk.img');
  writeFileSync(path, '');
  truncateSync(path, recipe.diskMiB * BYTES_PER_MIB);
  const kernelFile = join(folder, 'Image');
  const initrd = join(folder, 'bootstrap.cpio.gz');
  writeFileSync(kernelFile, job.kernel.image);
  const entries = initramfsEntries(recipe.bootstrap, { ...job.kernel, busybox: job.busybox });
  writeFileSync(initrd, gzipForServing(writeCpio(entries)));
  await runBuilder(job, [
    ...['--kernel', kernelFile, '--initrd', initrd, '--append', COMMAND_LINE],
    ...['--memory', String(BUILDER_MEMORY_MIB + Math.ceil(sourceBytes / BYTES_PER_MIB))],
    ...['--disk', path, '--disk', `${source},readonly`],
  ]);
  return { path, packages };
}

function namesOf(packages: readonly DebianPackage[]): string[] {
  return packages.map(({ name }) => name);
}

/** What the builder guest reads: see the header of files/bootstrap/init. */
function archiveEntries(
  { recipe, kernel }: Bootstrap,
  packages: readonly DebianPackage[],
  lists: { readonly tools: readonly string[]; readonly essential: readonly string[] },
): CpioEntry[] {
  const isEssential = new Set(lists.essential);
  const list = (name: string, lines: readonly string[]): CpioEntry => ({
    kind: 'file',
    path: `lists/${name}`,
    data: Buffer.from(`${lines.join('\n')}\n`),
  });
  return [
    list('tools', lists.tools),
    list('essential', lists.essential),
    list(
      'others',
      namesOf(packages).filter((name) => !isEssential.has(name)),
    ),
    list(
      'masked-units',
      recipe.maskedUnits.map((row) => row.value),
    ),
    ...packages.map(
      ({ name, file }): CpioEntry => ({ kind: 'file', path: `packages/${name}.deb`, data: plainDeb(file) }),
    ),
    ...overlayEntries(recipe.early, 'early/'),
    ...overlayEntries(recipe.root, 'overlay/'),
    ...recipe.sharedFiles.map(
      ({ path, source, mode }): CpioEntry => ({
        kind: 'file',
        path: `overlay/${path}`,
        data: readFileSync(source),
        mode,
      }),
    ),
    ...moduleEntries(kernel, 'overlay/usr/'),
  ];
}

/** Writes `data` as a raw disk, whose size is in sectors; returns the size. */
function writeDisk(path: string, data: Uint8Array): number {
  const sizeBytes = Math.ceil(data.length / SECTOR_BYTES) * SECTOR_BYTES;
  const file = openSync(path, 'w');
  for (let at = 0; at < data.length; ) at += writeSync(file, data, at);
  closeSync(file);
  truncateSync(path, sizeBytes);
  return sizeBytes;
}

/** Runs the builder guest with the command line's own program and repeats its steps. */
async function runBuilder({ folder, say }: Bootstrap, options: readonly string[]): Promise<void> {
  const program = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
  const logPath = join(folder, 'bootstrap.log');
  const log = createWriteStream(logPath);
  const child = spawn(process.execPath, [...process.execArgv, program, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(log, { end: false });
  let isComplete = false;
  let last = '';
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
    log.write(`${line}\n`);
    if (!line.startsWith('bootstrap: ')) continue;
    last = line.slice('bootstrap: '.length);
    isComplete = line === COMPLETE;
    if (!isComplete) say(`in the machine: ${last}`);
  }
  log.end();
  if (!isComplete)
    throw new BootstrapError(`installing Debian in the machine did not end well (${last}); see ${logPath}`);
}
