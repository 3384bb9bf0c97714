/**
 * The files of a FAT12, FAT16 or FAT32 file system: directories and contents are chains of clusters that begin
 * where a directory entry says; only the root of FAT12 and FAT16 has a place of its own.
 */
import { corrupt, FileSystemError } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import { PIECE_BYTES } from '../volume.ts';
import { AllocationTable } from './allocation-table.ts';
import { type FatGeometry, FIRST_CLUSTER, SLOT_BYTES } from './boot-sector.ts';
import { type FatEntry, type ParsedDirectory, parseDirectory } from './directory.ts';
import { foldName } from './names.ts';

/** By the specification a directory has at most 65,536 slots. */
export const LARGEST_DIRECTORY_BYTES = 65_536 * SLOT_BYTES;

/** A directory that has been read: its slots, and where on the disk they are. */
export interface OpenDirectory extends ParsedDirectory {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Its clusters; none for the root of FAT12 and FAT16. */
  readonly clusters: readonly number[];
}

export class FatFileSystem {
  readonly section: Section;
  readonly geometry: FatGeometry;
  readonly table: AllocationTable;

  constructor(section: Section, geometry: FatGeometry) {
    this.section = section;
    this.geometry = geometry;
    this.table = new AllocationTable(section, geometry);
  }

  clusterStart(cluster: number): number {
    return this.geometry.dataStart + (cluster - FIRST_CLUSTER) * this.geometry.clusterBytes;
  }

  async openRoot(): Promise<OpenDirectory> {
    const { root } = this.geometry;
    if ('cluster' in root) return this.openChain('/', root.cluster);
    const bytes = await this.section.read(root.start, root.bytes);
    return { path: '/', bytes, clusters: [], ...parseDirectory(bytes) };
  }

  /** The directory that the components lead to. */
  async openDirectory(components: readonly string[]): Promise<OpenDirectory> {
    let directory = await this.openRoot();
    for (const component of components) {
      const entry = this.find(directory, component);
      if (!entry) throw noSuchFile(join(directory.path, component));
      directory = await this.openEntry(directory, entry);
    }
    return directory;
  }

  async openEntry(parent: OpenDirectory, entry: FatEntry): Promise<OpenDirectory> {
    const path = join(parent.path, entry.name);
    if (!entry.isDirectory) throw new FileSystemError('not-a-directory', `${path} is not a directory`);
    return this.openChain(path, entry.cluster);
  }

  /** By its long or its short name, whatever the case. */
  find(directory: OpenDirectory, name: string): FatEntry | undefined {
    const folded = foldName(name);
    return (
      directory.entries.find((entry) => foldName(entry.name) === folded) ??
      directory.entries.find((entry) => foldName(entry.shortName) === folded)
    );
  }

  async *readFile(path: string, entry: FatEntry): AsyncGenerator<Uint8Array> {
    const { clusterBytes } = this.geometry;
    const needed = Math.ceil(entry.size / clusterBytes);
    if (needed === 0) return;
    let left = entry.size;
    for await (const { first, count } of this.table.runs(entry.cluster, path, needed)) {
      const runBytes = Math.min(left, count * clusterBytes);
      for (let done = 0; done < runBytes; done += PIECE_BYTES)
        yield this.section.read(this.clusterStart(first) + done, Math.min(PIECE_BYTES, runBytes - done));
      left -= runBytes;
    }
    if (left > 0)
      throw corrupt(`${path}: its chain of clusters ends ${left} bytes before its size of ${entry.size}`);
  }

  private async openChain(path: string, first: number): Promise<OpenDirectory> {
    const { clusterBytes } = this.geometry;
    const clusters: number[] = [];
    for await (const run of this.table.runs(first, `directory ${path}`)) {
      for (let index = 0; index < run.count; index++) clusters.push(run.first + index);
      if (clusters.length * clusterBytes > LARGEST_DIRECTORY_BYTES)
        throw corrupt(`directory ${path} has more than ${LARGEST_DIRECTORY_BYTES} bytes`);
    }
    const bytes = new Uint8Array(clusters.length * clusterBytes);
    for (const [index, cluster] of clusters.entries())
      bytes.set(await this.section.read(this.clusterStart(cluster), clusterBytes), index * clusterBytes);
    return { path, bytes, clusters, ...parseDirectory(bytes) };
  }
}

export const join = (directory: string, name: string): string =>
  `${directory === '/' ? '' : directory}/${name}`;

export function noSuchFile(path: string): FileSystemError {
  return new FileSystemError('no-such-file', `there is no ${path}`);
}
