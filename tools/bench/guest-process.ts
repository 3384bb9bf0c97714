/** A guest in a process of its own, used through its console; what its end and its diagnosis were. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { ConsoleWaiters } from '../../src/embed/console-waiters.ts';
import { type ProcessUsage, usageOf } from './process-usage.ts';

const MS_PER_SECOND = 1000;
const LONGEST_DIAGNOSIS = 2000;

/** Guests do not outlive the program, however it ends. */
const living = new Set<ChildProcessWithoutNullStreams>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export class GuestProcess {
  /** The end of what the console showed, and of what the process said about itself. */
  lastOutput = '';
  diagnosis = '';
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiters = new ConsoleWaiters();
  readonly #startMs = performance.now();
  readonly #ended: Promise<void>;

  constructor(file: string, args: readonly string[]) {
    this.#process = spawn(file, args);
    living.add(this.#process);
    this.#process.stdout.on('data', (bytes: Uint8Array) => {
      this.lastOutput = (this.lastOutput + bytes).slice(-LONGEST_DIAGNOSIS);
      this.#waiters.push(bytes);
    });
    this.#process.stderr.on('data', (bytes: Uint8Array) => {
      this.diagnosis = (this.diagnosis + bytes).slice(-LONGEST_DIAGNOSIS);
    });
    // A write to a process that has ended; its end is reported as such.
    this.#process.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', () => resolve());
      this.#process.once('close', () => resolve());
    });
    void this.#ended.then(() => {
      living.delete(this.#process);
      this.#waiters.rejectAll(`the guest ended. ${this.diagnosis}`);
    });
  }

  /** Since the start of the process. */
  get seconds(): number {
    return (performance.now() - this.#startMs) / MS_PER_SECOND;
  }

  /** Of the process that runs the guest; undefined where the system does not tell. */
  usage(): ProcessUsage | undefined {
    return usageOf(this.#process.pid ?? 0);
  }

  type(text: string): void {
    this.#process.stdin.write(text);
  }

  /** The next match in what the console shows. @throws {Error} when the guest ends or takes too long */
  waitFor(pattern: RegExp, timeoutSeconds: number): Promise<RegExpMatchArray> {
    return this.#waiters.waitFor(pattern, timeoutSeconds * MS_PER_SECOND);
  }

  /** Types what makes the guest end, and ends its process when it does not. */
  async leave(farewell: string, timeoutSeconds: number): Promise<void> {
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), timeoutSeconds * MS_PER_SECOND);
    this.type(farewell);
    await this.#ended;
    clearTimeout(killer);
  }

  /** Ends a guest that does not answer. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}
