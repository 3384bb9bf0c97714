/**
 * `image get`: a file or a directory tree of an image as files of the host. Nothing that exists is changed,
 * and nothing is written outside the target whatever the image contains: names are checked, every file and
 * directory is new, and links are made last, so that none is ever followed.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, symlinkSync, utimesSync, writeSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { FileStatus, Volume } from '../../emu/storage/filesystems/volume.ts';
import { CommandError, type CommandIo, type ImageCommand } from './command.ts';
import { has, withVolume } from './volumes.ts';

const PERMISSIONS = 0o777;
const DEFAULT_FILE = 0o666;
/** Deeper trees are not made by hand; a hostile image can have a directory that contains itself. */
const DEEPEST = 200;

export const getCommand: ImageCommand = {
  name: 'get',
  synopsis: 'IMAGE[:PARTITION] PATH [TARGET]',
  summary: 'copy a file or a directory tree out of an image; TARGET must not exist',
  async run(args, io) {
    const [image, path, target = posix.basename(path ?? ''), ...more] = args;
    if (image === undefined || path === undefined || target === '' || more.length > 0)
      throw new CommandError('which image, which path in it, and where to?');
    await withVolume(image, { access: 'read', io, fits: (volume) => has(volume, path) }, async (volume) => {
      const tree = new TreeCopy(volume, io);
      await tree.copy(path, target);
      tree.finish();
    });
  },
};

class TreeCopy {
  private readonly volume: Volume;
  private readonly io: CommandIo;
  private readonly links: { readonly at: string; readonly target: string }[] = [];
  private readonly times: { readonly at: string; readonly modifiedMs: number }[] = [];

  constructor(volume: Volume, io: CommandIo) {
    this.volume = volume;
    this.io = io;
  }

  async copy(path: string, target: string): Promise<void> {
    await this.copyOne(path, await this.volume.stat(path), target, 0);
  }

  /** Links, and the times of directories, which making files in them would change. */
  finish(): void {
    for (const { at, target } of this.links) symlinkSync(target, at);
    for (const { at, modifiedMs } of this.times.reverse())
      utimesSync(at, modifiedMs / 1000, modifiedMs / 1000);
  }

  private async copyOne(path: string, status: FileStatus, target: string, depth: number): Promise<void> {
    switch (status.kind) {
      case 'directory':
        return this.copyDirectory(path, status, target, depth);
      case 'file':
        return this.copyFile(path, status, target);
      case 'symlink':
        this.links.push({ at: target, target: status.target ?? '' });
        return;
      default:
        this.io.say(`${path} is a ${status.kind}, and left out`);
    }
  }

  private async copyDirectory(
    path: string,
    status: FileStatus,
    target: string,
    depth: number,
  ): Promise<void> {
    if (depth > DEEPEST) throw new Error(`${path} lies more than ${DEEPEST} directories deep`);
    mkdirSync(target);
    for (const entry of await this.volume.list(path)) {
      if (isSafeName(entry.name))
        await this.copyOne(posix.join(path, entry.name), entry, join(target, entry.name), depth + 1);
      else this.io.say(`${path} has an entry “${entry.name}”, which cannot be a file here, and is left out`);
    }
    this.times.push({ at: target, modifiedMs: status.modifiedMs });
  }

  private async copyFile(path: string, status: FileStatus, target: string): Promise<void> {
    const mode = status.owner ? status.owner.permissions & PERMISSIONS : DEFAULT_FILE;
    const file = openSync(target, 'wx', mode);
    try {
      let at = 0;
      for await (const piece of this.volume.read(path)) {
        // Zeros become a hole.
        if (piece.some((byte) => byte !== 0)) writeAll(file, piece, at);
        at += piece.length;
      }
      ftruncateSync(file, at);
    } finally {
      closeSync(file);
    }
    utimesSync(target, status.modifiedMs / 1000, status.modifiedMs / 1000);
  }
}

function writeAll(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, bytes.length - done, at + done);
}

/** Names of images are one component already; on Windows a backslash and a colon would make more of them. */
function isSafeName(name: string): boolean {
  const forbidden = process.platform === 'win32' ? /[\\/:*?"<>|]/ : /\//;
  return name !== '' && name !== '.' && name !== '..' && !forbidden.test(name);
}
