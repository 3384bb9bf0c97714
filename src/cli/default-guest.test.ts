import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { builtGuests } from './default-guest.ts';

it('lists built guests with their disks and leaves out those whose kernel is gone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bramble-guests-'));
  try {
    const files = (name: string) => [
      { role: 'kernel', path: `${name}/Image` },
      { role: 'disk', path: `${name}/disk.img.xz` },
    ];
    const guests = ['gone', 'debian'].map((name) => ({ name, commandLine: 'root=x', files: files(name) }));
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ guests }));
    mkdirSync(join(folder, 'debian'));
    writeFileSync(join(folder, 'debian/Image'), '');
    const found = builtGuests(pathToFileURL(`${folder}/`));
    expect(found.map(({ name, disk, append }) => [name, disk, append])).toEqual([
      ['debian', join(folder, 'debian/disk.img.xz'), 'root=x'],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('lists nothing when nothing has been built', () => {
  expect(builtGuests(new URL('file:///nowhere/'))).toEqual([]);
});
