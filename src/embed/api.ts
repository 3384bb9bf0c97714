/**
 * The library face: what pages, embeds, the command line and tests use to run a machine.
 * Everything here is asynchronous where a worker is behind it; nothing here names a worker.
 */

/** Bytes to load: given at once, picked by the user, or fetched (by URL, http or relative). */
export type ByteSource = Uint8Array | Blob | string;

export interface DiskOptions {
  readonly source: ByteSource;
  /** `snapshot`: guest writes are kept in memory and dropped at the end (the default in the browser). */
  readonly mode?: 'snapshot' | 'readonly';
}

export type EngineMode = 'normal' | 'interpret' | 'translate';

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
  readonly engine?: EngineMode;
  /** Start running as soon as everything is loaded; default true. */
  readonly autostart?: boolean;
}

export type MachineState = 'loading' | 'running' | 'paused' | 'off' | 'failed';

/** What went wrong, in words for the user. */
export interface MachineError {
  /** Stable identifier of the kind of failure. */
  readonly code:
    | 'bad-kernel'
    | 'bad-initrd'
    | 'bad-dtb'
    | 'bad-disk'
    | 'memory'
    | 'fetch'
    | 'guest-panic'
    | 'no-init'
    | 'unsupported-instruction'
    | 'internal';
  readonly message: string;
  /** What the user can do about it. */
  readonly hint?: string;
  /** Technical details for a report: PC, instruction bytes, stack. */
  readonly details?: string;
}

/** Progress of loading one file. */
export interface LoadProgress {
  readonly what: 'kernel' | 'initrd' | 'dtb' | 'disk' | 'engine';
  readonly loadedBytes: number;
  /** Absent when the server does not tell. */
  readonly totalBytes?: number;
}

/** Phases of a boot, recognised from what the guest prints. */
export type BootPhase = 'load' | 'firmware' | 'kernel' | 'init' | 'ready';

export interface MachineStats {
  readonly wallSeconds: number;
  /** Time during which guest code ran. */
  readonly busySeconds: number;
  readonly instructionsInterpreted: number;
  readonly instructionsTranslated: number;
  /** Million instructions per second over the last second. */
  readonly mips: number;
  readonly exceptions: number;
  readonly interrupts: number;
  readonly tlbMisses: number;
  readonly mmioAccesses: number;
  readonly regionsCompiled: number;
  readonly bytesCompiled: number;
  readonly decodedPages: number;
  readonly memoryBytes: number;
  /** Whether guest RAM is shared memory, which needs a cross-origin isolated page. */
  readonly sharedMemory: boolean;
}

export interface MachineEvents {
  state: MachineState;
  /** Bytes the guest wrote to its console. */
  console: Uint8Array;
  progress: LoadProgress;
  phase: { readonly phase: BootPhase; readonly elapsedMs: number };
  stats: MachineStats;
  /** A guest that stopped by itself: why. */
  exit: { readonly reason: 'power-off' | 'reset' | 'failed' };
  error: MachineError;
  /** One line of the engine's log. */
  log: { readonly severity: 'info' | 'warning' | 'error'; readonly component: string; readonly message: string };
}

export interface Machine {
  readonly state: MachineState;
  on<K extends keyof MachineEvents>(event: K, listener: (value: MachineEvents[K]) => void): () => void;
  start(): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Starts again from the same options; RAM is cleared. */
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
  /** Resolves when the console's output, from now on, matches; rejects when the machine ends first or on timeout. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** Stops everything and frees the memory. The object is dead afterwards. */
  destroy(): Promise<void>;
}
