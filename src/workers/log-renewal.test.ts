import { describe, expect, it } from 'vitest';
import { MemoryRecords } from '../emu/storage/memory-records.ts';
import type { RecordBatch } from '../emu/storage/record-store.ts';
import { beginNewLog, isFirstThread } from './log-renewal.ts';

const LOG_BYTES = 4 << 20;
const INLINE_BYTES = 64 << 10;

/** Locks as threads of one browser see them. */
class Locks {
  readonly #held: LockInfo[] = [];
  query = async (): Promise<LockManagerSnapshot> => ({ held: [...this.#held], pending: [] });
  request = async (name: string): Promise<void> => void this.#held.push({ name, mode: 'shared' });
}

describe('beginNewLog', () => {
  it('writes more than a log holds, in records that lie in it, and leaves what was there', async () => {
    const batches: RecordBatch[] = [];
    const records = new (class extends MemoryRecords {
      override async commit(...[batch, durability]: Parameters<MemoryRecords['commit']>): Promise<void> {
        batches.push(batch);
        await super.commit(batch, durability);
      }
    })();
    await records.commit({ puts: [[['disk', 'a'], 1]] }, 'strict');
    await beginNewLog(records);
    const sizes = (batches[1]?.puts ?? []).map(([, piece]) => (piece as Uint8Array).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(LOG_BYTES);
    expect(Math.max(...sizes)).toBeLessThan(INLINE_BYTES);
    // LevelDB looks at the log's size before it writes: another batch has to follow.
    expect(batches).toHaveLength(3);
    expect(await records.entriesBelow([])).toEqual([[['disk', 'a'], 1]]);
  });
});

describe('isFirstThread', () => {
  it('is true of one thread of a browser, and of each where there are no Web Locks', async () => {
    const locks = new Locks() as unknown as LockManager;
    expect(await isFirstThread(locks)).toBe(true);
    expect(await isFirstThread(locks)).toBe(false);
    expect(await isFirstThread(undefined)).toBe(true);
  });
});
