/** Changes of FAT images, as they are read again, and as a crash at any step would leave them. */
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../memory-store.ts';
import { FileSystemError } from '../file-system-error.ts';
import { openVolume } from '../open-volume.ts';
import { CrashingStore } from '../testing/crashing-store.ts';
import { fatProblems } from '../testing/fat-check.ts';
import { readFixtures } from '../testing/fixtures.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { contentsLine, readTree, type Tree, treeDifferences } from '../testing/volume-tree.ts';
import type { Volume, VolumeChanges } from '../volume.ts';

const WRITTEN_MS = Date.UTC(2027, 4, 6, 7, 8, 10);
const fixtures = readFixtures();
const textBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function fixture(name: string): { readonly image: Uint8Array; readonly tree: Tree } {
  const found = fixtures.find((row) => row.name === name);
  if (!found) throw new Error(`there is no fixture ${name}`);
  return found;
}

function changesOf(volume: Volume): VolumeChanges {
  if (!volume.changes) throw new Error('the volume cannot be changed');
  return volume.changes;
}

async function openToChange(name: string) {
  const { image, tree } = fixture(name);
  const store = new MemoryStore(image);
  const volume = await openVolume(store, { nowMs: () => WRITTEN_MS });
  return { store, volume, changes: changesOf(volume), expected: new Map(tree) };
}

async function kindOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (reason) => reason,
  );
  return failure instanceof FileSystemError ? failure.kind : `no FileSystemError: ${failure}`;
}

async function differences(store: MemoryStore, expected: Tree): Promise<string[]> {
  return [
    ...treeDifferences(expected, await readTree(await openVolume(store))),
    ...(await fatProblems(store)),
  ];
}

describe.each(['fat12', 'fat16', 'fat32'])('changes of %s', (name) => {
  it('are there when the volume is opened again', async () => {
    const { store, changes, expected } = await openToChange(name);
    const files: Record<string, Uint8Array> = {
      '/config.txt': textBytes('kernel=other\n'),
      '/empty': new SeededRandom(1).bytes(5000),
      '/deep/er/new file with a long name 😀 ünïcode.bin': new SeededRandom(2).bytes(20_000),
      '/SHORT.TXT': textBytes('x'),
      '/NOTHING': new Uint8Array(0),
    };
    for (const [path, contents] of Object.entries(files)) {
      await changes.write(path, contents);
      expected.set(path, contentsLine(contents));
    }
    await changes.remove('/pieces.bin');
    expected.delete('/pieces.bin');
    await changes.makeDirectory('/deep/Neues Verzeichnis');
    await changes.write('/deep/Neues Verzeichnis/a', textBytes('a'));
    expected
      .set('/deep/Neues Verzeichnis', 'directory')
      .set('/deep/Neues Verzeichnis/a', contentsLine(textBytes('a')));
    expect(await differences(store, expected)).toEqual([]);
  });

  it('keep a replaced name as it was and set its time', async () => {
    const { store, changes } = await openToChange(name);
    await changes.write('/CONFIG.TXT', textBytes('new'));
    const volume = await openVolume(store);
    expect((await volume.list('/')).map((entry) => entry.name)).toContain('config.txt');
    expect(await volume.stat('/config.txt')).toMatchObject({ sizeBytes: 3, modifiedMs: WRITTEN_MS });
  });

  it('leave as much room as before when they are undone', async () => {
    const { volume, changes } = await openToChange(name);
    const before = await volume.freeBytes();
    await changes.write('/big.bin', new Uint8Array(50_000));
    expect(await volume.freeBytes()).toBeLessThanOrEqual(before - 50_000);
    await changes.remove('/big.bin');
    expect(await volume.freeBytes()).toBe(before);
  });

  it('are refused in words, and then nothing is written', async () => {
    const { store, changes, volume } = await openToChange(name);
    const huge = new Uint8Array((await volume.freeBytes()) + 1);
    expect(await kindOf(changes.write('/huge', huge))).toBe('no-space');
    expect(await kindOf(changes.write('/deep', textBytes('x')))).toBe('is-a-directory');
    expect(await kindOf(changes.write('/', textBytes('x')))).toBe('is-a-directory');
    expect(await kindOf(changes.write('/none/x', textBytes('x')))).toBe('no-such-file');
    expect(await kindOf(changes.remove('/deep'))).toBe('not-empty');
    expect(await kindOf(changes.remove('/none'))).toBe('no-such-file');
    expect(await kindOf(changes.makeDirectory('/deep'))).toBe('exists');
    for (const bad of ['a:b', 'a*', 'end.', 'end ', 'tab\t', 'x'.repeat(256)])
      expect(await kindOf(changes.write(`/${bad}`, textBytes('x')))).toBe('bad-name');
    expect(store.writtenBytes).toBe(0);
  });

  it('happen in turn when they are asked for at once', async () => {
    const { store, changes, expected } = await openToChange(name);
    const paths = Array.from({ length: 12 }, (_, index) => `/deep/file number ${index}`);
    await Promise.all(paths.map((path) => changes.write(path, textBytes(path.repeat(100)))));
    for (const path of paths) expected.set(path, contentsLine(textBytes(path.repeat(100))));
    expect(await differences(store, expected)).toEqual([]);
  });
});

