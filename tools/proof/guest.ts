/** A Debian guest and its shell: commands with their output, status and time. */
import { GuestProcess } from '../bench/guest-process.ts';
import type { MachineCommand } from './machines.ts';

const END_TIMEOUT_SECONDS = 60;
/** The shell joins the quoted halves, so that the typed line itself does not match. */
const END_TYPED = "printf '\\nproof'-'end %d\\n' $?";
const END = /^([\s\S]*?)^proof-end (\d+)$/m;
export const SHELL_PROMPT = /root@debian:\S+# $/;
/** Without a line editor, the console shows output and nothing else. */
const PLAIN_SHELL = 'stty -echo; exec env TERM=dumb PS1="proof# " bash --norc --noediting';
const PLAIN_PROMPT = /^proof# $/m;

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
  readonly #process: GuestProcess;

  constructor({ file, args }: MachineCommand) {
    this.#process = new GuestProcess(file, args);
  }

  /** From the start of the process until now. */
  #spent(): Spent {
    const cpuSeconds = this.#process.usage()?.cpuSeconds;
    return { seconds: this.#process.seconds, ...(cpuSeconds !== undefined && { cpuSeconds }) };
  }

  /** What it took from the start of the process to the match. */
  async waitFor(pattern: RegExp, timeoutSeconds: number): Promise<Spent> {
    await this.#process.waitFor(pattern, timeoutSeconds);
    return this.#spent();
  }

  type(text: string): void {
    this.#process.type(text);
  }

  /** Makes the shell at the prompt one that `run` can use. */
  async plainShell(timeoutSeconds: number): Promise<void> {
    const ready = this.#process.waitFor(PLAIN_PROMPT, timeoutSeconds);
    this.type(`${PLAIN_SHELL}\r`);
    await ready;
  }

  async run(command: string, timeoutSeconds: number): Promise<CommandResult> {
    const before = this.#spent();
    const ended = this.#process.waitFor(END, timeoutSeconds);
    this.type(`${command}; ${END_TYPED}\r`);
    const [, output = '', status] = await ended;
    return { output, status: Number(status), time: difference(this.#spent(), before) };
  }

  /** Types `command`, which switches the machine off, and waits for the end of the process. */
  leave(command: string): Promise<void> {
    return this.#process.leave(`${command}\r`, END_TIMEOUT_SECONDS);
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }
}

function difference(after: Spent, before: Spent): Spent {
  const seconds = after.seconds - before.seconds;
  if (after.cpuSeconds === undefined || before.cpuSeconds === undefined) return { seconds };
  return { seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds };
}
