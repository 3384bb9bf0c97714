/** What guests take out of Debian's packages: the kernel's Image with chosen modules, and the static busybox. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DebianPackage, PrivateApt } from './debian.ts';
import { collectModules, type KernelModule } from './kernel-modules.ts';

export interface KernelParts {
  readonly image: Uint8Array;
  /** As `uname -r` prints it. */
  readonly release: string;
  readonly modules: readonly KernelModule[];
  readonly modulesBuiltin: Uint8Array;
}

/** Debian has moved files from / to /usr over its releases. */
function firstExisting(folder: string, candidates: readonly string[]): string {
  const found = candidates.map((path) => join(folder, path)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`none of ${candidates.join(', ')} is in the package`);
  return found;
}

/** Takes the Image and the modules named in `modules`, with what they depend on, out of a kernel package. */
export function kernelParts(apt: PrivateApt, kernel: DebianPackage, modules: readonly string[]): KernelParts {
  const folder = apt.unpack(kernel);
  try {
    const boot = readdirSync(join(folder, 'boot')).find((name) => name.startsWith('vmlinuz-'));
    if (boot === undefined) throw new Error(`${kernel.name} holds no kernel`);
    const release = boot.slice('vmlinuz-'.length);
    const modulesRoot = firstExisting(folder, [`lib/modules/${release}`, `usr/lib/modules/${release}`]);
    return {
      image: readFileSync(join(folder, 'boot', boot)),
      release,
      modules: collectModules(modulesRoot, modules),
      modulesBuiltin: readFileSync(join(modulesRoot, 'modules.builtin')),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function busyboxBinary(apt: PrivateApt, busybox: DebianPackage): Uint8Array {
  const folder = apt.unpack(busybox);
  try {
    return readFileSync(firstExisting(folder, ['bin/busybox', 'usr/bin/busybox']));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
