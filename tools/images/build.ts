/**
 * `npm run images [-- name… | --list | --if-missing | --with package,…]`: builds guest images into
 * public/images/. Exit status 3 when this computer has no Debian packages to offer, 2 on a wrong name, 1 when
 * a guest could not be installed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { assemble } from '../../src/emu/isa/assembler.ts';
import { writeCpio } from './cpio.ts';
import { BootstrapError } from './debian/bootstrap.ts';
import { buildDisk } from './debian/build.ts';
import { PackagesUnavailableError, PrivateApt } from './debian.ts';
import { emitFile, entryFacts, portable } from './image-output.ts';
import { gzipForServing, initramfsEntries, overlayFiles } from './initramfs.ts';
import { busyboxBinary, kernelParts } from './linux-parts.ts';
import {
  type GuestEntry,
  type ImageFile,
  type ImageFileRole,
  isComplete,
  readManifest,
  sha256,
  updateManifest,
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
  if (recipe.kind === 'disk') return sha256(JSON.stringify([BUILDER_VERSION, portable(recipe)]));
  const files = overlayFiles(recipe).map(({ path, data }) => [path, sha256(data)]);
  return sha256(JSON.stringify([BUILDER_VERSION, { ...recipe, overlay: '' }, files.sort()]));
}

/** What the recipe's source assembles to; where it will be loaded does not matter to it. */
function program(recipe: AssembledRecipe): Uint8Array {
  return assemble(readFileSync(recipe.source, 'utf8')).bytes;
}

function buildAssembled(recipe: AssembledRecipe): GuestEntry {
  const data = program(recipe);
  const file = { role: 'kernel', name: `${recipe.name}.bin`, data, unpackedBytes: data.length } as const;
  return {
    ...entryFacts(recipe, recipeDigest(recipe)),
    commandLine: '',
    files: [emitFile(outputFolder, recipe, file)],
    packages: [],
    licences: [recipe.licence],
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
  const modules = recipe.modules.map((row) => row.value);
  const parts = kernelParts(apt, kernel, modules);
  const cpio = writeCpio(initramfsEntries(recipe, { ...parts, busybox: busyboxBinary(apt, busybox) }));

  say(recipe.name, `compressing (${parts.modules.length} modules)`);
  const { image } = parts;
  const emit = (role: ImageFileRole, name: string, data: Uint8Array, unpackedBytes: number): ImageFile =>
    emitFile(outputFolder, recipe, { role, name, data, unpackedBytes });
  return {
    ...entryFacts(recipe, recipeDigest(recipe)),
    commandLine: recipe.commandLine.map((choice) => choice.value).join(' '),
    files: [
      emit('kernel', 'Image.gz', gzipForServing(image), image.length),
      emit('initrd', 'initramfs.cpio.gz', gzipForServing(cpio), cpio.length),
      emit('plain-kernel', 'Image', image, image.length),
    ],
    packages: [
      { name: kernel.name, version: kernel.version, licence: recipe.kernel.licence },
      { name: busybox.name, version: busybox.version, licence: recipe.busybox.licence },
    ],
    licences: [...new Set([recipe.kernel.licence, recipe.busybox.licence])],
  };
}

async function build(recipe: GuestRecipe): Promise<GuestEntry> {
  if (recipe.kind === 'assembled') return buildAssembled(recipe);
  if (recipe.kind === 'linux') return buildLinux(recipe);
  const job = { recipe, cacheFolder, say: (text: string) => say(recipe.name, text) };
  return buildDisk(job, recipeDigest(recipe), outputFolder);
}

/** Builds what needs no packages first, so that it is there when packages are not. */
async function buildAll(recipes: readonly GuestRecipe[], onlyIfMissing: boolean): Promise<void> {
  const needsPackages = ({ kind }: GuestRecipe): number => Number(kind !== 'assembled');
  const inOrder = recipes.toSorted((a, b) => needsPackages(a) - needsPackages(b));
  for (const recipe of inOrder) {
    const present = readManifest(outputFolder).guests.find((guest) => guest.name === recipe.name);
    const isCurrent = present?.recipeSha256 === recipeDigest(recipe) && isComplete(outputFolder, present);
    if (onlyIfMissing && isCurrent) continue;
    const entry = await build(recipe);
    updateManifest(outputFolder, [entry], RECIPES);
    const sizes = entry.files.map((file) => `${file.path} ${sizeText(file.sizeBytes)}`);
    say(recipe.name, `done: ${sizes.join(', ')}`);
  }
  // What could be built may have changed since the manifest was written.
  updateManifest(outputFolder, [], RECIPES);
}

/** A disk has more than a hundred packages; the manifest names them all. */
const PACKAGES_LISTED = 3;

function list(): void {
  const built = new Map(readManifest(outputFolder).guests.map((guest) => [guest.name, guest]));
  for (const { name, description } of RECIPES) {
    const packages = built.get(name)?.packages.map((row) => `${row.name} ${row.version}`);
    const rest = (packages?.length ?? 0) - PACKAGES_LISTED;
    const more = rest > 0 ? ` and ${rest} more` : '';
    const state = packages === undefined ? 'not built' : packages.slice(0, PACKAGES_LISTED).join(', ') + more;
    console.log(`${name.padEnd(12)} ${description} [${state || 'built'}]`);
  }
}

interface BuildOptions {
  readonly recipes: readonly GuestRecipe[];
  readonly list: boolean;
  readonly onlyIfMissing: boolean;
}

/** @throws {Error} in words */
function readOptions(args: readonly string[]): BuildOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      'if-missing': { type: 'boolean', default: false },
      with: { type: 'string', default: '' },
    },
  });
  const unknown = positionals.filter((name) => !RECIPES.some((recipe) => recipe.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `unknown: ${unknown.join(', ')}; there are: ${RECIPES.map(({ name }) => name).join(', ')}`,
    );
  }
  const chosen = RECIPES.filter(({ name, isDefault }) =>
    positionals.length > 0 ? positionals.includes(name) : isDefault,
  );
  const extras = values.with.split(',').filter((name) => name !== '');
  if (extras.length > 0 && !chosen.some(({ kind }) => kind === 'disk')) {
    throw new Error(
      '--with adds packages to a guest with a disk: npm run images -- debian --with gcc,libc6-dev',
    );
  }
  return {
    recipes: chosen.map((recipe) => withPackages(recipe, extras)),
    list: values.list,
    onlyIfMissing: values['if-missing'],
  };
}

/** Disks can have more packages than their recipe names. */
function withPackages(recipe: GuestRecipe, extras: readonly string[]): GuestRecipe {
  if (recipe.kind !== 'disk' || extras.length === 0) return recipe;
  return { ...recipe, packages: [...recipe.packages, ...extras.map((value) => ({ value, why: '--with' }))] };
}

async function main(args: readonly string[]): Promise<number> {
  let options: BuildOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`images: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_USAGE;
  }
  if (options.list) {
    list();
    return 0;
  }
  try {
    await buildAll(options.recipes, options.onlyIfMissing);
    return 0;
  } catch (error) {
    if (!(error instanceof PackagesUnavailableError || error instanceof BootstrapError)) throw error;
    console.error(`images: ${error.message}`);
    return error instanceof BootstrapError ? 1 : EXIT_NO_PACKAGES;
  }
}

process.exitCode = await main(process.argv.slice(2));
