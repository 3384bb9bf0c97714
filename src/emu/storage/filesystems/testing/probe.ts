/**
 * What must hold for any bytes whatever: opening them as a disk and reading what is there ends in contents or
 * in a FileSystemError, after a bounded number of reads.
 */
import type { BlockStore } from '../../block-store.ts';
import { MemoryStore } from '../../memory-store.ts';
import { FileSystemError } from '../file-system-error.ts';
import { openVolume, readDiskLayout } from '../open-volume.ts';
import type { Volume } from '../volume.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What a probe looks at of each image. */
const MOST_DIRECTORIES = 12;
const MOST_FILES = 24;
const MOST_BYTES_OF_FILE = 2 ** 20;
/** Far above what the largest fixture needs; an image that reaches it has made its reader run in circles. */
const MOST_READS = 20_000;
const MOST_READ_BYTES = 2 ** 28;

/** So many of the first sectors with contents hold most of the structures. */
const STRUCTURE_SECTORS = 24;

/** Ends a run that reads without end, with an error that nobody expects. */
class CountingStore implements BlockStore {
  readonly size: number;
  readonly readOnly = true;
  private readonly below: BlockStore;
  isExceeded = false;
  private reads = 0;
  private bytes = 0;

  constructor(below: BlockStore) {
    this.below = below;
    this.size = below.size;
  }

  read(offset: number, target: Uint8Array): void | Promise<void> {
    this.bytes += target.length;
    this.isExceeded = ++this.reads > MOST_READS || this.bytes > MOST_READ_BYTES;
    if (this.isExceeded) throw new Error('too many reads');
    return this.below.read(offset, target);
  }

  write(): void {
    throw new Error('a probe writes nothing');
  }

  flush(): void {}

  discard(): void {
    throw new Error('a probe writes nothing');
  }
}

/** `read`, or the kinds of errors that were met. @throws {Error} for anything that no image may cause */
export async function probe(store: BlockStore): Promise<readonly string[]> {
  const counting = new CountingStore(store);
  const outcomes = new Set<string>();
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const result = await work();
      outcomes.add('read');
      return result;
    } catch (failure) {
      if (!(failure instanceof FileSystemError)) throw failure;
      if (counting.isExceeded) throw new Error('reading does not end');
      outcomes.add(failure.kind);
      return undefined;
    }
  };
  const layout = await attempt(() => readDiskLayout(counting));
  const partitions = [undefined, ...(layout?.partitions ?? []).map(({ number }) => number)];
  for (const partition of partitions.slice(0, 4)) {
    const options = partition === undefined ? {} : { partition };
    const volume = await attempt(() => openVolume(counting, options));
    if (volume) await probeVolume(volume, attempt);
  }
  return [...outcomes];
}

async function probeVolume(
  volume: Volume,
  attempt: <T>(work: () => Promise<T>) => Promise<T | undefined>,
): Promise<void> {
  await attempt(() => volume.freeBytes());
  const directories = ['/'];
  let files = 0;
  for (let index = 0; index < Math.min(directories.length, MOST_DIRECTORIES); index++) {
    const directory = directories[index] ?? '/';
    for (const { name, kind } of (await attempt(() => volume.list(directory))) ?? []) {
      const path = `${directory === '/' ? '' : directory}/${name}`;
      if (kind === 'directory') directories.push(path);
      else if (files++ < MOST_FILES) await attempt(() => readSome(volume, path));
    }
  }
}

async function readSome(volume: Volume, path: string): Promise<void> {
  let length = 0;
  for await (const piece of volume.read(path)) {
    length += piece.length;
    if (length > MOST_BYTES_OF_FILE) return;
  }
}

/** A copy of an image with a few of its structures changed; `places` are offsets where structures are. */
export function mutate(image: Uint8Array, places: readonly number[], random: SeededRandom): MemoryStore {
  const store = new MemoryStore(image);
  const edits = 1 + random.below(4);
  for (let edit = 0; edit < edits; edit++) {
    const length = random.pick([1, 1, 2, 4, 4, 8]);
    const place = random.pick(random.below(2) === 0 ? places.slice(0, STRUCTURE_SECTORS) : places);
    const near = place + random.below(512);
    const at = Math.min(near - (near % length), image.length - length);
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    const old = image.subarray(at, at + length);
    bytes.set(old);
    const low = random.below(length);
    switch (random.below(6)) {
      case 0:
        bytes[low] = bytes[low]! ^ (1 << random.below(8));
        break;
      case 1:
        bytes[low] = random.next();
        break;
      case 2:
        bytes.fill(random.pick([0, 0xff, 0x7f, 1]));
        break;
      case 3:
        if (length >= 4) view.setUint32(0, random.pick([0, 1, 2, 3, 8, 0x7fff_ffff, 0xffff_ffff]), true);
        else bytes[0] = bytes[0]! + 1;
        break;
      case 4:
        // A small number: often that of another block, cluster or inode of a small image.
        if (length >= 4) view.setUint32(0, random.below(2048), random.below(4) !== 0);
        else bytes[0] = random.below(64);
        break;
      default: {
        const from = random.pick(places) + random.below(512 - length);
        bytes.set(image.subarray(from, from + length));
      }
    }
    void store.write(at, bytes);
  }
  return store;
}
