import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { plainDeb, writeAr } from './plain-deb.ts';

const CONTROL =
  'Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: x\n';

/** A reader of ar archives, written from their description. */
function readAr(archive: Uint8Array): Map<string, Buffer> {
  const bytes = Buffer.from(archive);
  expect(bytes.toString('latin1', 0, 8)).toBe('!<arch>\n');
  const members = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const size = Number(bytes.toString('latin1', at + 48, at + 58));
    expect(bytes.toString('latin1', at + 58, at + 60)).toBe('`\n');
    members.set(bytes.toString('latin1', at, at + 16).trim(), bytes.subarray(at + 60, at + 60 + size));
    at += 60 + size + (size % 2);
  }
  return members;
}

describe('writeAr', () => {
  it('starts members at even offsets when one before has an odd length', () => {
    const members = readAr(
      writeAr([
        { name: 'odd', data: Buffer.from('abc') },
        { name: 'next', data: Buffer.from('defg') },
      ]),
    );
    expect([...members].map(([name, data]) => [name, data.toString()])).toEqual([
      ['odd', 'abc'],
      ['next', 'defg'],
    ]);
  });
});

describe.skipIf(spawnSync('dpkg-deb', ['--version']).error !== undefined)('plainDeb', () => {
  it('holds the same control file and files, uncompressed, when made from a compressed package', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bramble-deb-'));
    try {
      mkdirSync(join(folder, 'tree/DEBIAN'), { recursive: true });
      mkdirSync(join(folder, 'tree/opt'));
      writeFileSync(join(folder, 'tree/DEBIAN/control'), CONTROL);
      writeFileSync(join(folder, 'tree/opt/text'), 'content\n');
      const compressed = join(folder, 'tiny.deb');
      execFileSync('dpkg-deb', ['--build', '--root-owner-group', join(folder, 'tree'), compressed]);
      const plain = join(folder, 'plain.deb');
      writeFileSync(plain, plainDeb(compressed));
      expect([...readAr(readFileSync(plain)).keys()]).toEqual(['debian-binary', 'control.tar', 'data.tar']);
      expect(execFileSync('dpkg-deb', ['--field', plain], { encoding: 'utf8' })).toBe(CONTROL);
      execFileSync('dpkg-deb', ['--extract', plain, join(folder, 'out')]);
      expect(readFileSync(join(folder, 'out/opt/text'), 'utf8')).toBe('content\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
