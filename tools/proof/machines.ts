/** What runs the guest, as command lines: this project's own, in two modes and two hosts, and QEMU. */
import { fileURLToPath } from 'node:url';
import type { ProofImage } from './image.ts';

export const MACHINES = ['node', 'interpret', 'chromium', 'qemu'] as const;
export type MachineName = (typeof MACHINES)[number];

export interface MachineCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** The Python suites want more than the guest's usual half gigabyte. */
export const MEMORY_MIB = 1024;
const COMMAND_LINE = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** The board that ours models; its disk is the current virtio interface. */
const QEMU_MACHINE = [
  ['-M', 'virt,gic-version=3,dtb-randomness=off'],
  ['-cpu', 'cortex-a72'],
  ['-smp', '1'],
  ['-m', String(MEMORY_MIB)],
  ['-global', 'virtio-mmio.force-legacy=false'],
  ['-nodefaults'],
  ['-nic', 'none'],
  ['-display', 'none'],
  ['-monitor', 'none'],
  ['-serial', 'stdio'],
].flat();

const OUR_OPTIONS: Record<Exclude<MachineName, 'qemu'>, readonly string[]> = {
  node: [],
  interpret: ['--engine', 'interpret'],
  chromium: ['--in', 'chromium'],
};

/** `disk` is written to unless `keep` says that it is to stay as it is. */
export function machineCommand(
  machine: MachineName,
  { kernel, initrd }: ProofImage,
  disk: { readonly path: string; readonly keep: boolean },
  append: string,
): MachineCommand {
  const boot = (dashes: string): string[] => [
    `${dashes}kernel`,
    kernel,
    `${dashes}initrd`,
    initrd,
    `${dashes}append`,
    append,
  ];
  if (machine === 'qemu') {
    const drive = `file=${disk.path},format=raw,if=none,id=root,snapshot=${disk.keep ? 'on' : 'off'}`;
    const args = [...QEMU_MACHINE, ...boot('-'), '-drive', drive, '-device', 'virtio-blk-device,drive=root'];
    return { file: 'qemu-system-aarch64', args };
  }
  const run = ['--memory', String(MEMORY_MIB), '--type-at-once', '--quiet', ...OUR_OPTIONS[machine]];
  const args = [COMMAND_LINE, ...boot('--'), '--disk', disk.path + (disk.keep ? ',snapshot' : ''), ...run];
  return { file: process.execPath, args: ['--disable-warning=ExperimentalWarning', ...args] };
}
