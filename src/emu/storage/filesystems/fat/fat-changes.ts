/**
 * Changes of a FAT file system. The steps of each are ordered, with a flush between them, so that a crash at
 * any point leaves every file whole, old or new, and at worst clusters and slots that belong to no file: contents come
 * before the chain, the chain before the entry that names it, and what an entry named is freed after it.
 */
import { FileSystemError } from '../file-system-error.ts';
import type { VolumeChanges } from '../volume.ts';
import { END_OF_CHAIN, FREE } from './allocation-table.ts';
import { SLOT_BYTES } from './boot-sector.ts';
import {
  ATTRIBUTE_ARCHIVE,
  ATTRIBUTE_DIRECTORY,
  DELETED_MARK,
  dateAndTime,
  type FatEntry,
  longNameSlots,
  Slot,
} from './directory.ts';
import { type FatFileSystem, join, LARGEST_DIRECTORY_BYTES, type OpenDirectory } from './fat-files.ts';
import { InfoSector } from './info-sector.ts';
import { checkNewName, exactShortName, inventShortName, SHORT_NAME_BYTES } from './names.ts';
import { plainComponents } from './paths.ts';

const LARGEST_FILE = 2 ** 32 - 1;
const SPACE = 0x20;
const DOT = 0x2e;

/** Where an entry is to go: clusters for the directory if it has to grow, and its first slot. */
interface NewPlace {
  readonly directory: OpenDirectory;
  readonly slot: number;
}

interface Target {
  readonly directory: OpenDirectory;
  readonly name: string;
  readonly path: string;
  readonly existing: FatEntry | undefined;
}

export class FatChanges implements VolumeChanges {
  private readonly files: FatFileSystem;
  private readonly info: InfoSector;
  private readonly nowMs: () => number;
  /** The change that was asked for last: the next one waits for it. */
  private last: Promise<void> = Promise.resolve();

  constructor(files: FatFileSystem, nowMs: () => number) {
    this.files = files;
    this.info = new InfoSector(files.section, files.geometry, files.table);
    this.nowMs = nowMs;
  }

  write(path: string, contents: Uint8Array): Promise<void> {
    return this.inTurn(async () => {
      const target = await this.targetOf(path);
      const { existing } = target;
      if (existing?.isDirectory) throw new FileSystemError('is-a-directory', `${target.path} is a directory`);
      if (contents.length > LARGEST_FILE)
        throw new FileSystemError(
          'too-large',
          `${target.path} would have ${contents.length} bytes; a FAT allows ${LARGEST_FILE}`,
        );
      const released = existing ? await this.chainOf(existing, target.path) : [];
      const needed = Math.ceil(contents.length / this.files.geometry.clusterBytes);
      const place = existing ? undefined : await this.makeRoom(target, needed);
      const clusters = await this.takeFree(needed, target.path);
      await this.info.around(async () => {
        await this.writeContents(clusters, contents);
        await this.link(clusters);
        if (existing) await this.replaceEntry(target.directory, existing, clusters[0] ?? 0, contents.length);
        else if (place)
          await this.addEntry(place, target.name, ATTRIBUTE_ARCHIVE, clusters[0] ?? 0, contents.length);
        await this.release(released);
        return released.length - clusters.length;
      });
    });
  }

  remove(path: string): Promise<void> {
    return this.inTurn(async () => {
      const { directory, existing, path: full } = await this.targetOf(path);
      if (!existing) throw new FileSystemError('no-such-file', `there is no ${full}`);
      if (existing.isDirectory && (await this.files.openEntry(directory, existing)).entries.length > 0)
        throw new FileSystemError('not-empty', `the directory ${full} is not empty`);
      const released = await this.chainOf(existing, full);
      await this.info.around(async () => {
        await this.markDeleted(directory, existing.slot);
        for (let slot = existing.firstSlot; slot < existing.slot; slot++)
          await this.markDeleted(directory, slot);
        await this.release(released);
        return released.length;
      });
    });
  }

  makeDirectory(path: string): Promise<void> {
    return this.inTurn(async () => {
      const target = await this.targetOf(path);
      if (target.existing) throw new FileSystemError('exists', `${target.path} is there already`);
      const place = await this.makeRoom(target, 1);
      const clusters = await this.takeFree(1, target.path);
      const [cluster = 0] = clusters;
      await this.info.around(async () => {
        await this.writeContents(clusters, this.emptyDirectory(cluster, place.directory));
        await this.link(clusters);
        await this.addEntry(place, target.name, ATTRIBUTE_DIRECTORY, cluster, 0);
        return -clusters.length;
      });
    });
  }

  private inTurn(change: () => Promise<void>): Promise<void> {
    const result = this.last.then(change);
    this.last = result.catch(() => {});
    return result;
  }

