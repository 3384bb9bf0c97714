/**
 * Brings an image in, or goes on with what was cut off: an import is a record, the layer that it fills
 * (image-intake.ts), and in the end a disk.
 *
 * Invariant: the disk appears in the batch that ends the import; so a crash leaves an import that can go on, or be
 * cleared away whole.
 */
import { CHUNK_BYTES } from '../emu/storage/chunk-size.ts';
import type { DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import { DiskError, type DiskErrorKind } from '../emu/storage/disk-error.ts';
import { checkedName, wholeSectors } from '../emu/storage/disk-layers.ts';
import type { DiskLocks } from '../emu/storage/disk-locks.ts';
import type { DiskOrigin, DiskRecord, LayerRecord } from '../emu/storage/disk-records.ts';
import { contentPrefixes } from '../emu/storage/layer-chunks.ts';
import { asDiskError } from './disk-failure.ts';
import { ImageIntake, type ImportWatch, type IntakePorts, type StoredImage } from './image-intake.ts';
import { discardImport } from './import-layers.ts';
import { type ImportRecord, importKey, isSameFile } from './import-record.ts';
import type { ImportSource } from './import-source.ts';

/** What trying again would not change. */
const HOPELESS: ReadonlySet<DiskErrorKind> = new Set([
  'bad-image',
  'wrong-checksum',
  'cancelled',
  'quota',
  'no-ranges',
]);

export interface ImportPorts extends IntakePorts {
  readonly locks: DiskLocks;
  readonly catalogue: DiskCatalogue;
  readonly nowMs: () => number;
  readonly newId: () => string;
}

export interface ImportRequest {
  readonly name: string;
  readonly origin: DiskOrigin;
  readonly expectedSha256?: string;
  readonly diskBytes?: number;
}

/** A new import. @throws {DiskError} after clearing away what it brought, unless it can go on later */
export function importImage(
  request: ImportRequest,
  source: ImportSource,
  ports: ImportPorts,
  watch: ImportWatch,
): Promise<string> {
  const { name, origin, expectedSha256, diskBytes } = request;
  const record: ImportRecord = {
    name: checkedName(name),
    origin,
    ...(diskBytes !== undefined && { diskBytes }),
    ...(expectedSha256 !== undefined && { expectedSha256: expectedSha256.toLowerCase() }),
    id: ports.newId(),
    layer: ports.newId(),
    isPacked: ports.files !== undefined,
    identity: source.identity,
    startedMs: ports.nowMs(),
    storedBytes: 0,
    readBytes: 0,
  };
  return new Import(record, source, ports, watch).run();
}

/** An import that was cut off. @throws {DiskError} as above */
export async function resumeImport(
  record: ImportRecord,
  source: ImportSource,
  ports: ImportPorts,
  watch: ImportWatch,
): Promise<string> {
  if (!isSameFile(record.identity, source.identity)) {
    throw new DiskError('io', 'This is not the file whose import was cut off: discard that import first.');
  }
  return new Import(record, source, ports, watch).run();
}

class Import {
  readonly #record: ImportRecord;
  readonly #source: ImportSource;
  readonly #ports: ImportPorts;
  readonly #watch: ImportWatch;

  constructor(record: ImportRecord, source: ImportSource, ports: ImportPorts, watch: ImportWatch) {
    this.#record = record;
    this.#source = source;
    this.#ports = ports;
    this.#watch = watch;
  }

  async run(): Promise<string> {
    const release = await this.#ports.locks.tryHold(this.#record.id, 'write');
    if (!release) throw new DiskError('in-use', 'This import is going on, here or in another tab.');
    try {
      const intake = new ImageIntake(this.#record, this.#source, this.#ports, this.#watch);
      return await this.#adopt(await intake.store());
    } catch (failure) {
      const error = this.#watch.signal.aborted
        ? new DiskError('cancelled', 'The import was cancelled; nothing was kept.')
        : asDiskError(failure);
      // A connection or a file that was lost, perhaps with the tab, may come back: the import can go on then.
      if (HOPELESS.has(error.kind) || !(await this.#canGoOn()))
        await discardImport(this.#record, this.#ports);
      throw error;
    } finally {
      release();
    }
  }

  /** Whether there is anything that does not have to be stored again. */
  async #canGoOn(): Promise<boolean> {
    const [noted] = (await this.#ports.records.getMany([importKey(this.#record.id)])) as (
      | ImportRecord
      | undefined
    )[];
    return noted !== undefined && noted.storedBytes > 0;
  }

  /** The disk appears, the import is over, and what only it needed goes. */
  async #adopt({ layer, sizeBytes, format, sha256 }: StoredImage): Promise<string> {
    const { id, name, origin, diskBytes = 0, isPacked = false, layer: fileLayer } = this.#record;
    if (sizeBytes === 0) throw new DiskError('bad-image', 'The file is empty.');
    const base: LayerRecord = {
      id: layer,
      sizeBytes: wholeSectors(sizeBytes),
      chunkBytes: CHUNK_BYTES,
      ...(isPacked && { isFiled: true }),
    };
    const disk: Omit<DiskRecord, 'id' | 'layer'> = {
      name,
      sizeBytes: wholeSectors(Math.max(sizeBytes, diskBytes)),
      origin,
      format,
      sha256,
      createdMs: this.#ports.nowMs(),
    };
    const isCopy = layer !== fileLayer;
    const adopted = await this.#ports.catalogue.adopt(disk, base, {
      deletes: [importKey(id)],
      deletesBelow: isCopy ? contentPrefixes(fileLayer) : [],
    });
    // Should this fail, the next sweep finds the file.
    if (isCopy) await this.#ports.files?.delete(fileLayer).catch(() => {});
    return adopted;
  }
}
