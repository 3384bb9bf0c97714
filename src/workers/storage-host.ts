/** A storage thread: the catalogue's operations for pages, and disks served to machines. */
import { ChunkCache } from '../emu/storage/chunk-cache.ts';
import { type CataloguePorts, DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import { DiskError } from '../emu/storage/disk-error.ts';
import type { DirectoryEntry } from '../emu/storage/filesystems/volume.ts';
import { exportDisk } from './disk-export.ts';
import { asDiskError } from './disk-failure.ts';
import { DiskFileAccess } from './disk-files.ts';
import { type ImportPorts, importImage, resumeImport } from './disk-import.ts';
import type { ImportWatch } from './image-intake.ts';
import { discardImport, sweepFiles } from './import-layers.ts';
import { IMPORT, type ImportRecord, importKey } from './import-record.ts';
import { fileSource, type ImportSource, type UrlContext, urlSource } from './import-source.ts';
import { importOnDemand, openRemoteLayer } from './remote-layer.ts';
import { ServedDisks } from './served-disks.ts';
import type {
  DiskExportFormat,
  DiskStatus,
  DiskVolume,
  ExportedFile,
  ExportMessage,
  ExportRequest,
  FileChange,
  FilePlace,
  ImportCall,
  JobMessage,
  JobRequest,
  Outcome,
  PendingImport,
  StorageControl,
} from './storage-protocol.ts';

/** Progress is told no more often. */
const PROGRESS_MS = 100;

export interface StorageHostPorts extends CataloguePorts, Pick<ImportPorts, 'openXzThreads'> {
  /** Tells other threads and tabs that something has changed. */
  readonly announce: () => void;
  readonly network: Omit<UrlContext, 'signal'>;
}

export class StorageHost implements StorageControl {
  readonly #ready: Promise<{ readonly ports: StorageHostPorts; readonly catalogue: DiskCatalogue }>;
  readonly #served = new ServedDisks();
  /** Of what is looked at while an image is brought in on demand. */
  readonly #cache = new ChunkCache();
  /** Of files that a crash left; once for each thread that lists disks. */
  #sweep: Promise<void> | undefined;

  constructor(ports: Promise<StorageHostPorts>) {
    this.#ready = ports.then((opened) => {
      const { records, network } = opened;
      const openRemote: CataloguePorts['openRemote'] = (layer, cache) =>
        openRemoteLayer(layer, records, cache, network);
      opened.locks.watchLoss?.((id) => this.#served.tellLost(id));
      return { ports: opened, catalogue: new DiskCatalogue({ ...opened, openRemote }) };
    });
    // Whoever asks for something is told.
    this.#ready.catch(() => {});
  }

  list(): Promise<Outcome<readonly DiskStatus[]>> {
    return outcome(async () => {
      const { ports, catalogue } = await this.#ready;
      this.#sweep ??= sweepFiles(ports, ports.locks).catch(() => {});
      const [disks, written] = await Promise.all([catalogue.list(), ports.locks.written()]);
      return disks.map((disk) => ({ ...disk, isWritten: written.has(disk.id) }));
    });
  }

  createEmpty(name: string, sizeBytes: number): Promise<Outcome<string>> {
    return this.#change((catalogue) => catalogue.createEmpty(name, sizeBytes));
  }

  clone(id: string, name: string): Promise<Outcome<string>> {
    return this.#change((catalogue) => catalogue.clone(id, name));
  }

  rename(id: string, name: string): Promise<Outcome<void>> {
    return this.#change((catalogue) => catalogue.rename(id, name));
  }

  resize(id: string, sizeBytes: number): Promise<Outcome<void>> {
    return this.#change((catalogue) => catalogue.resize(id, sizeBytes));
  }

  reset(id: string): Promise<Outcome<void>> {
    return this.#change((catalogue) => catalogue.reset(id));
  }

  delete(id: string): Promise<Outcome<void>> {
    return this.#change(async (catalogue, { announce }) => {
      await catalogue.delete(id);
      // What the disk shared may belong to one other alone now. If it fails, nothing is lost but some room.
      catalogue.tidy().then(announce, () => {});
    });
  }

  /** An import that goes on in another thread holds its lock, and is no unfinished one. */
  unfinishedImports(): Promise<Outcome<readonly PendingImport[]>> {
    return outcome(async () => {
      const { ports } = await this.#ready;
      const [imports, written] = await Promise.all([
        ports.records.valuesBelow([IMPORT]),
        ports.locks.written(),
      ]);
      return (imports as ImportRecord[])
        .filter(({ id }) => !written.has(id))
        .sort((a, b) => b.startedMs - a.startedMs)
        .map(({ id, name, origin, readBytes, identity: { sizeBytes } }) => ({
          ...{ id, name, origin, doneBytes: readBytes },
          ...(sizeBytes !== undefined && { totalBytes: sizeBytes }),
        }));
    });
  }

  import(call: ImportCall, port: MessagePort): Promise<Outcome<string>> {
    return this.#job(port, async (catalogue, ports, watch) => {
      if (call.onDemand) return importOnDemand(remoteOf(call), { ...ports, catalogue, cache: this.#cache });
      const source = await this.#sourceOf(call, 0, watch.signal);
      return importImage(call, source, { ...ports, catalogue }, watch);
    });
  }

  resumeImport(id: string, file: Blob | undefined, port: MessagePort): Promise<Outcome<string>> {
    return this.#job(port, async (catalogue, ports, watch) => {
      const record = await findImport(ports, id);
      const offset = record.sum?.lengthBytes ?? 0;
      const source = await this.#sourceOf({ ...record, ...(file && { file }) }, offset, watch.signal);
      return resumeImport(record, source, { ...ports, catalogue }, watch);
    });
  }

  discardImport(id: string): Promise<Outcome<void>> {
    return this.#change(async () => {
      const { ports } = await this.#ready;
      await whileHeld(ports, id, async () => discardImport(await findImport(ports, id), ports));
    });
  }

  export(id: string, format: DiskExportFormat, port: MessagePort): Promise<Outcome<ExportedFile>> {
    return outcome(async () => {
      const { ports, catalogue } = await this.#ready;
      const { stream, ...file } = await exportDisk(id, format, catalogue, ports.records);
      sendPieces(stream, port);
      return file;
    });
  }

  serve(id: string, mode: 'write' | 'read', port: MessagePort): Promise<Outcome<number>> {
    return this.#change((catalogue) => this.#served.serve(catalogue, id, mode, port));
  }

  volumes(id: string): Promise<Outcome<readonly DiskVolume[]>> {
    return this.#files((files) => files.volumes(id));
  }

  listFiles(place: FilePlace): Promise<Outcome<readonly DirectoryEntry[]>> {
    return this.#files((files) => files.list(place));
  }

  readFile(place: FilePlace, port: MessagePort): Promise<Outcome<ExportedFile>> {
    return this.#files(async (files) => {
      const { stream, ...file } = await files.read(place);
      sendPieces(stream, port);
      return file;
    });
  }

  changeFile(place: FilePlace, change: FileChange): Promise<Outcome<void>> {
    return this.#change((catalogue, { nowMs }) => new DiskFileAccess(catalogue, nowMs).change(place, change));
  }

  watchServed(port: MessagePort): Promise<Outcome<void>> {
    return outcome(async () => this.#served.watch(port));
  }

  growServed(id: string, sizeBytes: number): Promise<Outcome<void>> {
    return this.#change((catalogue) => this.#served.grow(catalogue, id, sizeBytes));
  }

  cloneServed(id: string, name: string): Promise<Outcome<string>> {
    return this.#change((catalogue) => this.#served.clone(catalogue, id, name));
  }

  closeDisks(): Promise<Outcome<void>> {
    return this.#change(async (_, { locks }) => {
      try {
        await this.#served.close();
      } finally {
        await locks.settled();
      }
    });
  }

  #files<T>(work: (files: DiskFileAccess) => Promise<T>): Promise<Outcome<T>> {
    return outcome(async () => {
      const { ports, catalogue } = await this.#ready;
      return work(new DiskFileAccess(catalogue, ports.nowMs));
    });
  }

  async #sourceOf(
    { origin, file }: Pick<ImportCall, 'origin' | 'file'>,
    offset: number,
    signal: AbortSignal,
  ): Promise<ImportSource> {
    if (file) return fileSource(file, signal);
    if (origin.kind !== 'url') throw new DiskError('not-found', 'Pick the file again to go on importing it.');
    const { ports } = await this.#ready;
    return urlSource(origin.url, offset, { ...ports.network, signal });
  }

  /** Something long: progress goes out through the port, and a word to cancel comes in. */
  async #job<T>(
    port: MessagePort,
    work: (catalogue: DiskCatalogue, ports: StorageHostPorts, watch: ImportWatch) => Promise<T>,
  ): Promise<Outcome<T>> {
    const abort = new AbortController();
    port.onmessage = ({ data }: MessageEvent<JobRequest>) => {
      if (data.kind === 'cancel') abort.abort();
    };
    let toldMs = 0;
    const { ports } = await this.#ready.catch(() => ({ ports: undefined }));
    const watch: ImportWatch = {
      signal: abort.signal,
      progress(progress) {
        const nowMs = ports?.nowMs() ?? 0;
        if (nowMs - toldMs < PROGRESS_MS) return;
        toldMs = nowMs;
        port.postMessage({ kind: 'progress', progress } satisfies JobMessage);
      },
    };
    try {
      return await this.#change((catalogue, opened) => work(catalogue, opened, watch));
    } finally {
      port.close();
    }
  }

  #change<T>(work: (catalogue: DiskCatalogue, ports: StorageHostPorts) => Promise<T>): Promise<Outcome<T>> {
    return outcome(async () => {
      const { ports, catalogue } = await this.#ready;
      const result = await work(catalogue, ports);
      ports.announce();
      return result;
    });
  }
}

