/** A storage thread: the catalogue's operations for pages, and disks served to machines. */
import { ChunkCache } from '../emu/storage/chunk-cache.ts';
import { type CataloguePorts, DiskCatalogue } from '../emu/storage/disk-catalogue.ts';
import type { DirectoryEntry } from '../emu/storage/filesystems/volume.ts';
import { exportDisk } from './disk-export.ts';
import { asDiskError } from './disk-failure.ts';
import { DiskFileAccess } from './disk-files.ts';
import { bringIn, dropImport, goOn, type JobPorts, unfinishedImports, watched } from './import-jobs.ts';
import { sweepFiles } from './import-layers.ts';
import { openRemoteLayer } from './remote-layer.ts';
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
  Outcome,
  PendingImport,
  StorageControl,
} from './storage-protocol.ts';

export interface StorageHostPorts extends CataloguePorts, Pick<JobPorts, 'openXzThreads' | 'network'> {
  /** Tells other threads and tabs that something has changed. */
  readonly announce: () => void;
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

  unfinishedImports(): Promise<Outcome<readonly PendingImport[]>> {
    return outcome(async () => unfinishedImports((await this.#ready).ports));
  }

  import(call: ImportCall, port: MessagePort): Promise<Outcome<string>> {
    return this.#change((catalogue, ports) =>
      watched(port, ports.nowMs, (watch) =>
        bringIn(call, { ...ports, catalogue, cache: this.#cache }, watch),
      ),
    );
  }

  resumeImport(id: string, file: Blob | undefined, port: MessagePort): Promise<Outcome<string>> {
    return this.#change((catalogue, ports) =>
      watched(port, ports.nowMs, (watch) =>
        goOn(id, file, { ...ports, catalogue, cache: this.#cache }, watch),
      ),
    );
  }

  discardImport(id: string): Promise<Outcome<void>> {
    return this.#change((_, ports) => dropImport(id, ports));
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
