/**
 * Where the blocks of an ext4 file are: a tree of extents, or the map of direct and indirect blocks of ext2
 * (Linux, Documentation/filesystems/ext4/ifork.rst). Both come out as runs in the order of the file.
 *
 * Walking ends whatever the disk contains: no block of a tree is entered twice, and the runs never go back.
 */
import { crc32c } from '../checksums.ts';
import { corrupt } from '../file-system-error.ts';
import { structure, viewOf } from '../structure.ts';
import type { BlockReader } from './block-reader.ts';
import { INODE_FLAGS, type Inode } from './inodes.ts';

/** Blocks of a file that are neighbours on the disk; what lies between runs reads as zeros. */
export interface BlockRun {
  /** The first one's place in the file. */
  readonly logical: number;
  readonly physical: number;
  readonly count: number;
}

const EXTENT_MAGIC = 0xf30a;
const EXTENT_ENTRY_BYTES = 12;
const DEEPEST_TREE = 5;
/** A longer extent is allocated but not written: it has this less, and reads as zeros. */
const LONGEST_WRITTEN = 0x8000;
/** Files end at logical block 2^32 - 1. */
const MOST_BLOCKS = 2 ** 32;

const TreeHeader = structure({
  magic: [0, 'u16'],
  entries: [2, 'u16'],
  most: [4, 'u16'],
  depth: [6, 'u16'],
});
const Extent = structure({
  logical: [0, 'u32'],
  length: [4, 'u16'],
  physicalHigh: [6, 'u16'],
  physicalLow: [8, 'u32'],
});
const TreeIndex = structure({
  logical: [0, 'u32'],
  childLow: [4, 'u32'],
  childHigh: [8, 'u16'],
});
type TreeHeader = ReturnType<typeof TreeHeader.read>;

const DIRECT_BLOCKS = 12;
const POINTER_BYTES = 4;
/** What the last three pointers of an inode lead to: blocks of pointers, one to three levels deep. */
const INDIRECT_LEVELS = [1, 2, 3] as const;

/** The runs of a file up to its size. @throws {FileSystemError} */
export function runsOf(reader: BlockReader, inode: Inode, what: string): AsyncGenerator<BlockRun> {
  const blocks = Math.ceil(inode.sizeBytes / reader.blockBytes);
  if (blocks > MOST_BLOCKS) throw corrupt(`${what}: a size of ${inode.sizeBytes} bytes`);
  return inode.flags & INODE_FLAGS.extents
    ? new ExtentWalk(reader, inode, what).runs(blocks)
    : new PointerWalk(reader, inode, what).runs(blocks);
}

class ExtentWalk {
  private readonly reader: BlockReader;
  private readonly inode: Inode;
  private readonly what: string;
  private readonly entered = new Set<number>();
  /** The end of the last extent: the next one begins there or later. */
  private reached = 0;

  constructor(reader: BlockReader, inode: Inode, what: string) {
    this.reader = reader;
    this.inode = inode;
    this.what = what;
  }

  async *runs(blocks: number): AsyncGenerator<BlockRun> {
    const root = this.inode.block;
    const header = this.header(root, 'the root of its extents');
    if (header.depth > DEEPEST_TREE) throw corrupt(`${this.what}: a tree of extents ${header.depth} deep`);
    for await (const run of this.node(root, header)) {
      const count = Math.min(run.count, blocks - run.logical);
      if (count <= 0) return;
      yield { ...run, count };
    }
  }

  private header(bytes: Uint8Array, where: string): TreeHeader {
    const header = TreeHeader.read(bytes);
    const most = Math.floor(bytes.length / EXTENT_ENTRY_BYTES) - 1;
    if (header.magic !== EXTENT_MAGIC || header.most > most || header.entries > header.most)
      throw corrupt(`${this.what}: ${where} has ${header.entries} of ${header.most} entries or no signature`);
    return header;
  }

  private async *node(bytes: Uint8Array, header: TreeHeader): AsyncGenerator<BlockRun> {
    for (let index = 1; index <= header.entries; index++) {
      const at = index * EXTENT_ENTRY_BYTES;
      if (header.depth > 0) yield* this.child(bytes, at, header.depth - 1);
      else yield* this.extent(bytes, at);
    }
  }

