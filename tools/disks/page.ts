/** The page that `npm run soak:disks` and `npm run bench:disks` drive: the library, and a disk without a guest. */
import type { Machine } from '../../src/embed/api.ts';
import { createMachine } from '../../src/embed/create-machine.ts';
import type { DiskLibrary } from '../../src/embed/disk-library.ts';
import { MachineStorage } from '../../src/embed/machine-storage.ts';
import { openStorageThread } from '../../src/embed/storage-thread.ts';
import { openDiskLibrary } from '../../src/embed/stored-disks.ts';
import { PortStore } from '../../src/workers/disk-port.ts';
import { RemoteStore } from '../../src/workers/remote-store.ts';
import { LoadSource } from './load-source.ts';
import { RECORD_BYTES, recordBytes, recordFault } from './records.ts';

/** A disk as a machine's worker has it, at the other end of a storage thread's port. */
async function openDisk(id: string): Promise<{ store: PortStore; close(): Promise<void> }> {
  const storage = new MachineStorage(openStorageThread);
  const setup = await storage.open(id, 'write');
  if (setup.mode !== 'library') throw new Error('a library disk is expected');
  const store = new PortStore(setup.port, { size: setup.sizeBytes, readOnly: false });
  return { store, close: () => storage.close() };
}

export interface Reading {
  readonly bytes: number;
  readonly requestBytes: number;
  readonly depth: number;
  readonly passes: number;
}

export interface GuestAddresses {
  readonly kernel: string;
  readonly initrd: string;
  readonly commandLine: string;
  readonly memoryMiB?: number;
}

export interface MadeDisk {
  readonly id: string;
  /** How long the import took. */
  readonly ms: number;
}

export interface PageCommands {
  readonly disks: DiskLibrary;
  /** Writes records from `first` on, some at a time, and tells the number of each flush that has ended. */
  writeRecords(id: string, first: number, told: (last: number) => Promise<void>): Promise<never>;
  /** What is wrong with records 0 to `last`; undefined when nothing is. */
  checkRecords(id: string, last: number): Promise<string | undefined>;
  /** Boots a guest with the disk; what it prints goes to `told`. */
  bootGuest(id: string, guest: GuestAddresses, told: (text: string) => Promise<void>): Promise<void>;
  type(text: string): void;
  /** Sends what was changed since the import, as a qcow2 file, to the store at an address; gives its size. */
  sendChanges(id: string, address: string, roomBytes: number): Promise<number>;
  /** Makes the file that `importMade` imports. */
  makeLoad(sizeBytes: number): Promise<void>;
  /** Imports bytes that no file has to hold, and gives the time it took. */
  importMade(name: string, sizeBytes: number): Promise<MadeDisk>;
  /** Imports what is at an address. */
  importFrom(name: string, address: string): Promise<MadeDisk>;
  /**
   * Reads the first `bytes` of the disk in order, in requests of `requestBytes`, `depth` at a time, `passes`
   * times, over a storage thread that has nothing in memory at first; gives the time of all.
   */
  readInOrder(id: string, reading: Reading): Promise<number>;
  /** Fills the first `bytes` of the disk with what does not compress, and flushes; gives the time of both. */
  writeInOrder(id: string, bytes: number): Promise<number>;
  /** `count` reads of 4 kB at random places, `depth` at a time. */
  readRandom(id: string, count: number, depth: number): Promise<number>;
}

declare global {
  interface Window {
    disks: PageCommands;
  }
}

/** Records written before a flush. */
const MOST_AT_ONCE = 40;
const WRITE_BYTES = 1 << 20;
const WRITES_AT_ONCE = 4;
let machine: Machine | undefined;

