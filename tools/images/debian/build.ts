/** Builds the guests that live on a disk: kernel, initramfs, and the disk as an xz file that can be read in parts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeCpio } from '../cpio.ts';
import { PackagesUnavailableError, PrivateApt } from '../debian.ts';
import { emitFile, emitFinished, entryFacts } from '../image-output.ts';
import { gzipForServing, initramfsEntries } from '../initramfs.ts';
import { busyboxBinary, kernelParts } from '../linux-parts.ts';
import type { GuestEntry, GuestPackage, ImageFile, ImageFileRole } from '../manifest.ts';
import type { DiskRecipe } from '../recipe.ts';
import { bootstrapDisk } from './bootstrap.ts';

const BYTES_PER_MIB = 1 << 20;
/**
 * Blocks of the .xz: what a reader that wants one sector has to fetch and decode. 1 MiB compresses to about a
 * third; larger blocks would save a few per cent.
 */
const XZ_OPTIONS = ['--threads=0', '--block-size=1MiB', '--check=crc32', '-6', '--keep', '--force'];

export interface DiskJob {
  readonly recipe: DiskRecipe;
  readonly cacheFolder: string;
  readonly say: (text: string) => void;
}

export interface MadeDisk {
  /** The raw disk, in a folder of the recipe's name below the cache. */
  readonly path: string;
  readonly kernelImage: Uint8Array;
  /** Uncompressed. */
  readonly initramfs: Uint8Array;
  /** With the kernel's. */
  readonly packages: readonly GuestPackage[];
}

/** Makes the disk and what boots it. @throws {PackagesUnavailableError} on a computer without packages. */
export async function makeDisk({ recipe, cacheFolder, say }: DiskJob): Promise<MadeDisk> {
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
  return {
    path: disk.path,
    kernelImage: parts.image,
    initramfs: writeCpio(initramfsEntries(recipe.initramfs, { ...parts, busybox: busyboxFile })),
    packages: [
      { name: kernel.name, version: kernel.version, licence: recipe.kernel.licence },
      { name: busybox.name, version: busybox.version, licence: recipe.busybox.licence },
      ...disk.packages.map(({ name, version }) => ({ name, version, licence: recipe.licence })),
    ],
  };
}

/** Makes the disk and puts it, compressed, where the page and the command line find it. */
export async function buildDisk(
  job: DiskJob,
  recipeSha256: string,
  outputFolder: string,
): Promise<GuestEntry> {
  const { recipe, say } = job;
  if (spawnSync('xz', ['--version']).error !== undefined) {
    throw new PackagesUnavailableError(
      'The disk is compressed with xz, which this computer lacks; install xz-utils.',
    );
  }
  const disk = await makeDisk(job);
  say('compressing the disk');
  execFileSync('xz', [...XZ_OPTIONS, disk.path]);
  const emitGzip = (role: ImageFileRole, name: string, data: Uint8Array): ImageFile =>
    emitFile(outputFolder, recipe, { role, name, data: gzipForServing(data), unpackedBytes: data.length });
  const licences = [recipe.kernel.licence, recipe.busybox.licence, recipe.licence];
  return {
    ...entryFacts(recipe, recipeSha256),
    commandLine: recipe.commandLine.map((choice) => choice.value).join(' '),
    files: [
      emitGzip('kernel', 'Image.gz', disk.kernelImage),
      emitGzip('initrd', 'initramfs.cpio.gz', disk.initramfs),
      await emitFinished(outputFolder, recipe, {
        role: 'disk',
        name: 'disk.img.xz',
        from: `${disk.path}.xz`,
        unpackedBytes: recipe.diskMiB * BYTES_PER_MIB,
      }),
    ],
    packages: disk.packages,
    licences: [...new Set(licences)],
  };
}
