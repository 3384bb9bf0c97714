/** Times and rates around the engine's own counters. */
import type { EngineStats } from '../emu/machine/contract.ts';
import type { MachineStats } from './protocol.ts';

/** A rate over less time than this would jump about. */
const RATE_PERIOD_MS = 950;
const MS_PER_SECOND = 1000;

const NO_STATS: EngineStats = {
  instructionsInterpreted: 0,
  instructionsTranslated: 0,
  exceptions: 0,
  interrupts: 0,
  tlbMisses: 0,
  mmioAccesses: 0,
  regionsCompiled: 0,
  bytesCompiled: 0,
  regionsAlive: 0,
  bytesAlive: 0,
  regionsChanged: 0,
  regionsEvicted: 0,
  regionsExtended: 0,
  decodedPages: 0,
  memoryBytes: 0,
};

export class RunStatistics {
  readonly #sharedMemory: boolean;
  #engine = NO_STATS;
  #startMs: number;
  #stopMs: number | undefined;
  #busyMs = 0;
  #mips = 0;
  #sampleMs: number;
  #sampleInstructions = 0;
  #hasRate = false;

  constructor(sharedMemory: boolean, nowMs: number) {
    this.#sharedMemory = sharedMemory;
    this.#startMs = this.#stopMs = this.#sampleMs = nowMs;
  }

  /** A new machine starts now. */
  begin(nowMs: number): void {
    this.#engine = NO_STATS;
    this.#startMs = this.#sampleMs = nowMs;
    this.#stopMs = undefined;
    this.#busyMs = this.#sampleInstructions = this.#mips = 0;
    this.#hasRate = false;
  }

  /** The machine has ended. */
  stop(nowMs: number): void {
    this.#stopMs ??= nowMs;
    this.#mips = 0;
    this.#hasRate = true;
  }

  addBusy(ms: number): void {
    this.#busyMs += ms;
  }

  update(engine: EngineStats): void {
    this.#engine = engine;
  }

  elapsedMs(nowMs: number): number {
    return (this.#stopMs ?? nowMs) - this.#startMs;
  }

  /** Starts a new period of the rate when the last one has passed; says whether it did. */
  tick(nowMs: number): boolean {
    if (nowMs - this.#sampleMs < RATE_PERIOD_MS) return false;
    this.#mips = this.#rate(nowMs);
    this.#sampleMs = nowMs;
    this.#sampleInstructions = this.#instructions;
    this.#hasRate = true;
    return true;
  }

  report(nowMs: number): MachineStats {
    return {
      ...this.#engine,
      wallSeconds: this.elapsedMs(nowMs) / MS_PER_SECOND,
      busySeconds: this.#busyMs / MS_PER_SECOND,
      mips: this.#hasRate ? this.#mips : this.#rate(nowMs),
      sharedMemory: this.#sharedMemory,
    };
  }

  get #instructions(): number {
    return this.#engine.instructionsInterpreted + this.#engine.instructionsTranslated;
  }

  /** Instructions per microsecond are millions per second. */
  #rate(nowMs: number): number {
    const elapsedMs = nowMs - this.#sampleMs;
    const perMs = elapsedMs > 0 ? (this.#instructions - this.#sampleInstructions) / elapsedMs : 0;
    return perMs / MS_PER_SECOND;
  }
}
