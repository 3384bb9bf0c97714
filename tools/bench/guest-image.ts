/** The guest that is measured: the default guest's kernel, and its initramfs with bramble-bench in /bin. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDefaultGuest } from '../../src/cli/default-guest.ts';
import { writeWhole } from '../images/manifest.ts';
import { withFiles } from '../images/with-files.ts';

const COMPILER = 'aarch64-linux-gnu-gcc';
const COMPILER_FLAGS = ['-O2', '-static', '-Wall', '-Wextra'];
const LIBRARIES = ['-lm', '-lpthread'];
const GUEST_PATH = '/bin/bramble-bench';
const PROGRAM_MODE = 0o755;

/** Commands that the measurement needs, and the Debian packages that have them. */
const NEEDED = [
  { command: COMPILER, packages: 'gcc-aarch64-linux-gnu libc6-dev-arm64-cross' },
  { command: 'qemu-system-aarch64', packages: 'qemu-system-arm' },
];

export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
}

/** @throws {Error} in words, when something is missing or does not compile */
export function buildGuestImage(programs: string, folder: string): GuestImage {
  for (const { command, packages } of NEEDED) {
    if (spawnSync(command, ['--version'], { stdio: 'ignore' }).error) {
      throw new Error(`this needs ${command} (Debian: apt-get install ${packages})`);
    }
  }
  const guest = findDefaultGuest();
  if (guest?.initrd === undefined)
    throw new Error('no guest has been built yet ("npm run images" builds one)');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'bramble-bench');
  compile(programs, program);
  const initrd = join(folder, 'initramfs.cpio.gz');
  const added = { guestPath: GUEST_PATH, data: readFileSync(program), mode: PROGRAM_MODE };
  writeWhole(initrd, withFiles(readFileSync(guest.initrd), [added]));
  return { kernel: guest.kernel, initrd };
}

function compile(programs: string, output: string): void {
  const sources = readdirSync(programs)
    .filter((name) => name.endsWith('.c'))
    .sort()
    .map((name) => join(programs, name));
  const { status, stderr } = spawnSync(
    COMPILER,
    [...COMPILER_FLAGS, '-o', output, ...sources, ...LIBRARIES],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`${COMPILER} failed:\n${stderr}`);
}
