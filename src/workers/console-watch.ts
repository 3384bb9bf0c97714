/**
 * What a Linux guest says about itself on its console: phases of the boot and failures, as rows.
 * The lines are those of Linux' init/main.c, init/do_mounts.c, init/initramfs.c, kernel/panic.c and
 * arch/arm64/kernel/{setup,traps}.c; they start with a time stamp unless the guest turned that off.
 */
import type { BootPhase, MachineError } from './protocol.ts';

interface PhaseRow {
  readonly phase: BootPhase;
  /** Matched against a whole line, or against the unfinished last line where `unfinished` is set. */
  readonly pattern: RegExp;
  readonly unfinished?: true;
}

interface FailureRow {
  readonly pattern: RegExp;
  readonly code: MachineError['code'];
  /** `$1` is what the pattern captured. */
  readonly message: string;
  readonly hint: string;
  /** The kernel has given up: it stops or restarts after this line. */
  readonly final: boolean;
}

/** In the order of a boot; a phase that passes unseen (a quiet kernel) is skipped. */
const PHASES: readonly PhaseRow[] = [
  { phase: 'kernel', pattern: /Booting Linux on physical CPU/ },
  { phase: 'init', pattern: /Run \S+ as init process/ },
  { phase: 'ready', pattern: /login: $/, unfinished: true },
  { phase: 'ready', pattern: /(^|[\s\w~/@:)\]])[#$] $/, unfinished: true },
];

/** The first row that matches a line counts: special causes stand above the general one. */
const FAILURES: readonly FailureRow[] = [
  {
    pattern: /Kernel panic - not syncing: No working init found/,
    code: 'no-init',
    message: 'The kernel started, but found no program to run as init.',
    hint: 'Give an initrd that contains /init, or a root disk and "root=" on the command line.',
    final: true,
  },
  {
    pattern: /Kernel panic - not syncing: VFS: Unable to mount root fs on (\S+)/,
    code: 'no-init',
    message: 'The kernel could not mount its root file system ($1).',
    hint: 'Give an initrd, or check "root=" on the command line and that the kernel has the drivers for that disk.',
    final: true,
  },
  {
    pattern: /Kernel panic - not syncing: Requested init (\S+) failed/,
    code: 'no-init',
    message: 'The kernel could not run $1 as init.',
    hint: 'Check "init=" on the command line, and that the program is for arm64 and executable.',
    final: true,
  },
  {
    pattern: /Kernel panic - not syncing: (?:System is deadlocked on memory|Out of memory)/,
    code: 'memory',
    message: 'The guest has run out of memory.',
    hint: 'Start the machine with more memory.',
    final: true,
  },
  {
    // The low seven bits are the signal that ended it; 4 is SIGILL (signal(7)).
    pattern: /Kernel panic - not syncing: Attempted to kill init! exitcode=0x0*4\b/,
    code: 'unsupported-instruction',
    message:
      'The guest stopped: its first program (init) met an instruction that this machine does not have.',
    hint: 'The log names the instruction; a report of it is welcome.',
    final: true,
  },
  {
    pattern: /Kernel panic - not syncing: Attempted to kill init! (exitcode=\S+)/,
    code: 'guest-panic',
    message: 'The guest stopped: its first program (init) ended ($1).',
    hint: 'The lines before the panic usually say why.',
    final: true,
  },
  {
    pattern: /Kernel panic - not syncing: (.*)/,
    code: 'guest-panic',
    message: 'The guest kernel stopped with a panic: $1',
    hint: 'The lines before the panic usually say why.',
    final: true,
  },
  {
    pattern: /Initramfs unpacking failed: (.*)/,
    code: 'bad-initrd',
    message: 'The guest could not unpack the initrd: $1.',
    hint: 'The file may be truncated or of a format the kernel does not know, or the memory too small.',
    final: false,
  },
  {
    pattern: /Internal error: Oops - Undefined instruction: (.*)/,
    code: 'unsupported-instruction',
    message: 'The guest kernel met an instruction that this machine does not have.',
    hint: 'The log names the instruction; a report of it is welcome.',
    final: false,
  },
];

/** After a panic the kernel prints this and stops, or the second and restarts. */
const PANIC_END = /---\[ end Kernel panic/;
const PANIC_RESTART = /Rebooting in \d+ seconds/;

const KEPT_LINES = 60;
const LONGEST_LINE = 1000;
/** A panic counts once the console has been silent so long: then nobody was just reading an old log. */
const PANIC_SILENCE_MS = 400;

export interface ConsoleWatchEvents {
  phase(phase: BootPhase): void;
  /** `stopped`: the guest will not go on by itself. */
  failure(error: MachineError, stopped: boolean): void;
}

interface PendingPanic {
  readonly row: FailureRow;
  readonly line: string;
  stops: boolean;
}

export class ConsoleWatch {
  readonly #events: ConsoleWatchEvents;
  #partial = '';
  #recent: string[] = [];
  #nextPhase = 0;
  #panic: PendingPanic | undefined;
  #lastOutputMs = 0;

  constructor(events: ConsoleWatchEvents) {
    this.#events = events;
  }

  /** Whether a panic waits for the console to fall silent: `tick` is wanted soon. */
  get waitsForSilence(): boolean {
    return this.#panic !== undefined;
  }

  /** Takes text as ConsoleText gives it. */
  push(text: string, nowMs: number): void {
    if (text.length === 0) return;
    if (this.#panic?.stops) this.#panic = undefined;
    this.#lastOutputMs = nowMs;
    const lines = (this.#partial + text).split('\n');
    this.#partial = (lines.pop() ?? '').slice(-LONGEST_LINE);
    for (const line of lines) this.#line(line);
    if (this.#nextPhase < PHASES.length) this.#matchPhase(this.#partial, true);
  }

  /** Looks at the time; called now and then. */
  tick(nowMs: number): void {
    const panic = this.#panic;
    if (!panic || nowMs - this.#lastOutputMs < PANIC_SILENCE_MS) return;
    this.#panic = undefined;
    this.#events.failure(this.#describe(panic.row, panic.line), panic.stops);
  }

  /** The guest's last lines, for reports. */
  get recentText(): string {
    return [...this.#recent, this.#partial].join('\n').trimEnd();
  }

  #line(line: string): void {
    this.#recent.push(line);
    if (this.#recent.length > KEPT_LINES) this.#recent.shift();
    if (this.#nextPhase < PHASES.length) this.#matchPhase(line, false);
    if (this.#panic && (PANIC_END.test(line) || PANIC_RESTART.test(line))) {
      this.#panic.stops = PANIC_END.test(line);
      return;
    }
    const row = FAILURES.find((candidate) => candidate.pattern.test(line));
    if (!row) return;
    if (!row.final) this.#events.failure(this.#describe(row, line), false);
    else this.#panic ??= { row, line, stops: false };
  }

  #matchPhase(line: string, unfinished: boolean): void {
    for (let index = this.#nextPhase; index < PHASES.length; index++) {
      const row = PHASES[index];
      if (!row || (row.unfinished ?? false) !== unfinished || !row.pattern.test(line)) continue;
      this.#nextPhase = PHASES.findLastIndex(({ phase }) => phase === row.phase) + 1;
      this.#events.phase(row.phase);
      return;
    }
  }

  #describe(row: FailureRow, line: string): MachineError {
    const captured = row.pattern.exec(line)?.[1] ?? '';
    return {
      code: row.code,
      message: row.message.replace('$1', () => captured.trim()),
      hint: row.hint,
      details: this.recentText,
    };
  }
}
