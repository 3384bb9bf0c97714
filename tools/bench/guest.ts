/** A guest in a process of its own, used through its console: boots, runs commands, is switched off. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { ConsoleWaiters } from '../../src/embed/console-waiters.ts';
import type { GuestCommand } from './engines.ts';
import { type ProcessUsage, usageOf } from './process-usage.ts';
import { PROMPT } from './workloads.ts';

const MS_PER_SECOND = 1000;
const POWER_OFF_TIMEOUT_MS = 30_000;
/** The shell joins the quoted halves; the echo of the typed line does not match. */
const END_TYPED = "echo bench'-end' $?";
const END = /^([\s\S]*?)^bench-end (\d+)$/m;
const LONGEST_DIAGNOSIS = 2000;
const LONGEST_QUOTE = 200;

/** Guests do not outlive the measurement, however it ends. */
const living = new Set<ChildProcessWithoutNullStreams>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface GuestEnd {
  /** Between the start of the process and the start of the machine; 0 where they are one. */
  readonly startupSeconds: number;
  /** Name and version of what ran the guest, where it tells. */
  readonly host: string | undefined;
}

export class BenchGuest {
  readonly #command: GuestCommand;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiters = new ConsoleWaiters();
  readonly #startMs = performance.now();
  readonly #ended: Promise<void>;
  #lastOutput = '';
  #diagnosis = '';

  constructor(command: GuestCommand) {
    this.#command = command;
    if (command.stats !== undefined) rmSync(command.stats, { force: true });
    this.#process = spawn(command.file, command.args);
    living.add(this.#process);
    this.#process.stdout.on('data', (bytes: Uint8Array) => {
      this.#lastOutput = (this.#lastOutput + bytes).slice(-LONGEST_DIAGNOSIS);
      this.#waiters.push(bytes);
    });
    this.#process.stderr.on('data', (bytes: Uint8Array) => {
      this.#diagnosis = (this.#diagnosis + bytes).slice(-LONGEST_DIAGNOSIS);
    });
    // A write to a process that has ended; its end is reported as such.
    this.#process.stdin.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', () => resolve());
      this.#process.once('close', () => resolve());
    });
    void this.#ended.then(() => {
      living.delete(this.#process);
      this.#waiters.rejectAll(`the guest ended. ${this.#diagnosis}`);
    });
  }

  /** Seconds from the start of the process to the shell's prompt. */
  async booted(timeoutSeconds: number): Promise<number> {
    await this.#waiters.waitFor(PROMPT, timeoutSeconds * MS_PER_SECOND);
    return (performance.now() - this.#startMs) / MS_PER_SECOND;
  }

  /** Runs one command of the shell; its output. @throws {Error} when it fails or takes too long */
  async run(command: string, timeoutSeconds: number): Promise<string> {
    this.#process.stdin.write(`${command}; ${END_TYPED}\r`);
    const [, output = '', status] = await this.#waiters.waitFor(END, timeoutSeconds * MS_PER_SECOND);
    if (status !== '0')
      throw new Error(`"${command}" ended with status ${status}: ${output.slice(-LONGEST_QUOTE)}`);
    return output;
  }

  /** Of the process that runs the guest; undefined where the system does not tell. */
  usage(): ProcessUsage | undefined {
    return usageOf(this.#process.pid ?? 0);
  }

  /** Switches the guest off, and ends its process when it does not. */
  async close(): Promise<GuestEnd> {
    this.#process.stdin.write('\rpoweroff -f\r');
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), POWER_OFF_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(killer);
    const { stats } = this.#command;
    if (stats === undefined) return { startupSeconds: 0, host: undefined };
    if (!existsSync(stats)) {
      const output = JSON.stringify(this.#lastOutput.slice(-LONGEST_QUOTE));
      throw new Error(`the guest could not be switched off. ${this.#diagnosis} Its last words: ${output}`);
    }
    return JSON.parse(readFileSync(stats, 'utf8')) as GuestEnd;
  }

  /** Ends a guest that does not answer. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}