async function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (failure) {
    const { kind, message } = asDiskError(failure);
    return { ok: false, kind, message };
  }
}

/** What can be done only as a whole, or only with a server, is refused. */
function remoteOf({ name, origin, expectedSha256, diskBytes }: ImportCall) {
  if (origin.kind !== 'url')
    throw new DiskError('no-ranges', 'Only images on a server are fetched on demand.');
  if (expectedSha256 !== undefined) {
    throw new DiskError('wrong-checksum', 'The sum of a file that is fetched on demand cannot be checked.');
  }
  return { name, url: origin.url, ...(diskBytes !== undefined && { diskBytes }) };
}

/** Gives a piece for each `pull`. */
function sendPieces(stream: AsyncGenerator<Uint8Array<ArrayBuffer>>, port: MessagePort): void {
  const send = (message: ExportMessage, transfer: Transferable[] = []): void =>
    port.postMessage(message, transfer);
  port.onmessage = async ({ data }: MessageEvent<ExportRequest>) => {
    if (data.kind === 'cancel') return void stream.return(undefined);
    try {
      const { done, value } = await stream.next();
      if (done) send({ kind: 'end' });
      else send({ kind: 'bytes', bytes: value }, [value.buffer]);
    } catch (failure) {
      const { kind, message } = asDiskError(failure);
      send({ kind: 'failed', error: kind, message });
    }
  };
}

async function findImport({ records }: StorageHostPorts, id: string): Promise<ImportRecord> {
  const [record] = await records.getMany([importKey(id)]);
  if (record) return record as ImportRecord;
  throw new DiskError('not-found', 'That import is no longer there: it was finished or discarded.');
}

async function whileHeld<T>({ locks }: StorageHostPorts, id: string, work: () => Promise<T>): Promise<T> {
  const release = await locks.tryHold(id, 'write');
  if (!release) throw new DiskError('in-use', 'That import is going on, here or in another tab.');
  try {
    return await work();
  } finally {
    release();
  }
}
