/**
 * The disks that are kept, and everything that can be done to them besides bringing images in and out.
 * Invariant: each operation is one batch, made while no other thread or tab changes the catalogue; so a
 * crash leaves it done or not done.
 */
import { chunkPrefix, holePrefix } from './chunk-batches.ts';
import { ChunkCache } from './chunk-cache.ts';
import { WRITTEN_CHUNK_BYTES } from './chunk-size.ts';
import type { ChunkedStore } from './chunked-store.ts';
import { DiskError } from './disk-error.ts';
import type { DiskDescription } from './disk-info.ts';
import { checkedName, describe, layerOver, wholeSize } from './disk-layers.ts';
import type { DiskLocks, Release } from './disk-locks.ts';
import { type DiskRecord, type LayerRecord, LibraryState } from './disk-records.ts';
import { findMergeable, moveDown, widen, withoutUpper } from './layer-merge.ts';
import { allocatedParts, type LayerPorts, type LayerStack, openStack } from './layer-stack.ts';
import type { RecordBatch, RecordKey } from './record-store.ts';

export interface CataloguePorts extends LayerPorts {
  readonly locks: DiskLocks;
  readonly nowMs: () => number;
  /** A name that nothing had before. */
  readonly newId: () => string;
}

export interface OpenDisk {
  readonly disk: DiskRecord;
  /** The disk's top layer. */
  readonly top: LayerRecord;
  readonly store: ChunkedStore;
  /** Lets go of the disk; nothing may be under way. */
  readonly release: Release;
}

export class DiskCatalogue {
  private readonly ports: CataloguePorts;

  constructor(ports: CataloguePorts) {
    this.ports = ports;
  }

  async list(): Promise<DiskDescription[]> {
    const state = await LibraryState.read(this.ports.records);
    const counts = await Promise.all([...state.layers.values()].map((layer) => this.usedBytes(layer)));
    const used = new Map([...state.layers.keys()].map((id, index) => [id, counts[index]!]));
    const disks = [...state.disks.values()].sort((a, b) => a.createdMs - b.createdMs);
    return disks.map((disk) => describe(disk, state, used));
  }

  async createEmpty(name: string, sizeBytes: number): Promise<string> {
    const size = wholeSize(sizeBytes);
    const { newId, nowMs } = this.ports;
    return this.change(async (state) => {
      const layer: LayerRecord = { id: newId(), sizeBytes: size, chunkBytes: WRITTEN_CHUNK_BYTES };
      const disk: DiskRecord = {
        id: newId(),
        name: checkedName(name),
        sizeBytes: size,
        layer: layer.id,
        origin: { kind: 'empty' },
        createdMs: nowMs(),
      };
      return { next: state.with([disk], [layer]), result: disk.id };
    });
  }

  /** Adds a disk over a finished layer; `also` goes into the same batch. */
  adopt(disk: Omit<DiskRecord, 'id' | 'layer'>, base: LayerRecord, also?: RecordBatch): Promise<string> {
    const { newId } = this.ports;
    return this.change(async (state) => {
      const top = layerOver(base, disk.sizeBytes, newId());
      const added: DiskRecord = { ...disk, id: newId(), layer: top.id };
      return { next: state.with([added], [base, top]), result: added.id };
    }, also);
  }

  /** What both have in common becomes a layer that neither changes any more. */
  clone(id: string, name: string): Promise<string> {
    const { newId, nowMs } = this.ports;
    return this.whileUnused(id, () =>
      this.change(async (state) => {
        const disk = find(state, id);
        const top = state.chain(disk)[0]!;
        const isUnchanged = (await this.usedBytes(top)) === 0 && top.below && !(await this.hasHoles(top));
        const shared = isUnchanged
          ? state.layers.get(top.below!.layer)!
          : { ...top, sizeBytes: disk.sizeBytes };
        const tops = [newId(), newId()].map((layer) => layerOver(shared, disk.sizeBytes, layer));
        const copy: DiskRecord = {
          ...withoutUse(disk),
          id: newId(),
          name: checkedName(name),
          layer: tops[1]!.id,
          origin: { kind: 'clone', ofName: disk.name },
          createdMs: nowMs(),
        };
        const next = state.with([{ ...disk, layer: tops[0]!.id }, copy], [shared, ...tops]);
        return { next, result: copy.id };
      }),
    );
  }

