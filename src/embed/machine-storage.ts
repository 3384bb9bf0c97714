/** The library disks of one machine: a storage thread of its own, opened with the first of them. */
import { transfer } from 'comlink';
import { DiskError } from '../emu/storage/disk-error.ts';
import { MachineFailure } from '../workers/machine-failure.ts';
import type { DiskSetup } from '../workers/protocol.ts';
import type { ServedNews } from '../workers/storage-protocol.ts';
import { type StorageThread, unwrap } from './storage-thread.ts';

/** Disks that machines of this tab write, and which machine. */
const writtenHere = new Map<string, MachineStorage>();

/** The storage of the machine in this tab that writes a disk. */
export function writerHere(id: string): MachineStorage | undefined {
  return writtenHere.get(id);
}

export class MachineStorage {
  readonly #openThread: () => StorageThread;
  readonly #written: string[] = [];
  #thread: StorageThread | undefined;
  #closing: Promise<void> | undefined;
  onFailure: (details: string) => void = () => {};
  /** Called when something that the guest wrote waits to be kept, and when all is kept. */
  onWrites: (areKept: boolean) => void = () => {};
  /** Called with the name of a disk that another tab has taken over; nothing that the guest writes is kept then. */
  onLoss: (name: string) => void = () => {};

  constructor(openThread: () => StorageThread) {
    this.#openThread = openThread;
  }

  /** @throws {MachineFailure} in words, when the disk cannot be had */
  async open(id: string, mode: 'write' | 'snapshot'): Promise<DiskSetup> {
    const { port1, port2 } = new MessageChannel();
    try {
      const { control } = this.#running;
      const access = mode === 'write' ? 'write' : 'read';
      const sizeBytes = await unwrap(control.serve(id, access, transfer(port2, [port2])));
      if (access === 'write') this.#note(id);
      return { mode: 'library', port: port1, sizeBytes, isSnapshot: mode === 'snapshot' };
    } catch (failure) {
      port1.close();
      if (!(failure instanceof DiskError)) throw failure;
      throw new MachineFailure({ code: 'bad-disk', message: failure.message });
    }
  }

  /** Gives a disk of this machine more room while the guest runs. @throws {DiskError} */
  grow(id: string, sizeBytes: number): Promise<void> {
    return unwrap(this.#running.control.growServed(id, sizeBytes));
  }

  /** Clones a disk of this machine as it is now, while the guest runs; gives the clone's id. @throws {DiskError} */
  clone(id: string, name: string): Promise<string> {
    return unwrap(this.#running.control.cloneServed(id, name));
  }

  /** Resolves when everything that the guest wrote is kept, and others may have the disks. */
  close(): Promise<void> {
    this.#closing ??= (this.#thread?.close() ?? Promise.resolve()).finally(() => {
      for (const id of [...this.#written]) this.#forget(id);
    });
    return this.#closing;
  }

  get #running(): StorageThread {
    if (!this.#thread) {
      this.#thread = this.#openThread();
      this.#thread.onFailure = (details) => this.onFailure(details);
      this.#watch(this.#thread);
    }
    return this.#thread;
  }

  #watch({ control }: StorageThread): void {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }: MessageEvent<ServedNews>) => {
      if (data.kind === 'writes') this.onWrites(data.areKept);
      else this.onLoss(data.name);
    };
    // A thread that cannot be spoken to says so by its failure.
    control.watchServed(transfer(port2, [port2])).catch(() => {});
  }

  #note(id: string): void {
    this.#written.push(id);
    writtenHere.set(id, this);
  }

  #forget(id: string): void {
    const index = this.#written.indexOf(id);
    if (index < 0) return;
    this.#written.splice(index, 1);
    writtenHere.delete(id);
  }
}
