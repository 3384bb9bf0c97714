/**
 * The loop around a machine, the same in a browser's worker and in Node: slices of guest time, turns for
 * the host in between, sleep while the guest waits, and reports of what happens.
 *
 * Invariant: one loop runs at most. Every start, reset and power-off begins a new generation; a loop, or
 * a machine still being made, that finds itself of an older generation ends without another effect.
 */
import type { MachinePorts, RunnableMachine } from '../emu/machine/contract.ts';
import { ConsoleText } from './console-text.ts';
import { ConsoleWatch } from './console-watch.ts';
import type { Doorbell } from './doorbell.ts';
import { describeFailure } from './machine-failure.ts';
import { OutputBuffer } from './output-buffer.ts';
import type { BootPhase, ExitReason, LogLine, MachineError, MachineStats, RunnerState } from './protocol.ts';
import { RunStatistics } from './run-statistics.ts';

/** Long enough that entering the guest costs nothing, short enough that a key stroke feels immediate. */
const SLICE_MS = 8;
/** While a disk's answer is awaited, which comes between slices. */
const AWAITING_SLICE_MS = 2;
const TICK_MS = 1000;
/** While a panic waits for the console to fall silent. */
const SHORT_TICK_MS = 100;
/** A guest that ran so long and printed nothing deserves a remark. */
const SILENT_BOOT_SECONDS = 10;
/** Warnings of the engine that a report of a failure carries. */
const KEPT_WARNINGS = 20;

/** What the runner tells its owner. */
export interface RunnerEvents {
  state(state: RunnerState): void;
  phase(phase: BootPhase, elapsedMs: number): void;
  stats(stats: MachineStats): void;
  exit(reason: ExitReason): void;
  error(error: MachineError): void;
  log(line: LogLine): void;
}

/** Where console output goes. The bytes belong to the sink. */
export interface ConsoleSink {
  send(bytes: Uint8Array<ArrayBuffer>): void;
  /** The receiver cannot keep up: the guest stands still until the runner is woken. */
  readonly congested: boolean;
}

export interface RunnerHost {
  /** Milliseconds since an arbitrary origin; never decreases. */
  nowMs(): number;
  readonly doorbell: Doorbell;
  readonly sink: ConsoleSink;
}

/** Makes a new machine in its reset state over these ports. */
export type MakeMachine = (ports: Pick<MachinePorts, 'log' | 'consoleOutput'>) => Promise<RunnableMachine>;

export class MachineRunner {
  readonly #makeMachine: MakeMachine;
  readonly #host: RunnerHost;
  readonly #events: RunnerEvents;
  readonly #statistics: RunStatistics;
  #state: RunnerState = 'off';
  #generation = 0;
  #machine: RunnableMachine | undefined;
  /** A machine that is made, or being made, before it is asked for. */
  #prepared: Promise<RunnableMachine> | undefined;
  #output = new OutputBuffer();
  #text = new ConsoleText();
  #watch: ConsoleWatch;
  #columnsAndRows: readonly [number, number] | undefined;
  #warnings: string[] = [];
  #ticker: ReturnType<typeof setTimeout> | undefined;
  #sawOutput = false;
  #saidSilent = false;

  constructor(makeMachine: MakeMachine, host: RunnerHost, events: RunnerEvents, sharedMemory: boolean) {
    this.#makeMachine = makeMachine;
    this.#host = host;
    this.#events = events;
    this.#statistics = new RunStatistics(sharedMemory, host.nowMs());
    this.#watch = this.#newWatch();
  }

  get state(): RunnerState {
    return this.#state;
  }