  rename(id: string, name: string): Promise<void> {
    return this.change(async (state) => ({
      next: state.with([{ ...find(state, id), name: checkedName(name) }]),
      result: undefined,
    }));
  }

  async resize(id: string, sizeBytes: number): Promise<void> {
    const size = wholeSize(sizeBytes);
    await this.whileUnused(id, async () => {
      const { disk, top, store, close } = await this.openUnlocked(id, false);
      try {
        if (size < disk.sizeBytes) {
          // What lies behind the new end reads as zeros from here on, and so it does should the disk grow again.
          await store.discard(size, disk.sizeBytes - size);
          await store.flush();
        }
      } finally {
        close();
      }
      await this.change(
        async (state) => {
          const current = find(state, id);
          const { below } = top;
          const cut = below ? { below: { ...below, bytes: Math.min(below.bytes, size) } } : {};
          const next = state.with([{ ...current, sizeBytes: size }], [{ ...top, ...cut, sizeBytes: size }]);
          return { next, result: undefined };
        },
        { deletes: await this.keysBehind(top, size) },
      );
    });
  }

  /** More room at the end, for whoever has the disk open for writing; gives the size in whole sectors. */
  async grow(id: string, sizeBytes: number): Promise<number> {
    const size = wholeSize(sizeBytes);
    return this.change(async (state) => {
      const disk = find(state, id);
      if (size < disk.sizeBytes) {
        throw new DiskError(
          'in-use',
          `${disk.name} is in use by a machine: shut it down to make it smaller.`,
        );
      }
      const top = state.layers.get(disk.layer)!;
      const next = state.with([{ ...disk, sizeBytes: size }], [{ ...top, sizeBytes: size }]);
      return { next, result: size };
    });
  }

  reset(id: string): Promise<void> {
    const { newId } = this.ports;
    return this.whileUnused(id, () =>
      this.change(async (state) => {
        const disk = find(state, id);
        const top = state.chain(disk)[0]!;
        const base = top.below && state.layers.get(top.below.layer);
        const fresh = base
          ? layerOver(base, disk.sizeBytes, newId())
          : { id: newId(), sizeBytes: disk.sizeBytes, chunkBytes: WRITTEN_CHUNK_BYTES };
        return { next: state.with([{ ...disk, layer: fresh.id }], [fresh]), result: undefined };
      }),
    );
  }

  delete(id: string): Promise<void> {
    return this.whileUnused(id, () =>
      this.change(async (state) => {
        find(state, id);
        return { next: state.without(id), result: undefined };
      }),
    );
  }

  /** Makes one layer of two where nobody can tell, until none are left whose disks are free. */
  async tidy(): Promise<void> {
    while (await this.mergeTwo());
  }

  /** The disk as a store, for one writer or for readers; refused while somebody else is in the way. */
  async open(id: string, mode: 'write' | 'read', cache?: ChunkCache): Promise<OpenDisk> {
    const release = await this.hold(id, mode);
    try {
      const { close, ...opened } = await this.openUnlocked(id, mode === 'read', cache);
      const letGo = (): void => {
        close();
        release();
      };
      if (mode === 'write')
        await this.noteUse(id).catch((failure: unknown) => {
          close();
          throw failure;
        });
      return { ...opened, release: letGo };
    } catch (failure) {
      release();
      throw failure;
    }
  }

  /** Numbers of the parts of WRITTEN_CHUNK_BYTES where a disk may have something else than zeros. */
  async allocatedParts(id: string): Promise<Set<number>> {
    const { records } = this.ports;
    const state = await LibraryState.read(records);
    return allocatedParts(records, state.chain(find(state, id)));
  }

  private async openUnlocked(
    id: string,
    readOnly: boolean,
    cache: ChunkCache = new ChunkCache(),
  ): Promise<LayerStack & { readonly disk: DiskRecord }> {
    const state = await LibraryState.read(this.ports.records);
    const disk = find(state, id);
    const stack = await openStack(this.ports, state.chain(disk), { size: disk.sizeBytes, readOnly, cache });
    return { disk, ...stack };
  }

