/**
 * The one protocol between a page and the worker that runs a machine.
 * Two planes: `MachineControl` is called through Comlink, a few times per user action; everything that
 * flows (console bytes, state, progress of the boot, statistics) are `DataMessage`s on one MessagePort,
 * whose order is the order of events.
 */

import type { CpuName } from '../emu/cpu/profiles.ts';
import type { GuestFile } from '../emu/machine/guest-file.ts';

export type { CpuName };
export type EngineMode = 'normal' | 'interpret' | 'translate';

/** What the machine does now. The page adds `loading` for the time before there is one. */
export type RunnerState = 'running' | 'paused' | 'off' | 'failed';

/** Phases of a boot, recognised from what the guest prints. */
export type BootPhase = 'load' | 'firmware' | 'kernel' | 'init' | 'ready';

/** What went wrong, in words for the user. */
export interface MachineError {
  /** Stable identifier of the kind of failure. */
  readonly code:
    | 'bad-kernel'
    | 'bad-initrd'
    | 'bad-dtb'
    | 'bad-disk'
    | 'bad-options'
    | 'disk-full'
    | 'disk-lost'
    | 'memory'
    | 'fetch'
    | 'guest-panic'
    | 'no-init'
    | 'unsupported-instruction'
    | 'internal';
  readonly message: string;
  /** What the user can do about it. */
  readonly hint?: string;
  /** Technical details for a report: PC, instruction bytes, stack, the guest's last lines. */
  readonly details?: string;
}

export interface MachineStats {
  /** Time since the machine was started, pauses included. */
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
  readonly regionsAlive: number;
  readonly bytesAlive: number;
  /** Regions thrown away: because their code changed, for the room, or to take in a new target of a jump. */
  readonly regionsChanged: number;
  readonly regionsEvicted: number;
  readonly regionsExtended: number;
  readonly decodedPages: number;
  readonly memoryBytes: number;
  /** Whether guest RAM is shared memory, which needs a cross-origin isolated page. */
  readonly sharedMemory: boolean;
}

export interface LogLine {
  readonly severity: 'info' | 'warning' | 'error';
  readonly component: string;
  readonly message: string;
}

/** A guest that stopped by itself: why. */
export type ExitReason = 'power-off' | 'reset' | 'failed';

/**
 * A disk as the page hands it over: immutable bytes, with the guest's writes in an overlay; a server; or a
 * disk of the library, which a storage thread serves at the other end of a port.
 */
export type DiskSetup =
  | { readonly mode: 'snapshot' | 'readonly'; readonly image: Blob | Uint8Array }
  | { readonly mode: 'remote'; readonly url: string; readonly sizeBytes: number }
  | {
      readonly mode: 'library';
      readonly port: MessagePort;
      readonly sizeBytes: number;
      /** The guest's writes stay in memory. */
      readonly isSnapshot: boolean;
    };

/** What a machine is made of but for what boots on it, as structured clone carries it. */
export interface MachineSetup {
  readonly board: 'virt';
  readonly cpus: 1;
  readonly ramBytes: number;
  readonly commandLine: string;
  readonly disks: readonly DiskSetup[];
  readonly engine: EngineMode;
  readonly cpu?: CpuName;
  /** The interpreter, compiled; the worker generates it without. */
  readonly interpreter?: WebAssembly.Module;
}

/** What boots. gzip-compressed kernels and initrds may have been unpacked on the way. */
export interface MachineFiles {
  readonly kernel: GuestFile;
  readonly initrd?: GuestFile;
  readonly dtb?: GuestFile;
}

/** The worker's end of both planes' byte streams; memory only where pages may share it. */
export interface DataPlane {
  readonly port: MessagePort;
  /** Rings for console output and input; absent when the page is not isolated. */
  readonly rings?: { readonly output: SharedArrayBuffer; readonly input: SharedArrayBuffer };
}

/** How many data messages the worker has posted so far: whoever has received as many is up to date. */
export type PostedCount = number;

/** The control plane. Methods resolve when what they ask for has happened. */
export interface MachineControl {
  connect(plane: DataPlane): void | Promise<void>;
  /** Makes the machine, which then waits for its files; they come while it is being made. */
  load(setup: MachineSetup): PostedCount | Promise<PostedCount>;
  supply(files: MachineFiles): PostedCount | Promise<PostedCount>;
  /** Boots the machine, or goes on when it is paused. Failures arrive as an `error` message. */
  start(): PostedCount | Promise<PostedCount>;
  pause(): PostedCount | Promise<PostedCount>;
  reset(): PostedCount | Promise<PostedCount>;
  pressPowerKey(): PostedCount | Promise<PostedCount>;
  powerOff(): PostedCount | Promise<PostedCount>;
  resizeConsole(columns: number, rows: number): PostedCount | Promise<PostedCount>;
  stats(): MachineStats | Promise<MachineStats>;
}

/** What one side of a byte stream tells the other; see byte-channel.ts. */
export type ByteMessage =
  /** Bytes that did not go through a ring; their buffer is transferred. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** The ring was empty and now holds bytes. */
  | { readonly kind: 'ready' }
  /** The receiver took so many bytes; a sender that waited may go on. */
  | { readonly kind: 'taken'; readonly count: number };

/** Messages of the data plane. `input` runs from the page to the worker, `console` the other way. */
export type DataMessage =
  | { readonly kind: 'console'; readonly message: ByteMessage }
  | { readonly kind: 'input'; readonly message: ByteMessage }
  | { readonly kind: 'state'; readonly state: RunnerState }
  | { readonly kind: 'phase'; readonly phase: BootPhase; readonly elapsedMs: number }
  | { readonly kind: 'stats'; readonly stats: MachineStats }
  | { readonly kind: 'exit'; readonly reason: ExitReason }
  | { readonly kind: 'error'; readonly error: MachineError }
  | { readonly kind: 'log'; readonly line: LogLine };
