/**
 * The disks that are kept, and everything that can be done to them besides bringing images in and out.
 * Invariant: each operation is one batch, made while no other thread or tab changes the catalogue; so a
 * crash leaves it done or not done.
 */
import { CatalogueChanges, type ChangePorts, findDisk } from './catalogue-changes.ts';
import { ChunkCache } from './chunk-cache.ts';
import { ChunkedStore } from './chunked-store.ts';
import { DiskError } from './disk-error.ts';
import type { DiskDescription } from './disk-info.ts';
import { checkedName, describe, emptyLayer, layerOptions, wholeSize } from './disk-layers.ts';
import type { Release } from './disk-locks.ts';
import { type DiskRecord, type LayerRecord, LibraryState } from './disk-records.ts';
import type { HeldStore } from './held-store.ts';
import { openChunks, storedNumbers, usedBytes } from './layer-chunks.ts';
import { mergeTwo } from './layer-merge.ts';
import { allocatedParts, type LayerPorts, type LayerStack, openStack } from './layer-stack.ts';
import type { RecordBatch } from './record-store.ts';

export interface CataloguePorts extends LayerPorts, ChangePorts {
  readonly nowMs: () => number;
  /** A name that nothing had before. */
  readonly newId: () => string;
}

export interface OpenDisk {
  readonly disk: DiskRecord;
  /** The disk's layers, top first. */
  readonly chain: readonly LayerRecord[];
  readonly store: ChunkedStore;
  /** Lets go of the disk; nothing may be under way. */
  readonly release: Release;
}

export class DiskCatalogue {
  private readonly ports: CataloguePorts;
  private readonly changes: CatalogueChanges;

  constructor(ports: CataloguePorts) {
    this.ports = ports;
    this.changes = new CatalogueChanges(ports);
  }

  async list(): Promise<DiskDescription[]> {
    const state = await LibraryState.read(this.ports.records);
    const { records } = this.ports;
    const counts = await Promise.all([...state.layers.values()].map((layer) => usedBytes(records, layer)));
    const used = new Map([...state.layers.keys()].map((id, index) => [id, counts[index]!]));
    const disks = [...state.disks.values()].sort((a, b) => a.createdMs - b.createdMs);
    return disks.map((disk) => describe(disk, state, used));
  }

