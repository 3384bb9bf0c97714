/**
 * One machine as the page sees it: what the library reports, kept together for the components to draw,
 * and the actions the user has. Console bytes pass through unchanged and in order; those that arrive
 * before a terminal listens are kept for it.
 */
import type {
  BootPhase,
  CreateMachine,
  Machine,
  MachineError,
  MachineEvents,
  MachineOptions,
  MachineState,
  MachineStats,
} from '../../embed/api.ts';
import type { MachineDisk } from './machine-disks.ts';
import { TransferMeter, type TransferView } from './transfer-meter.ts';

export interface PhaseMark {
  readonly phase: BootPhase;
  /** Since the user asked for the boot, loading included. */
  readonly elapsedMs: number;
}

/** Errors after which nothing of the machine can be used again. */
const DEADLY: ReadonlySet<MachineError['code'] | undefined> = new Set(['internal', 'disk-lost']);
const LOG_LINES_KEPT = 200;
const INSTRUCTIONS_PER_MILLION = 1e6;

export class MachineSession {
  readonly title: string;
  readonly options: MachineOptions;
  readonly disks: readonly MachineDisk[];
  readonly #create: CreateMachine;
  readonly #nowMs: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #log: string[] = [];
  #consoleListener: ((bytes: Uint8Array) => void) | undefined;
  #unheard: Uint8Array[] = [];
  #machine: Machine | undefined;
  #meter = new TransferMeter();
  #state: MachineState = 'loading';
  #phases: PhaseMark[] = [];
  #stats: MachineStats | undefined;
  #error: MachineError | undefined;
  #exit: MachineEvents['exit']['reason'] | undefined;
  #startedAtMs: number;
  #consoleSize: readonly [number, number] | undefined;
  #writesAreKept = true;
  #closed = false;

  constructor(
    title: string,
    options: MachineOptions,
    create: CreateMachine,
    nowMs: () => number,
    about: { readonly disks: readonly MachineDisk[] } = { disks: [] },
  ) {
    this.title = title;
    this.disks = about.disks;
    this.options = options;
    this.#create = create;
    this.#nowMs = nowMs;
    this.#startedAtMs = nowMs();
  }

  get state(): MachineState {
    return this.#state;
  }
  get phases(): readonly PhaseMark[] {
    return this.#phases;
  }
  get stats(): MachineStats | undefined {
    return this.#stats;
  }
  get error(): MachineError | undefined {
    return this.#error;
  }
  /** Why the guest stopped by itself, if it did. */
  get exit(): MachineEvents['exit']['reason'] | undefined {
    return this.#exit;
  }
  /** Whether the disks have all that the guest wrote to them. */
  get writesAreKept(): boolean {
    return this.#writesAreKept;
  }
  get transfer(): TransferView {
    return this.#meter.view(this.#nowMs());
  }
  get elapsedMs(): number {
    return this.#nowMs() - this.#startedAtMs;
  }
  get log(): readonly string[] {
    return this.#log;
  }
  /** Whether leaving would lose something. */
  get alive(): boolean {
    return this.#state === 'running' || this.#state === 'paused';
  }
  /** Million instructions per second of the time the guest was busy. */
  get averageMips(): number {
    const stats = this.#stats;
    if (stats === undefined || stats.busySeconds <= 0) return 0;
    const instructions = stats.instructionsInterpreted + stats.instructionsTranslated;
    return instructions / stats.busySeconds / INSTRUCTIONS_PER_MILLION;
  }

