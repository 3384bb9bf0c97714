/**
 * The worker's side of the protocol: makes the machine from what the page sent, runs it, and reports.
 * Knows neither Worker nor page, only the two planes, so tests run it in one thread.
 */
import type { CreateVirtualMachine, DiskConfig, MachineConfig } from '../emu/machine/contract.ts';
import type { BlockStore } from '../emu/storage/block-store.ts';
import { MemoryStore } from '../emu/storage/memory-store.ts';
import { BlobStore } from './blob-store.ts';
import { ByteReceiver, ByteSender } from './byte-channel.ts';
import { notifyCompletions } from './completion-store.ts';
import { createTurnScheduler, Doorbell } from './doorbell.ts';
import { hostClock, hostEntropy, hostWallClock } from './host-ports.ts';
import { MachineRunner } from './machine-runner.ts';
import type {
  DataMessage,
  DataPlane,
  DiskSetup,
  MachineControl,
  MachineSetup,
  MachineStats,
  PostedCount,
} from './protocol.ts';
import { RemoteStore } from './remote-store.ts';

export class MachineHost implements MachineControl {
  readonly #createMachine: CreateVirtualMachine;
  readonly #sharedMemory: boolean;
  #plane: DataPlane | undefined;
  #output: ByteSender | undefined;
  #runner: MachineRunner | undefined;
  #posted: PostedCount = 0;

  constructor(createMachine: CreateVirtualMachine, sharedMemory: boolean) {
    this.#createMachine = createMachine;
    this.#sharedMemory = sharedMemory;
  }

  connect(plane: DataPlane): void {
    this.#plane = plane;
    const { port, rings } = plane;
    const output = new ByteSender(
      (message, transfer) => this.#post({ kind: 'console', message }, transfer),
      rings?.output,
    );
    output.onRoom = () => this.#runner?.wake();
    const input = new ByteReceiver(
      (message, transfer) => this.#post({ kind: 'input', message }, transfer),
      (bytes) => this.#runner?.consoleInput(bytes),
      rings?.input,
    );
    port.onmessage = ({ data }: MessageEvent<DataMessage>) => {
      if (data.kind === 'console') output.handle(data.message);
      else if (data.kind === 'input') input.handle(data.message);
    };
    this.#output = output;
  }

  load(setup: MachineSetup): PostedCount {
    const sink = this.#output;
    if (!sink) throw new Error('connect comes before load');
    // Stores are made once: what the guest wrote survives a reset, as on any computer.
    const config = this.#configure(setup);
    this.#runner?.powerOff();
    this.#runner = new MachineRunner(
      (ports) =>
        this.#createMachine(config, {
          clock: hostClock,
          wallClock: hostWallClock,
          entropy: hostEntropy,
          ...ports,
        }),
      { nowMs: () => performance.now(), doorbell: new Doorbell(createTurnScheduler()), sink },
      {
        state: (state) => this.#post({ kind: 'state', state }),
        phase: (phase, elapsedMs) => this.#post({ kind: 'phase', phase, elapsedMs }),
        stats: (stats) => this.#post({ kind: 'stats', stats }),
        exit: (reason) => this.#post({ kind: 'exit', reason }),
        error: (error) => this.#post({ kind: 'error', error }),
        log: (line) => this.#post({ kind: 'log', line }),
      },
      this.#sharedMemory,
    );
    return this.#posted;
  }

  async start(): Promise<PostedCount> {
    await this.#loaded.start();
    return this.#posted;
  }

  pause(): PostedCount {
    this.#loaded.pause();
    return this.#posted;
  }

  async reset(): Promise<PostedCount> {
    await this.#loaded.reset();
    return this.#posted;
  }

  pressPowerKey(): PostedCount {
    this.#loaded.pressPowerKey();
    return this.#posted;
  }

  powerOff(): PostedCount {
    this.#runner?.powerOff();
    return this.#posted;
  }

  resizeConsole(columns: number, rows: number): PostedCount {
    this.#loaded.resizeConsole(columns, rows);
    return this.#posted;
  }

  stats(): MachineStats {
    return this.#loaded.stats();
  }

  get #loaded(): MachineRunner {
    if (!this.#runner) throw new Error('the machine has not been loaded');
    return this.#runner;
  }

  #post(message: DataMessage, transfer: Transferable[] = []): void {
    this.#posted++;
    this.#plane?.port.postMessage(message, transfer);
  }

  #configure(setup: MachineSetup): MachineConfig {
    return {
      board: setup.board,
      cpus: setup.cpus,
      ramBytes: setup.ramBytes,
      sharedMemory: this.#sharedMemory,
      kernel: setup.kernel,
      ...(setup.initrd && { initrd: setup.initrd }),
      ...(setup.dtb && { dtb: setup.dtb }),
      commandLine: setup.commandLine,
      disks: setup.disks.map((disk, index) => this.#disk(disk, index)),
      engine: setup.engine,
      ...(setup.cpu && { cpu: setup.cpu }),
    };
  }

  #disk(setup: DiskSetup, index: number): DiskConfig {
    const store = notifyCompletions(openStore(setup), () => this.#runner?.wake());
    return { store, serial: `bramble-disk${index}` };
  }
}

function openStore(setup: DiskSetup): BlockStore {
  if (setup.mode === 'remote') return new RemoteStore(setup.url, setup.sizeBytes, fetch.bind(globalThis));
  const { image, mode } = setup;
  const base = new BlobStore(image instanceof Blob ? image : new Blob([image as BlobPart]));
  return mode === 'readonly' ? base : new MemoryStore(base);
}
