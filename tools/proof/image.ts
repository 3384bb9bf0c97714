/** The guest of the proofs, below .cache: made when it is missing or its recipe has changed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeDisk } from '../images/debian/build.ts';
import { portable } from '../images/image-output.ts';
import { gzipForServing } from '../images/initramfs.ts';
import { sha256, writeWhole } from '../images/manifest.ts';
import { debianProof } from './recipe.ts';

export interface ProofImage {
  readonly kernel: string;
  readonly initrd: string;
  /** Raw, and never written to. */
  readonly disk: string;
  /** The kernel's command line. */
  readonly append: string;
}

const cacheFolder = fileURLToPath(new URL('../../.cache', import.meta.url));

export async function proofImage(say: (text: string) => void): Promise<ProofImage> {
  const folder = join(cacheFolder, debianProof.name);
  const image: ProofImage = {
    kernel: join(folder, 'Image'),
    initrd: join(folder, 'initramfs.cpio.gz'),
    disk: join(folder, 'disk.img'),
    append: debianProof.commandLine.map((choice) => choice.value).join(' '),
  };
  const digest = sha256(JSON.stringify(portable(debianProof)));
  const madeFrom = join(folder, 'recipe.sha256');
  if (existsSync(madeFrom) && readFileSync(madeFrom, 'utf8') === digest) return image;
  const made = await makeDisk({ recipe: debianProof, cacheFolder, say });
  writeWhole(image.kernel, made.kernelImage);
  writeWhole(image.initrd, gzipForServing(made.initramfs));
  // Last: a build that was interrupted starts again.
  writeWhole(madeFrom, digest);
  return image;
}
