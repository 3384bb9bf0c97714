/**
 * How the catalogue of disks is changed: one batch at a time, made while no other thread or tab changes it, and by
 * whoever holds the disks that would notice. Invariant: a crash leaves each change done or not done.
 */
import { DiskError } from './disk-error.ts';
import type { DiskLocks, Release } from './disk-locks.ts';
import { type DiskRecord, LibraryState } from './disk-records.ts';
import { type ChunkPorts, isInFile } from './layer-chunks.ts';
import { joinedBatch, type RecordBatch } from './record-store.ts';

export interface ChangePorts extends ChunkPorts {
  readonly locks: DiskLocks;
}

/** From what is there to what shall be. */
export type Decision<T> = (
  state: LibraryState,
) => Promise<{ readonly next: LibraryState; readonly result: T }>;

export class CatalogueChanges {
  private readonly ports: ChangePorts;

  constructor(ports: ChangePorts) {
    this.ports = ports;
  }

  /** @param also goes into the same batch */
  make<T>(decide: Decision<T>, also: RecordBatch = {}): Promise<T> {
    const { locks, records, files } = this.ports;
    return locks.exclusively(async () => {
      const state = await LibraryState.read(records);
      const { next, result } = await decide(state);
      await records.commit(joinedBatch([LibraryState.change(state, next), also]), 'strict');
      // Files that are left behind by a crash here are swept away later: nothing names them any more.
      const gone = LibraryState.gone(state, next).filter(isInFile);
      await Promise.allSettled(gone.map(({ id }) => files?.delete(id)));
      return result;
    });
  }

  /** @throws {DiskError} of kind `in-use` when somebody else is in the way */
  async hold(id: string, mode: 'write' | 'read'): Promise<Release> {
    const release = await this.ports.locks.tryHold(id, mode);
    if (release) return release;
    const state = await LibraryState.read(this.ports.records);
    const name = state.disks.get(id)?.name ?? 'The disk';
    throw new DiskError(
      'in-use',
      `${name} is in use by a machine, here or in another tab: shut that machine down first.`,
    );
  }

  async whileHeld<T>(id: string, mode: 'write' | 'read', work: () => Promise<T>): Promise<T> {
    const release = await this.hold(id, mode);
    try {
      return await work();
    } finally {
      release();
    }
  }
}

/** @throws {DiskError} when the disk is no longer there */
export function findDisk(state: LibraryState, id: string): DiskRecord {
  const disk = state.disks.get(id);
  if (disk) return disk;
  throw new DiskError('not-found', 'The disk is no longer there: it was deleted here or in another tab.');
}
