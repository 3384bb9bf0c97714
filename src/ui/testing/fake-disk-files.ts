/** The files of a disk in memory, for the tests and screenshots of the page: a boot partition and a root. */
import type { DirectoryEntry, DiskFiles, DiskVolume, PathOnDisk } from '../../embed/disk-files.ts';
import { DiskError } from '../../embed/disk-library.ts';

const MIB = 2 ** 20;
const MODIFIED_MS = Date.UTC(2026, 0, 2, 3, 4);
const BOOT = 1;

const BOOT_FILES = {
  '/config.txt': 'arm_64bit=1\nenable_uart=1\n',
  '/cmdline.txt': 'console=ttyAMA0 root=/dev/vda2 rootwait\n',
  '/overlays/disable-bt.dtbo': '\0\u0001\u0002',
};
const ROOT_FILES = { '/etc/hostname': 'raspberrypi\n', '/root/notes.txt': 'Nothing yet.\n' };

const VOLUMES: readonly DiskVolume[] = [
  {
    partition: BOOT,
    sizeBytes: 256 * MIB,
    type: 'FAT32 (LBA)',
    contents: { kind: 'fat32', label: 'bootfs', freeBytes: 190 * MIB, isWritable: true, notes: [] },
  },
  {
    partition: 2,
    sizeBytes: 3840 * MIB,
    type: 'Linux',
    contents: {
      kind: 'ext4',
      label: 'rootfs',
      freeBytes: 2100 * MIB,
      isWritable: false,
      notes: ['It was not unmounted: it is read with 3 transactions of its journal applied.'],
    },
  },
];
const BLANK: readonly DiskVolume[] = [
  { sizeBytes: 4096 * MIB, contents: { kind: 'unknown', problem: 'the disk has no file system' } },
];

export interface FakeFilesOptions {
  readonly isBlank: boolean;
  /** Throws what every call shall reject with, if any. */
  readonly mayFail: () => void;
}

export class FakeDiskFiles implements DiskFiles {
  readonly #options: FakeFilesOptions;
  readonly #files = new Map<string, Uint8Array>();
  readonly #directories = new Set<string>();

  constructor(options: FakeFilesOptions) {
    this.#options = options;
    for (const [partition, files] of [BOOT_FILES, ROOT_FILES].entries()) {
      for (const [path, text] of Object.entries(files))
        this.#files.set(`${partition + 1}${path}`, new TextEncoder().encode(text));
    }
  }

  async volumes(): Promise<readonly DiskVolume[]> {
    this.#options.mayFail();
    return this.#options.isBlank ? BLANK : VOLUMES;
  }

  async list({ partition, path }: PathOnDisk): Promise<readonly DirectoryEntry[]> {
    const start = `${partition}${path === '/' ? '' : path}/`;
    const entries = new Map<string, DirectoryEntry>();
    const add = (key: string, sizeBytes: number, isDirectory: boolean): void => {
      if (!key.startsWith(start)) return;
      const [name = '', ...below] = key.slice(start.length).split('/');
      const kind = isDirectory || below.length > 0 ? 'directory' : 'file';
      entries.set(name, { name, kind, sizeBytes: kind === 'file' ? sizeBytes : 0, modifiedMs: MODIFIED_MS });
    };
    for (const [key, contents] of this.#files) add(key, contents.length, false);
    for (const key of this.#directories) add(key, 0, true);
    return [...entries.values()];
  }

  async read({ partition, path }: PathOnDisk) {
    const contents = this.#files.get(`${partition}${path}`);
    if (!contents) throw new DiskError('file-system', `there is no ${path}.`);
    return { fileName: path.slice(path.lastIndexOf('/') + 1), stream: new Blob([contents.slice()]).stream() };
  }

  async write({ partition, path }: PathOnDisk, contents: Uint8Array): Promise<void> {
    this.#change(partition);
    this.#files.set(`${partition}${path}`, contents);
  }

  async remove({ partition, path }: PathOnDisk): Promise<void> {
    this.#change(partition);
    this.#files.delete(`${partition}${path}`);
    this.#directories.delete(`${partition}${path}`);
  }

  async makeDirectory({ partition, path }: PathOnDisk): Promise<void> {
    this.#change(partition);
    this.#directories.add(`${partition}${path}`);
  }

  #change(partition: number | undefined): void {
    this.#options.mayFail();
    if (partition !== BOOT) throw new DiskError('file-system', 'Files on ext4 can be read, not changed.');
  }
}