/** Keeps `depth` of `count` jobs under way, each in a lane of its own. */
async function atOnce(
  depth: number,
  count: number,
  job: (index: number, lane: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async (lane: number): Promise<void> => {
    while (next < count) await job(next++, lane);
  };
  await Promise.all(Array.from({ length: depth }, (_, lane) => run(lane)));
}

async function importTimed(name: string, source: File | string): Promise<MadeDisk> {
  const started = performance.now();
  const { id } = await window.disks.disks.import({ name, source });
  return { id, ms: performance.now() - started };
}

window.disks = {
  disks: await openDiskLibrary(),

  async writeRecords(id, first, told) {
    const { store } = await openDisk(id);
    const room = store.size / RECORD_BYTES;
    for (let number = first; ; ) {
      const count = 1 + Math.floor(Math.random() * MOST_AT_ONCE);
      for (let end = number + count; number < end; number++) {
        void store.write((number % room) * RECORD_BYTES, recordBytes(number));
      }
      await store.flush();
      await told(number - 1);
    }
  },

  async checkRecords(id, last) {
    const { store, close } = await openDisk(id);
    try {
      const room = store.size / RECORD_BYTES;
      const bytes = new Uint8Array(store.size);
      await atOnce(4, bytes.length >> 20, async (mib) => {
        await store.read(mib << 20, bytes.subarray(mib << 20, (mib + 1) << 20));
      });
      for (let place = 0; place < room; place++) {
        const fault = recordFault(
          bytes.subarray(place * RECORD_BYTES, (place + 1) * RECORD_BYTES),
          place,
          room,
          last,
        );
        if (fault !== undefined) return fault;
      }
      return undefined;
    } finally {
      await close();
    }
  },

  async bootGuest(id, guest, told) {
    machine = await createMachine({ ...guest, disks: [{ library: id }] });
    const decoder = new TextDecoder();
    machine.on('console', (bytes) => void told(decoder.decode(bytes, { stream: true })));
    machine.on('error', ({ code, message }) => void told(`\nerror ${code}: ${message}\n`));
  },

  type: (text) => machine?.type(text),

  async sendChanges(id, address, roomBytes) {
    const target = new RemoteStore(new URL(address, location.href).href, roomBytes, fetch.bind(globalThis));
    const { stream } = await window.disks.disks.export(id, 'overlay');
    let sizeBytes = 0;
    for await (const piece of stream) {
      await target.write(sizeBytes, piece);
      sizeBytes += piece.length;
    }
    return sizeBytes;
  },

  async makeLoad(sizeBytes) {
    await new LoadSource(sizeBytes).file();
  },

  async importMade(name, sizeBytes) {
    return importTimed(name, await new LoadSource(sizeBytes).file());
  },

  importFrom: importTimed,

  async readInOrder(id, { bytes, requestBytes, depth, passes }) {
    const { store, close } = await openDisk(id);
    const targets = Array.from({ length: depth }, () => new Uint8Array(requestBytes));
    const started = performance.now();
    for (let pass = 0; pass < passes; pass++) {
      await atOnce(depth, Math.floor(bytes / requestBytes), (index, lane) =>
        store.read(index * requestBytes, targets[lane]!),
      );
    }
    const ms = performance.now() - started;
    await close();
    return ms;
  },

  async writeInOrder(id, bytes) {
    const { store, close } = await openDisk(id);
    const piece = new Uint32Array(WRITE_BYTES / Uint32Array.BYTES_PER_ELEMENT);
    const started = performance.now();
    await atOnce(WRITES_AT_ONCE, Math.floor(bytes / WRITE_BYTES), async (index) => {
      for (let word = 0; word < piece.length; word++)
        piece[word] = Math.imul(word + index, 0x9e37_79b1) ^ (word >>> 3);
      await store.write(index * WRITE_BYTES, new Uint8Array(piece.buffer));
    });
    await store.flush();
    const ms = performance.now() - started;
    await close();
    return ms;
  },

  async readRandom(id, count, depth) {
    const { store, close } = await openDisk(id);
    const started = performance.now();
    await atOnce(depth, count, () => {
      const block = Math.floor(Math.random() * (store.size / RECORD_BYTES));
      return store.read(block * RECORD_BYTES, new Uint8Array(RECORD_BYTES));
    });
    const ms = performance.now() - started;
    await close();
    return ms;
  },
};
