/**
 * The journal of ext3 and ext4 (jbd2; Linux, Documentation/filesystems/ext4/journal.rst) of a file system that
 * was not unmounted: which blocks its committed transactions hold. Nothing is written; the blocks are laid
 * over those of the disk.
 *
 * As in the kernel's recovery, a transaction counts when its commit block is there, a block counts in its
 * latest transaction, and a revoke record voids what the same and earlier transactions say about a block.
 * Each block of the journal is visited at most once.
 */
import { crc32c } from '../checksums.ts';
import { corrupt, FileSystemError } from '../file-system-error.ts';
import { viewOf } from '../structure.ts';
import type { BlockOverlay, BlockReader } from './block-reader.ts';
import { type BlockRun, runsOf } from './block-runs.ts';
import type { Inode } from './inodes.ts';
import {
  BLOCK_TYPES,
  bigEndianBytes,
  CommitBlock,
  hasRightTail,
  JOURNAL_MAGIC,
  type JournalHeader,
  type JournalSuperblock,
  readHeader,
  readJournalSuperblock,
  readRevokes,
  readTags,
} from './journal-format.ts';

/** More than the largest journal that mke2fs makes; a guard for memory. */
const MOST_RECORDS = 2 ** 22;
/** The checksum of a commit block lies in it. */
const COMMIT_CHECKSUM_OFFSET = 16;

/** One block in one transaction. */
interface LoggedBlock {
  readonly sequence: number;
  /** Its place in the journal. */
  readonly at: number;
  readonly isEscaped: boolean;
  readonly checksum: number;
}

export interface Recovered {
  readonly overlay: BlockOverlay;
  readonly transactions: number;
}

/** @throws {FileSystemError} when the journal contradicts itself or uses what is not implemented */
export async function recoverJournal(reader: BlockReader, inode: Inode): Promise<Recovered> {
  const log = await JournalLog.open(reader, inode);
  const scan = new JournalScan(log, reader.blockCount);
  await scan.run();
  await log.refuseFastCommits(scan.sequence);
  return { overlay: scan.overlay(), transactions: scan.transactions };
}

/** Serial numbers wrap around; `one` is later when it is less than half a turn ahead. */
const isLater = (one: number, other: number): boolean => ((one - other) | 0) > 0;

/** The blocks of the journal as a ring. */
class JournalLog {
  readonly superblock: JournalSuperblock;
  private readonly reader: BlockReader;
  private readonly runs: readonly BlockRun[];

  private constructor(reader: BlockReader, runs: readonly BlockRun[], superblock: JournalSuperblock) {
    this.reader = reader;
    this.runs = runs;
    this.superblock = superblock;
  }

  static async open(reader: BlockReader, inode: Inode): Promise<JournalLog> {
    const runs: BlockRun[] = [];
    for await (const run of runsOf(reader, inode, 'journal')) runs.push(run);
    const first = runs[0];
    if (first?.logical !== 0) throw corrupt('the journal has no first block');
    const superblock = readJournalSuperblock(await reader.read(first.physical, 'journal'));
    const blocks = Math.floor(inode.sizeBytes / reader.blockBytes);
    if (superblock.blockBytes !== reader.blockBytes || superblock.blockCount > blocks)
      throw corrupt(
        `the journal has ${superblock.blockCount} blocks of ${superblock.blockBytes} bytes in a file of ${blocks}`,
      );
    return new JournalLog(reader, runs, superblock);
  }

  read(block: number): Promise<Uint8Array> {
    const run = this.runs.find(({ logical, count }) => block >= logical && block < logical + count);
    if (!run) throw corrupt(`block ${block} of the journal is missing`);
    return this.reader.read(run.physical + block - run.logical, 'journal');
  }

  /** The block `count` further on in the ring. */
  after(block: number, count = 1): number {
    const { first, end } = this.superblock;
    const next = block + count;
    return next >= end ? next - (end - first) : next;
  }

  /** Fast commits that follow the last transaction hold changes in a form of their own. */
  async refuseFastCommits(sequence: number): Promise<void> {
    const { end, fastCommitBlocks } = this.superblock;
    if (fastCommitBlocks === 0) return;
    const FAST_COMMIT_HEAD = 9;
    const TRANSACTION_OFFSET = 8;
    const view = viewOf(await this.read(end));
    if (view.getUint16(0, true) === FAST_COMMIT_HEAD && view.getUint32(TRANSACTION_OFFSET, true) === sequence)
      throw new FileSystemError(
        'unsupported',
        'the journal holds fast commits, which cannot be applied here; mount the image once to apply them',
      );
  }
}

