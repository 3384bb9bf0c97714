/**
 * Records in IndexedDB, through idb-keyval: all of the library in one object store, so that one transaction
 * covers chunks and what is said about them. Transactions that write run in the order in which they were made
 * (IndexedDB 3.0, 2.7.2), which is what RecordStore promises.
 */
import { getMany, promisifyRequest, type UseStore } from 'idb-keyval';
import { StorageError } from '../emu/storage/block-store.ts';
import type { Durability, RecordBatch, RecordKey, RecordStore } from '../emu/storage/record-store.ts';
import { asStorageError, withStorageErrors } from './disk-failure.ts';
import type { Lease, LeaseBoard } from './lease-locks.ts';

const DATABASE = 'bramble-disks';
const OBJECT_STORE = 'records';
/** Among the records, so that a batch and the leases it depends on are one transaction. */
const LEASES: RecordKey = ['leases'];

/** @throws {StorageError} where the browser keeps nothing for this site */
export async function openIndexedDbRecords(name: string = DATABASE): Promise<IndexedDbRecords> {
  if (typeof indexedDB === 'undefined') throw new StorageError('io', 'this browser has no IndexedDB');
  const request = indexedDB.open(name);
  let isNew = false;
  request.onupgradeneeded = () => {
    isNew = true;
    request.result.createObjectStore(OBJECT_STORE);
  };
  try {
    return new IndexedDbRecords(await promisifyRequest(request), isNew);
  } catch (failure) {
    throw asStorageError(failure);
  }
}

export class IndexedDbRecords implements RecordStore {
  /** Asked in the transaction of each batch, which is undone when the answer is no; LeaseLocks need it. */
  mayCommit: ((leases: readonly Lease[]) => boolean) | undefined;
  readonly leases: LeaseBoard = { change: (decide) => this.#changeLeases(decide) };
  /** It was not there before. */
  readonly isNew: boolean;
  readonly #database: IDBDatabase;
  readonly #reading: UseStore;

  constructor(database: IDBDatabase, isNew: boolean) {
    this.#database = database;
    this.isNew = isNew;
    this.#reading = this.#transactions('relaxed');
    // Another version of the page, or the user who clears the site's data, must not wait for us.
    database.onversionchange = () => database.close();
  }

  getMany(keys: readonly RecordKey[]): Promise<unknown[]> {
    return withStorageErrors(() => getMany(keys.map(validKey), this.#reading));
  }

  keysBelow(prefix: RecordKey): Promise<RecordKey[]> {
    const keys = this.#read((store) => store.getAllKeys(rangeBelow(prefix)));
    return keys as Promise<IDBValidKey[]> as Promise<RecordKey[]>;
  }

  valuesBelow(prefix: RecordKey): Promise<unknown[]> {
    return this.#read((store) => store.getAll(rangeBelow(prefix)));
  }

  entriesBelow(prefix: RecordKey): Promise<(readonly [RecordKey, unknown])[]> {
    return withStorageErrors(() =>
      this.#reading('readonly', async (store) => {
        const range = rangeBelow(prefix);
        const requests = [store.getAllKeys(range), store.getAll(range)] as const;
        const [keys, values] = await Promise.all([
          promisifyRequest(requests[0]) as Promise<IDBValidKey[]> as Promise<RecordKey[]>,
          promisifyRequest<unknown[]>(requests[1]),
        ]);
        return keys.map((key, index) => [key, values[index]] as const);
      }),
    );
  }

  countBelow(prefix: RecordKey): Promise<number> {
    return this.#read((store) => store.count(rangeBelow(prefix)));
  }

  commit({ puts = [], deletes = [], deletesBelow = [] }: RecordBatch, durability: Durability): Promise<void> {
    return withStorageErrors(() =>
      this.#transactions(durability)('readwrite', (store) => {
        for (const prefix of deletesBelow) store.delete(rangeBelow(prefix));
        for (const key of deletes) store.delete(validKey(key));
        for (const [key, value] of puts) store.put(value, validKey(key));
        return this.#whenAllowed(store);
      }),
    );
  }

  close(): void {
    this.#database.close();
  }

  /** Resolves when the transaction has completed. */
  async #whenAllowed(store: IDBObjectStore): Promise<void> {
    const { mayCommit } = this;
    let isAllowed = true;
    if (mayCommit) {
      const leases: IDBRequest<readonly Lease[] | undefined> = store.get(validKey(LEASES));
      leases.onsuccess = () => {
        isAllowed = mayCommit(leases.result ?? []);
        if (!isAllowed) store.transaction.abort();
      };
    }
    try {
      await promisifyRequest(store.transaction);
    } catch (failure) {
      if (isAllowed) throw failure;
      throw new StorageError('io', 'another tab has taken the disk over while this one stood still');
    }
  }

  #changeLeases: LeaseBoard['change'] = (decide) =>
    withStorageErrors(() =>
      this.#transactions('relaxed')('readwrite', async (store) => {
        const leases: readonly Lease[] = (await promisifyRequest(store.get(validKey(LEASES)))) ?? [];
        const { next, result } = decide(leases);
        if (next !== leases) store.put(next, validKey(LEASES));
        await promisifyRequest(store.transaction);
        return result;
      }),
    );

  #read<T>(ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return withStorageErrors(() => this.#reading('readonly', (store) => promisifyRequest(ask(store))));
  }

  /** idb-keyval's own stores cannot say how durable a transaction has to be. */
  #transactions(durability: Durability): UseStore {
    return async (mode, use) =>
      use(this.#database.transaction(OBJECT_STORE, mode, { durability }).objectStore(OBJECT_STORE));
  }
}

/** A key is read only, as IndexedDB's are; only the types disagree. */
function validKey(key: RecordKey): IDBValidKey {
  return key as unknown as IDBValidKey;
}

/** Arrays come after numbers and strings in the order of keys (IndexedDB 3.0, 2.4). */
function rangeBelow(prefix: RecordKey): IDBKeyRange {
  return IDBKeyRange.bound(prefix, [...prefix, []], true, true);
}
