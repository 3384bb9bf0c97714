import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixtureDisk } from '../emu/storage/formats/testing/fixture-disk.ts';
import { readFixture } from '../emu/storage/formats/testing/fixtures.ts';
import { openDisk } from './disk-file.ts';

let path: string;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bramble-disk-'));
  path = join(folder, 'disk');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('openDisk', () => {
  it.each(['qcow2 zlib', 'VHD dynamic', 'xz, blocks'])(
    'reads %s, and keeps writes in memory',
    async (name) => {
      const file = readFixture(name);
      writeFileSync(path, file);
      const disk = await openDisk({ path, mode: 'snapshot' });
      await disk.store.write(1000, Uint8Array.of(1, 2, 3));
      const bytes = new Uint8Array(disk.store.size);
      await disk.store.read(0, bytes);
      await disk.close();
      const wanted = fixtureDisk();
      wanted.set([1, 2, 3], 1000);
      expect(Buffer.compare(bytes, wanted)).toBe(0);
      expect(Buffer.compare(readFileSync(path), file)).toBe(0);
    },
  );

  it('is a read-only disk when it is asked to be', async () => {
    writeFileSync(path, readFixture('qcow2 zlib'));
    const disk = await openDisk({ path, mode: 'readonly' });
    expect(disk.store.readOnly).toBe(true);
    await disk.close();
  });

  it('writes to a raw image', async () => {
    writeFileSync(path, new Uint8Array(1024));
    const disk = await openDisk({ path, mode: 'write' });
    await disk.store.write(512, Uint8Array.of(5));
    await disk.close();
    expect(readFileSync(path)[512]).toBe(5);
  });

  it.each([
    ['qcow2 zlib', 'guests write to raw images only; add ,snapshot'],
    ['xz, blocks', 'its format is raw, xz-compressed'],
    ['zstd', 'it is compressed; unpack it: npm run --silent image -- convert'],
  ] as const)('says what to do with %s that is to be written', async (name, words) => {
    writeFileSync(path, readFixture(name));
    await expect(openDisk({ path, mode: 'write' })).rejects.toThrow(words);
  });

  it('names the disk that cannot be opened', async () => {
    await expect(openDisk({ path, mode: 'readonly' })).rejects.toThrow(`disk ${path}: ENOENT`);
    writeFileSync(path, new Uint8Array(0));
    await expect(openDisk({ path, mode: 'write' })).rejects.toThrow('is empty');
  });
});
