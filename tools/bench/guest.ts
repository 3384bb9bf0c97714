/** A guest that is measured: boots, runs commands, is switched off. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { GuestCommand } from './engines.ts';
import { GuestProcess } from './guest-process.ts';
import type { ProcessUsage } from './process-usage.ts';
import { PROMPT } from './workloads.ts';

const POWER_OFF_TIMEOUT_SECONDS = 30;
/** The shell joins the quoted halves; the echo of the typed line does not match. */
const END_TYPED = "echo bench'-end' $?";
const END = /^([\s\S]*?)^bench-end (\d+)$/m;
const LONGEST_QUOTE = 200;

export interface GuestEnd {
  /** Between the start of the process and the start of the machine; 0 where they are one. */
  readonly startupSeconds: number;
  /** Name and version of what ran the guest, where it tells. */
  readonly host: string | undefined;
}

export class BenchGuest {
  readonly #command: GuestCommand;
  readonly #process: GuestProcess;

  constructor(command: GuestCommand) {
    this.#command = command;
    if (command.stats !== undefined) rmSync(command.stats, { force: true });
    this.#process = new GuestProcess(command.file, command.args);
  }

  /** Seconds from the start of the process to the shell's prompt. */
  async booted(timeoutSeconds: number): Promise<number> {
    await this.#process.waitFor(PROMPT, timeoutSeconds);
    return this.#process.seconds;
  }

  /** Runs one command of the shell; its output. @throws {Error} when it fails or takes too long */
  async run(command: string, timeoutSeconds: number): Promise<string> {
    this.#process.type(`${command}; ${END_TYPED}\r`);
    const [, output = '', status] = await this.#process.waitFor(END, timeoutSeconds);
    if (status !== '0')
      throw new Error(`"${command}" ended with status ${status}: ${output.slice(-LONGEST_QUOTE)}`);
    return output;
  }

  usage(): ProcessUsage | undefined {
    return this.#process.usage();
  }

  /** Switches the guest off, and ends its process when it does not. */
  async close(): Promise<GuestEnd> {
    await this.#process.leave('\rpoweroff -f\r', POWER_OFF_TIMEOUT_SECONDS);
    const { stats } = this.#command;
    if (stats === undefined) return { startupSeconds: 0, host: undefined };
    if (!existsSync(stats)) {
      const { lastOutput, diagnosis } = this.#process;
      const output = JSON.stringify(lastOutput.slice(-LONGEST_QUOTE));
      throw new Error(`the guest could not be switched off. ${diagnosis} Its last words: ${output}`);
    }
    return JSON.parse(readFileSync(stats, 'utf8')) as GuestEnd;
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }
}
