/**
 * What the library writes down about disks, and what follows from it. A disk names its top layer; a layer
 * has chunks of its own and shows another one below where it has none. Only a disk's top layer changes, so
 * what lies below it can be shared.
 *
 * Invariant: a layer is some disk's top, or below a layer that is kept, or it and its chunks are deleted in
 * the same batch that takes its last user away.
 */
import { contentPrefixes } from './layer-chunks.ts';
import type { RecordBatch, RecordKey, RecordStore } from './record-store.ts';

/** Where a disk's first contents came from. */
export type DiskOrigin =
  | { readonly kind: 'empty' }
  | { readonly kind: 'file'; readonly fileName: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'clone'; readonly ofName: string };

export interface DiskRecord {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** Its top layer, which its machine writes. */
  readonly layer: string;
  readonly origin: DiskOrigin;
  readonly format?: string;
  readonly sha256?: string;
  readonly createdMs: number;
  readonly lastUsedMs?: number;
}

export interface LayerRecord {
  readonly id: string;
  /** Size of the disk that it is a layer of. */
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  readonly below?: { readonly layer: string; readonly bytes: number };
  /** Chunks are in a file of the layer's name; absent where they are among the records. */
  readonly isFiled?: boolean;
  /** The same of images that are older than tables of places. */
  readonly pack?: unknown;
  /** Contents that are fetched when they are first read; chunks keep what has come. */
  readonly remote?: RemoteImage;
}

/** A file on a server, and how it is told that it is still the same. */
export interface RemoteImage {
  readonly url: string;
  readonly sizeBytes: number;
  readonly etag?: string;
  readonly lastModified?: string;
}

export const DISK = 'disk';
export const LAYER = 'layer';
export const diskKey = (id: string): RecordKey => [DISK, id];
export const layerKey = (id: string): RecordKey => [LAYER, id];

/** All disks and layers as they were at one instant. */
export class LibraryState {
  readonly disks: ReadonlyMap<string, DiskRecord>;
  readonly layers: ReadonlyMap<string, LayerRecord>;

  static async read(records: RecordStore): Promise<LibraryState> {
    const [disks, layers] = await Promise.all([records.valuesBelow([DISK]), records.valuesBelow([LAYER])]);
    return new LibraryState(disks as DiskRecord[], layers as LayerRecord[]);
  }

  constructor(disks: readonly DiskRecord[], layers: readonly LayerRecord[]) {
    this.disks = new Map(disks.map((disk) => [disk.id, disk]));
    this.layers = new Map(layers.map((layer) => [layer.id, layer]));
  }

  /** A disk's layers, top first. */
  chain(disk: DiskRecord): LayerRecord[] {
    const chain: LayerRecord[] = [];
    for (let id: string | undefined = disk.layer; id !== undefined; ) {
      const layer: LayerRecord | undefined = this.layers.get(id);
      if (!layer || chain.includes(layer)) break;
      chain.push(layer);
      id = layer.below?.layer;
    }
    return chain;
  }

  /** Disks that need a layer. */
  usersOf(layer: string): DiskRecord[] {
    return [...this.disks.values()].filter((disk) => this.chain(disk).some(({ id }) => id === layer));
  }

  /** Layers that the disks of `to` no longer need. */
  static gone(from: LibraryState, to: LibraryState): LayerRecord[] {
    const needed = to.needed();
    return [...from.layers.values()].filter(({ id }) => !needed.has(id));
  }

  /** The batch that makes this state of another one: what `disks` and `layers` no longer need goes. */
  static change(from: LibraryState, to: LibraryState): RecordBatch {
    const needed = to.needed();
    const gone = LibraryState.gone(from, to).map(({ id }) => id);
    return {
      puts: [
        ...[...to.disks.values()]
          .filter((disk) => from.disks.get(disk.id) !== disk)
          .map((disk) => [diskKey(disk.id), disk] as const),
        ...[...to.layers.values()]
          .filter((layer) => needed.has(layer.id) && from.layers.get(layer.id) !== layer)
          .map((layer) => [layerKey(layer.id), layer] as const),
      ],
      deletes: [
        ...[...from.disks.keys()].filter((id) => !to.disks.has(id)).map(diskKey),
        ...gone.map(layerKey),
      ],
      deletesBelow: gone.flatMap(contentPrefixes),
    };
  }

  private needed(): Set<string> {
    return new Set([...this.disks.values()].flatMap((disk) => this.chain(disk).map(({ id }) => id)));
  }

  /** This state with other disks and layers in the place of those with the same names. */
  with(disks: readonly DiskRecord[], layers: readonly LayerRecord[] = []): LibraryState {
    return new LibraryState([...this.disks.values(), ...disks], [...this.layers.values(), ...layers]);
  }

  without(disk: string): LibraryState {
    return new LibraryState(
      [...this.disks.values()].filter(({ id }) => id !== disk),
      [...this.layers.values()],
    );
  }
}
