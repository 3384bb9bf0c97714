/** What the command line needs of a running machine, wherever it runs. */
import type { ExitReason, LogLine, MachineError, MachineStats } from '../embed/api.ts';
import type { VmOptions } from './options.ts';

/** The options with nothing left open: which files, and which command line. */
export interface GuestFiles {
  readonly kernel: string;
  readonly initrd: string | undefined;
  readonly dtb: string | undefined;
  readonly append: string;
}

export type SessionOptions = GuestFiles &
  Pick<VmOptions, 'memoryMiB' | 'disks' | 'engine'> &
  Partial<Pick<VmOptions, 'cpu' | 'profile' | 'whenQuiet'>>;

export interface SessionEvents {
  console(bytes: Uint8Array): void;
  exit(reason: ExitReason): void;
  error(error: MachineError): void;
  log(line: LogLine): void;
}

/** What the process that runs the guest has used so far. */
export interface HostUsage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
}

export interface GuestSession {
  /** Name and version of what runs the machine. */
  readonly host: string;
  /** Loads the files and boots. Failures arrive as events. */
  start(): Promise<void>;
  type(bytes: Uint8Array): void;
  resizeConsole(columns: number, rows: number): void;
  pressPowerKey(): void;
  stats(): Promise<MachineStats>;
  usage(): Promise<HostUsage>;
  close(): Promise<void>;
}

/** @throws {Error} in words, when the host itself cannot be had. */
export type OpenSession = (options: SessionOptions, events: SessionEvents) => Promise<GuestSession>;
