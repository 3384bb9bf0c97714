/**
 * Block groups of ext4: where their descriptors are (in a row behind the superblock, or with meta_bg spread
 * over the disk), and the descriptors with their checksums (group_descr.rst, blockgroup.rst).
 */
import { bytesOfU32, crc16, crc32c } from '../checksums.ts';
import { corrupt } from '../file-system-error.ts';
import { structure } from '../structure.ts';
import type { BlockReader } from './block-reader.ts';
import { INCOMPATIBLE, READ_ONLY_COMPATIBLE } from './features.ts';
import { SUPERBLOCK_OFFSET, type Superblock } from './superblock.ts';

const CHECKSUM_OFFSET = 0x1e;
const CRC16_SEED = 0xffff;

const Low = structure({
  inodeTable: [0x08, 'u32'],
  freeClusters: [0x0c, 'u16'],
  checksum: [CHECKSUM_OFFSET, 'u16'],
});
const High = structure({ inodeTable: [0x28, 'u32'], freeClusters: [0x2c, 'u16'] });

export interface BlockGroup {
  readonly inodeTable: number;
  readonly freeClusters: number;
}

export class BlockGroups {
  private readonly blocks: BlockReader;
  private readonly superblock: Superblock;

  constructor(blocks: BlockReader, superblock: Superblock) {
    this.blocks = blocks;
    this.superblock = superblock;
  }

  /** `number` is below the count of groups. */
  async read(number: number): Promise<BlockGroup> {
    const { descriptorBytes, blockBytes, incompatible } = this.superblock;
    const perBlock = blockBytes / descriptorBytes;
    const what = `descriptor of group ${number}`;
    const block = await this.blocks.read(this.descriptorBlock(Math.floor(number / perBlock)), what);
    const at = (number % perBlock) * descriptorBytes;
    const bytes = block.subarray(at, at + descriptorBytes);
    const low = Low.read(bytes);
    if (this.checksumOf(number, bytes) !== low.checksum) throw corrupt(`${what}: wrong checksum`);
    if ((incompatible & INCOMPATIBLE.has64Bit) === 0) return low;
    const high = High.read(bytes);
    return {
      inodeTable: low.inodeTable + high.inodeTable * 2 ** 32,
      freeClusters: low.freeClusters + high.freeClusters * 2 ** 16,
    };
  }

  /** The block that holds the descriptors of one block's worth of groups. */
  private descriptorBlock(index: number): number {
    const { firstDataBlock, blocksPerGroup, firstMetaGroup, incompatible, blockBytes } = this.superblock;
    const superblock = Math.floor(SUPERBLOCK_OFFSET / blockBytes);
    if ((incompatible & INCOMPATIBLE.metaGroups) === 0 || index < firstMetaGroup)
      return superblock + 1 + index;
    const group = index * (blockBytes / this.superblock.descriptorBytes);
    // The first group's superblock is one block further on when groups begin at block 0 all the same.
    const before = group === 0 ? superblock - firstDataBlock : 0;
    return firstDataBlock + group * blocksPerGroup + before + (this.hasSuperblock(group) ? 1 : 0);
  }

  /** Whether a copy of the superblock is at the start of the group. */
  private hasSuperblock(group: number): boolean {
    const { readOnlyCompatible, backupGroups } = this.superblock;
    if (group === 0) return true;
    if (backupGroups.length > 0) return backupGroups.includes(group);
    if (group === 1 || (readOnlyCompatible & READ_ONLY_COMPATIBLE.sparseSuper) === 0) return true;
    return [3, 5, 7].some((base) => base ** Math.round(Math.log(group) / Math.log(base)) === group);
  }

  /** What the checksum should be; without checksums, what it is. */
  private checksumOf(number: number, bytes: Uint8Array): number {
    const { checksumSeed, readOnlyCompatible, uuid } = this.superblock;
    const before = bytes.subarray(0, CHECKSUM_OFFSET);
    const after = bytes.subarray(CHECKSUM_OFFSET + 2);
    if (checksumSeed !== undefined)
      return crc32c(checksumSeed, bytesOfU32(number), before, new Uint8Array(2), after) & 0xffff;
    if ((readOnlyCompatible & READ_ONLY_COMPATIBLE.groupChecksum) !== 0)
      return crc16(CRC16_SEED, uuid, bytesOfU32(number), before, after);
    return Low.read(bytes).checksum;
  }
}
