/** Records that remember what a crash after each batch would leave. */
import { MemoryRecords } from '../memory-records.ts';
import type { Durability, RecordBatch } from '../record-store.ts';

export class CrashingRecords extends MemoryRecords {
  readonly states: MemoryRecords[] = [];
  override async commit(batch: RecordBatch, durability: Durability): Promise<void> {
    await super.commit(batch, durability);
    this.states.push(this.fork());
  }
}
