/**
 * One run of a machine from the command line: connects the guest's console with the streams and decides
 * how the run ends. Streams, session and exit are given, so that tests run it whole.
 */
import { writeFileSync } from 'node:fs';
import type { MachineError, MachineStats } from '../embed/api.ts';
import { ConsoleWaiters } from '../embed/console-waiters.ts';
import { ConsoleText } from '../workers/console-text.ts';
import type { GuestFiles, GuestSession, HostUsage, OpenSession, SessionEvents } from './guest-session.ts';
import type { InputSource } from './input-source.ts';
import { LineTyper } from './line-typer.ts';
import type { VmOptions } from './options.ts';
import { type Ending, formatReport } from './run-report.ts';

const STATUS: Record<Ending, number> = { 'power-off': 0, until: 0, left: 0, error: 1, timeout: 124 };
const MS_PER_SECOND = 1000;

export interface RunIo {
  readonly input: InputSource;
  /** Takes the guest's console output. */
  readonly output: (bytes: Uint8Array) => void;
  /** Takes one line for the user. */
  readonly say: (line: string) => void;
  /** Milliseconds since the process started. */
  readonly nowMs: () => number;
}

/** Runs the guest to its end and returns the exit status. */
export async function runGuest(
  options: VmOptions,
  files: GuestFiles,
  openSession: OpenSession,
  io: RunIo,
): Promise<number> {
  return new GuestRun(options, files, io).run(openSession);
}

class GuestRun {
  readonly #options: VmOptions;
  readonly #files: GuestFiles;
  readonly #io: RunIo;
  readonly #waiters = new ConsoleWaiters();
  readonly #text = new ConsoleText();
  readonly #typer: LineTyper;
  #session: GuestSession | undefined;
  /** The session that is being made; it has to be waited for to be closed. */
  #opening: Promise<GuestSession> | undefined;
  #hasEnded = false;
  /** When the machine was asked for; until then the host was being made ready. */
  #startMs: number | undefined;
  #untilMs: number | undefined;
  #end: (ending: Ending) => void = () => {};

  constructor(options: VmOptions, files: GuestFiles, io: RunIo) {
    this.#options = options;
    this.#files = files;
    this.#io = io;
    this.#typer = new LineTyper(options.prompt, (bytes) => this.#session?.type(bytes));
  }

  async run(openSession: OpenSession): Promise<number> {
    const { timeoutSeconds } = this.#options;
    const ended = new Promise<Ending>((resolve) => {
      this.#end = resolve;
    });
    const timer =
      timeoutSeconds === undefined
        ? undefined
        : setTimeout(() => this.#end('timeout'), timeoutSeconds * MS_PER_SECOND);
    this.#watchUntil();
    this.#boot(openSession).catch((failure) => {
      if (this.#hasEnded) return;
      this.#io.say(failure instanceof Error ? failure.message : String(failure));
      this.#end('error');
    });
    const ending = await ended;
    this.#hasEnded = true;
    clearTimeout(timer);
    this.#io.input.close();
    if (ending === 'timeout') this.#say(`the time limit of ${timeoutSeconds} s has passed`);
    return this.#finish(ending);
  }

  async #boot(openSession: OpenSession): Promise<void> {
    const { memoryMiB, disks, cpu, engine, profile, whenQuiet } = this.#options;
    const wanted = { ...this.#files, memoryMiB, disks, cpu, engine, profile, whenQuiet };
    this.#opening = openSession(wanted, this.#events());
    const session = await this.#opening;
    if (this.#hasEnded) return;
    this.#session = session;
    this.#startMs = this.#io.nowMs();
    await session.start();
    this.#io.input.onResize((columns, rows) => session.resizeConsole(columns, rows));
    this.#connectInput(session);
  }

  #events(): SessionEvents {
    return {
      console: (bytes) => {
        this.#io.output(bytes);
        this.#waiters.push(bytes);
        this.#typer.output(this.#text.push(bytes));
      },
      exit: (reason) => {
        if (reason === 'power-off') this.#end('power-off');
        else if (reason === 'failed') this.#end('error');
        else this.#say('the guest restarts');
      },
      error: (error) => this.#explain(error),
      log: ({ severity, component, message }) => {
        if (severity !== 'info') this.#say(`${component}: ${message}`);
      },
    };
  }

  #connectInput(session: GuestSession): void {
    const { input } = this.#io;
    if (input.isTerminal || this.#options.typeAtOnce) {
      input.onBytes((bytes) => session.type(input.isTerminal ? bytes : newlinesAsEnter(bytes)));
    } else {
      input.onBytes((bytes) => this.#typer.input(bytes));
      input.onEnd(() => this.#typer.end());
    }
    input.onAction((action) => {
      if (action === 'leave') this.#end('left');
      else session.pressPowerKey();
    });
  }

  #watchUntil(): void {
    const { until } = this.#options;
    if (!until) return;
    void this.#waiters.waitFor(until).then(() => {
      this.#untilMs = this.#io.nowMs();
      this.#end('until');
    });
  }

  async #finish(ending: Ending): Promise<number> {
    let status = STATUS[ending];
    const endMs = this.#io.nowMs();
    const startMs = this.#startMs ?? endMs;
    const session = await this.#opening?.catch(() => undefined);
    let stats: MachineStats | undefined;
    let usage: HostUsage | undefined;
    try {
      if (this.#session && this.#options.stats !== undefined) {
        [stats, usage] = await Promise.all([this.#session.stats(), this.#session.usage()]);
      }
    } catch {
      // A machine that could not be loaded has no figures; the report says so.
    }
    try {
      await session?.close();
      if (this.#options.stats !== undefined) {
        const report = formatReport({
          ending,
          status,
          host: session?.host ?? this.#options.host,
          engine: this.#options.engine,
          startupSeconds: startMs / MS_PER_SECOND,
          wallSeconds: (endMs - startMs) / MS_PER_SECOND,
          untilSeconds: this.#untilMs && (this.#untilMs - startMs) / MS_PER_SECOND,
          stats,
          usage,
        });
        writeFileSync(this.#options.stats, report);
      }
    } catch (failure) {
      this.#io.say(failure instanceof Error ? failure.message : String(failure));
      status ||= STATUS.error;
    }
    return status;
  }

  #explain(error: MachineError): void {
    this.#io.say(error.message);
    if (error.hint) this.#io.say(error.hint);
    if (error.code === 'internal' && error.details) this.#io.say(error.details);
  }

  #say(line: string): void {
    if (!this.#options.quiet) this.#io.say(line);
  }
}

/** A terminal sends a carriage return for Enter; a file has newlines. */
function newlinesAsEnter(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte === NEWLINE ? CARRIAGE_RETURN : byte));
}
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
