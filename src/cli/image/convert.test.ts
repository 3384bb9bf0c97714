import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixtureDisk } from '../../emu/storage/formats/testing/fixture-disk.ts';
import { readFixture } from '../../emu/storage/formats/testing/fixtures.ts';
import { CommandError, type CommandIo } from './command.ts';
import { convertCommand } from './convert.ts';
import { infoCommand } from './info.ts';
import { openImage } from './open-image.ts';

let folder: string;
let said: string[];
let written: string;
let io: CommandIo;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bramble-convert-'));
  said = [];
  written = '';
  io = {
    async write(bytes) {
      written += bytes;
    },
    say: (line) => void said.push(line),
    input: () => process.stdin,
    nowMs: () => 0,
  };
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const put = (name: string, contents: Uint8Array): string => {
  writeFileSync(at(name), contents);
  return at(name);
};

describe('image convert', () => {
  it.each(['gzip', 'xz, blocks', 'zstd', 'zip', 'qcow2 zstd', 'qcow2 version 2', 'VHD dynamic', 'VHD fixed'])(
    'makes a raw file of %s',
    async (name) => {
      await convertCommand.run([put('in', readFixture(name)), at('out.img')], io);
      expect(Buffer.compare(readFileSync(at('out.img')), fixtureDisk())).toBe(0);
      expect(readdirSync(folder).toSorted()).toEqual(['in', 'out.img']);
      expect(said).toEqual([`${at('out.img')}: raw, 195.5 KiB`]);
    },
  );

  it.each(['xz, blocks', 'qcow2 zlib'])('makes a qcow2 file of %s that gives the disk back', async (name) => {
    await convertCommand.run([put('in', readFixture(name)), at('out.qcow2')], io);
    await convertCommand.run(['--to', 'raw', at('out.qcow2'), at('back')], io);
    expect(Buffer.compare(readFileSync(at('back')), fixtureDisk())).toBe(0);
    expect(readdirSync(folder).toSorted()).toEqual(['back', 'in', 'out.qcow2']);
  });

  it.each(['zstd', 'VHD dynamic'])('makes a compressed raw file of %s', async (name) => {
    await convertCommand.run([put('in', readFixture(name)), at('out.img.gz')], io);
    expect(Buffer.compare(gunzipSync(readFileSync(at('out.img.gz'))), fixtureDisk())).toBe(0);
  });

  it('leaves holes where there are zeros, also at the end', async () => {
    const disk = new Uint8Array(4 << 20);
    disk[1 << 20] = 1;
    await convertCommand.run([put('in', disk), at('out')], io);
    expect(statSync(at('out')).size).toBe(disk.length);
    expect(Buffer.compare(readFileSync(at('out')), disk)).toBe(0);
    if (process.platform === 'linux') expect(statSync(at('out')).blocks * 512).toBeLessThan(1 << 20);
  });

  it('replaces a file only when it is told to', async () => {
    const args = [put('in', readFixture('gzip')), put('out', Uint8Array.of(7))];
    await expect(convertCommand.run(args, io)).rejects.toThrow('exists; --force replaces it');
    expect([...readFileSync(at('out'))]).toEqual([7]);
    await convertCommand.run(['--force', ...args], io);
    expect(readFileSync(at('out')).length).toBe(fixtureDisk().length);
  });

  it('leaves nothing behind, and the old file as it was, when the image is damaged', async () => {
    for (const name of ['gzip', 'xz, blocks', 'qcow2 zlib', 'VHD fixed']) {
      const file = readFixture(name);
      put('out', Uint8Array.of(7));
      const damaged = put('in', file.subarray(0, Math.floor(file.length * 0.7)));
      for (const target of ['raw', 'raw-gzip', 'qcow2']) {
        const converting = convertCommand.run(['--force', '--to', target, damaged, at('out')], io);
        // A VHD without its end is a raw image to everyone.
        if (name === 'VHD fixed') await converting;
        else await expect(converting).rejects.toThrow(damaged);
        if (name !== 'VHD fixed') expect([...readFileSync(at('out'))]).toEqual([7]);
      }
      expect(readdirSync(folder).toSorted()).toEqual(['in', 'out']);
    }
  });

  it.each([
    [['one'], 'which file'],
    [['--to', 'vmdk', 'in', 'out'], '--to is raw or raw-gzip or qcow2, not vmdk'],
    [['--fast', 'in', 'out'], 'unknown option --fast'],
  ])('explains the arguments %j', async (args, words) => {
    await expect(convertCommand.run(args, io)).rejects.toThrow(words);
    await expect(convertCommand.run(args, io)).rejects.toBeInstanceOf(CommandError);
  });

  it('names a file that is not there', async () => {
    await expect(convertCommand.run([at('none'), at('out')], io)).rejects.toThrow(at('none'));
    expect(existsSync(at('out'))).toBe(false);
  });
});

describe('image info', () => {
  it('tells format and sizes', async () => {
    await infoCommand.run([put('in', readFixture('qcow2 version 2'))], io);
    expect(written).toBe(
      [
        `file:       ${at('in')}`,
        'file size:  49152 bytes (48.0 KiB)',
        'format:     qcow2 version 2',
        'disk size:  200192 bytes (195.5 KiB)',
        'in use:     28160 bytes (27.5 KiB)',
        'contents:   not read here: the disk has no FAT and no ext2, ext3 or ext4 file system',
        '',
      ].join('\n'),
    );
  });

  it('tells the blocks of a .xz file', async () => {
    await infoCommand.run([put('in', readFixture('xz, blocks'))], io);
    expect(written).toContain('xz blocks:  5, of up to 48.0 KiB\nformat:     raw, xz-compressed\n');
  });

  it('tells what is not known before unpacking', async () => {
    await infoCommand.run([put('in', readFixture('gzip'))], io);
    expect(written).toContain('format:     gzip-compressed\ndisk size:  not told in front');
  });

  it('refuses what is no image, by name', async () => {
    const file = put('in', new TextEncoder().encode('<!DOCTYPE html>'));
    await expect(infoCommand.run([file], io)).rejects.toThrow(`${file}: this is a web page`);
  });
});

describe('openImage of the command line', () => {
  it('opens every format for reading, and only raw images for changing', async () => {
    const path = put('in', readFixture('qcow2 zstd'));
    const image = await openImage(path, 'read');
    const start = new Uint8Array(512);
    await image.store.read(0, start);
    await image.close();
    expect(Buffer.compare(start, fixtureDisk().subarray(0, 512))).toBe(0);
    await expect(openImage(path, 'write')).rejects.toThrow('only raw images can be changed');
  });
});
