/**
 * Where one is among the files of a disk, and what is there. Every action ends in new state, never in a
 * rejection; what went wrong is `problem`.
 */
import type { DirectoryEntry, DiskFiles, DiskVolume, PathOnDisk } from '../../embed/disk-files.ts';
import { type DiskProblem, diskProblem } from './disk-words.ts';
import type { FileTarget } from './save-stream.ts';

/** Larger files are saved, not shown. */
const LARGEST_TEXT = 64 * 1024;

export class FilesView {
  readonly #files: DiskFiles;
  readonly #changed: () => void;
  #volumes: readonly DiskVolume[] = [];
  #volume: DiskVolume | undefined;
  #path: readonly string[] = [];
  #entries: readonly DirectoryEntry[] = [];
  #problem: DiskProblem | undefined;
  #isBusy = false;

  constructor(files: DiskFiles, changed: () => void) {
    this.#files = files;
    this.#changed = changed;
  }

  get volumes(): readonly DiskVolume[] {
    return this.#volumes;
  }
  get volume(): DiskVolume | undefined {
    return this.#volume;
  }
  /** Names of the directories from the root on. */
  get path(): readonly string[] {
    return this.#path;
  }
  /** Directories first, by name. */
  get entries(): readonly DirectoryEntry[] {
    return this.#entries;
  }
  get problem(): DiskProblem | undefined {
    return this.#problem;
  }
  get isBusy(): boolean {
    return this.#isBusy;
  }
  get isWritable(): boolean {
    const contents = this.#volume?.contents;
    return contents !== undefined && contents.kind !== 'unknown' && contents.isWritable;
  }

  /** Shows the first volume whose files can be read. */
  async open(): Promise<void> {
    await this.#act(async () => {
      this.#volumes = await this.#files.volumes();
      const first = this.#volumes.find(({ contents }) => contents.kind !== 'unknown') ?? this.#volumes[0];
      if (first) await this.#show(first, []);
    });
  }

  choose(volume: DiskVolume): Promise<boolean> {
    return this.#act(() => this.#show(volume, []));
  }

  /** The directory of so many names of the path. */
  goTo(depth: number): Promise<boolean> {
    return this.#act(() => this.#show(this.#volume, this.#path.slice(0, depth)));
  }

  enter(name: string): Promise<boolean> {
    return this.#act(() => this.#show(this.#volume, [...this.#path, name]));
  }

  /** A small file's text; undefined when it is large, no text, or cannot be read. */
  async readText({ name, sizeBytes }: DirectoryEntry): Promise<string | undefined> {
    let text: string | undefined;
    if (sizeBytes > LARGEST_TEXT) return undefined;
    await this.#act(async () => {
      const { stream } = await this.#files.read(this.#place(name));
      text = textOf(await new Response(stream).bytes());
    });
    return text;
  }

  /** @returns whether the file is complete */
  save(name: string, target: FileTarget): Promise<boolean> {
    return this.#act(async () => {
      const { stream } = await this.#files.read(this.#place(name));
      await target.write(stream, new AbortController().signal);
    });
  }

  put(name: string, contents: Uint8Array): Promise<boolean> {
    return this.#change(() => this.#files.write(this.#place(name), contents));
  }

  remove(name: string): Promise<boolean> {
    return this.#change(() => this.#files.remove(this.#place(name)));
  }

  makeDirectory(name: string): Promise<boolean> {
    return this.#change(() => this.#files.makeDirectory(this.#place(name)));
  }

  dismissProblem(): void {
    this.#problem = undefined;
    this.#changed();
  }

  #place(name?: string): PathOnDisk {
    return this.#placeIn(this.#volume, name === undefined ? this.#path : [...this.#path, name]);
  }

  #placeIn(volume: DiskVolume | undefined, path: readonly string[]): PathOnDisk {
    const partition = volume?.partition;
    return { path: `/${path.join('/')}`, ...(partition !== undefined && { partition }) };
  }

  async #show(volume: DiskVolume | undefined, path: readonly string[]): Promise<void> {
    const isReadable = volume !== undefined && volume.contents.kind !== 'unknown';
    const entries = isReadable ? await this.#files.list(this.#placeIn(volume, path)) : [];
    this.#volume = volume;
    this.#path = path;
    this.#entries = [...entries].sort(byKindAndName);
  }

  /** A change, and what is there after it: free room is another one, too. */
  #change(change: () => Promise<void>): Promise<boolean> {
    return this.#act(async () => {
      await change();
      this.#volumes = await this.#files.volumes();
      const volume = this.#volumes.find(({ partition }) => partition === this.#volume?.partition);
      await this.#show(volume, this.#path);
    });
  }

  async #act(work: () => Promise<void>): Promise<boolean> {
    this.#problem = undefined;
    this.#isBusy = true;
    this.#changed();
    try {
      await work();
      return true;
    } catch (error) {
      this.#problem = diskProblem(error);
      return false;
    } finally {
      this.#isBusy = false;
      this.#changed();
    }
  }
}

function byKindAndName(one: DirectoryEntry, other: DirectoryEntry): number {
  const rank = ({ kind }: DirectoryEntry): number => (kind === 'directory' ? 0 : 1);
  return rank(one) - rank(other) || one.name.localeCompare(other.name);
}

/** Undefined for what is no UTF-8, or has a NUL in it as programs and pictures do. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
