/**
 * Where disks are kept: records under ordered keys, changed in batches. A batch is carried out whole or not
 * at all, and batches take effect in the order of the calls; what a crash leaves is what some first part of
 * them made. IndexedDB gives this in the browser, MemoryRecords in tests.
 */

/** Ordered part by part, numbers before strings, a key before those that go on from it. */
export type RecordKey = readonly (string | number)[];

/** `strict`: resolves when the batch survives a loss of power. `relaxed`: when it survives the process. */
export type Durability = 'strict' | 'relaxed';

export interface RecordBatch {
  readonly puts?: readonly (readonly [RecordKey, unknown])[];
  readonly deletes?: readonly RecordKey[];
  /** Everything whose key begins so; carried out before `puts`. */
  readonly deletesBelow?: readonly RecordKey[];
}

/** One batch that does what all of them do; none may delete what another one puts. */
export function joinedBatch(batches: readonly RecordBatch[]): RecordBatch {
  return {
    puts: batches.flatMap(({ puts = [] }) => puts),
    deletes: batches.flatMap(({ deletes = [] }) => deletes),
    deletesBelow: batches.flatMap(({ deletesBelow = [] }) => deletesBelow),
  };
}

export interface RecordStore {
  getMany(keys: readonly RecordKey[]): Promise<unknown[]>;
  /** All keys that begin with `prefix` and go on, in order. */
  keysBelow(prefix: RecordKey): Promise<RecordKey[]>;
  valuesBelow(prefix: RecordKey): Promise<unknown[]>;
  /** Both, as they were at one instant. */
  entriesBelow(prefix: RecordKey): Promise<(readonly [RecordKey, unknown])[]>;
  countBelow(prefix: RecordKey): Promise<number>;
  /**
   * Values are copied before the call returns, so the caller may change them at once.
   * Rejects with a StorageError, of kind `quota` when there is no room.
   */
  commit(batch: RecordBatch, durability: Durability): Promise<void>;
}