it('a directory grows for more names, and the root of FAT16 does not', async () => {
  const { store, changes, expected } = await openToChange('fat16');
  for (let index = 0; index < 60; index++) {
    const path = `/overlays/a name that is longer than eight ${index}`;
    await changes.write(path, textBytes('x'));
    expected.set(path, contentsLine(textBytes('x')));
  }
  expect(await differences(store, expected)).toEqual([]);
  const many = Array.from({ length: 40 }, (_, index) => changes.write(`/ROOT${index}`, textBytes('x')));
  const kinds = await Promise.all(many.map(kindOf));
  expect(kinds).toContain('no-space');
});

it('a volume on a read-only disk has no changes', async () => {
  const volume = await openVolume(new MemoryStore(fixture('fat16').image, { readOnly: true }));
  expect(volume.changes).toBeUndefined();
});

const FREE_COUNT_OFFSET = 512 + 488;

it('FSInfo of FAT32 has the number of free clusters after a change', async () => {
  const { store, volume, changes } = await openToChange('fat32');
  const CLUSTER = 512;
  for (const work of [
    () => changes.write('/some.bin', new Uint8Array(10_000)),
    () => changes.write('/some.bin', new Uint8Array(100)),
    () => changes.remove('/some.bin'),
    () => changes.makeDirectory('/sub'),
  ]) {
    await work();
    const count = new Uint8Array(4);
    store.read(FREE_COUNT_OFFSET, count);
    expect(new DataView(count.buffer).getUint32(0, true) * CLUSTER).toBe(await volume.freeBytes());
  }
});

describe('a crash', () => {
  const OLD = '/overlays/disable-bt.dtbo';
  const contents = new SeededRandom(3).bytes(3000);
  const NEW_NAME = '/overlays/a new file whose name takes many slots of the directory.bin';
  const CHANGES: Record<string, (changes: VolumeChanges) => Promise<void>> = {
    'creating a file': (changes) => changes.write(NEW_NAME, contents),
    'replacing a file': (changes) => changes.write(OLD, contents),
    'removing a file': (changes) => changes.remove(OLD),
    'making a directory': (changes) => changes.makeDirectory('/overlays/sub directory'),
  };

  it.each(Object.keys(CHANGES))('while %s leaves each file whole, old or new', async (what) => {
    const { image, tree } = fixture('fat16');
    const store = new CrashingStore(image);
    await CHANGES[what]?.(changesOf(await openVolume(store)));
    const after = await readTree(await openVolume(new MemoryStore(store.contents)));
    expect(treeDifferences(tree, after).length).toBeGreaterThan(0);
    for (let cut = 0; cut <= store.length; cut++) {
      for (let seed = 0; seed < 4; seed++) {
        const crashed = new MemoryStore(store.afterCrash(cut, new SeededRandom(cut * 100 + seed)));
        expect(await fatProblems(crashed)).toEqual([]);
        const found = await readTree(await openVolume(crashed));
        const strange = [...found].filter(
          ([path, line]) => tree.get(path) !== line && after.get(path) !== line,
        );
        expect(strange).toEqual([]);
        expect(treeDifferences(tree, found).length === 0 || treeDifferences(after, found).length === 0).toBe(
          true,
        );
      }
    }
  });
});
