/** What runs the guest, as command lines: QEMU, and this project's command line in Node or Chromium. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GuestImage } from './guest-image.ts';
import type { BenchEngine, HostName } from './options.ts';

export type EngineName = 'qemu' | HostName;

export interface GuestCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Where our command line tells how long it took to start; QEMU's start is part of its boot. */
  readonly stats: string | undefined;
}

const QEMU = 'qemu-system-aarch64';
const MEMORY_MIB = '512';
const COMMAND_LINE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/**
 * The board that ours models. Without a seed for KASLR, every boot has the kernel at the same addresses;
 * ours gives no seed either.
 */
const QEMU_MACHINE = [
  ['-M', 'virt,gic-version=3,dtb-randomness=off'],
  ['-cpu', 'cortex-a72'],
  ['-smp', '1'],
  ['-m', MEMORY_MIB],
  ['-accel', 'tcg'],
  ['-nodefaults'],
  ['-nic', 'none'],
  ['-display', 'none'],
  ['-monitor', 'none'],
  ['-serial', 'stdio'],
  ['-no-reboot'],
].flat();

export function guestCommand(
  engine: EngineName,
  image: GuestImage,
  append: string,
  mode: BenchEngine,
  stats: string,
): GuestCommand {
  const { kernel, initrd } = image;
  if (engine === 'qemu') {
    const args = [...QEMU_MACHINE, '-kernel', kernel, '-initrd', initrd, '-append', append];
    return { file: QEMU, args, stats: undefined };
  }
  const guest = ['--memory', MEMORY_MIB, '--kernel', kernel, '--initrd', initrd, '--append', append];
  const run = [
    '--in',
    engine,
    '--engine',
    mode,
    '--when-quiet',
    '--type-at-once',
    '--quiet',
    '--stats',
    stats,
  ];
  const args = ['--disable-warning=ExperimentalWarning', COMMAND_LINE, ...guest, ...run];
  return { file: process.execPath, args, stats };
}

export function qemuVersion(): string {
  const { stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  return `QEMU ${/version (\S+)/.exec(stdout ?? '')?.[1] ?? '(unknown)'}`;
}
