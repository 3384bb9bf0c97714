/**
 * From a disk to a machine: whose kernel and initrd it boots with, and where the disk of a catalogue guest
 * is. A guest with a disk is imported at its first boot; from then on it boots from the user's own copy.
 */
import type { DiskInfo } from '../../embed/disk-library.ts';
import { type Catalog, fileOf, type Guest } from '../home/guest-catalog.ts';
import { baseGuest, type LaunchOptions, type LibraryDisk, NO_OPTIONS } from '../home/launch-options.ts';
import type { BootMemory, DiskBoot } from './boot-memory.ts';
import type { DiskJob } from './disk-job.ts';
import type { DiskShelf } from './disk-shelf.ts';
import { freeName } from './disk-words.ts';

/** How `disk` boots: what was chosen before, else the guest whose image it came from. */
export function knownBoot(
  disk: DiskInfo,
  catalog: Catalog,
  boots: BootMemory,
  baseUrl: string,
): DiskBoot | undefined {
  const remembered = boots.get(disk.id);
  if (remembered && catalog.guests.some(({ name }) => name === remembered.guest)) return remembered;
  const guest = catalog.guests.find((one) => isImageOf(disk, one, baseUrl));
  return guest && { guest: guest.name };
}

/** By its sum, or by its address: a newer image there does not make the user's disk another one. */
function isImageOf({ origin, sha256 }: DiskInfo, guest: Guest, baseUrl: string): boolean {
  const file = fileOf(guest, 'disk');
  if (file === undefined) return false;
  if (sha256 !== undefined && sha256 === file.sha256) return true;
  return origin.kind === 'url' && origin.url === new URL(file.url, baseUrl).href;
}

export function bootOptions(
  disk: Pick<DiskInfo, 'id'>,
  { guest, commandLine }: DiskBoot,
  mode: LibraryDisk['mode'],
): LaunchOptions {
  return {
    ...NO_OPTIONS,
    guest,
    rootDisk: { library: disk.id, mode },
    ...(commandLine === undefined ? {} : { commandLine }),
  };
}

/** Guests that can start something from a disk: with a kernel, and an initrd that has its drivers. */
export function bootingGuests(catalog: Catalog): readonly Guest[] {
  return catalog.guests.filter((guest) => fileOf(guest, 'initrd') !== undefined);
}

/** Whether the guest's own initrd mounts a root file system from a disk: it brings one itself. */
export function mountsRoot(guest: Guest): boolean {
  return fileOf(guest, 'disk') !== undefined;
}

const ROOT_PARAMETER = /(^|\s)root=\S+/;

/** `commandLine` with another root device; the guest's own when `root` is empty. */
export function withRoot(commandLine: string, root: string): string {
  if (root === '') return commandLine;
  if (ROOT_PARAMETER.test(commandLine)) return commandLine.replace(ROOT_PARAMETER, `$1root=${root}`);
  return `${commandLine} root=${root} rw`.trim();
}

/**
 * The guest's disk in the library, if it has been imported before: a free one, and of these the one that was booted
 * last. A clone that never was may be somebody's backup.
 */
export function guestCopy(
  guest: Guest,
  catalog: Catalog,
  shelf: DiskShelf,
  baseUrl: string,
): DiskInfo | undefined {
  const copies = shelf.disks
    .filter(
      (disk) =>
        knownBoot(disk, catalog, shelf.boots, baseUrl)?.guest === guest.name &&
        isImageOf(disk, guest, baseUrl),
    )
    .toSorted((a, b) => lastBootMs(b) - lastBootMs(a));
  return copies.find(({ inUse }) => inUse === 'no') ?? copies[0];
}

function lastBootMs({ lastUsedMs, origin }: DiskInfo): number {
  return lastUsedMs ?? (origin.kind === 'clone' ? Number.NEGATIVE_INFINITY : 0);
}

/** The import of the guest's disk, while it goes on. */
export function runningImport(guest: Guest, shelf: DiskShelf): DiskJob | undefined {
  return shelf.jobs.find((job) => job.kind === 'import' && job.name === guest.title && !job.problem);
}

/**
 * `options` with the guest's disk in the library, imported now if that is the first boot. Unchanged where
 * the guest has none or nothing can be kept; undefined when the import failed or was cancelled.
 */
export async function withGuestDisk(
  options: LaunchOptions,
  catalog: Catalog,
  shelf: DiskShelf,
  baseUrl: string,
): Promise<LaunchOptions | undefined> {
  const guest = baseGuest(options, catalog);
  const file = guest && fileOf(guest, 'disk');
  if (guest === undefined || file === undefined || options.rootDisk !== undefined) return options;
  await shelf.open();
  if (shelf.state === 'unavailable') return options;
  // Asked for twice: the first request boots it.
  if (runningImport(guest, shelf)) return undefined;
  const disk =
    guestCopy(guest, catalog, shelf, baseUrl) ??
    (await shelf.import({
      source: new URL(file.url, baseUrl).href,
      name: freeName(
        guest.title,
        shelf.disks.map(({ name }) => name),
      ),
      ...(file.sha256 ? { sha256: file.sha256 } : {}),
    }));
  if (disk === undefined) return undefined;
  shelf.boots.set(disk.id, { guest: guest.name });
  return { ...options, rootDisk: { library: disk.id, mode: 'write' } };
}
