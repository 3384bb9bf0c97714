import { describe, expect, it } from 'vitest';
import { type Catalog, parseManifest } from '../home/guest-catalog.ts';
import { NO_OPTIONS } from '../home/launch-options.ts';
import type { KeyValueStore } from '../shell/settings.ts';
import { FakeDiskLibrary, parseFakeDisks } from '../testing/fake-disk-library.ts';
import { BootMemory } from './boot-memory.ts';
import { bootingGuests, bootOptions, knownBoot, mountsRoot, withGuestDisk, withRoot } from './disk-boot.ts';
import { DiskShelf } from './disk-shelf.ts';

const BASE_URL = 'https://bramble.example/page/';
const file = (role: string, path: string) => ({ role, path, sizeBytes: 5, sha256: `${role}-sum` });
const CATALOG: Catalog = parseManifest({
  guests: [
    { name: 'busybox', files: [file('kernel', 'b/Image'), file('initrd', 'b/initrd')] },
    {
      name: 'debian',
      title: 'Debian',
      files: [file('kernel', 'd/Image'), file('initrd', 'd/initrd'), file('disk', 'd/disk.img.xz')],
      commandLine: 'console=ttyAMA0 root=/dev/vda rw',
    },
    { name: 'bare', files: [file('kernel', 'bare.bin')] },
  ],
});

function memoryStore(): KeyValueStore & { readonly map: Map<string, string> } {
  const map = new Map<string, string>();
  return {
    map,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => {
      map.set(key, value);
    },
  };
}

async function openShelf(words: string): Promise<DiskShelf> {
  const library = new FakeDiskLibrary(parseFakeDisks(words));
  const shelf = new DiskShelf(
    async () => library,
    new BootMemory(undefined),
    () => 0,
  );
  await shelf.open();
  return shelf;
}

describe('knownBoot', () => {
  const disk = {
    id: '1',
    name: 'x',
    sizeBytes: 1,
    ownBytes: 0,
    sharedBytes: 0,
    origin: { kind: 'url', url: `${BASE_URL}images/d/disk.img.xz` },
    sharesBaseWith: [],
    changedBytes: 0,
    sinceImportBytes: 0,
    createdMs: 0,
    inUse: 'no',
  } as const;

  it('is what was chosen before, as long as that guest is offered', () => {
    const boots = new BootMemory(undefined);
    boots.set('1', { guest: 'busybox', commandLine: 'quiet' });
    expect(knownBoot(disk, CATALOG, boots, BASE_URL)).toEqual({ guest: 'busybox', commandLine: 'quiet' });
    boots.set('1', { guest: 'gone' });
    expect(knownBoot(disk, CATALOG, boots, BASE_URL)).toEqual({ guest: 'debian' });
  });

  it('is the guest whose image it was, by address or by sum', () => {
    const boots = new BootMemory(undefined);
    expect(knownBoot(disk, CATALOG, boots, BASE_URL)).toEqual({ guest: 'debian' });
    const renamed = { ...disk, origin: { kind: 'file', fileName: 'my.img.xz' }, sha256: 'disk-sum' } as const;
    expect(knownBoot(renamed, CATALOG, boots, BASE_URL)).toEqual({ guest: 'debian' });
    expect(knownBoot({ ...disk, sha256: 'of an older image' }, CATALOG, boots, BASE_URL)).toEqual({
      guest: 'debian',
    });
    expect(knownBoot({ ...disk, origin: { kind: 'empty' } }, CATALOG, boots, BASE_URL)).toBeUndefined();
  });
});

describe('BootMemory', () => {
  it('remembers across visits, copies to clones and forgets with the disk', () => {
    const store = memoryStore();
    const boots = new BootMemory(store);
    boots.set('a', { guest: 'debian', commandLine: 'x' });
    boots.copy('a', 'b');
    boots.copy('nobody', 'c');
    boots.forget('a');
    const later = new BootMemory(store);
    expect(later.get('a')).toBeUndefined();
    expect(later.get('b')).toEqual({ guest: 'debian', commandLine: 'x' });
    expect(later.get('c')).toBeUndefined();
  });

  it.each(['{', '[]', 'null', '{"a":1,"b":{"guest":7}}'])('takes nothing from %s', (text) => {
    const store = memoryStore();
    store.map.set('bramble.disk-boots', text);
    expect(new BootMemory(store).get('a')).toBeUndefined();
    expect(new BootMemory(store).get('b')).toBeUndefined();
  });
});

