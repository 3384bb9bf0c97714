/** A Debian guest in a process of its own, used through its console. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { ConsoleWaiters } from '../../src/embed/console-waiters.ts';
import { usageOf } from '../bench/process-usage.ts';
import type { MachineCommand } from './machines.ts';

const MS_PER_SECOND = 1000;
const END_TIMEOUT_MS = 60_000;
const LONGEST_DIAGNOSIS = 2000;
/** The shell joins the quoted halves, so that the typed line itself does not match. */
const END_TYPED = "printf '\\nproof'-'end %d\\n' $?";
const END = /^([\s\S]*?)^proof-end (\d+)$/m;
export const SHELL_PROMPT = /root@debian:\S+# $/;
/** Without a line editor, the console shows output and nothing else. */
const PLAIN_SHELL = 'stty -echo; exec env TERM=dumb PS1="proof# " bash --norc --noediting';
const PLAIN_PROMPT = /^proof# $/m;

/** Guests do not outlive the program, however it ends. */
const living = new Set<ChildProcessWithoutNullStreams>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface CommandResult {
  readonly output: string;
  readonly status: number;
  readonly time: Spent;
}

/** How long something took, on the clock and on the host's processors. */
export interface Spent {
  readonly seconds: number;
  /** Of the process that runs the guest; absent where the system does not tell. */
  readonly cpuSeconds?: number;
}

export class ProofGuest {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiters = new ConsoleWaiters();
  readonly #startMs = performance.now();
  readonly #ended: Promise<void>;
  #diagnosis = '';

  constructor({ file, args }: MachineCommand) {
    this.#process = spawn(file, args);
    living.add(this.#process);
    this.#process.stdout.on('data', (bytes: Uint8Array) => this.#waiters.push(bytes));
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

  /** From the start of the process until now. */
  #spent(): Spent {
    const cpuSeconds = usageOf(this.#process.pid ?? 0)?.cpuSeconds;
    const seconds = (performance.now() - this.#startMs) / MS_PER_SECOND;
    return { seconds, ...(cpuSeconds !== undefined && { cpuSeconds }) };
  }

  /** What it took from the start of the process to the match. */
  async waitFor(pattern: RegExp, timeoutSeconds: number): Promise<Spent> {
    await this.#waiters.waitFor(pattern, timeoutSeconds * MS_PER_SECOND);
    return this.#spent();
  }

  type(text: string): void {
    this.#process.stdin.write(text);
  }

  /** Makes the shell at the prompt one that `run` can use. */
  async plainShell(timeoutSeconds: number): Promise<void> {
    const ready = this.#waiters.waitFor(PLAIN_PROMPT, timeoutSeconds * MS_PER_SECOND);
    this.type(`${PLAIN_SHELL}\r`);
    await ready;
  }

  async run(command: string, timeoutSeconds: number): Promise<CommandResult> {
    const before = this.#spent();
    const ended = this.#waiters.waitFor(END, timeoutSeconds * MS_PER_SECOND);
    this.type(`${command}; ${END_TYPED}\r`);
    const [, output = '', status] = await ended;
    return { output, status: Number(status), time: difference(this.#spent(), before) };
  }

  /** Types `command`, which switches the machine off, and waits for the end of the process. */
  async leave(command: string): Promise<void> {
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), END_TIMEOUT_MS);
    this.type(`${command}\r`);
    await this.#ended;
    clearTimeout(killer);
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

function difference(after: Spent, before: Spent): Spent {
  const seconds = after.seconds - before.seconds;
  if (after.cpuSeconds === undefined || before.cpuSeconds === undefined) return { seconds };
  return { seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds };
}