  private *extent(bytes: Uint8Array, at: number): Generator<BlockRun> {
    const { logical, length, physicalLow, physicalHigh } = Extent.read(bytes, at);
    const isWritten = length <= LONGEST_WRITTEN;
    const count = isWritten ? length : length - LONGEST_WRITTEN;
    if (logical < this.reached || count === 0 || logical + count > MOST_BLOCKS)
      throw corrupt(`${this.what}: an extent of ${count} blocks at ${logical}, behind block ${this.reached}`);
    this.reached = logical + count;
    if (isWritten) yield { logical, physical: physicalLow + physicalHigh * 2 ** 32, count };
  }

  private async *child(bytes: Uint8Array, at: number, depth: number): AsyncGenerator<BlockRun> {
    const { logical, childLow, childHigh } = TreeIndex.read(bytes, at);
    const block = childLow + childHigh * 2 ** 32;
    const where = `block ${block} of its extents`;
    if (logical < this.reached || this.entered.has(block))
      throw corrupt(`${this.what}: ${where} is met twice or out of order`);
    this.entered.add(block);
    const child = await this.reader.read(block, this.what);
    const header = this.header(child, where);
    if (header.depth !== depth) throw corrupt(`${this.what}: ${where} is ${header.depth} deep, not ${depth}`);
    this.verify(child, header, where);
    yield* this.node(child, header);
  }

  /** The checksum follows the room for entries. */
  private verify(bytes: Uint8Array, header: TreeHeader, where: string): void {
    const { checksumSeed } = this.inode;
    const end = (1 + header.most) * EXTENT_ENTRY_BYTES;
    if (checksumSeed === undefined || end + 4 > bytes.length) return;
    if (crc32c(checksumSeed, bytes.subarray(0, end)) !== viewOf(bytes).getUint32(end, true))
      throw corrupt(`${this.what}: ${where}: wrong checksum`);
  }
}

class PointerWalk {
  private readonly reader: BlockReader;
  private readonly inode: Inode;
  private readonly what: string;
  private readonly entered = new Set<number>();
  private readonly perBlock: number;

  constructor(reader: BlockReader, inode: Inode, what: string) {
    this.reader = reader;
    this.inode = inode;
    this.what = what;
    this.perBlock = reader.blockBytes / POINTER_BYTES;
  }

  async *runs(blocks: number): AsyncGenerator<BlockRun> {
    let run: BlockRun | undefined;
    for await (const { logical, physical } of this.pointers(blocks)) {
      if (run && logical === run.logical + run.count && physical === run.physical + run.count)
        run = { ...run, count: run.count + 1 };
      else {
        if (run) yield run;
        run = { logical, physical, count: 1 };
      }
    }
    if (run) yield run;
  }

  private async *pointers(blocks: number): AsyncGenerator<BlockRun> {
    const { block } = this.inode;
    yield* this.level(block.subarray(0, DIRECT_BLOCKS * POINTER_BYTES), 0, 0, blocks);
    let logical = DIRECT_BLOCKS;
    for (const [index, depth] of INDIRECT_LEVELS.entries()) {
      const at = (DIRECT_BLOCKS + index) * POINTER_BYTES;
      yield* this.level(block.subarray(at, at + POINTER_BYTES), depth, logical, blocks);
      logical += this.perBlock ** depth;
    }
  }

  /** The blocks that pointers lead to, `depth` blocks of pointers further on; a pointer 0 is a hole. */
  private async *level(
    bytes: Uint8Array,
    depth: number,
    first: number,
    blocks: number,
  ): AsyncGenerator<BlockRun> {
    const view = viewOf(bytes);
    const covered = this.perBlock ** depth;
    for (let index = 0; index * POINTER_BYTES < bytes.length; index++) {
      const logical = first + index * covered;
      if (logical >= blocks) return;
      const pointer = view.getUint32(index * POINTER_BYTES, true);
      if (pointer === 0) continue;
      if (depth === 0) yield { logical, physical: pointer, count: 1 };
      else {
        if (this.entered.has(pointer))
          throw corrupt(`${this.what}: block of pointers ${pointer} is met twice`);
        this.entered.add(pointer);
        yield* this.level(await this.reader.read(pointer, this.what), depth - 1, logical, blocks);
      }
    }
  }
}
