/**
 * `IMAGE[:PARTITION]` on the command line: the image is opened, and where no partition is named the one that
 * is meant is found, or the choice is listed.
 */
import { existsSync } from 'node:fs';
import type { BlockStore } from '../../emu/storage/block-store.ts';
import { FileSystemError } from '../../emu/storage/filesystems/file-system-error.ts';
import { openVolume, readDiskLayout } from '../../emu/storage/filesystems/open-volume.ts';
import type { Partition } from '../../emu/storage/filesystems/partitions/partition-table.ts';
import type { Volume } from '../../emu/storage/filesystems/volume.ts';
import { CommandError, type CommandIo } from './command.ts';
import { openImage } from './open-image.ts';

const MEGABYTE = 2 ** 20;

interface Place {
  readonly path: string;
  readonly partition: number | undefined;
}

/** A file that is really called so wins over a partition's number. */
export function parsePlace(text: string): Place {
  const [, path, number] = /^(.+):(\d+)$/.exec(text) ?? [];
  return path === undefined || existsSync(text)
    ? { path: text, partition: undefined }
    : { path, partition: Number(number) };
}

/** Runs `work` with the volume that `place` means, and closes the image after it. */
export async function withVolume<T>(
  place: string,
  use: { readonly access: 'read' | 'write'; readonly io: CommandIo; fits(volume: Volume): Promise<boolean> },
  work: (volume: Volume) => Promise<T>,
): Promise<T> {
  const { path, partition } = parsePlace(place);
  const image = await openImage(path, use.access);
  try {
    const nowMs = () => use.io.nowMs();
    const volume =
      partition === undefined
        ? await chooseVolume(image.store, path, nowMs, use.fits)
        : await openVolume(image.store, { partition, nowMs });
    for (const note of volume.notes) use.io.say(note);
    return await work(volume);
  } finally {
    await image.close();
  }
}

/** Whether the volume has something at this path. */
export async function has(volume: Volume, path: string): Promise<boolean> {
  try {
    await volume.stat(path);
    return true;
  } catch (failure) {
    if (failure instanceof FileSystemError && failure.kind !== 'io') return false;
    throw failure;
  }
}

interface Candidate {
  readonly partition: Partition;
  /** Absent when its contents are not known here. */
  readonly volume?: Volume;
}

/** The only volume of the disk, or the only one that fits. @throws {CommandError} with the choice */
async function chooseVolume(
  store: BlockStore,
  path: string,
  nowMs: () => number,
  fits: (volume: Volume) => Promise<boolean>,
): Promise<Volume> {
  const { scheme, partitions } = await readDiskLayout(store);
  if (scheme === 'none') return openVolume(store, { nowMs });
  const candidates: Candidate[] = [];
  for (const partition of partitions) candidates.push(await openCandidate(store, partition, nowMs));
  const volumes = candidates.flatMap(({ volume }) => (volume ? [volume] : []));
  if (volumes.length === 1 && volumes[0]) return volumes[0];
  const fitting: Volume[] = [];
  for (const volume of volumes) if (await fits(volume)) fitting.push(volume);
  if (fitting.length === 1 && fitting[0]) return fitting[0];
  const choice = candidates.map((candidate) => `\n  ${path}:${describe(candidate)}`).join('');
  throw new CommandError(`which partition is meant?${choice}`);
}

async function openCandidate(
  store: BlockStore,
  partition: Partition,
  nowMs: () => number,
): Promise<Candidate> {
  try {
    return { partition, volume: await openVolume(store, { partition: partition.number, nowMs }) };
  } catch (failure) {
    if (failure instanceof FileSystemError && failure.kind !== 'io') return { partition };
    throw failure;
  }
}

function describe({ partition, volume }: Candidate): string {
  const size = `${(partition.sizeBytes / MEGABYTE).toFixed(1)} MiB`;
  const contents = volume ? [volume.kind, volume.label] : ['no file system that is read here'];
  return [partition.number, size, partition.type, partition.name, ...contents]
    .filter((part) => part !== undefined && part !== '')
    .join('  ');
}
