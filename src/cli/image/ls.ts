/** `image ls`: what is in a directory of an image, or the line of one file. */
import type { DirectoryEntry, FileKind, FileStatus, Volume } from '../../emu/storage/filesystems/volume.ts';
import { CommandError, type ImageCommand } from './command.ts';
import { has, withVolume } from './volumes.ts';

const KIND_LETTERS: Readonly<Record<FileKind, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  device: 'b',
  fifo: 'p',
  socket: 's',
};
const PERMISSION_LETTERS = 'rwxrwxrwx';
const SIZE_COLUMNS = 12;

export const lsCommand: ImageCommand = {
  name: 'ls',
  synopsis: '[-l] IMAGE[:PARTITION] [PATH]',
  summary: 'list a directory of an image',
  async run(args, io) {
    const isLong = args[0] === '-l';
    const [image, path = '/', ...more] = isLong ? args.slice(1) : args;
    if (image === undefined || more.length > 0) throw new CommandError('which image, and which directory?');
    await withVolume(image, { access: 'read', io, fits: (volume) => has(volume, path) }, async (volume) => {
      for (const entry of await entriesAt(volume, path))
        await io.write(`${isLong ? longLine(entry) : entry.name}\n`);
    });
  },
};

/** A directory's entries by name, or the file itself. */
async function entriesAt(volume: Volume, path: string): Promise<readonly DirectoryEntry[]> {
  const status = await volume.stat(path);
  const isListed = status.kind === 'directory' || (status.kind === 'symlink' && path.endsWith('/'));
  if (!isListed) return [{ name: path, ...status }];
  return [...(await volume.list(path))].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function longLine({ name, ...status }: DirectoryEntry): string {
  const owner = status.owner ? `${status.owner.user}:${status.owner.group}` : '';
  const size = String(status.sizeBytes).padStart(SIZE_COLUMNS);
  const time = new Date(status.modifiedMs).toISOString().slice(0, 16).replace('T', ' ');
  const link = status.target === undefined ? '' : ` -> ${status.target}`;
  return [modeText(status), owner, size, time, `${name}${link}`].filter((part) => part !== '').join(' ');
}

/** As `ls -l` shows it; a FAT has no permissions. */
function modeText({ kind, owner }: FileStatus): string {
  const letters = [...PERMISSION_LETTERS].map((letter, index) => {
    const isSet = owner && (owner.permissions & (1 << (PERMISSION_LETTERS.length - 1 - index))) !== 0;
    return isSet ? letter : '-';
  });
  return KIND_LETTERS[kind] + (owner ? letters.join('') : '');
}
