/**
 * An ext2, ext3 or ext4 file system as a volume that is read. One that was not unmounted is read as it will be
 * once its journal is applied.
 */
import { corrupt, FileSystemError } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import {
  componentsOf,
  type DirectoryEntry,
  type FileStatus,
  LARGEST_DIRECTORY_BYTES,
  PIECE_BYTES,
  type Volume,
} from '../volume.ts';
import { BlockReader } from './block-reader.ts';
import { runsOf } from './block-runs.ts';
import { DirectoryReader, type NamedInode } from './directories.ts';
import { INCOMPATIBLE } from './features.ts';
import { inlineContents, inlineParts } from './inline-data.ts';
import { BLOCK_FIELD_BYTES, INODE_FLAGS, type Inode, InodeTable, ROOT_INODE } from './inodes.ts';
import { recoverJournal } from './journal.ts';
import { readSuperblock, SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET, type Superblock } from './superblock.ts';

/** As in Linux. */
const MOST_LINKS = 40;
const LONGEST_TARGET = 4096;
/** An inline directory begins with the number of its parent. */
const PARENT_BYTES = 4;

const decoder = new TextDecoder();

/** Opens the file system of a section, or undefined when it has none of these. @throws {FileSystemError} */
export async function openExt4(section: Section): Promise<Volume | undefined> {
  if (section.size < SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES) return undefined;
  const superblock = readSuperblock(await section.read(SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES), section.size);
  if (!superblock) return undefined;
  const blocks = new BlockReader(section, superblock);
  if ((superblock.incompatible & INCOMPATIBLE.needsRecovery) === 0)
    return new Ext4Volume(blocks, superblock, []);
  if (superblock.journalInode === 0)
    throw new FileSystemError(
      'unsupported',
      'the file system was not unmounted, and its journal is on another disk',
    );
  const journal = await new InodeTable(blocks, superblock).read(superblock.journalInode, 'journal');
  const { overlay, transactions } = await recoverJournal(blocks, journal);
  const recovered = new BlockReader(section, superblock, overlay);
  const newer = readSuperblock(await recovered.readSuperblock(), section.size);
  if (newer?.blockBytes !== superblock.blockBytes) throw corrupt('the journal changes the size of blocks');
  const note = `It was not unmounted: it is read with ${transactions} transactions of its journal applied.`;
  return new Ext4Volume(new BlockReader(section, newer, overlay), newer, [note]);
}

/** An inode together with the directories that lead to it. */
interface Place {
  readonly path: string;
  readonly inode: Inode;
  readonly parent: Place | undefined;
}

class Ext4Volume implements Volume {
  readonly kind: Volume['kind'];
  readonly label: string;
  readonly sizeBytes: number;
  readonly notes: readonly string[];
  private readonly blocks: BlockReader;
  private readonly superblock: Superblock;
  private readonly inodes: InodeTable;

  constructor(blocks: BlockReader, superblock: Superblock, notes: readonly string[]) {
    this.blocks = blocks;
    this.superblock = superblock;
    this.inodes = new InodeTable(blocks, superblock);
    this.kind = superblock.kind;
    this.label = superblock.label;
    this.sizeBytes = superblock.blockCount * superblock.blockBytes;
    this.notes = notes;
  }

  async freeBytes(): Promise<number> {
    const { groupCount, blockBytes, blocksPerCluster } = this.superblock;
    let clusters = 0;
    for (let group = 0; group < groupCount; group++)
      clusters += (await this.inodes.groups.read(group)).freeClusters;
    return clusters * blocksPerCluster * blockBytes;
  }

  async list(path: string): Promise<readonly DirectoryEntry[]> {
    const directory = await this.find(path, true);
    const entries: DirectoryEntry[] = [];
    for (const { name, inode } of await this.entriesOf(directory)) {
      const child = await this.child(directory, name, inode);
      entries.push({ name, ...(await this.statusOf(child)) });
    }
    return entries;
  }

  async stat(path: string): Promise<FileStatus> {
    return this.statusOf(await this.find(path, false));
  }

  async *read(path: string): AsyncGenerator<Uint8Array> {
    const place = await this.find(path, true);
    if (place.inode.kind === 'directory')
      throw new FileSystemError('is-a-directory', `${place.path} is a directory`);
    if (place.inode.kind !== 'file')
      throw new FileSystemError('not-a-file', `${place.path} is a ${place.inode.kind} and has no contents`);
    yield* this.contentsOf(place);
  }