  /** Boots the machine; goes on with it when paused; nothing when it runs. */
  async start(): Promise<void> {
    if (this.#state === 'paused') this.resume();
    else if (this.#state !== 'running') await this.reset();
  }

  pause(): void {
    if (this.#state === 'running') this.#setState('paused');
  }

  resume(): void {
    if (this.#state === 'paused') this.#setState('running');
  }

  /** Makes the machine of the first start ahead of time. A failure is reported then. */
  prepare(): void {
    this.#prepared = this.#make();
    this.#prepared.catch(() => {});
  }

  /** Makes the machine anew and runs it. Failures are reported, not thrown. */
  async reset(): Promise<void> {
    const generation = this.#begin();
    this.#machine = undefined;
    const making = this.#prepared ?? this.#make();
    this.#prepared = undefined;
    try {
      const machine = await making;
      if (generation !== this.#generation) return;
      this.#adopt(machine);
      void this.#loop(machine, generation);
    } catch (failure) {
      if (generation === this.#generation) this.#fail(describeFailure(failure));
    }
  }

  #make(): Promise<RunnableMachine> {
    let made: RunnableMachine | undefined;
    const making = this.#makeMachine({
      log: { write: (severity, component, message) => this.#log({ severity, component, message }) },
      consoleOutput: (bytes) => {
        if (made === this.#machine) this.#output.append(bytes);
      },
    });
    return making.then((machine) => {
      made = machine;
      return machine;
    });
  }

  /** Pulls the plug. */
  powerOff(): void {
    this.#prepared = undefined;
    if (this.#state === 'off') this.#generation++;
    else this.#end('off');
  }

  pressPowerKey(): void {
    this.#machine?.pressPowerKey();
    this.wake();
  }

  consoleInput(bytes: Uint8Array): void {
    this.#machine?.consoleInput(bytes);
    this.wake();
  }

  resizeConsole(columns: number, rows: number): void {
    this.#columnsAndRows = [columns, rows];
    this.#machine?.resizeConsole(columns, rows);
    this.wake();
  }

  /** Says that something happened outside: room in the sink, a disk that answered. */
  wake(): void {
    this.#host.doorbell.ring();
  }

  stats(): MachineStats {
    if (this.#machine) this.#statistics.update(this.#machine.stats());
    return this.#statistics.report(this.#host.nowMs());
  }

  #begin(): number {
    this.#generation++;
    this.#flush();
    this.#text = new ConsoleText();
    this.#watch = this.#newWatch();
    this.#sawOutput = this.#saidSilent = false;
    this.#warnings = [];
    this.wake();
    return this.#generation;
  }

  #adopt(machine: RunnableMachine): void {
    this.#machine = machine;
    if (this.#columnsAndRows) machine.resizeConsole(...this.#columnsAndRows);
    this.#statistics.begin(this.#host.nowMs());
    this.#setState('running');
    this.#events.phase('firmware', 0);
    this.#scheduleTick(TICK_MS);
  }

  async #loop(machine: RunnableMachine, generation: number): Promise<void> {
    const { doorbell, sink } = this.#host;
    while (generation === this.#generation) {
      if (this.#state === 'paused' || sink.congested) {
        await doorbell.wait(undefined);
        continue;
      }
      const startMs = this.#host.nowMs();
      try {
        const result = machine.runSlice(doorbell.isAwaiting ? AWAITING_SLICE_MS : SLICE_MS);
        this.#statistics.addBusy(this.#host.nowMs() - startMs);
        this.#flush();
        if (generation !== this.#generation) return;
        if (result.kind === 'idle') await doorbell.wait(result.wakeAfterMs);
        else if (result.kind === 'ran') await doorbell.turn();
        else return await this.#stopped(result.kind);
      } catch (failure) {
        if (generation === this.#generation) this.#fail(describeFailure(failure));
        return;
      }
    }
  }

  /** The guest switched itself off, or asked for a reset. */
  async #stopped(kind: 'off' | 'reset'): Promise<void> {
    if (kind === 'off') {
      this.#end('off');
      this.#events.exit('power-off');
    } else {
      this.#events.exit('reset');
      await this.reset();
    }
  }

  #fail(error: MachineError): void {
    this.#flush();
    this.#events.error(error);
    this.#end('failed');
    this.#events.exit('failed');
  }

  /** Ends this generation and lets go of the machine's memory; its counters stay. */
  #end(state: 'off' | 'failed'): void {
    this.#flush();
    const stats = this.stats();
    this.#generation++;
    this.#machine = undefined;
    this.#statistics.stop(this.#host.nowMs());
    clearTimeout(this.#ticker);
    this.#events.stats({ ...stats, mips: 0 });
    this.#setState(state);
  }

  #setState(state: RunnerState): void {
    this.#state = state;
    this.wake();
    this.#events.state(state);
  }

  #flush(): void {
    const bytes = this.#output.take();
    if (!bytes) return;
    this.#sawOutput = true;
    this.#watch.push(this.#text.push(bytes), this.#host.nowMs());
    this.#host.sink.send(bytes);
    if (this.#watch.waitsForSilence) this.#scheduleTick(SHORT_TICK_MS);
  }

  #newWatch(): ConsoleWatch {
    return new ConsoleWatch({
      phase: (phase) => this.#events.phase(phase, this.#statistics.elapsedMs(this.#host.nowMs())),
      failure: (error, stopped) => {
        const details = [...this.#warnings, error.details ?? ''].join('\n');
        if (stopped) this.#fail({ ...error, details });
        else this.#events.error({ ...error, details });
      },
    });
  }

  #log(line: LogLine): void {
    if (line.severity !== 'info' && this.#warnings.length < KEPT_WARNINGS) {
      this.#warnings.push(`${line.component}: ${line.message}`);
    }
    this.#events.log(line);
  }

  #scheduleTick(delayMs: number): void {
    clearTimeout(this.#ticker);
    this.#ticker = setTimeout(() => this.#tick(), delayMs);
  }

  #tick(): void {
    const nowMs = this.#host.nowMs();
    const machine = this.#machine;
    if (!machine) return;
    this.#statistics.update(machine.stats());
    if (this.#statistics.tick(nowMs)) this.#events.stats(this.#statistics.report(nowMs));
    this.#remarkOnSilence();
    this.#watch.tick(nowMs);
    if (this.#machine === machine) this.#scheduleTick(this.#watch.waitsForSilence ? SHORT_TICK_MS : TICK_MS);
  }

  #remarkOnSilence(): void {
    if (this.#sawOutput || this.#saidSilent) return;
    if (this.#statistics.report(this.#host.nowMs()).busySeconds < SILENT_BOOT_SECONDS) return;
    this.#saidSilent = true;
    const message =
      'The guest has run for a while and printed nothing: check that the kernel is for arm64 and that the ' +
      'command line names the console (console=ttyAMA0, or earlycon to see the first steps).';
    this.#log({ severity: 'warning', component: 'machine', message });
  }
}
