/** The command line's machine in this process. */
import { readFileSync } from 'node:fs';
import { cpuUsage, memoryUsage, resourceUsage } from 'node:process';
import type { MachineStats } from '../embed/api.ts';
import type { CreateVirtualMachine, DiskConfig, MachineConfig } from '../emu/machine/contract.ts';
import type { MachineRunner } from '../workers/machine-runner.ts';
import { createNodeRunner } from '../workers/node-host.ts';
import { type OpenDisk, openDisk } from './disk-file.ts';
import type { GuestSession, HostUsage, OpenSession, SessionEvents, SessionOptions } from './guest-session.ts';

const BYTES_PER_MIB = 1 << 20;
const BYTES_PER_KIB = 1 << 10;
const MICROSECONDS_PER_SECOND = 1e6;

export function nodeSessions(createMachine: CreateVirtualMachine): OpenSession {
  return async (options, events): Promise<GuestSession> => new NodeSession(createMachine, options, events);
}

class NodeSession implements GuestSession {
  readonly host = `Node ${process.versions.node}`;
  readonly #createMachine: CreateVirtualMachine;
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #disks: OpenDisk[] = [];
  #runner: MachineRunner | undefined;

  constructor(createMachine: CreateVirtualMachine, options: SessionOptions, events: SessionEvents) {
    this.#createMachine = createMachine;
    this.#options = options;
    this.#events = events;
  }

  async start(): Promise<void> {
    for (const disk of this.#options.disks) this.#disks.push(await openDisk(disk));
    const config = configure(this.#options, this.#disks);
    const { console, exit, error, log } = this.#events;
    const ignore = (): void => {};
    const events = { state: ignore, phase: ignore, stats: ignore, exit, error, log };
    this.#runner = createNodeRunner(this.#createMachine, config, console, events);
    await this.#runner.start();
  }

  type(bytes: Uint8Array): void {
    this.#runner?.consoleInput(bytes);
  }

  resizeConsole(columns: number, rows: number): void {
    this.#runner?.resizeConsole(columns, rows);
  }

  pressPowerKey(): void {
    this.#runner?.pressPowerKey();
  }

  async stats(): Promise<MachineStats> {
    if (!this.#runner) throw new Error('the machine has not been started');
    return this.#runner.stats();
  }

  async usage(): Promise<HostUsage> {
    const { user, system } = cpuUsage();
    return {
      cpuSeconds: (user + system) / MICROSECONDS_PER_SECOND,
      rssBytes: memoryUsage.rss(),
      peakRssBytes: resourceUsage().maxRSS * BYTES_PER_KIB,
    };
  }

  async close(): Promise<void> {
    this.#runner?.powerOff();
    for (const disk of this.#disks.splice(0)) await disk.close();
  }
}

function configure(options: SessionOptions, disks: readonly OpenDisk[]): MachineConfig {
  const initrd = readOptional('initrd', options.initrd);
  const dtb = readOptional('dtb', options.dtb);
  return {
    board: 'virt',
    cpus: 1,
    ramBytes: options.memoryMiB * BYTES_PER_MIB,
    sharedMemory: true,
    kernel: readGuestFile('kernel', options.kernel),
    ...(initrd && { initrd }),
    ...(dtb && { dtb }),
    commandLine: options.append,
    disks: disks.map(({ store }, index): DiskConfig => ({ store, serial: `bramble-disk${index}` })),
    engine: options.engine,
    ...(options.cpu && { cpu: options.cpu }),
    profile: options.profile ?? false,
  };
}

function readOptional(what: string, path: string | undefined): Uint8Array | undefined {
  return path === undefined ? undefined : readGuestFile(what, path);
}

/** @throws {Error} in words */
function readGuestFile(what: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (failure) {
    throw new Error(`the ${what} cannot be read: ${failure instanceof Error ? failure.message : failure}`);
  }
}