class JournalScan {
  transactions = 0;
  /** Of the transaction that is being read; at the end, of the first one that is missing. */
  sequence: number;
  private readonly log: JournalLog;
  private readonly blockCount: number;
  private at: number;
  private visited = 0;
  /** The latest of each block in complete transactions. */
  private readonly blocks = new Map<number, LoggedBlock>();
  private readonly revoked = new Map<number, number>();
  /** Of the transaction that is being read. */
  private pendingBlocks: [number, LoggedBlock][] = [];
  private pendingRevokes: number[] = [];

  constructor(log: JournalLog, blockCount: number) {
    this.log = log;
    this.blockCount = blockCount;
    this.sequence = log.superblock.sequence;
    this.at = log.superblock.start;
  }

  /** Reads transactions until one is not complete. */
  async run(): Promise<void> {
    if (this.at === 0) return;
    while (this.step(1)) {
      const bytes = await this.log.read(this.at);
      const header = readHeader(bytes);
      if (header.magic !== JOURNAL_MAGIC || header.sequence !== this.sequence) return;
      if (!(await this.take(bytes, header))) return;
    }
  }

  overlay(): BlockOverlay {
    const overlay = new Map<number, () => Promise<Uint8Array>>();
    for (const [block, logged] of this.blocks) {
      const revokedIn = this.revoked.get(block);
      if (revokedIn !== undefined && !isLater(logged.sequence, revokedIn)) continue;
      overlay.set(block, () => this.contents(block, logged));
    }
    return overlay;
  }

  /** Counts blocks of the ring: a log that is longer than the ring ends. */
  private step(count: number): boolean {
    const { first, end } = this.log.superblock;
    this.visited += count;
    return this.visited <= end - first;
  }

  /** @returns whether the log goes on behind this block */
  private async take(bytes: Uint8Array, { type }: JournalHeader): Promise<boolean> {
    const { superblock } = this.log;
    switch (type) {
      case BLOCK_TYPES.descriptor:
        return hasRightTail(bytes, superblock) && this.takeDescriptor(bytes);
      case BLOCK_TYPES.revoke:
        if (!hasRightTail(bytes, superblock)) return false;
        this.pendingRevokes.push(...readRevokes(bytes, superblock));
        break;
      case BLOCK_TYPES.commit:
        if (!this.isCommitted(bytes)) return false;
        this.commit();
        break;
      default:
        return false;
    }
    this.at = this.log.after(this.at);
    return true;
  }

  private takeDescriptor(bytes: Uint8Array): boolean {
    const tags = readTags(bytes, this.log.superblock);
    if (!this.step(tags.length)) return false;
    let at = this.at;
    for (const { block, isEscaped, isDeleted, checksum } of tags) {
      at = this.log.after(at);
      if (!isDeleted) this.pendingBlocks.push([block, { sequence: this.sequence, at, isEscaped, checksum }]);
    }
    this.at = this.log.after(at);
    return true;
  }

  private isCommitted(bytes: Uint8Array): boolean {
    const { checksumSeed } = this.log.superblock;
    if (checksumSeed === undefined) return true;
    const summed = bytes.slice().fill(0, COMMIT_CHECKSUM_OFFSET, COMMIT_CHECKSUM_OFFSET + 4);
    return crc32c(checksumSeed, summed) === CommitBlock.read(bytes).checksum;
  }

  private commit(): void {
    for (const [block, logged] of this.pendingBlocks) {
      if (block >= this.blockCount)
        throw corrupt(`the journal changes block ${block} of ${this.blockCount} blocks`);
      this.blocks.set(block, logged);
    }
    for (const block of this.pendingRevokes) this.revoked.set(block, this.sequence);
    if (this.blocks.size + this.revoked.size > MOST_RECORDS)
      throw new FileSystemError('too-large', `the journal holds more than ${MOST_RECORDS} blocks`);
    this.pendingBlocks = [];
    this.pendingRevokes = [];
    this.transactions++;
    this.sequence = (this.sequence + 1) >>> 0;
  }

  /** A block that began like one of the journal's own has zeros there instead. */
  private async contents(block: number, logged: LoggedBlock): Promise<Uint8Array> {
    const bytes = await this.log.read(logged.at);
    const { checksumSeed, tagChecksumMask } = this.log.superblock;
    if (checksumSeed !== undefined) {
      const computed = crc32c(checksumSeed, bigEndianBytes(logged.sequence), bytes) & tagChecksumMask;
      if (computed >>> 0 !== logged.checksum) throw corrupt(`block ${block} in the journal: wrong checksum`);
    }
    if (logged.isEscaped) viewOf(bytes).setUint32(0, JOURNAL_MAGIC);
    return bytes;
  }
}
