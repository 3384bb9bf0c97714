/**
 * The guests this site offers, read from `images/manifest.json`, which the recipes of tools/images write.
 * The file may be missing (no apt where the site was built): then the catalogue is empty and says why.
 */

export type GuestFileRole = 'kernel' | 'initrd' | 'dtb' | 'disk';

export interface GuestFile {
  readonly role: GuestFileRole;
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface GuestPackage {
  readonly name: string;
  readonly version: string;
}

export interface Guest {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly files: readonly GuestFile[];
  readonly packages: readonly GuestPackage[];
  readonly licences: readonly string[];
  readonly commandLine: string;
  readonly memoryMiB: number;
}

/** A guest that could be here, and what its builder types to have it. */
export interface UnbuiltGuest {
  readonly title: string;
  readonly description: string;
  readonly command: string;
}

export interface Catalog {
  readonly guests: readonly Guest[];
  readonly notBuilt?: readonly UnbuiltGuest[];
  /** Why there is nothing to offer; absent when the manifest was read. */
  readonly problem?: CatalogProblem;
}

/** In words: what is the matter, and what to do about it. */
export interface CatalogProblem {
  readonly message: string;
  readonly hint: string;
}

const MANIFEST_URL = 'images/manifest.json';
const IMAGES_URL = 'images/';
const DEFAULT_MEMORY_MIB = 512;
const FILE_ROLES: readonly GuestFileRole[] = ['kernel', 'initrd', 'dtb', 'disk'];
const NOT_BUILT: CatalogProblem = {
  message: 'The images of this site have not been built.',
  hint: 'Building them needs apt: run npm start on a Debian machine. Meanwhile you can boot your own kernel below.',
};
const UNREADABLE: CatalogProblem = {
  message: 'The list of images could not be read.',
  hint: 'Check the connection and reload the page. Meanwhile you can boot your own kernel below.',
};

/** Fetches the catalogue; never rejects. */
export async function loadCatalog(fetchFile: typeof fetch = fetch): Promise<Catalog> {
  try {
    const response = await fetchFile(MANIFEST_URL);
    // A development server answers an unknown path with the page itself, and with status 200.
    const isPage = response.headers.get('content-type')?.includes('text/html') ?? false;
    if (!response.ok || isPage) return { guests: [], problem: NOT_BUILT };
    return parseManifest(await response.json());
  } catch {
    return { guests: [], problem: UNREADABLE };
  }
}

/** Guests that can boot, in the manifest's order; entries that cannot be understood are left out. */
export function parseManifest(manifest: unknown): Catalog {
  const { guests: entries, notBuilt: unbuilt } = record(manifest);
  const guests = listOf(entries)
    .map(parseGuest)
    .filter((guest) => guest !== undefined);
  const notBuilt = listOf(unbuilt)
    .map(parseUnbuilt)
    .filter((guest) => guest.title !== '' && guest.command !== '');
  return { guests, notBuilt, ...(guests.length === 0 && { problem: NOT_BUILT }) };
}

/** What the primary button boots: the first real system, else whatever there is. */
export function defaultGuest(catalog: Catalog): Guest | undefined {
  return catalog.guests[0];
}

export function downloadBytes(guest: Guest): number {
  return guest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

export function fileOf(guest: Guest, role: GuestFileRole): GuestFile | undefined {
  return guest.files.find((file) => file.role === role);
}

function parseGuest(entry: unknown): Guest | undefined {
  const fields = record(entry);
  const name = textOf(fields.name);
  const files = listOf(fields.files)
    .map(parseFile)
    .filter((file) => file !== undefined);
  if (name === '' || !files.some((file) => file.role === 'kernel')) return undefined;
  return {
    name,
    title: textOf(fields.title) || name,
    description: textOf(fields.description),
    files,
    packages: listOf(fields.packages).map((item) => {
      const { name: packageName, version } = record(item);
      return { name: textOf(packageName), version: textOf(version) };
    }),
    licences: listOf(fields.licences).map(textOf),
    commandLine: textOf(fields.commandLine),
    memoryMiB: typeof fields.memoryMiB === 'number' ? fields.memoryMiB : DEFAULT_MEMORY_MIB,
  };
}

function parseUnbuilt(entry: unknown): UnbuiltGuest {
  const { title, description, command } = record(entry);
  return { title: textOf(title), description: textOf(description), command: textOf(command) };
}

function parseFile(entry: unknown): GuestFile | undefined {
  const fields = record(entry);
  const role = FILE_ROLES.find((known) => known === fields.role);
  const path = textOf(fields.path);
  if (role === undefined || path === '') return undefined;
  return {
    role,
    url: IMAGES_URL + path,
    sizeBytes: typeof fields.sizeBytes === 'number' ? fields.sizeBytes : 0,
    sha256: textOf(fields.sha256),
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
