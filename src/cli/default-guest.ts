/** The guest that runs when no kernel is named: the first one that was built into public/images. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GuestFiles } from './guest-session.ts';

/** The part of the manifest that this needs; public/images/README.md describes the whole. */
interface Manifest {
  readonly guests?: readonly {
    readonly name: string;
    readonly commandLine: string;
    readonly files: readonly { readonly role: string; readonly path: string }[];
  }[];
}

const IMAGES = new URL('../../public/images/', import.meta.url);

export function findDefaultGuest(images: URL = IMAGES): (GuestFiles & { readonly name: string }) | undefined {
  const manifestUrl = new URL('manifest.json', images);
  if (!existsSync(manifestUrl)) return undefined;
  const manifest = JSON.parse(readFileSync(manifestUrl, 'utf8')) as Manifest;
  for (const { name, commandLine, files } of manifest.guests ?? []) {
    const pathOf = (role: string): string | undefined => {
      const file = files.find((candidate) => candidate.role === role);
      return file && fileURLToPath(new URL(file.path, images));
    };
    const kernel = pathOf('kernel');
    if (kernel && existsSync(kernel)) {
      return { name, kernel, initrd: pathOf('initrd'), dtb: undefined, append: commandLine };
    }
  }
  return undefined;
}
