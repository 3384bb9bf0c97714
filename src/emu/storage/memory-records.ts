/** A RecordStore in memory: for tests, and where a browser keeps nothing. */
import type { Durability, RecordBatch, RecordKey, RecordStore } from './record-store.ts';

interface Entry {
  readonly key: RecordKey;
  readonly value: unknown;
}

export class MemoryRecords implements RecordStore {
  private readonly entries = new Map<string, Entry>();

  /** A copy as it is now; changes of one do not show in the other. */
  fork(): MemoryRecords {
    const copy = new MemoryRecords();
    for (const [name, entry] of this.entries) copy.entries.set(name, entry);
    return copy;
  }

  async getMany(keys: readonly RecordKey[]): Promise<unknown[]> {
    return keys.map((key) => structuredClone(this.entries.get(nameOf(key))?.value));
  }

  async keysBelow(prefix: RecordKey): Promise<RecordKey[]> {
    return this.below(prefix).map(({ key }) => key);
  }

  async valuesBelow(prefix: RecordKey): Promise<unknown[]> {
    return this.below(prefix).map(({ value }) => structuredClone(value));
  }

  async entriesBelow(prefix: RecordKey): Promise<(readonly [RecordKey, unknown])[]> {
    return this.below(prefix).map(({ key, value }) => [key, structuredClone(value)] as const);
  }

  async countBelow(prefix: RecordKey): Promise<number> {
    return this.below(prefix).length;
  }

  async commit({ puts = [], deletes = [], deletesBelow = [] }: RecordBatch, _: Durability): Promise<void> {
    for (const prefix of deletesBelow) {
      for (const { key } of this.below(prefix)) this.entries.delete(nameOf(key));
    }
    for (const key of deletes) this.entries.delete(nameOf(key));
    for (const [key, value] of puts) this.entries.set(nameOf(key), { key, value: structuredClone(value) });
  }

  private below(prefix: RecordKey): Entry[] {
    const found = [...this.entries.values()].filter(({ key }) => isBelow(key, prefix));
    return found.sort((a, b) => compare(a.key, b.key));
  }
}

function nameOf(key: RecordKey): string {
  return JSON.stringify(key);
}

function isBelow(key: RecordKey, prefix: RecordKey): boolean {
  return key.length > prefix.length && prefix.every((part, index) => part === key[index]);
}

function compare(a: RecordKey, b: RecordKey): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [left, right] = [a[index]!, b[index]!];
    if (left === right) continue;
    if (typeof left !== typeof right) return typeof left === 'number' ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}
