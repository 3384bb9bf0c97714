/** Builds the guests that live on a disk: kernel, initramfs, and the disk as an xz file that can be read in parts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeCpio } from '../cpio.ts';
import { PackagesUnavailableError, PrivateApt } from '../debian.ts';
import { emitFile, emitFinished, entryFacts } from '../image-output.ts';
import { gzipForServing, initramfsEntries } from '../initramfs.ts';
import { busyboxBinary, kernelParts } from '../linux-parts.ts';
import type { GuestEntry } from '../manifest.ts';
import type { DiskRecipe } from '../recipe.ts';
import { bootstrapDisk } from './bootstrap.ts';

const BYTES_PER_MIB = 1 << 20;
/**
 * Blocks of the .xz: what a reader that wants one sector has to fetch and decode. 1 MiB compresses to about a
 * third; larger blocks would save a few per cent.
 */
const XZ_OPTIONS = ['--threads=0', '--block-size=1MiB', '--check=crc32', '-6', '--keep', '--force'];

export interface DiskBuild {
  readonly recipe: DiskRecipe;
  readonly recipeSha256: string;
  readonly cacheFolder: string;
  readonly outputFolder: string;
  readonly say: (text: string) => void;
}

/** @throws {PackagesUnavailableError} on a computer without what this needs. */
export async function buildDisk(build: DiskBuild): Promise<GuestEntry> {
  const { recipe, cacheFolder, outputFolder, say } = build;
  if (spawnSync('xz', ['--version']).error !== undefined) {
    throw new PackagesUnavailableError(
      'The disk is compressed with xz, which this computer lacks; install xz-utils.',
    );
  }
  say('reading package lists');
  const apt = new PrivateApt(cacheFolder);
  apt.update();
  const kernel = apt.download(apt.kernelBehind(recipe.kernel.name), () => say('downloading the kernel'));
  const busybox = apt.download(recipe.busybox.name, () => say('downloading busybox'));
  say(`unpacking ${kernel.name} ${kernel.version}`);
  const modules = recipe.modules.map((row) => row.value);
  const parts = kernelParts(apt, kernel, modules);
  const busyboxFile = busyboxBinary(apt, busybox);

  const folder = join(cacheFolder, recipe.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const disk = await bootstrapDisk({ recipe, apt, kernel: parts, busybox: busyboxFile, folder, say });
  say('compressing');
  execFileSync('xz', [...XZ_OPTIONS, disk.path]);
  const cpio = writeCpio(initramfsEntries(recipe.initramfs, { ...parts, busybox: busyboxFile }));
  const files = [
    emitFile(outputFolder, recipe, {
      role: 'kernel',
      name: 'Image.gz',
      data: gzipForServing(parts.image),
      unpackedBytes: parts.image.length,
    }),
    emitFile(outputFolder, recipe, {
      role: 'initrd',
      name: 'initramfs.cpio.gz',
      data: gzipForServing(cpio),
      unpackedBytes: cpio.length,
    }),
    await emitFinished(outputFolder, recipe, {
      role: 'disk',
      name: 'disk.img.xz',
      from: `${disk.path}.xz`,
      unpackedBytes: recipe.diskMiB * BYTES_PER_MIB,
    }),
  ];
  const licences = [recipe.kernel.licence, recipe.busybox.licence, recipe.licence];
  return {
    ...entryFacts(recipe, build.recipeSha256),
    commandLine: recipe.commandLine.map((choice) => choice.value).join(' '),
    files,
    packages: [
      { name: kernel.name, version: kernel.version, licence: recipe.kernel.licence },
      { name: busybox.name, version: busybox.version, licence: recipe.busybox.licence },
      ...disk.packages.map(({ name, version }) => ({ name, version, licence: recipe.licence })),
    ],
    licences: [...new Set(licences)],
  };
}
