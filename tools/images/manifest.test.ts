import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type GuestEntry, readManifest, updateManifest } from './manifest.ts';

const entry = (name: string, title = name): GuestEntry => ({
  name,
  title,
  description: `about ${name}`,
  board: 'virt',
  memoryMiB: 64,
  commandLine: '',
  readyPattern: '',
  files: [],
  packages: [],
  licences: [],
  recipeSha256: '',
});

it('keeps the order of the catalogue and names what has not been built', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bramble-manifest-'));
  try {
    const catalog = ['one', 'two', 'three'].map((name) => entry(name));
    updateManifest(folder, [entry('three')], catalog);
    updateManifest(folder, [entry('one'), entry('three', 'Third')], catalog);
    const { guests, notBuilt } = readManifest(folder);
    expect(guests.map(({ title }) => title)).toEqual(['one', 'Third']);
    expect(notBuilt).toEqual([
      { name: 'two', title: 'two', description: 'about two', command: 'npm run images two' },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
