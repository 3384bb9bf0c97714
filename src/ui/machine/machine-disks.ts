/** The disks of a machine as the user thinks of them: names, devices, and whether writes are kept. Pure. */
import type { DiskOptions, MachineOptions } from '../../embed/api.ts';

export interface MachineDisk {
  /** As Linux calls virtio disks, in order. */
  readonly device: string;
  readonly name: string;
  /** What becomes of what the guest writes. */
  readonly writes: 'saved' | 'dropped' | 'refused';
}

/** Why a disk's writes are as they are, in words. */
export const WRITES_WORDS: Readonly<Record<MachineDisk['writes'], string>> = {
  saved: 'what the guest writes is saved',
  dropped: 'what the guest writes is dropped at the end',
  refused: 'read-only',
};

const FIRST_LETTER = 'a'.charCodeAt(0);

export function machineDisks(
  { disks = [] }: MachineOptions,
  libraryName: (id: string) => string | undefined,
): readonly MachineDisk[] {
  return disks.map((disk, index) => ({
    device: `/dev/vd${String.fromCharCode(FIRST_LETTER + index)}`,
    name: diskName(disk, libraryName),
    writes: diskWrites(disk),
  }));
}

function diskName(disk: DiskOptions, libraryName: (id: string) => string | undefined): string {
  if ('library' in disk) return libraryName(disk.library) ?? 'a disk that is not here';
  const { source } = disk;
  if (typeof source === 'string') return source.split('/').at(-1) || source;
  return source instanceof File ? source.name : 'image';
}

function diskWrites(disk: DiskOptions): MachineDisk['writes'] {
  if (disk.mode === 'readonly') return 'refused';
  if (disk.mode === 'remote') return 'saved';
  return 'library' in disk && disk.mode !== 'snapshot' ? 'saved' : 'dropped';
}

/** What matters at a glance: whether anything would be lost. */
export function diskSummary(disks: readonly MachineDisk[], writesAreKept: boolean): string {
  const noun = disks.length === 1 ? 'Disk' : `${disks.length} disks`;
  const count = (writes: MachineDisk['writes']): number =>
    disks.filter((disk) => disk.writes === writes).length;
  const dropped = count('dropped');
  if (dropped === disks.length) return `${noun}, not saved`;
  if (dropped > 0) return `${noun}, ${dropped} not saved`;
  if (count('refused') === disks.length) return `${noun}, read-only`;
  return `${noun}, ${writesAreKept ? 'saved' : 'saving…'}`;
}