  private async mergeTwo(): Promise<boolean> {
    const { records, locks } = this.ports;
    const found = findMergeable(await LibraryState.read(records));
    const releases: Release[] = [];
    try {
      for (const user of found?.users ?? []) {
        const release = await locks.tryHold(user, 'write');
        if (!release) return false;
        releases.push(release);
      }
      // Whoever could change these layers needs one of these locks, or had it until now.
      const pair = findMergeable(await LibraryState.read(records));
      if (!found || !pair || found.upper.id !== pair.upper.id) return false;
      if (pair.users.some((user) => !found.users.includes(user))) return false;
      await this.change(async (state) => ({ next: state.with([], widen(pair)), result: undefined }));
      await moveDown(pair, records);
      await this.change(async (state) => ({
        next: state.with([], withoutUpper(pair, state)),
        result: undefined,
      }));
      return true;
    } finally {
      for (const release of releases) release();
    }
  }

  private noteUse(id: string): Promise<void> {
    return this.change(async (state) => ({
      next: state.with([{ ...find(state, id), lastUsedMs: this.ports.nowMs() }]),
      result: undefined,
    }));
  }

  /** One change of the catalogue: from what is there to what shall be. */
  private change<T>(
    decide: (state: LibraryState) => Promise<{ readonly next: LibraryState; readonly result: T }>,
    also: RecordBatch = {},
  ): Promise<T> {
    const { locks, records, packs } = this.ports;
    return locks.exclusively(async () => {
      const state = await LibraryState.read(records);
      const { next, result } = await decide(state);
      const batch = LibraryState.change(state, next);
      await records.commit(
        {
          puts: [...(batch.puts ?? []), ...(also.puts ?? [])],
          deletes: [...(batch.deletes ?? []), ...(also.deletes ?? [])],
          deletesBelow: [...(batch.deletesBelow ?? []), ...(also.deletesBelow ?? [])],
        },
        'strict',
      );
      // Files that are left behind by a crash here are swept away later: nothing names them any more.
      const files = LibraryState.gone(state, next).filter(({ pack }) => pack);
      await Promise.allSettled(files.map((layer) => packs?.delete(layer.id)));
      return result;
    });
  }

  private async hold(id: string, mode: 'write' | 'read'): Promise<Release> {
    const release = await this.ports.locks.tryHold(id, mode);
    if (release) return release;
    const state = await LibraryState.read(this.ports.records);
    const name = state.disks.get(id)?.name ?? 'The disk';
    throw new DiskError(
      'in-use',
      `${name} is in use by a machine, here or in another tab: shut that machine down first.`,
    );
  }

  private async whileUnused<T>(id: string, work: () => Promise<T>): Promise<T> {
    const release = await this.hold(id, 'write');
    try {
      return await work();
    } finally {
      release();
    }
  }

  private async usedBytes({ id, chunkBytes, pack }: LayerRecord): Promise<number> {
    return (pack?.chunks ?? (await this.ports.records.countBelow(chunkPrefix(id)))) * chunkBytes;
  }

  private async hasHoles({ id }: LayerRecord): Promise<boolean> {
    return (await this.ports.records.countBelow(holePrefix(id))) > 0;
  }

  /** Chunks and holes of a layer that lie wholly behind an end. */
  private async keysBehind({ id, chunkBytes }: LayerRecord, size: number): Promise<RecordKey[]> {
    const prefixes = [chunkPrefix(id), holePrefix(id)];
    const keys = await Promise.all(prefixes.map((prefix) => this.ports.records.keysBelow(prefix)));
    return keys.flat().filter((key) => Number(key.at(-1)) * chunkBytes >= size);
  }
}

function find(state: LibraryState, id: string): DiskRecord {
  const disk = state.disks.get(id);
  if (disk) return disk;
  throw new DiskError('not-found', 'The disk is no longer there: it was deleted here or in another tab.');
}

function withoutUse({ lastUsedMs: _, ...disk }: DiskRecord): Omit<DiskRecord, 'lastUsedMs'> {
  return disk;
}
