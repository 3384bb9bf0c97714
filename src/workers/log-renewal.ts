/**
 * Keeps Chromium from deleting the database. Its IndexedDB is a LevelDB, which goes on behind the end of its last log
 * when it is opened, also where a crash has left a part of a record there; the opening after that takes what was
 * written behind it for damage (google/leveldb issue 1287), and Chromium then begins with an empty database.
 *
 * Invariant: whoever opens the database first, since nobody had it open, writes more than a log holds. LevelDB then
 * begins another one, moves what the old one has into a table, and deletes it with its damaged end.
 */
import type { RecordKey, RecordStore } from '../emu/storage/record-store.ts';

const PADDING = 'padding';
const PADDING_PREFIX: RecordKey = [PADDING];
/** LevelDB begins a new log behind 4 MB; of what is larger than 64 kB Chromium makes files beside it. */
const PIECE_BYTES = 56 << 10;
const PIECES = 90;
/** Held by every storage thread while it lives. */
const LIVING_LOCK = 'bramble-storage-thread';

/** Pages without TLS have no Web Locks: there every thread counts as the first. */
export async function isFirstThread(locks: LockManager | undefined): Promise<boolean> {
  if (!locks) return true;
  const { held = [] } = await locks.query();
  void locks.request(LIVING_LOCK, { mode: 'shared' }, () => new Promise<never>(() => {}));
  return held.every(({ name }) => name !== LIVING_LOCK);
}

export async function beginNewLog(records: RecordStore): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES);
  const puts = Array.from({ length: PIECES }, (_, number) => [[PADDING, number], piece] as const);
  await records.commit({ puts }, 'relaxed');
  await records.commit({ deletesBelow: [PADDING_PREFIX] }, 'strict');
}