  async createEmpty(name: string, sizeBytes: number): Promise<string> {
    const size = wholeSize(sizeBytes);
    const { newId, nowMs } = this.ports;
    return this.changes.make(async (state) => {
      const layer = this.emptyLayer(newId(), size);
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
    return this.changes.make(async (state) => {
      const top = this.emptyLayer(newId(), disk.sizeBytes, base);
      const added: DiskRecord = { ...disk, id: newId(), layer: top.id };
      return { next: state.with([added], [base, top]), result: added.id };
    }, also);
  }

  /** What both have in common becomes a layer that neither changes any more. */
  clone(id: string, name: string): Promise<string> {
    return this.changes.whileHeld(id, 'read', () => this.addClone(id, name, this.ports.newId()));
  }

  /**
   * The same for a disk that its holder has open as `store`: what it writes from then on goes to a layer of its own
   * over the one that both share.
   */
  async cloneOpen(id: string, name: string, store: HeldStore, cache: ChunkCache): Promise<string> {
    const { records, newId } = this.ports;
    let added = '';
    await store.atRest(async (kept) => {
      const state = await LibraryState.read(records);
      const { sizeBytes, ...disk } = findDisk(state, id);
      const fresh = this.emptyLayer(newId(), sizeBytes, { ...state.layers.get(disk.layer)!, sizeBytes });
      // First, because after the change the layer below must not be written any more, whatever happens.
      const chunks = await openChunks(this.ports, fresh, 'write');
      try {
        added = await this.addClone(id, name, fresh.id);
      } catch (failure) {
        chunks.close();
        throw failure;
      }
      kept.share();
      return new ChunkedStore(chunks, layerOptions(fresh, kept, cache));
    });
    return added;
  }

  /** @param topId names the layer that the disk gets over what it shares */
  private addClone(id: string, name: string, topId: string): Promise<string> {
    const { newId, nowMs } = this.ports;
    return this.changes.make(async (state) => {
      const disk = findDisk(state, id);
      const { sizeBytes } = disk;
      const top = state.chain(disk)[0]!;
      const base = await this.unchangedBase(state, top, sizeBytes);
      const shared = base ?? { ...top, sizeBytes };
      const tops = [topId, newId()].map((layer) => this.emptyLayer(layer, sizeBytes, shared));
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
    });
  }

  rename(id: string, name: string): Promise<void> {
    return this.changes.make(async (state) => ({
      next: state.with([{ ...findDisk(state, id), name: checkedName(name) }]),
      result: undefined,
    }));
  }

  async resize(id: string, sizeBytes: number): Promise<void> {
    const size = wholeSize(sizeBytes);
    await this.changes.whileHeld(id, 'write', async () => {
      const { disk, chain, chunks, store } = await this.openUnlocked(id, false);
      const top = chain[0]!;
      try {
        if (size < disk.sizeBytes) {
          // What lies behind the new end reads as zeros from here on, and so it does should the disk grow again.
          await store.discard(size, disk.sizeBytes - size);
          await store.flush();
        }
        const behind = chunks.numbers().filter((number) => number * top.chunkBytes >= size);
        const cut = chunks.prepare({ puts: new Map(), deletes: behind });
        await this.changes.make(async (state) => {
          const current = findDisk(state, id);
          const { below } = top;
          const shown = below ? { below: { ...below, bytes: Math.min(below.bytes, size) } } : {};
          const next = state.with([{ ...current, sizeBytes: size }], [{ ...top, ...shown, sizeBytes: size }]);
          return { next, result: undefined };
        }, cut.records);
        cut.done();
      } finally {
        store.close();
      }
    });
  }

  /** More room at the end, for whoever has the disk open for writing; gives the size in whole sectors. */
  async grow(id: string, sizeBytes: number): Promise<number> {
    const size = wholeSize(sizeBytes);
    return this.changes.make(async (state) => {
      const disk = findDisk(state, id);
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
    return this.changes.whileHeld(id, 'write', () =>
      this.changes.make(async (state) => {
        const disk = findDisk(state, id);
        const top = state.chain(disk)[0]!;
        const base = top.below && state.layers.get(top.below.layer);
        const fresh = this.emptyLayer(newId(), disk.sizeBytes, base);
        return { next: state.with([{ ...disk, layer: fresh.id }], [fresh]), result: undefined };
      }),
    );
  }

  delete(id: string): Promise<void> {
    return this.changes.whileHeld(id, 'write', () =>
      this.changes.make(async (state) => {
        findDisk(state, id);
        return { next: state.without(id), result: undefined };
      }),
    );
  }

  /** Makes one layer of two where nobody can tell, until none are left whose disks are free. */
  async tidy(): Promise<void> {
    while (await mergeTwo(this.ports, this.changes));
  }

  /** The disk as a store, for one writer or for readers; refused while somebody else is in the way. */
  async open(id: string, mode: 'write' | 'read', cache?: ChunkCache): Promise<OpenDisk> {
    const release = await this.changes.hold(id, mode);
    try {
      const { disk, chain, store } = await this.openUnlocked(id, mode === 'read', cache);
      const letGo = (): void => {
        store.close();
        release();
      };
      if (mode === 'write')
        await this.noteUse(id).catch((failure: unknown) => {
          store.close();
          throw failure;
        });
      return { disk, chain, store, release: letGo };
    } catch (failure) {
      release();
      throw failure;
    }
  }

  /** Numbers of the parts of WRITTEN_CHUNK_BYTES where a disk may have something else than zeros. */
  async allocatedParts(id: string): Promise<Set<number>> {
    const { records } = this.ports;
    const state = await LibraryState.read(records);
    return allocatedParts(records, state.chain(findDisk(state, id)));
  }

  private async openUnlocked(
    id: string,
    readOnly: boolean,
    cache: ChunkCache = new ChunkCache(),
  ): Promise<LayerStack & { readonly disk: DiskRecord }> {
    const state = await LibraryState.read(this.ports.records);
    const disk = findDisk(state, id);
    const stack = await openStack(this.ports, state.chain(disk), { size: disk.sizeBytes, readOnly, cache });
    return { disk, ...stack };
  }

  private noteUse(id: string): Promise<void> {
    return this.changes.make(async (state) => ({
      next: state.with([{ ...findDisk(state, id), lastUsedMs: this.ports.nowMs() }]),
      result: undefined,
    }));
  }

  /** What is below a layer that shows the same as a new one over it would. */
  private async unchangedBase(
    state: LibraryState,
    layer: LayerRecord,
    sizeBytes: number,
  ): Promise<LayerRecord | undefined> {
    const base = layer.below && state.layers.get(layer.below.layer);
    // A disk that was made smaller hides the end of its base, also when it has grown again.
    if (!base || layer.below.bytes < Math.min(base.sizeBytes, sizeBytes)) return undefined;
    const { chunks, holes } = await storedNumbers(this.ports.records, layer);
    return chunks.length + holes.length === 0 ? base : undefined;
  }

  /** In a file, where the host has files. */
  private emptyLayer(id: string, sizeBytes: number, base?: LayerRecord): LayerRecord {
    return emptyLayer(id, { sizeBytes, isFiled: this.ports.files !== undefined, ...(base && { base }) });
  }
}

function withoutUse({ lastUsedMs: _, ...disk }: DiskRecord): Omit<DiskRecord, 'lastUsedMs'> {
  return disk;
}
