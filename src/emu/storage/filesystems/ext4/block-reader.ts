/**
 * The blocks of an ext4 file system as its reader sees them: those of the disk, with newer contents laid over
 * them that the journal committed and nobody has copied to their place yet. The disk is not changed.
 */
import { corrupt } from '../file-system-error.ts';
import type { Section } from '../section.ts';
import { SUPERBLOCK_BYTES, SUPERBLOCK_OFFSET, type Superblock } from './superblock.ts';

/** Fetches a block's newer contents. */
export type BlockOverlay = ReadonlyMap<number, () => Promise<Uint8Array>>;

export class BlockReader {
  readonly blockBytes: number;
  readonly blockCount: number;
  private readonly section: Section;
  private readonly overlay: BlockOverlay;

  constructor(
    section: Section,
    { blockBytes, blockCount }: Pick<Superblock, 'blockBytes' | 'blockCount'>,
    overlay: BlockOverlay = new Map(),
  ) {
    this.section = section;
    this.blockBytes = blockBytes;
    this.blockCount = blockCount;
    this.overlay = overlay;
  }

  /** The contents of neighbouring blocks. `what` says in an error who named them. */
  async read(block: number, what: string, count = 1): Promise<Uint8Array> {
    if (block <= 0 || block + count > this.blockCount)
      throw corrupt(`${what}: block ${block + count - 1} of ${this.blockCount} blocks`);
    return this.readUnchecked(block, count);
  }

  /** The superblock, which may lie in block 0. */
  async readSuperblock(): Promise<Uint8Array> {
    const block = Math.floor(SUPERBLOCK_OFFSET / this.blockBytes);
    const bytes = await this.readUnchecked(block, 1);
    const from = SUPERBLOCK_OFFSET - block * this.blockBytes;
    return bytes.subarray(from, from + SUPERBLOCK_BYTES);
  }

  private async readUnchecked(block: number, count: number): Promise<Uint8Array> {
    const bytes = await this.section.read(block * this.blockBytes, count * this.blockBytes);
    if (this.overlay.size === 0) return bytes;
    for (let index = 0; index < count; index++) {
      const newer = await this.overlay.get(block + index)?.();
      if (newer) bytes.set(newer, index * this.blockBytes);
    }
    return bytes;
  }
}
