/** The guests that were built into public/images: the first one runs when no kernel is named. */
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

export interface BuiltGuest extends GuestFiles {
  readonly name: string;
  /** The image of the disk that it boots from, where it has one. */
  readonly disk: string | undefined;
}

/** The first guest that was built. */
export function findDefaultGuest(images: URL = IMAGES): BuiltGuest | undefined {
  return builtGuests(images)[0];
}

/** Every guest that was built and is still there, in the catalogue's order. */
export function builtGuests(images: URL = IMAGES): readonly BuiltGuest[] {
  const manifestUrl = new URL('manifest.json', images);
  if (!existsSync(manifestUrl)) return [];
  const manifest = JSON.parse(readFileSync(manifestUrl, 'utf8')) as Manifest;
  return (manifest.guests ?? []).flatMap(({ name, commandLine, files }) => {
    const pathOf = (role: string): string | undefined => {
      const file = files.find((candidate) => candidate.role === role);
      return file && fileURLToPath(new URL(file.path, images));
    };
    const kernel = pathOf('kernel');
    if (!kernel || !existsSync(kernel)) return [];
    const [initrd, disk] = [pathOf('initrd'), pathOf('disk')];
    return [{ name, kernel, initrd, disk, dtb: undefined, append: commandLine }];
  });
}
