/**
 * Storage that remembers what crashes would leave of it: before and after each batch of records, and before changes
 * of files, of which any part may be lost that was not flushed.
 */
import { seededWords } from '../../testing/device-harness.ts';
import type { ChunkPorts } from '../layer-chunks.ts';
import { MemoryFiles } from '../memory-files.ts';
import { MemoryRecords } from '../memory-records.ts';
import type { Durability, RecordBatch } from '../record-store.ts';

export interface MemoryStorage extends ChunkPorts {
  readonly records: MemoryRecords;
  readonly files?: MemoryFiles | undefined;
}

/** Where chunks are kept, for tests of both. */
export const STORAGE_KINDS = ['records', 'files'] as const;
export type StorageKind = (typeof STORAGE_KINDS)[number];

export function memoryStorage(kind: StorageKind): MemoryStorage {
  return { records: new MemoryRecords(), ...(kind === 'files' && { files: new MemoryFiles() }) };
}

/** Changes of files are many: the state before one of so many is remembered. */
const REMEMBERED_CHANGES = 5;

class WatchedRecords extends MemoryRecords {
  remember: () => void = () => {};
  /** Lets batches take a while, or fail. */
  before: () => Promise<void> = async () => {};
  override async commit(batch: RecordBatch, durability: Durability): Promise<void> {
    await this.before();
    this.remember();
    await super.commit(batch, durability);
    this.remember();
  }
}

export class CrashingStorage implements MemoryStorage {
  readonly records = new WatchedRecords();
  readonly files: MemoryFiles | undefined;
  /** In the order of time. */
  readonly states: MemoryStorage[] = [];
  private readonly random: () => number;

  constructor(kind: StorageKind, seed = 1) {
    this.random = seededWords(seed);
    this.records.remember = () => this.remember();
    this.files = kind === 'files' ? new MemoryFiles() : undefined;
    if (!this.files) return;
    this.files.onChange = () => {
      if (this.random() % REMEMBERED_CHANGES === 0) this.remember();
    };
  }

  private remember(): void {
    // Lost, torn, or there.
    const chance = (): number => [0, (this.random() % 100) / 100, 1][this.random() % 3]!;
    const files = this.files?.fork(chance);
    this.states.push({ records: this.records.fork(), ...(files && { files }) });
  }
}