  private async targetOf(path: string): Promise<Target> {
    const components = plainComponents(path);
    const name = components.at(-1);
    if (name === undefined) throw new FileSystemError('is-a-directory', 'the root cannot be changed');
    const directory = await this.files.openDirectory(components.slice(0, -1));
    const existing = this.files.find(directory, name);
    return { directory, name, path: join(directory.path, name), existing };
  }

  private async chainOf({ cluster, size, isDirectory }: FatEntry, path: string): Promise<number[]> {
    if (cluster === 0 && size === 0 && !isDirectory) return [];
    const clusters: number[] = [];
    for await (const { first, count } of this.files.table.runs(cluster, path)) {
      for (let index = 0; index < count; index++) clusters.push(first + index);
    }
    return clusters;
  }

  /** @throws {FileSystemError} when there are not as many; nothing has been changed then */
  private async takeFree(count: number, path: string): Promise<number[]> {
    const clusters = await this.files.table.findFree(count);
    if (clusters.length === count) return clusters;
    const { clusterBytes } = this.files.geometry;
    throw new FileSystemError(
      'no-space',
      `${path} needs ${count * clusterBytes} bytes, and ${clusters.length * clusterBytes} are free; a file that is replaced keeps its place until the new one is complete`,
    );
  }

  private async writeContents(clusters: readonly number[], contents: Uint8Array): Promise<void> {
    const { section, geometry } = this.files;
    for (const { at, first, count } of runsIn(clusters)) {
      const from = at * geometry.clusterBytes;
      const part = contents.subarray(from, from + count * geometry.clusterBytes);
      await section.write(this.files.clusterStart(first), part);
      const rest = count * geometry.clusterBytes - part.length;
      if (rest > 0) await section.write(this.files.clusterStart(first) + part.length, new Uint8Array(rest));
    }
    await section.flush();
  }

  /** Makes the clusters one chain. */
  private async link(clusters: readonly number[]): Promise<void> {
    if (clusters.length === 0) return;
    const end = END_OF_CHAIN[this.files.geometry.kind];
    await this.files.table.set(
      new Map(clusters.map((cluster, index) => [cluster, clusters[index + 1] ?? end])),
    );
    await this.files.section.flush();
  }

  private async release(clusters: readonly number[]): Promise<void> {
    if (clusters.length === 0) return;
    await this.files.table.set(new Map(clusters.map((cluster) => [cluster, FREE])));
    await this.files.section.flush();
  }

  private slotOffset({ clusters }: OpenDirectory, slot: number): number {
    const { geometry } = this.files;
    const at = slot * SLOT_BYTES;
    if ('start' in geometry.root && clusters.length === 0) return geometry.root.start + at;
    const cluster = clusters[Math.floor(at / geometry.clusterBytes)] ?? 0;
    return this.files.clusterStart(cluster) + (at % geometry.clusterBytes);
  }

