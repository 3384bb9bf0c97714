import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { normalizeEntries, writeCpio } from './cpio.ts';
import { readAddedFile, withFiles } from './with-files.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A reader of the format, written from its description and independent of the writer. */
function readCpio(archive: Uint8Array): { name: string; mode: number; data: string }[] {
  const bytes = Buffer.from(archive);
  const members = [];
  for (let at = 0; at < bytes.length; ) {
    expect(bytes.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      Number.parseInt(bytes.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const nameEnd = at + 110 + field(11);
    const dataStart = nameEnd + ((4 - (nameEnd % 4)) % 4);
    const dataEnd = dataStart + field(6);
    members.push({
      name: bytes.toString('latin1', at + 110, nameEnd - 1),
      mode: field(1),
      data: bytes.toString('latin1', dataStart, dataEnd),
    });
    at = dataEnd + ((4 - (dataEnd % 4)) % 4);
  }
  return members;
}

describe('writeCpio', () => {
  it('writes every kind of entry with its mode and data', () => {
    const archive = writeCpio([
      { kind: 'file', path: 'a', data: text('hello'), mode: 0o755 },
      { kind: 'directory', path: 'b' },
      { kind: 'link', path: 'c', target: 'a' },
      { kind: 'character-device', path: 'd', major: 5, minor: 1 },
    ]);
    expect(readCpio(archive)).toEqual([
      { name: 'a', mode: 0o100755, data: 'hello' },
      { name: 'b', mode: 0o040755, data: '' },
      { name: 'c', mode: 0o120777, data: 'a' },
      { name: 'd', mode: 0o020600, data: '' },
      { name: 'TRAILER!!!', mode: 0, data: '' },
    ]);
  });

  it('gives the same bytes when the entries come in another order', () => {
    const entries = [
      { kind: 'file', path: 'x/y', data: text('1') },
      { kind: 'file', path: 'a', data: text('2') },
    ] as const;
    expect(writeCpio([...entries].reverse())).toEqual(writeCpio(entries));
  });

  it.skipIf(spawnSync('cpio', ['--version']).error !== undefined)('is understood by GNU cpio', () => {
    const archive = writeCpio([{ kind: 'file', path: 'x/y', data: text('123') }]);
    const listing = execFileSync('cpio', ['-t', '--quiet'], { input: archive, encoding: 'utf8' });
    expect(listing.trim().split('\n')).toEqual(['x', 'x/y']);
  });
});

describe('normalizeEntries', () => {
  it('adds the directories that paths imply, before what is in them', () => {
    const paths = normalizeEntries([{ kind: 'file', path: '/x/y/z', data: text('') }]).map((e) => e.path);
    expect(paths).toEqual(['x', 'x/y', 'x/y/z']);
  });

  it('keeps the last of two entries with one path', () => {
    const entries = normalizeEntries([
      { kind: 'file', path: 'a', data: text('old') },
      { kind: 'link', path: 'a', target: 'new' },
    ]);
    expect(entries).toEqual([{ kind: 'link', path: 'a', target: 'new' }]);
  });
});

describe('withFiles', () => {
  it('appends a compressed archive and leaves the base as it is', () => {
    const base = text('base');
    const result = withFiles(base, [{ guestPath: '/bin/x', data: text('#!'), mode: 0o755 }]);
    expect(result.subarray(0, base.length)).toEqual(Buffer.from(base));
    const members = readCpio(gunzipSync(result.subarray(base.length)));
    expect(members.map(({ name, mode }) => [name, mode.toString(8)])).toEqual([
      ['bin', '40755'],
      ['bin/x', '100755'],
      ['TRAILER!!!', '0'],
    ]);
  });

  it('reads a file with its mode from "host:/guest"', () => {
    const file = readAddedFile(`${process.execPath}:/bin/node`);
    expect(file.guestPath).toBe('/bin/node');
    expect(file.mode).toBe(statSync(process.execPath).mode & 0o777);
    expect(() => readAddedFile('nothing')).toThrow(/form/);
  });

  it('is a command that says how it is used when arguments are missing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bramble-'));
    try {
      const output = join(folder, 'out.cpio.gz');
      const script = join(import.meta.dirname, 'with-files.mjs');
      expect(spawnSync(process.execPath, [script]).status).toBe(2);
      const run = spawnSync(process.execPath, [script, script, output, `${script}:/x`]);
      expect(run.status).toBe(0);
      expect(readFileSync(output).subarray(0, 3).toString()).toBe('/**');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
