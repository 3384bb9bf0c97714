/**
 * `npm run images [-- name… | --list | --if-missing]`: builds guest images into public/images/.
 * Exit status 3 when this computer has no Debian packages to offer, 2 on a wrong name, 0 otherwise.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assemble } from '../../src/emu/isa/assembler.ts';
import { writeCpio } from './cpio.ts';
import { type DebianPackage, PackagesUnavailableError, PrivateApt } from './debian.ts';
import { gzipForServing, initramfsEntries, overlayFiles } from './initramfs.ts';
import { collectModules, type KernelModule } from './kernel-modules.ts';
import {
  type GuestEntry,
  type ImageFile,
  type ImageFileRole,
  isComplete,
  readManifest,
  sha256,
  updateManifest,
  writeWhole,
} from './manifest.ts';
import type { AssembledRecipe, GuestRecipe, LinuxRecipe } from './recipe.ts';
import { RECIPES } from './recipes.ts';

const EXIT_USAGE = 2;
const EXIT_NO_PACKAGES = 3;

/** Changes when the builder makes something else from the same recipe. */
const BUILDER_VERSION = 1;

const project = fileURLToPath(new URL('../../', import.meta.url));
const cacheFolder = join(project, '.cache');
const outputFolder = join(project, 'public', 'images');

function say(name: string, text: string): void {
  console.log(`images: ${name}: ${text}`);
}

