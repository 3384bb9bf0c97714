/**
 * public/images/manifest.json: what has been built, from which package versions. The page and the command
 * line read it; public/images/README.md describes it to their authors.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `plain-kernel` is the kernel as its package holds it, for tools that want it uncompressed. */
export type ImageFileRole = 'kernel' | 'initrd' | 'disk' | 'plain-kernel';

export interface ImageFile {
  readonly role: ImageFileRole;
  /** Relative to the folder of the manifest. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Differs from `sizeBytes` when the file is compressed, by gzip or (disks) by xz. */
  readonly unpackedBytes: number;
}

export interface GuestPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly licence: string;
}

export interface GuestEntry {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly board: 'virt';
  readonly memoryMiB: number;
  readonly commandLine: string;
  /** Source of a regular expression: console output that ends like this means "waiting for input". */
  readonly readyPattern: string;
  readonly files: readonly ImageFile[];
  readonly packages: readonly GuestPackage[];
  readonly licences: readonly string[];
  /** Changes whenever the recipe, its files or the builder do. */
  readonly recipeSha256: string;
}

/** A guest that this site could offer, and the command that would build it. */
export interface UnbuiltGuest extends Pick<GuestEntry, 'name' | 'title' | 'description'> {
  readonly command: string;
}

export interface ImageManifest {
  readonly version: 1;
  readonly guests: readonly GuestEntry[];
  readonly notBuilt: readonly UnbuiltGuest[];
}

const MANIFEST_NAME = 'manifest.json';

export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Writes a file so that it is never seen half-written. */
export function writeWhole(path: string, data: Uint8Array | string): void {
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, data);
  renameSync(partial, path);
}

export function readManifest(folder: string): ImageManifest {
  const empty: ImageManifest = { version: 1, guests: [], notBuilt: [] };
  const path = join(folder, MANIFEST_NAME);
  if (!existsSync(path)) return empty;
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Partial<ImageManifest>;
  return manifest.version === 1 && Array.isArray(manifest.guests) ? { ...empty, ...manifest } : empty;
}

type CatalogRow = Pick<GuestEntry, 'name' | 'title' | 'description'>;

/** Puts `entries` in place of older ones of their names; `catalog` has every guest there can be, in order. */
export function updateManifest(
  folder: string,
  entries: readonly GuestEntry[],
  catalog: readonly CatalogRow[],
): void {
  const all = [...readManifest(folder).guests, ...entries];
  const built = new Map(all.map((guest) => [guest.name, guest]));
  const guests = catalog.map(({ name }) => built.get(name)).filter((guest) => guest !== undefined);
  const notBuilt = catalog
    .filter(({ name }) => !built.has(name))
    .map(({ name, title, description }) => ({ name, title, description, command: `npm run images ${name}` }));
  const manifest: ImageManifest = { version: 1, guests, notBuilt };
  writeWhole(join(folder, MANIFEST_NAME), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Whether the files of `entry` are all there with their sizes. */
export function isComplete(folder: string, entry: GuestEntry): boolean {
  return entry.files.every((file) => {
    const path = join(folder, file.path);
    return existsSync(path) && statSync(path).size === file.sizeBytes;
  });
}