describe('the catalogue’s kernels', () => {
  it('are those with an initrd; one that brings a disk mounts one', () => {
    expect(bootingGuests(CATALOG).map(({ name }) => name)).toEqual(['busybox', 'debian']);
    expect(bootingGuests(CATALOG).map(mountsRoot)).toEqual([false, true]);
  });

  it.each([
    ['console=ttyAMA0 root=/dev/vda rw', '/dev/vda2', 'console=ttyAMA0 root=/dev/vda2 rw'],
    ['console=ttyAMA0', '/dev/vda1', 'console=ttyAMA0 root=/dev/vda1 rw'],
    ['root=LABEL=x quiet', '', 'root=LABEL=x quiet'],
    ['noroot=1', '/dev/vda', 'noroot=1 root=/dev/vda rw'],
  ])('take in %j the root %j', (commandLine, root, result) => {
    expect(withRoot(commandLine, root)).toBe(result);
  });

  it('get the disk as their first', () => {
    expect(bootOptions({ id: '7' }, { guest: 'debian' }, 'snapshot')).toEqual({
      ...NO_OPTIONS,
      guest: 'debian',
      rootDisk: { library: '7', mode: 'snapshot' },
    });
  });
});

describe('withGuestDisk', () => {
  it('leaves options alone when the guest has no disk, or the user chose one, or nothing can be kept', async () => {
    const shelf = await openShelf('');
    const plain = { ...NO_OPTIONS, guest: 'busybox' };
    expect(await withGuestDisk(plain, CATALOG, shelf, BASE_URL)).toBe(plain);
    const chosen = { ...NO_OPTIONS, guest: 'debian', rootDisk: { library: '7', mode: 'write' } } as const;
    expect(await withGuestDisk(chosen, CATALOG, shelf, BASE_URL)).toBe(chosen);
    const kept = { ...NO_OPTIONS, guest: 'debian' };
    expect(await withGuestDisk(kept, CATALOG, await openShelf('absent'), BASE_URL)).toBe(kept);
  });

  it('imports the image at the first boot, and boots from the same disk afterwards', async () => {
    const shelf = await openShelf('');
    const asked = { ...NO_OPTIONS, guest: 'debian' };
    const first = await withGuestDisk(asked, CATALOG, shelf, BASE_URL);
    expect(shelf.disks).toHaveLength(1);
    expect(shelf.disks[0]).toMatchObject({
      name: 'Debian',
      origin: { kind: 'url', url: `${BASE_URL}images/d/disk.img.xz` },
    });
    expect(first?.rootDisk).toEqual({ library: shelf.disks[0]!.id, mode: 'write' });
    expect(knownBoot(shelf.disks[0]!, CATALOG, shelf.boots, BASE_URL)).toEqual({ guest: 'debian' });
    expect(await withGuestDisk(asked, CATALOG, shelf, BASE_URL)).toEqual(first);
    expect(shelf.disks).toHaveLength(1);
    const { id } = shelf.disks[0]!;
    const clone = await shelf.act((library) => library.clone(id, 'backup'));
    shelf.boots.copy(id, clone!.id);
    expect(await withGuestDisk(asked, CATALOG, shelf, BASE_URL)).toEqual(first);
  });

  it('boots nothing when the import fails', async () => {
    const shelf = await openShelf('fail:network');
    expect(await withGuestDisk({ ...NO_OPTIONS, guest: 'debian' }, CATALOG, shelf, BASE_URL)).toBeUndefined();
    expect(shelf.jobs[0]?.problem?.kind).toBe('network');
  });
});
