/**
 * An import or export under way: stage, rate, time left, and how it ended. A job that failed stays, with
 * what went wrong, until the user takes it away.
 */
import type { DiskProgress } from '../../embed/disk-library.ts';
import { TransferMeter, type TransferView } from '../machine/transfer-meter.ts';
import { type DiskProblem, diskProblem } from './disk-words.ts';

export interface DiskJobFacts {
  readonly kind: 'import' | 'export';
  readonly name: string;
  /** An import of which only parts are fetched. */
  readonly isOnDemand?: boolean;
}

/** What the library's long methods take. */
export interface JobHandles {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: DiskProgress) => void;
}

export class DiskJob {
  readonly kind: DiskJobFacts['kind'];
  readonly name: string;
  readonly isOnDemand: boolean;
  /** Does the same once more after a failure; absent where that needs the user. */
  readonly again: (() => void) | undefined;
  readonly #changed: () => void;
  readonly #nowMs: () => number;
  readonly #controller = new AbortController();
  #meter = new TransferMeter();
  #stage: DiskProgress['stage'] | undefined;
  #problem: DiskProblem | undefined;

  constructor(
    { kind, name, isOnDemand = false }: DiskJobFacts,
    host: { readonly changed: () => void; readonly nowMs: () => number; readonly again?: () => void },
  ) {
    this.kind = kind;
    this.name = name;
    this.isOnDemand = isOnDemand;
    this.again = host.again;
    this.#changed = host.changed;
    this.#nowMs = host.nowMs;
  }

  /** Undefined before the first progress. */
  get stage(): DiskProgress['stage'] | undefined {
    return this.#stage;
  }
  get problem(): DiskProblem | undefined {
    return this.#problem;
  }
  get isCancelled(): boolean {
    return this.#controller.signal.aborted;
  }
  get transfer(): TransferView {
    return this.#meter.view(this.#nowMs());
  }

  cancel(): void {
    this.#controller.abort();
    this.#changed();
  }

  /** Resolves with what `work` gives, or with undefined when it failed or was cancelled. */
  async run<T>(work: (handles: JobHandles) => Promise<T>): Promise<T | undefined> {
    try {
      return await work({
        signal: this.#controller.signal,
        onProgress: (progress) => this.#progress(progress),
      });
    } catch (error) {
      if (!this.isCancelled) this.#problem = diskProblem(error);
      this.#changed();
      return undefined;
    }
  }

  #progress({ stage, doneBytes, totalBytes }: DiskProgress): void {
    if (stage !== this.#stage) {
      // Each stage has a speed of its own, and counts its own bytes.
      this.#meter = new TransferMeter();
      this.#stage = stage;
    }
    const total = totalBytes === undefined ? {} : { totalBytes };
    this.#meter.add({ what: 'disk', loadedBytes: doneBytes, ...total }, this.#nowMs());
    this.#changed();
  }
}
