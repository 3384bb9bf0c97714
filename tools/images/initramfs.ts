/** Puts together what the kernel unpacks into its first root file system. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import type { CpioEntry } from './cpio.ts';
import { modulesAlias, modulesDep } from './kernel-modules.ts';
import type { KernelParts } from './linux-parts.ts';
import type { InitramfsFacts, Overlay } from './recipe.ts';

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

/** The files of a recipe's overlay, by path in the guest. */
export function overlayFiles({ overlay }: Overlay): { path: string; data: Uint8Array }[] {
  const root = fileURLToPath(overlay);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(root, path).replaceAll('\\', '/'), data: readFileSync(path) }));
}

/** The same as entries of an archive, below `folder`. */
export function overlayEntries(facts: Overlay, folder = ''): CpioEntry[] {
  const executables = new Set(facts.executables);
  return overlayFiles(facts).map(
    ({ path, data }): CpioEntry => ({
      kind: 'file',
      path: folder + path,
      data,
      ...(executables.has(path) && { mode: EXECUTABLE_MODE }),
    }),
  );
}

/** The modules and their indexes, below `folder`. */
export function moduleEntries({ release, modules, modulesBuiltin }: KernelParts, folder = ''): CpioEntry[] {
  const root = `${folder}lib/modules/${release}`;
  return [
    ...modules.map(({ path, data }): CpioEntry => ({ kind: 'file', path: `${root}/${path}`, data })),
    { kind: 'file', path: `${root}/modules.dep`, data: Buffer.from(modulesDep(modules)) },
    { kind: 'file', path: `${root}/modules.alias`, data: Buffer.from(modulesAlias(modules)) },
    { kind: 'file', path: `${root}/modules.builtin`, data: modulesBuiltin },
  ];
}

export function initramfsEntries(
  facts: InitramfsFacts,
  parts: KernelParts & { readonly busybox: Uint8Array },
): CpioEntry[] {
  return [
    ...facts.directories.map((path): CpioEntry => ({ kind: 'directory', path })),
    ...FIRST_DEVICES.map((device): CpioEntry => ({ kind: 'character-device', ...device })),
    { kind: 'file', path: 'bin/busybox', data: parts.busybox, mode: EXECUTABLE_MODE },
    ...facts.links.map((link): CpioEntry => ({ kind: 'link', ...link })),
    ...moduleEntries(parts),
    ...overlayEntries(facts),
  ];
}
