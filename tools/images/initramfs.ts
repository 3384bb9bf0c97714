/** Puts together what the kernel unpacks into its first root file system. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import type { CpioEntry } from './cpio.ts';
import { type KernelModule, modulesAlias, modulesDep } from './kernel-modules.ts';
import type { LinuxRecipe } from './recipe.ts';

/** Major and minor numbers from the kernel's Documentation/admin-guide/devices.txt, used before devtmpfs. */
const FIRST_DEVICES = [
  { path: 'dev/console', major: 5, minor: 1 },
  { path: 'dev/null', major: 1, minor: 3 },
] as const;

const EXECUTABLE_MODE = 0o755;

/** RFC 1952, 2.3.1: the byte that names the operating system; 255 means unknown. */
const GZIP_OS_OFFSET = 9;
const GZIP_OS_UNKNOWN = 255;

/** Compresses as small as gzip can; the result does not depend on time or host. */
export function gzipForServing(data: Uint8Array): Uint8Array {
  const result = gzipSync(data, { level: constants.Z_BEST_COMPRESSION });
  result[GZIP_OS_OFFSET] = GZIP_OS_UNKNOWN;
  return result;
}

/** The files of the recipe's overlay, by path in the guest. */
export function overlayFiles(recipe: LinuxRecipe): { path: string; data: Uint8Array }[] {
  const root = fileURLToPath(recipe.overlay);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(root, path).replaceAll('\\', '/'), data: readFileSync(path) }));
}

function moduleEntries(release: string, modules: readonly KernelModule[], builtin: Uint8Array): CpioEntry[] {
  const folder = `lib/modules/${release}`;
  return [
    ...modules.map(({ path, data }): CpioEntry => ({ kind: 'file', path: `${folder}/${path}`, data })),
    { kind: 'file', path: `${folder}/modules.dep`, data: Buffer.from(modulesDep(modules)) },
    { kind: 'file', path: `${folder}/modules.alias`, data: Buffer.from(modulesAlias(modules)) },
    { kind: 'file', path: `${folder}/modules.builtin`, data: builtin },
  ];
}

export function initramfsEntries(
  recipe: LinuxRecipe,
  parts: {
    readonly busybox: Uint8Array;
    /** As `uname -r` prints it. */
    readonly release: string;
    readonly modules: readonly KernelModule[];
    readonly modulesBuiltin: Uint8Array;
  },
): CpioEntry[] {
  const executables = new Set(recipe.executables);
  return [
    ...recipe.directories.map((path): CpioEntry => ({ kind: 'directory', path })),
    ...FIRST_DEVICES.map((device): CpioEntry => ({ kind: 'character-device', ...device })),
    { kind: 'file', path: 'bin/busybox', data: parts.busybox, mode: EXECUTABLE_MODE },
    ...recipe.links.map((link): CpioEntry => ({ kind: 'link', ...link })),
    ...moduleEntries(parts.release, parts.modules, parts.modulesBuiltin),
    ...overlayFiles(recipe).map(
      ({ path, data }): CpioEntry =>
        executables.has(path)
          ? { kind: 'file', path, data, mode: EXECUTABLE_MODE }
          : { kind: 'file', path, data },
    ),
  ];
}
