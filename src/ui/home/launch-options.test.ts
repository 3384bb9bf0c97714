import { describe, expect, it } from 'vitest';
import type { Catalog } from './guest-catalog.ts';
import { parseManifest } from './guest-catalog.ts';
import {
  baseGuest,
  hasLocalFiles,
  libraryDisks,
  machineTitle,
  NO_OPTIONS,
  parseQuery,
  toMachineOptions,
  toQuery,
} from './launch-options.ts';

const EMPTY: Catalog = { guests: [], problem: { message: 'none', hint: '' } };
const CATALOG = parseManifest({
  guests: [
    {
      name: 'busybox',
      title: 'Linux',
      files: [
        { role: 'kernel', path: 'busybox/Image', sizeBytes: 10, sha256: 'aa' },
        { role: 'initrd', path: 'busybox/initramfs.cpio.gz', sizeBytes: 5, sha256: 'bb' },
      ],
      commandLine: 'console=ttyAMA0',
      memoryMiB: 256,
    },
    { name: 'hello', files: [{ role: 'kernel', path: 'hello/hello.bin', sizeBytes: 1, sha256: 'cc' }] },
  ],
});

describe('parseQuery and toQuery', () => {
  it('give the same query back when every option is set', () => {
    const query =
      'guest=hello&kernel=https%3A%2F%2Fa.example%2FImage&initrd=i&dtb=d&disk=one.img&disk=two.img' +
      '&append=quiet&memory=1024&cpu=cortex-a53&engine=interpret&autostart=1';
    const { options, problems } = parseQuery(new URLSearchParams(query));
    expect(problems).toEqual([]);
    expect(options.disks).toEqual(['one.img', 'two.img']);
    expect(toQuery(options).toString()).toBe(query);
  });

  it('make an empty query when everything is the default', () => {
    expect(toQuery(NO_OPTIONS).toString()).toBe('');
    expect(toQuery(parseQuery(new URLSearchParams('engine=normal')).options).toString()).toBe('');
  });

  it('leave out what is out of range and say so', () => {
    const { options, problems } = parseQuery(
      new URLSearchParams('memory=9&engine=fast&machine=raspi3b&cpus=4'),
    );
    expect(options).toEqual(NO_OPTIONS);
    expect(problems).toHaveLength(4);
    expect(problems.join(' ')).toContain('memory=9');
  });

  it('never put a local file into a link', () => {
    const options = { ...NO_OPTIONS, kernel: new File(['x'], 'Image') };
    expect(toQuery(options).toString()).toBe('');
    expect(hasLocalFiles(options)).toBe(true);
    expect(hasLocalFiles({ ...NO_OPTIONS, kernel: 'Image' })).toBe(false);
  });
});

describe('toMachineOptions', () => {
  it('boots the first guest of the catalogue when nothing is chosen', () => {
    expect(toMachineOptions(NO_OPTIONS, CATALOG)).toEqual({
      kernel: 'images/busybox/Image',
      initrd: 'images/busybox/initramfs.cpio.gz',
      disks: [],
      memoryMiB: 256,
      commandLine: 'console=ttyAMA0',
      engine: 'normal',
    });
  });

  it('keeps the rest of a named guest when a file and an option replace its own', () => {
    const options = { ...NO_OPTIONS, guest: 'busybox', initrd: 'mine.gz', memoryMiB: 64, disks: ['d.img'] };
    expect(toMachineOptions(options, CATALOG)).toMatchObject({
      kernel: 'images/busybox/Image',
      initrd: 'mine.gz',
      memoryMiB: 64,
      disks: [{ source: 'd.img' }],
    });
  });

  it('lets a kernel stand alone when no guest is named', () => {
    const options = { ...NO_OPTIONS, kernel: 'https://a.example/boot/Image' };
    expect(baseGuest(options, CATALOG)).toBeUndefined();
    expect(toMachineOptions(options, CATALOG)).toEqual({
      kernel: 'https://a.example/boot/Image',
      disks: [],
      memoryMiB: 512,
      engine: 'normal',
    });
    expect(machineTitle(options, CATALOG)).toBe('Image');
  });

  it('has nothing to boot when the catalogue is empty and no kernel is given', () => {
    expect(toMachineOptions(NO_OPTIONS, EMPTY)).toBeUndefined();
    expect(toMachineOptions({ ...NO_OPTIONS, guest: 'gone' }, CATALOG)).toBeUndefined();
  });
});

describe('disks of the library', () => {
  const query = 'guest=busybox&root-disk=library%3Aa&disk=library%3Ab%2Csnapshot&disk=c.img';

  it('survive the way through a link', () => {
    const { options } = parseQuery(new URLSearchParams(query));
    expect(options.rootDisk).toEqual({ library: 'a', mode: 'write' });
    expect(options.disks).toEqual([{ library: 'b', mode: 'snapshot' }, 'c.img']);
    expect(toQuery(options).toString()).toBe(query);
    expect(libraryDisks(options).map(({ library }) => library)).toEqual(['a', 'b']);
    expect(hasLocalFiles(options)).toBe(false);
  });

  it('come to the machine in order, the root disk first', () => {
    const { options } = parseQuery(new URLSearchParams(query));
    expect(toMachineOptions(options, CATALOG)?.disks).toEqual([
      { library: 'a', mode: 'write' },
      { library: 'b', mode: 'snapshot' },
      { source: 'c.img' },
    ]);
  });

  it('replace the disk that the guest brings', () => {
    const files = [
      { role: 'kernel', path: 'd/Image' },
      { role: 'disk', path: 'd/disk.img' },
    ];
    const catalog = parseManifest({ guests: [{ name: 'd', files }] });
    const options = { ...NO_OPTIONS, guest: 'd' };
    expect(toMachineOptions(options, catalog)?.disks).toEqual([{ source: 'images/d/disk.img' }]);
    const rootDisk = { library: 'a', mode: 'write' } as const;
    expect(toMachineOptions({ ...options, rootDisk }, catalog)?.disks).toEqual([rootDisk]);
  });

  it('name the machine', () => {
    const { options } = parseQuery(new URLSearchParams(query));
    expect(machineTitle(options, CATALOG, (id) => (id === 'a' ? 'My disk' : undefined))).toBe('My disk');
    expect(machineTitle(options, CATALOG)).toBe('Linux');
  });
});