function sizeText(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Identifies what a build would be made of, apart from package versions. */
function recipeDigest(recipe: GuestRecipe): string {
  if (recipe.kind === 'assembled')
    return sha256(JSON.stringify([BUILDER_VERSION, { ...recipe, source: '' }, sha256(program(recipe))]));
  const files = overlayFiles(recipe).map(({ path, data }) => [path, sha256(data)]);
  return sha256(JSON.stringify([BUILDER_VERSION, { ...recipe, overlay: '' }, files.sort()]));
}

function emit(
  recipe: GuestRecipe,
  role: ImageFileRole,
  file: string,
  data: Uint8Array,
  unpackedBytes: number,
): ImageFile {
  const path = `${recipe.name}/${file}`;
  writeWhole(join(outputFolder, path), data);
  return { role, path, sizeBytes: data.length, sha256: sha256(data), unpackedBytes };
}

/** Debian has moved files from / to /usr over its releases. */
function firstExisting(folder: string, candidates: readonly string[]): string {
  const found = candidates.map((path) => join(folder, path)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`none of ${candidates.join(', ')} is in the package`);
  return found;
}

interface KernelParts {
  readonly image: Uint8Array;
  readonly release: string;
  readonly modules: readonly KernelModule[];
  readonly modulesBuiltin: Uint8Array;
}

/** Takes the Image and the recipe's modules out of a kernel package. */
function kernelParts(apt: PrivateApt, kernel: DebianPackage, recipe: LinuxRecipe): KernelParts {
  const folder = apt.unpack(kernel);
  try {
    const boot = readdirSync(join(folder, 'boot')).find((name) => name.startsWith('vmlinuz-'));
    if (boot === undefined) throw new Error(`${kernel.name} holds no kernel`);
    const release = boot.slice('vmlinuz-'.length);
    const modulesRoot = firstExisting(folder, [`lib/modules/${release}`, `usr/lib/modules/${release}`]);
    return {
      image: readFileSync(join(folder, 'boot', boot)),
      release,
      modules: collectModules(
        modulesRoot,
        recipe.modules.map((row) => row.value),
      ),
      modulesBuiltin: readFileSync(join(modulesRoot, 'modules.builtin')),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function busyboxBinary(apt: PrivateApt, busybox: DebianPackage): Uint8Array {
  const folder = apt.unpack(busybox);
  try {
    return readFileSync(firstExisting(folder, ['bin/busybox', 'usr/bin/busybox']));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the recipe's source assembles to; where it will be loaded does not matter to it. */
function program(recipe: AssembledRecipe): Uint8Array {
  return assemble(readFileSync(recipe.source, 'utf8')).bytes;
}

function buildAssembled(recipe: AssembledRecipe): GuestEntry {
  const data = program(recipe);
  mkdirSync(join(outputFolder, recipe.name), { recursive: true });
  return {
    ...entryFacts(recipe),
    commandLine: '',
    files: [emit(recipe, 'kernel', `${recipe.name}.bin`, data, data.length)],
    packages: [],
    licences: [recipe.licence],
  };
}

type EntryFacts = Omit<GuestEntry, 'commandLine' | 'files' | 'packages' | 'licences'>;

function entryFacts(recipe: GuestRecipe): EntryFacts {
  const { name, title, description, board, memoryMiB, readyPattern } = recipe;
  return {
    name,
    title,
    description,
    board,
    memoryMiB,
    readyPattern,
    recipeSha256: recipeDigest(recipe),
  };
}

function buildLinux(recipe: LinuxRecipe): GuestEntry {
  const fetching = (name: string) => () => say(recipe.name, `downloading ${name}`);
  say(recipe.name, 'reading package lists');
  const apt = new PrivateApt(cacheFolder);
  apt.update();
  const kernel = apt.download(apt.kernelBehind(recipe.kernel.name), fetching('the kernel (about 60 MB)'));
  const busybox = apt.download(recipe.busybox.name, fetching(recipe.busybox.name));

  say(recipe.name, `unpacking ${kernel.name} ${kernel.version}`);
  const parts = kernelParts(apt, kernel, recipe);
  const cpio = writeCpio(initramfsEntries(recipe, { ...parts, busybox: busyboxBinary(apt, busybox) }));

  say(recipe.name, `compressing (${parts.modules.length} modules)`);
  mkdirSync(join(outputFolder, recipe.name), { recursive: true });
  const { image } = parts;
  return {
    ...entryFacts(recipe),
    commandLine: recipe.commandLine.map((choice) => choice.value).join(' '),
    files: [
      emit(recipe, 'kernel', 'Image.gz', gzipForServing(image), image.length),
      emit(recipe, 'initrd', 'initramfs.cpio.gz', gzipForServing(cpio), cpio.length),
      emit(recipe, 'plain-kernel', 'Image', image, image.length),
    ],
    packages: [
      { name: kernel.name, version: kernel.version, licence: recipe.kernel.licence },
      { name: busybox.name, version: busybox.version, licence: recipe.busybox.licence },
    ],
    licences: [...new Set([recipe.kernel.licence, recipe.busybox.licence])],
  };
}

/** Builds what needs no packages first, so that it is there when packages are not. */
function buildAll(recipes: readonly GuestRecipe[], onlyIfMissing: boolean): void {
  const inOrder = recipes.toSorted((a, b) => Number(a.kind === 'linux') - Number(b.kind === 'linux'));
  for (const recipe of inOrder) {
    const present = readManifest(outputFolder).guests.find((guest) => guest.name === recipe.name);
    const isCurrent = present?.recipeSha256 === recipeDigest(recipe) && isComplete(outputFolder, present);
    if (onlyIfMissing && isCurrent) continue;
    const entry = recipe.kind === 'linux' ? buildLinux(recipe) : buildAssembled(recipe);
    updateManifest(
      outputFolder,
      entry,
      RECIPES.map(({ name }) => name),
    );
    const sizes = entry.files.map((file) => `${file.path} ${sizeText(file.sizeBytes)}`);
    say(recipe.name, `done: ${sizes.join(', ')}`);
  }
}

function list(): void {
  const built = new Map(readManifest(outputFolder).guests.map((guest) => [guest.name, guest]));
  for (const recipe of RECIPES) {
    const entry = built.get(recipe.name);
    const state =
      entry === undefined
        ? 'not built'
        : entry.packages.map((p) => `${p.name} ${p.version}`).join(', ') || 'built';
    console.log(`${recipe.name.padEnd(12)} ${recipe.description} [${state}]`);
  }
}

function main(args: readonly string[]): number {
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = [
    ...names.filter((name) => !RECIPES.some((recipe) => recipe.name === name)),
    ...args.filter((arg) => arg.startsWith('--') && arg !== '--list' && arg !== '--if-missing'),
  ];
  if (unknown.length > 0) {
    console.error(
      `images: unknown: ${unknown.join(', ')}; there are: ${RECIPES.map((r) => r.name).join(', ')}`,
    );
    return EXIT_USAGE;
  }
  if (args.includes('--list')) {
    list();
    return 0;
  }
  const chosen = RECIPES.filter((recipe) =>
    names.length > 0 ? names.includes(recipe.name) : recipe.isDefault,
  );
  try {
    buildAll(chosen, args.includes('--if-missing'));
    return 0;
  } catch (error) {
    if (!(error instanceof PackagesUnavailableError)) throw error;
    console.error(`images: ${error.message}`);
    return EXIT_NO_PACKAGES;
  }
}

process.exitCode = main(process.argv.slice(2));
