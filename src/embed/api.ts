/**
 * The library face: what pages, embeds, the command line and tests use to run a machine.
 * Everything here is asynchronous where a worker is behind it; nothing here names a worker.
 */
import type {
  BootPhase,
  CpuName,
  EngineMode,
  ExitReason,
  LogLine,
  MachineError,
  MachineStats,
  RunnerState,
} from '../workers/protocol.ts';

export type { BootPhase, CpuName, EngineMode, ExitReason, LogLine, MachineError, MachineStats };

/** Bytes to load: given at once, picked by the user, or fetched (by URL, http or relative to the page). */
export type ByteSource = Uint8Array | Blob | string;

export type DiskOptions =
  | {
      readonly source: ByteSource;
      /** `snapshot`: guest writes are kept in memory and dropped at the end (the default). */
      readonly mode?: 'snapshot' | 'readonly';
    }
  /** A server that answers ranges and takes writes at this address; nothing is loaded beforehand. */
  | { readonly source: string; readonly mode: 'remote' }
  /** A disk of the library, by its id; `write` (the default) keeps what the guest writes. */
  | { readonly library: string; readonly mode?: 'write' | 'snapshot' };

export interface MachineOptions {
  readonly board?: 'virt';
  readonly cpus?: 1;
  /** Guest RAM in MiB, 32 to 3072; default 512. */
  readonly memoryMiB?: number;
  /** An arm64 Linux Image, plain or gzip-compressed, or a raw binary that is entered at its start. */
  readonly kernel: ByteSource;
  readonly initrd?: ByteSource;
  /** Replaces the generated device tree. */
  readonly dtb?: ByteSource;
  readonly commandLine?: string;
  readonly disks?: readonly DiskOptions[];
  /** Which CPU the guest sees: a chip's features, or all; default `max`. */
  readonly cpu?: CpuName;
  readonly engine?: EngineMode;
  /** Start running as soon as everything is loaded; default true. Otherwise the machine is `off` then. */
  readonly autostart?: boolean;
}

export type MachineState = 'loading' | RunnerState;

/** Progress of loading one file. */
export interface LoadProgress {
  readonly what: 'kernel' | 'initrd' | 'dtb' | 'disk' | 'engine';
  readonly loadedBytes: number;
  /** Absent when the server does not tell. */
  readonly totalBytes?: number;
}

export interface MachineEvents {
  state: MachineState;
  /** Bytes the guest wrote to its console. */
  console: Uint8Array;
  progress: LoadProgress;
  /** `elapsedMs` counts from the start of the guest; `load` comes first, with 0. */
  phase: { readonly phase: BootPhase; readonly elapsedMs: number };
  /** About once a second while the machine is there, and once when it stops. */
  stats: MachineStats;
  /** Whether all that the guest wrote to its library disks is kept; told within about a second of a change. */
  writes: { readonly areKept: boolean };
  /** The guest stopped by itself; after `reset` the machine goes on by booting again. */
  exit: { readonly reason: ExitReason };
  /** The state is `failed` afterwards when the machine cannot go on; some errors it survives. */
  error: MachineError;
  /** One line of the engine's log. */
  log: LogLine;
}

export interface Machine {
  readonly state: MachineState;
  /** Calls `listener` for every event from now on; the result takes it off again. */
  on<K extends keyof MachineEvents>(event: K, listener: (value: MachineEvents[K]) => void): () => void;
  /** Boots from `off` or `failed`, goes on from `paused`. Failures arrive as `error` events. */
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Starts again from the same options; RAM is cleared, disks keep what the guest wrote. */
  reset(): Promise<void>;
  /** Presses the power key: the guest shuts itself down. */
  pressPowerKey(): Promise<void>;
  /** Pulls the plug: the machine is `off` afterwards; `start` boots it again. */
  powerOff(): Promise<void>;
  /** Types into the guest's console; text is sent as UTF-8. */
  type(input: string | Uint8Array): void;
  /** Tells the guest the size of its console window (virtio console). */
  resizeConsole(columns: number, rows: number): void;
  stats(): Promise<MachineStats>;
  /**
   * Resolves when the console's output, from now on, matches; rejects when the machine ends first or on
   * timeout. Matched is readable text: escape sequences are removed, lines end with \n.
   */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Stops everything and frees the memory. The object is dead afterwards. */
  destroy(): Promise<void>;
}

/**
 * Makes a machine in a worker of its own. Resolves at once with a machine that is `loading`, so that its
 * progress can be followed; files that cannot be loaded end in an `error` event and the state `failed`.
 * @throws {RangeError} when an option is out of its range.
 */
export type CreateMachine = (options: MachineOptions) => Promise<Machine>;
