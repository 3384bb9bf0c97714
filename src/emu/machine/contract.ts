/**
 * What the hosts of the engine (worker, command line, tests) see of a machine. Synchronous: a host calls
 * `runSlice` in a loop and does its own waiting, timers and message handling in between.
 */
import type { Clock, Entropy, Log, WallClock } from '../base/ports.ts';
import type { CpuName } from '../cpu/profiles.ts';
import type { RegionEvent } from '../jit/region-events.ts';
import type { TranslatorFactory } from '../jit/translator.ts';
import type { BlockStore } from '../storage/block-store.ts';
import type { Arriving, GuestFile } from './guest-file.ts';

export interface DiskConfig {
  readonly store: BlockStore;
  /** What the guest reads as the disk's identity (at most 20 ASCII characters). */
  readonly serial: string;
}

export interface MachineConfig {
  readonly board: 'virt';
  readonly cpus: 1;
  readonly ramBytes: number;
  /** Whether RAM is a shared WebAssembly.Memory. */
  readonly sharedMemory: boolean;
  /**
   * An arm64 Linux Image, plain or gzip; or a raw binary entered at its first byte. All files may still be on
   * their way when the machine is made: they are waited for once everything else is done.
   */
  readonly kernel: Arriving<GuestFile>;
  readonly initrd?: Arriving<GuestFile | undefined>;
  readonly dtb?: Arriving<GuestFile | undefined>;
  readonly commandLine: string;
  readonly disks: readonly DiskConfig[];
  /** Which CPU; `DEFAULT_CPU` without. */
  readonly cpu?: CpuName;
  readonly engine: 'normal' | 'interpret' | 'translate';
  /** The interpreter, made earlier (interpreter/interpreter-image.ts); it is generated without. */
  readonly interpreter?: WebAssembly.Module;
  /** Translated code gets names that a profiler shows. */
  readonly profile?: boolean;
}

export interface MachinePorts {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Takes bytes from the guest's serial port and console devices, in order. */
  readonly consoleOutput: (bytes: Uint8Array) => void;
  /** Translates hot code on another thread; without it that happens on the machine's own. */
  readonly translator?: TranslatorFactory;
  /** Told what becomes of translated code. */
  readonly onRegion?: (event: RegionEvent) => void;
}

/** A configuration that cannot become a machine, in words for the user. */
export class MachineConfigError extends Error {
  readonly code: 'bad-kernel' | 'bad-initrd' | 'bad-dtb' | 'bad-disk' | 'memory';
  readonly hint: string | undefined;
  constructor(code: MachineConfigError['code'], message: string, hint?: string) {
    super(message);
    this.name = 'MachineConfigError';
    this.code = code;
    this.hint = hint;
  }
}

export type SliceResult =
  /** The time was used up; call again soon. */
  | { readonly kind: 'ran' }
  /** The guest waits (WFI): nothing to do before `wakeAfterMs` or host input, whichever comes first. */
  | { readonly kind: 'idle'; readonly wakeAfterMs: number | undefined }
  | { readonly kind: 'off' }
  | { readonly kind: 'reset' };

/** Counters since the machine was made; see MachineStats of the embed API for their meaning. */
export interface EngineStats {
  readonly instructionsInterpreted: number;
  readonly instructionsTranslated: number;
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
}

export interface RunnableMachine {
  /**
   * Runs guest code for about `maxMs` milliseconds of host time, or less when the guest goes idle, off or
   * asks for a reset. Never throws because of the guest.
   */
  runSlice(maxMs: number): SliceResult;
  /** Offers bytes typed at the console; the machine queues them until the guest takes them. */
  consoleInput(bytes: Uint8Array): void;
  resizeConsole(columns: number, rows: number): void;
  pressPowerKey(): void;
  stats(): EngineStats;
}

/** `virtual-machine.ts` exports `createVirtualMachine` of this type. @throws {MachineConfigError} */
export type CreateVirtualMachine = (config: MachineConfig, ports: MachinePorts) => Promise<RunnableMachine>;
