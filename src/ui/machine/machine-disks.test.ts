import { describe, expect, it } from 'vitest';
import type { DiskOptions } from '../../embed/api.ts';
import { diskSummary, machineDisks } from './machine-disks.ts';

const disksOf = (disks: readonly DiskOptions[]) =>
  machineDisks({ kernel: 'Image', disks }, (id) => (id === 'known' ? 'My disk' : undefined));

describe('machineDisks', () => {
  it('names devices in order and tells what becomes of writes', () => {
    const disks = disksOf([
      { library: 'known' },
      { library: 'gone', mode: 'snapshot' },
      { source: 'https://a.example/dir/b.img' },
      { source: new File([], 'c.img'), mode: 'readonly' },
      { source: new Uint8Array(1) },
      { source: 'https://a.example/d', mode: 'remote' },
    ]);
    expect(disks.map(({ device, name, writes }) => `${device} ${name}: ${writes}`)).toEqual([
      '/dev/vda My disk: saved',
      '/dev/vdb a disk that is not here: dropped',
      '/dev/vdc b.img: dropped',
      '/dev/vdd c.img: refused',
      '/dev/vde image: dropped',
      '/dev/vdf d: saved',
    ]);
  });

  it.each([
    [[{ library: 'known' }], 'Disk, saved'],
    [[{ library: 'known' }, { source: 'a' }], '2 disks, 1 not saved'],
    [[{ source: 'a' }], 'Disk, not saved'],
    [[{ source: 'a', mode: 'readonly' }], 'Disk, read-only'],
  ] as const)('sums up %j as %s', (disks, words) => {
    expect(diskSummary(disksOf(disks), true)).toBe(words);
  });

  it('says that it is saving while writes wait to be kept', () => {
    expect(diskSummary(disksOf([{ library: 'known' }]), false)).toBe('Disk, saving…');
    expect(diskSummary(disksOf([{ source: 'a' }]), false)).toBe('Disk, not saved');
  });
});
