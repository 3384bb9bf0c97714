/** `image put`, `mkdir` and `rm`: changes of a FAT file system in a raw image. */
import { readFileSync, statSync } from 'node:fs';
import { basename, posix } from 'node:path';
import { FileSystemError } from '../../emu/storage/filesystems/file-system-error.ts';
import type { Volume, VolumeChanges } from '../../emu/storage/filesystems/volume.ts';
import { CommandError, type CommandIo, type ImageCommand } from './command.ts';
import { has, withVolume } from './volumes.ts';

/** Contents are held in memory while they are written. */
const LARGEST_INPUT = 2 ** 30;

export const putCommand: ImageCommand = {
  name: 'put',
  synopsis: 'IMAGE[:PARTITION] [FILE] PATH',
  summary: 'create or replace a file on a FAT, from FILE or from standard input',
  async run(args, io) {
    const [image, first, second, ...more] = args;
    if (image === undefined || first === undefined || more.length > 0)
      throw new CommandError('which image, and which file in it?');
    const [file, path] = second === undefined ? [undefined, first] : [first, second];
    const contents = file === undefined ? await readInput(io) : readFile(file);
    await change(image, path, io, async (volume, changes) =>
      changes.write(await placeIn(volume, path, file), contents),
    );
  },
};

export const mkdirCommand: ImageCommand = {
  name: 'mkdir',
  synopsis: 'IMAGE[:PARTITION] PATH',
  summary: 'make a directory on a FAT',
  async run(args, io) {
    const [image, path] = twoOf(args);
    await change(image, path, io, (_, changes) => changes.makeDirectory(path));
  },
};

export const rmCommand: ImageCommand = {
  name: 'rm',
  synopsis: 'IMAGE[:PARTITION] PATH',
  summary: 'remove a file or an empty directory of a FAT',
  async run(args, io) {
    const [image, path] = twoOf(args);
    await change(image, path, io, (_, changes) => changes.remove(path));
  },
};

function twoOf(args: readonly string[]): readonly [string, string] {
  const [image, path, ...more] = args;
  if (image === undefined || path === undefined || more.length > 0)
    throw new CommandError('which image, and which path in it?');
  return [image, path];
}

/** Works on the volume that can be changed and has the directory of `path`. */
function change(
  image: string,
  path: string,
  io: CommandIo,
  work: (volume: Volume, changes: VolumeChanges) => Promise<void>,
): Promise<void> {
  const directory = posix.dirname(posix.join('/', path));
  const fits = async (volume: Volume): Promise<boolean> =>
    volume.changes !== undefined && (await has(volume, directory));
  return withVolume(image, { access: 'write', io, fits }, async (volume) => {
    if (!volume.changes)
      throw new FileSystemError(
        'read-only',
        `this is ${volume.kind}; only FAT file systems can be written here`,
      );
    await work(volume, volume.changes);
  });
}

/** A path that is a directory gets the file's own name. */
async function placeIn(volume: Volume, path: string, file: string | undefined): Promise<string> {
  const isDirectory =
    path.endsWith('/') || ((await has(volume, path)) && (await volume.stat(path)).kind === 'directory');
  return isDirectory && file !== undefined ? posix.join(path, basename(file)) : path;
}

function readFile(path: string): Uint8Array {
  refuseLarge(statSync(path).size);
  return readFileSync(path);
}

async function readInput(io: CommandIo): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of io.input()) {
    pieces.push(piece);
    length += piece.length;
    refuseLarge(length);
  }
  return Buffer.concat(pieces);
}

function refuseLarge(length: number): void {
  if (length > LARGEST_INPUT)
    throw new CommandError(`only files of up to ${LARGEST_INPUT} bytes can be put into an image`);
}