  private async writeSlots(directory: OpenDirectory, slot: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += SLOT_BYTES)
      await this.files.section.write(
        this.slotOffset(directory, slot + at / SLOT_BYTES),
        bytes.subarray(at, at + SLOT_BYTES),
      );
    await this.files.section.flush();
  }

  private async markDeleted(directory: OpenDirectory, slot: number): Promise<void> {
    const bytes = directory.bytes.slice(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
    bytes[0] = DELETED_MARK;
    await this.writeSlots(directory, slot, bytes);
  }

  /** Only the fields about the contents change, in one write of one sector. */
  private async replaceEntry(
    directory: OpenDirectory,
    { slot }: FatEntry,
    cluster: number,
    size: number,
  ): Promise<void> {
    const bytes = directory.bytes.slice(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
    const { date, time } = dateAndTime(this.nowMs());
    Slot.write(bytes, {
      clusterHigh: cluster >>> 16,
      clusterLow: cluster & 0xffff,
      size,
      modifiedDate: date,
      modifiedTime: time,
      accessedDate: date,
    });
    await this.writeSlots(directory, slot, bytes);
  }

  /** The long name first: without the entry behind it, it is nothing. */
  private async addEntry(
    { directory, slot }: NewPlace,
    name: string,
    attributes: number,
    cluster: number,
    size: number,
  ): Promise<void> {
    const taken = new Set(directory.entries.map(({ rawShortName }) => rawShortName.join()));
    const exact = exactShortName(name);
    const rawShortName = exact ?? inventShortName(name, (raw) => taken.has(raw.join()));
    const long = exact ? new Uint8Array(0) : longNameSlots(name, rawShortName);
    const own = this.entrySlot(rawShortName, attributes, cluster, size);
    await this.clearBehindEnd(directory, slot + long.length / SLOT_BYTES + 1);
    await this.writeSlots(directory, slot, long);
    await this.writeSlots(directory, slot + long.length / SLOT_BYTES, own);
  }

  private entrySlot(name: Uint8Array, attributes: number, cluster: number, size: number): Uint8Array {
    const bytes = new Uint8Array(SLOT_BYTES);
    const { date, time } = dateAndTime(this.nowMs());
    Slot.write(bytes, {
      name,
      attributes,
      createdTime: time,
      createdDate: date,
      accessedDate: date,
      clusterHigh: cluster >>> 16,
      modifiedTime: time,
      modifiedDate: date,
      clusterLow: cluster & 0xffff,
      size,
    });
    return bytes;
  }

  /** The end mark is about to move to `end`: what stands behind the old one may be anything. */
  private async clearBehindEnd(directory: OpenDirectory, end: number): Promise<void> {
    const { bytes, endSlot } = directory;
    const from = (endSlot + 1) * SLOT_BYTES;
    const stale = bytes.subarray(from, Math.max(from, (end + 1) * SLOT_BYTES));
    if (stale.some((byte) => byte !== 0))
      await this.writeSlots(directory, endSlot + 1, new Uint8Array(stale.length));
  }

  /**
   * Finds neighbouring free slots for a new name and, where there are none, lets the directory grow.
   * `clusters` are needed besides, so that nothing grows for a file that has no room.
   */
  private async makeRoom({ directory, name, path }: Target, clusters: number): Promise<NewPlace> {
    checkNewName(name);
    const slots =
      1 +
      (exactShortName(name) ? 0 : longNameSlots(name, new Uint8Array(SHORT_NAME_BYTES)).length / SLOT_BYTES);
    const { first, missing } = freeSlots(directory, slots);
    if (missing === 0) return { directory, slot: first };
    const { clusterBytes } = this.files.geometry;
    const more = Math.ceil((missing * SLOT_BYTES) / clusterBytes);
    const grown = directory.bytes.length + more * clusterBytes;
    if (directory.clusters.length === 0 || grown > LARGEST_DIRECTORY_BYTES)
      throw new FileSystemError('no-space', `the directory ${directory.path} has no room for another entry`);
    await this.takeFree(more + clusters, path);
    await this.grow(directory, await this.takeFree(more, path));
    const reread = await this.files.openDirectory(plainComponents(directory.path));
    return { directory: reread, slot: first };
  }

  private async grow(directory: OpenDirectory, clusters: readonly number[]): Promise<void> {
    const last = directory.clusters.at(-1);
    const [first] = clusters;
    if (last === undefined || first === undefined) return;
    await this.info.around(async () => {
      await this.writeContents(clusters, new Uint8Array(0));
      await this.link(clusters);
      await this.files.table.set(new Map([[last, first]]));
      await this.files.section.flush();
      return -clusters.length;
    });
  }

  /** Entries for itself and for its parent, which is written as 0 when it is the root. */
  private emptyDirectory(cluster: number, parent: OpenDirectory): Uint8Array {
    const name = (dots: number): Uint8Array =>
      new Uint8Array(SHORT_NAME_BYTES).fill(SPACE).fill(DOT, 0, dots);
    const parentCluster = parent.path === '/' ? 0 : (parent.clusters[0] ?? 0);
    const bytes = new Uint8Array(2 * SLOT_BYTES);
    bytes.set(this.entrySlot(name(1), ATTRIBUTE_DIRECTORY, cluster, 0));
    bytes.set(this.entrySlot(name(2), ATTRIBUTE_DIRECTORY, parentCluster, 0), SLOT_BYTES);
    return bytes;
  }
}

/** Neighbouring clusters of a list, and where in the list they begin. */
function* runsIn(
  clusters: readonly number[],
): Generator<{ readonly at: number; readonly first: number; readonly count: number }> {
  for (let at = 0; at < clusters.length; ) {
    const first = clusters[at] ?? 0;
    let count = 1;
    while (clusters[at + count] === first + count) count++;
    yield { at, first, count };
    at += count;
  }
}

/** The first place with `wanted` free slots in a row, or the last free ones and how many are missing there. */
function freeSlots(
  { bytes, endSlot }: OpenDirectory,
  wanted: number,
): { readonly first: number; readonly missing: number } {
  const total = Math.floor(bytes.length / SLOT_BYTES);
  let run = 0;
  for (let slot = 0; slot < total; slot++) {
    const isFree = slot >= endSlot || bytes[slot * SLOT_BYTES] === DELETED_MARK;
    run = isFree ? run + 1 : 0;
    if (run === wanted) return { first: slot + 1 - wanted, missing: 0 };
  }
  return { first: total - run, missing: wanted - run };
}
