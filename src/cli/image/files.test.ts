/** The commands for files inside images, over images that the usual tools made. */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFixtures } from '../../emu/storage/filesystems/testing/fixtures.ts';
import { catCommand } from './cat.ts';
import type { CommandIo, ImageCommand } from './command.ts';
import { getCommand } from './get.ts';
import { lsCommand } from './ls.ts';
import { mkdirCommand, putCommand, rmCommand } from './put.ts';

const FAT_START = 2 ** 20;
const fixtures = readFixtures();
const imageOf = (name: string): Uint8Array =>
  fixtures.find((fixture) => fixture.name === name)?.image ?? new Uint8Array();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bramble-image-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** An MBR with a FAT in partition 1, and an ext4 in partition 5. */
function partitionedDisk(): string {
  const disk = new Uint8Array(imageOf('mbr'));
  disk.set(imageOf('fat12'), FAT_START);
  disk.set(imageOf('ext4'), 6300 * 512);
  return fileOf('disk.img', disk);
}

async function run(command: ImageCommand, args: readonly string[], input = '') {
  const parts: Buffer[] = [];
  const said: string[] = [];
  const io: CommandIo = {
    write: async (bytes) => void parts.push(Buffer.from(bytes as Uint8Array)),
    say: (line) => void said.push(line),
    async *input() {
      yield Buffer.from(input);
    },
    nowMs: () => Date.UTC(2026, 5, 1),
  };
  await command.run(args, io);
  return { output: Buffer.concat(parts).toString(), said: said.join('\n') };
}

describe('an image without partitions', () => {
  it('is listed by name, and with -l as ls does it', async () => {
    const image = fileOf('root.img', imageOf('ext4'));
    expect((await run(lsCommand, [image, '/overlays'])).output).toBe('disable-bt.dtbo\n');
    const { output } = await run(lsCommand, ['-l', image]);
    expect(output).toMatch(/^-rw-r--r-- \d+:\d+ +26 2026-01-02 03:04 config\.txt$/m);
    expect(output).toMatch(/^l\S+ \d+:\d+ .* short-link -> config\.txt$/m);
  });

  it('takes what is put into it and gives it back', async () => {
    const image = fileOf('boot.img', imageOf('fat16'));
    const source = fileOf('kernel.img', new Uint8Array(3000).fill(7));
    await run(putCommand, [image, 'config.txt'], 'from=input\n');
    await run(mkdirCommand, [image, '/new']);
    await run(putCommand, [image, source, '/new/']);
    expect((await run(catCommand, [image, '/config.txt'])).output).toBe('from=input\n');
    expect((await run(catCommand, [image, '/new/kernel.img'])).output).toHaveLength(3000);
    await run(rmCommand, [image, '/new/kernel.img']);
    expect((await run(lsCommand, [image, '/new'])).output).toBe('');
  });

  it('of ext4 refuses to be changed', async () => {
    const image = fileOf('root.img', imageOf('ext4'));
    await expect(run(putCommand, [image, '/x'], 'x')).rejects.toThrow('only FAT file systems can be written');
  });
});

describe('a partition', () => {
  it('is the one with the path, or the one that can be written', async () => {
    const disk = partitionedDisk();
    expect((await run(lsCommand, [disk, '/crowded'])).output).toContain('entry 7\n');
    await run(putCommand, [disk, '/config.txt'], 'changed\n');
    expect((await run(catCommand, [`${disk}:1`, '/config.txt'])).output).toBe('changed\n');
    expect((await run(catCommand, [`${disk}:5`, '/config.txt'])).output).toBe('arm_64bit=1\nenable_uart=1\n');
  });

  it('has to be named where several are meant, and then they are listed', async () => {
    const disk = partitionedDisk();
    await expect(run(catCommand, [disk, '/config.txt'])).rejects.toThrow(
      /which partition.*:1 .*fat12.*:5 .*ext4/s,
    );
    await expect(run(lsCommand, [`${disk}:3`])).rejects.toThrow(
      'there is no partition 3; the disk has 1, 5, 6',
    );
  });
});

describe('get', () => {
  it('copies a tree with its links and times, and holes stay holes', async () => {
    const image = fileOf('root.img', imageOf('ext4'));
    const out = join(folder, 'out');
    await run(getCommand, [image, '/', out]);
    expect(readFileSync(join(out, 'config.txt'), 'utf8')).toBe('arm_64bit=1\nenable_uart=1\n');
    expect(readlinkSync(join(out, 'short-link'))).toBe('config.txt');
    expect(lstatSync(join(out, 'config.txt')).mtime.toISOString()).toBe('2026-01-02T03:04:06.000Z');
    const { size } = lstatSync(join(out, 'sparse'));
    expect(size).toBe(70_010 * 1024);
  });

  it('overwrites nothing', async () => {
    const image = fileOf('root.img', imageOf('ext4'));
    mkdirSync(join(folder, 'there'));
    await expect(run(getCommand, [image, '/deep', join(folder, 'there')])).rejects.toThrow('EEXIST');
    const file = fileOf('mine', Buffer.from('mine'));
    await expect(run(getCommand, [image, '/config.txt', file])).rejects.toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('stays inside its target when names of the image would lead out of it', async () => {
    const bytes = new Uint8Array(imageOf('fat16'));
    // “A long name …” becomes “../ong name …”, which only its short name stands for.
    const longName = [...'A long'].flatMap((character) => [character.charCodeAt(0), 0]);
    const first = longName.slice(0, 10);
    const at = bytes.findIndex((_, index) => first.every((byte, offset) => bytes[index + offset] === byte));
    expect(at).toBeGreaterThan(0);
    bytes.set(
      [...'../'].flatMap((character) => [character.charCodeAt(0), 0]),
      at,
    );
    const out = join(folder, 'out');
    await run(getCommand, [fileOf('evil.img', bytes), '/', out]);
    expect(readFileSync(join(out, 'ALONGN~1.TXT'), 'utf8')).toBe('long\n');
    expect(readdirSync(folder).sort()).toEqual(['evil.img', 'out']);
  });
});
