/** A FAT12, FAT16 or FAT32 file system as a volume. */
import { FileSystemError } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import type { DirectoryEntry, FileStatus, Volume, VolumeChanges } from '../volume.ts';
import type { FatGeometry } from './boot-sector.ts';
import type { FatEntry } from './directory.ts';
import { FatChanges } from './fat-changes.ts';
import { FatFileSystem, noSuchFile } from './fat-files.ts';
import { plainComponents } from './paths.ts';

function statusOf(entry: FatEntry): FileStatus {
  return {
    kind: entry.isDirectory ? 'directory' : 'file',
    sizeBytes: entry.isDirectory ? 0 : entry.size,
    modifiedMs: entry.modifiedMs,
  };
}

const ROOT_STATUS: FileStatus = { kind: 'directory', sizeBytes: 0, modifiedMs: 0 };

export class FatVolume implements Volume {
  readonly kind: Volume['kind'];
  readonly label: string;
  readonly sizeBytes: number;
  readonly notes: readonly string[] = [];
  readonly changes?: VolumeChanges;
  private readonly files: FatFileSystem;

  private constructor(files: FatFileSystem, label: string, nowMs: () => number) {
    this.files = files;
    if (!files.section.readOnly) this.changes = new FatChanges(files, nowMs);
    this.kind = files.geometry.kind;
    this.label = label;
    this.sizeBytes = files.geometry.sizeBytes;
  }

  static async open(section: Section, geometry: FatGeometry, nowMs: () => number): Promise<FatVolume> {
    const files = new FatFileSystem(section, geometry);
    const root = await files.openRoot();
    return new FatVolume(files, root.label ?? geometry.label, nowMs);
  }

  async freeBytes(): Promise<number> {
    return (await this.files.table.countFree()) * this.files.geometry.clusterBytes;
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const directory = await this.files.openDirectory(plainComponents(path));
    return directory.entries.map((entry) => ({ name: entry.name, ...statusOf(entry) }));
  }

  async stat(path: string): Promise<FileStatus> {
    const entry = await this.lookup(plainComponents(path));
    return entry ? statusOf(entry) : ROOT_STATUS;
  }

  async *read(path: string): AsyncGenerator<Uint8Array> {
    const components = plainComponents(path);
    const entry = await this.lookup(components);
    if (!entry || entry.isDirectory)
      throw new FileSystemError('is-a-directory', `/${components.join('/')} is a directory`);
    yield* this.files.readFile(`/${components.join('/')}`, entry);
  }

  /** Undefined for the root, which has no entry. */
  private async lookup(components: readonly string[]): Promise<FatEntry | undefined> {
    const name = components.at(-1);
    if (name === undefined) return undefined;
    const entry = this.files.find(await this.files.openDirectory(components.slice(0, -1)), name);
    if (!entry) throw noSuchFile(`/${components.join('/')}`);
    return entry;
  }
}