  private async *contentsOf({ inode, path }: Place): AsyncGenerator<Uint8Array> {
    if (inode.flags & INODE_FLAGS.encrypted) throw new FileSystemError('unsupported', `${path} is encrypted`);
    if (inode.flags & INODE_FLAGS.inlineData) {
      yield inlineContents(inode, path);
      return;
    }
    const { blockBytes } = this.blocks;
    const perPiece = Math.max(1, Math.floor(PIECE_BYTES / blockBytes));
    let reached = 0;
    for await (const { logical, physical, count } of runsOf(this.blocks, inode, path)) {
      yield* zeros(logical * blockBytes - reached);
      for (let done = 0; done < count; done += perPiece) {
        const bytes = await this.blocks.read(physical + done, path, Math.min(perPiece, count - done));
        yield bytes.subarray(0, Math.min(bytes.length, inode.sizeBytes - (logical + done) * blockBytes));
      }
      reached = Math.min(inode.sizeBytes, (logical + count) * blockBytes);
    }
    yield* zeros(inode.sizeBytes - reached);
  }

  /** Follows a path from the root; the last component's link only when `followsLast`. */
  private async find(path: string, followsLast: boolean): Promise<Place> {
    const root: Place = { path: '/', inode: await this.inodes.read(ROOT_INODE, '/'), parent: undefined };
    if (root.inode.kind !== 'directory') throw corrupt('inode 2, the root, is no directory');
    const left = componentsOf(path);
    let here = root;
    let links = 0;
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      if (name === '..') {
        here = here.parent ?? root;
        continue;
      }
      const next = await this.lookup(here, name);
      if (next.inode.kind !== 'symlink' || (left.length === 0 && !followsLast)) {
        here = next;
        continue;
      }
      if (++links > MOST_LINKS)
        throw new FileSystemError('corrupt', `${path} leads through more than ${MOST_LINKS} links`);
      const target = await this.targetOf(next);
      if (target.startsWith('/')) here = root;
      left.unshift(...componentsOf(target));
    }
    return here;
  }

  private async lookup(directory: Place, name: string): Promise<Place> {
    const entry = (await this.entriesOf(directory)).find((candidate) => candidate.name === name);
    if (!entry) throw new FileSystemError('no-such-file', `there is no ${join(directory.path, name)}`);
    return this.child(directory, name, entry.inode);
  }

  private async child(parent: Place, name: string, number: number): Promise<Place> {
    const path = join(parent.path, name);
    return { path, inode: await this.inodes.read(number, path), parent };
  }

  private async entriesOf({ inode, path }: Place): Promise<readonly NamedInode[]> {
    if (inode.kind !== 'directory')
      throw new FileSystemError('not-a-directory', `${path} is not a directory`);
    const { blockBytes } = this.blocks;
    const what = `directory ${path}`;
    const reader = new DirectoryReader(what);
    if (inode.flags & INODE_FLAGS.encrypted) throw new FileSystemError('unsupported', `${what} is encrypted`);
    if (inode.flags & INODE_FLAGS.inlineData) {
      const [first, rest] = inlineParts(inode, what);
      reader.addRecords(first.subarray(PARENT_BYTES));
      reader.addRecords(rest);
      return reader.entries;
    }
    if (inode.sizeBytes > LARGEST_DIRECTORY_BYTES)
      throw new FileSystemError('too-large', `${what} has ${inode.sizeBytes} bytes`);
    for await (const { logical, physical, count } of runsOf(this.blocks, inode, what)) {
      for (let index = 0; index < count; index++)
        reader.addBlock(await this.blocks.read(physical + index, what), logical + index, inode);
    }
    if (inode.sizeBytes % blockBytes !== 0) throw corrupt(`${what} ends within a block`);
    return reader.entries;
  }

  private async statusOf(place: Place): Promise<FileStatus> {
    const { kind, sizeBytes, modifiedMs, owner } = place.inode;
    const target = kind === 'symlink' ? { target: await this.targetOf(place) } : {};
    return { kind, sizeBytes, modifiedMs, owner, ...target };
  }

  /** A short target stands in the inode itself. */
  private async targetOf(place: Place): Promise<string> {
    const { inode, path } = place;
    if (inode.sizeBytes === 0 || inode.sizeBytes > LONGEST_TARGET)
      throw corrupt(`${path}: a link to a path of ${inode.sizeBytes} bytes`);
    const isShort = inode.sizeBytes < BLOCK_FIELD_BYTES;
    if (
      isShort &&
      (inode.flags & (INODE_FLAGS.extents | INODE_FLAGS.inlineData | INODE_FLAGS.encrypted)) === 0
    )
      return decoder.decode(inode.block.subarray(0, inode.sizeBytes));
    const target = new Uint8Array(inode.sizeBytes);
    let at = 0;
    for await (const piece of this.contentsOf(place)) {
      target.set(piece, at);
      at += piece.length;
    }
    return decoder.decode(target);
  }
}

const join = (directory: string, name: string): string => `${directory === '/' ? '' : directory}/${name}`;

/** A hole, piece by piece. */
function* zeros(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= PIECE_BYTES) yield new Uint8Array(Math.min(left, PIECE_BYTES));
}
