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
import { PortStore } from './disk-port.ts';
import { createTurnScheduler, Doorbell } from './doorbell.ts';
import { holdWhileFull } from './full-disk.ts';
import { hostClock, hostEntropy, hostWallClock } from './host-ports.ts';
import { MachineRunner } from './machine-runner.ts';
import type {
  DataMessage,
  DataPlane,
  DiskSetup,
  MachineControl,
  MachineFiles,
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
  #supply: (files: MachineFiles) => void = () => {};
  #posted: PostedCount = 0;
  #doorbell = new Doorbell(createTurnScheduler());
  /** Requests that wait for the machine to go on. */
  #held: (() => void)[] = [];

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
    this.#runner?.powerOff();
    this.#doorbell = new Doorbell(createTurnScheduler());
    const config = this.#configure(setup);
    this.#runner = new MachineRunner(
      (ports) =>
        this.#createMachine(config, {
          clock: hostClock,
          wallClock: hostWallClock,
          entropy: hostEntropy,
          ...ports,
        }),
      { nowMs: () => performance.now(), doorbell: this.#doorbell, sink },
      {
        state: (state) => {
          this.#post({ kind: 'state', state });
          if (state === 'running') for (const goOn of this.#held.splice(0)) goOn();
        },
        phase: (phase, elapsedMs) => this.#post({ kind: 'phase', phase, elapsedMs }),
        stats: (stats) => this.#post({ kind: 'stats', stats }),
        exit: (reason) => this.#post({ kind: 'exit', reason }),
        error: (error) => this.#post({ kind: 'error', error }),
        log: (line) => this.#post({ kind: 'log', line }),
      },
      this.#sharedMemory,
    );
    this.#runner.prepare();
    return this.#posted;
  }

  supply(files: MachineFiles): PostedCount {
    this.#supply(files);
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
    const files = new Promise<MachineFiles>((resolve) => {
      this.#supply = resolve;
    });
    return {
      board: setup.board,
      cpus: setup.cpus,
      ramBytes: setup.ramBytes,
      sharedMemory: this.#sharedMemory,
      kernel: files.then(({ kernel }) => kernel),
      initrd: files.then(({ initrd }) => initrd),
      dtb: files.then(({ dtb }) => dtb),
      commandLine: setup.commandLine,
      disks: setup.disks.map((disk, index) => this.#disk(disk, index)),
      engine: setup.engine,
      ...(setup.cpu && { cpu: setup.cpu }),
      ...(setup.interpreter && { interpreter: setup.interpreter }),
    };
  }

  #disk(setup: DiskSetup, index: number): DiskConfig {
    const kept = holdWhileFull(openStore(setup), (reason) => this.#pauseForRoom(reason));
    return { store: notifyCompletions(kept, this.#doorbell), serial: `bramble-disk${index}` };
  }

  #pauseForRoom(reason: string): Promise<void> {
    const goesOn = new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.#runner?.state !== 'running') return goesOn;
    this.#runner.pause();
    this.#post({
      kind: 'error',
      error: {
        code: 'disk-full',
        message: `What the guest writes to its disk cannot be kept: ${reason}. The machine is paused.`,
        hint:
          'Nothing is lost so far. Make room (delete disks that are not needed, or free space on this ' +
          'computer), then resume. Without room the guest gets a write error when it goes on.',
      },
    });
    return goesOn;
  }
}

function openStore(setup: DiskSetup): BlockStore {
  if (setup.mode === 'library') {
    const { port, sizeBytes, isSnapshot } = setup;
    const store = new PortStore(port, { size: sizeBytes, readOnly: isSnapshot });
    return isSnapshot ? new MemoryStore(store) : store;
  }
  if (setup.mode === 'remote') return new RemoteStore(setup.url, setup.sizeBytes, fetch.bind(globalThis));
  const { image, mode } = setup;
  const base = new BlobStore(image instanceof Blob ? image : new Blob([image as BlobPart]));
  return mode === 'readonly' ? base : new MemoryStore(base);
}
