/**
 * Which kernel modules a guest gets: the ones its recipe names and what they depend on. Debian's package
 * holds no modules.dep, so names, dependencies and aliases come from the ".modinfo" section of each ELF64
 * little-endian module (System V ABI, chapter 4), and modules.dep and modules.alias are written from them.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface KernelModule {
  /** With underscores, as the kernel names it. */
  readonly name: string;
  /** Below /lib/modules/<release>, uncompressed: kernel/drivers/…/x.ko. */
  readonly path: string;
  readonly depends: readonly string[];
  readonly aliases: readonly string[];
  readonly data: Uint8Array;
}

/** Offsets and sizes in ELF64 headers. */
const ELF = {
  magic: 0x7f454c46,
  sectionTableOffset: 0x28,
  sectionHeaderBytes: 0x3a,
  sectionCount: 0x3c,
  nameTableIndex: 0x3e,
  section: { name: 0x00, offset: 0x18, size: 0x20 },
} as const;

const MODULE_FILE = /\.ko(\.xz)?$/;

/** The bytes of the section called `wanted`. @throws {Error} when `file` is no ELF file or lacks it. */
export function elfSection(file: Uint8Array, wanted: string): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 0x40 || view.getUint32(0) !== ELF.magic) throw new Error('not an ELF file');
  const table = Number(view.getBigUint64(ELF.sectionTableOffset, true));
  const stride = view.getUint16(ELF.sectionHeaderBytes, true);
  const bytesOf = (index: number): Uint8Array => {
    const header = table + index * stride;
    const offset = Number(view.getBigUint64(header + ELF.section.offset, true));
    return file.subarray(offset, offset + Number(view.getBigUint64(header + ELF.section.size, true)));
  };
  const names = Buffer.from(bytesOf(view.getUint16(ELF.nameTableIndex, true))).toString('latin1');
  for (let index = 0; index < view.getUint16(ELF.sectionCount, true); index++) {
    const start = view.getUint32(table + index * stride + ELF.section.name, true);
    if (names.slice(start, names.indexOf('\0', start)) === wanted) return bytesOf(index);
  }
  throw new Error(`no section ${wanted}`);
}

/** Splits ".modinfo", a run of NUL-terminated key=value strings, into the values of one key. */
export function modinfoValues(modinfo: Uint8Array, key: string): string[] {
  return Buffer.from(modinfo)
    .toString('latin1')
    .split('\0')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

function nameOfFile(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(MODULE_FILE, '').replaceAll('-', '_');
}

function readModule(root: string, path: string): KernelModule {
  const file = join(root, path);
  const data = path.endsWith('.xz')
    ? execFileSync('xz', ['-dc', file], { maxBuffer: 64 << 20 })
    : readFileSync(file);
  const modinfo = elfSection(data, '.modinfo');
  return {
    name: nameOfFile(path),
    path: path.replace(/\.xz$/, ''),
    depends: modinfoValues(modinfo, 'depends')
      .flatMap((list) => list.split(','))
      .filter((name) => name !== '')
      .map((name) => name.replaceAll('-', '_')),
    aliases: modinfoValues(modinfo, 'alias'),
    data,
  };
}

/**
 * Reads the modules named in `wanted` and everything they depend on from /lib/modules/<release> at `root`,
 * dependencies first. Modules that this kernel has built in are left out.
 * @throws {Error} when the kernel has a module neither as a file nor built in.
 */
export function collectModules(root: string, wanted: readonly string[]): KernelModule[] {
  const files = readdirSync(join(root, 'kernel'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && MODULE_FILE.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const pathByName = new Map(files.map((path) => [nameOfFile(path), path]));
  const builtin = new Set(
    readFileSync(join(root, 'modules.builtin'), 'utf8').trim().split('\n').map(nameOfFile),
  );
  const found = new Map<string, KernelModule>();
  const visit = (name: string): void => {
    if (found.has(name) || builtin.has(name)) return;
    const path = pathByName.get(name);
    if (path === undefined) throw new Error(`this kernel has no module ${name}`);
    const module = readModule(root, path);
    module.depends.forEach(visit);
    found.set(name, module);
  };
  wanted.forEach(visit);
  return [...found.values()];
}

/** All dependencies of `module`, nearest first, as modules.dep lists them. */
function closure(module: KernelModule, byName: ReadonlyMap<string, KernelModule>): KernelModule[] {
  const result = new Set<KernelModule>();
  const visit = (current: KernelModule): void => {
    for (const name of current.depends) {
      const dependency = byName.get(name);
      if (dependency === undefined) continue;
      // A Set keeps the first position; deeper dependencies must come after everything that needs them.
      result.delete(dependency);
      result.add(dependency);
      visit(dependency);
    }
  };
  visit(module);
  return [...result];
}

/** The text of modules.dep: `path: dependency dependency …`. */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [module.name, module]));
  return modules
    .map((module) => `${[`${module.path}:`, ...closure(module, byName).map((d) => d.path)].join(' ')}\n`)
    .sort()
    .join('');
}

/** The text of modules.alias: `alias pattern module`. */
export function modulesAlias(modules: readonly KernelModule[]): string {
  return modules
    .flatMap((module) => module.aliases.map((alias) => `alias ${alias} ${module.name}\n`))
    .sort()
    .join('');
}