  /** Makes the machine; it starts by itself. Failures become state, never a rejection. */
  async open(): Promise<void> {
    try {
      const machine = await this.#create(this.options);
      if (this.#closed) return await machine.destroy();
      this.#machine = machine;
      this.#listen(machine);
      if (this.#consoleSize) machine.resizeConsole(...this.#consoleSize);
      this.#setState(machine.state);
    } catch (error) {
      this.#fail(asMachineError(error));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const machine = this.#machine;
    this.#machine = undefined;
    await machine?.destroy();
  }

  async togglePause(): Promise<void> {
    // Going on answers the question that the pause has asked.
    if (this.#error?.code === 'disk-full') this.dismissError();
    await this.#act((machine) => (this.#state === 'paused' ? machine.resume() : machine.pause()));
  }

  async reset(): Promise<void> {
    this.#beginAgain();
    await this.#act((machine) => machine.reset());
  }

  async pressPowerKey(): Promise<void> {
    await this.#act((machine) => machine.pressPowerKey());
  }

  async pullPlug(): Promise<void> {
    await this.#act((machine) => machine.powerOff());
  }

  /** After the end: the same machine once more. One that could not be loaded, or broke, is made anew. */
  async bootAgain(): Promise<void> {
    const guestRan = this.#phases.some(({ phase }) => phase !== 'load');
    const broke = this.#state === 'failed' && (!guestRan || DEADLY.has(this.#error?.code));
    this.#beginAgain();
    if (this.#machine !== undefined && !broke) return await this.#act((machine) => machine.start());
    await this.#machine?.destroy();
    this.#machine = undefined;
    this.#meter = new TransferMeter();
    this.#setState('loading');
    await this.open();
  }

  /** Takes an error away that the machine has survived. */
  dismissError(): void {
    this.#change(() => (this.#error = undefined));
  }

  type(input: string | Uint8Array): void {
    this.#machine?.type(input);
  }

  resizeConsole(columns: number, rows: number): void {
    this.#consoleSize = [columns, rows];
    this.#machine?.resizeConsole(columns, rows);
  }

  /** Gives console bytes to `listener`, beginning with those that nobody has heard. One at a time. */
  attachConsole(listener: (bytes: Uint8Array) => void): () => void {
    this.#consoleListener = listener;
    for (const bytes of this.#unheard) listener(bytes);
    this.#unheard = [];
    return () => {
      if (this.#consoleListener === listener) this.#consoleListener = undefined;
    };
  }

  /** Calls `listener` after every change of what there is to draw. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #listen(machine: Machine): void {
    const on = <K extends keyof MachineEvents>(event: K, take: (value: MachineEvents[K]) => void): void => {
      machine.on(event, (value) => {
        // What a machine that was replaced still had to say is not about this one.
        if (machine === this.#machine) take(value);
      });
    };
    on('state', (state) => this.#setState(state));
    on('console', (bytes) => this.#takeConsole(bytes));
    on('progress', (progress) => this.#change(() => this.#meter.add(progress, this.#nowMs())));
    on('phase', ({ phase }) => this.#change(() => this.#addPhase(phase)));
    on('stats', (stats) => this.#change(() => (this.#stats = stats)));
    on('writes', ({ areKept }) => this.#change(() => (this.#writesAreKept = areKept)));
    on('exit', ({ reason }) => {
      if (reason === 'reset') this.#beginAgain();
      else this.#change(() => (this.#exit = reason));
    });
    on('error', (error) => this.#change(() => (this.#error = error)));
    on('log', ({ severity, component, message }) => {
      this.#log.push(`${severity} ${component}: ${message}`);
      if (this.#log.length > LOG_LINES_KEPT) this.#log.shift();
    });
  }

  #takeConsole(bytes: Uint8Array): void {
    if (this.#consoleListener === undefined) this.#unheard.push(bytes);
    else this.#consoleListener(bytes);
  }

  #addPhase(phase: BootPhase): void {
    const others = this.#phases.filter((known) => known.phase !== phase);
    this.#phases = [...others, { phase, elapsedMs: this.elapsedMs }];
  }

  #beginAgain(): void {
    this.#change(() => {
      this.#phases = [];
      this.#error = undefined;
      this.#exit = undefined;
      this.#stats = undefined;
      this.#startedAtMs = this.#nowMs();
    });
  }

  async #act(action: (machine: Machine) => Promise<void>): Promise<void> {
    if (this.#machine === undefined) return;
    try {
      await action(this.#machine);
    } catch (error) {
      this.#fail(asMachineError(error));
    }
  }

  #fail(error: MachineError): void {
    this.#change(() => {
      this.#error = error;
      this.#state = 'failed';
    });
  }

  #setState(state: MachineState): void {
    this.#change(() => (this.#state = state));
  }

  #change(edit: () => void): void {
    edit();
    for (const listener of this.#listeners) listener();
  }
}

/** What the library threw; anything it did not foresee is an internal error with its stack. */
function asMachineError(error: unknown): MachineError {
  if (isMachineError(error)) return error;
  if (error instanceof Error) {
    return { code: 'internal', message: error.message, ...(error.stack ? { details: error.stack } : {}) };
  }
  return { code: 'internal', message: String(error) };
}

function isMachineError(error: unknown): error is MachineError {
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}
