/**
 * A machine without an engine, for the tests and screenshots of the page: it plays a scenario's events and
 * echoes what is typed. `?fake=NAME` selects one in development builds; no production build contains it.
 */
import type {
  BootPhase,
  LoadProgress,
  Machine,
  MachineError,
  MachineEvents,
  MachineOptions,
  MachineState,
  MachineStats,
} from '../../embed/api.ts';

interface Step {
  readonly afterMs: number;
  readonly progress?: LoadProgress;
  readonly state?: MachineState;
  readonly phase?: BootPhase;
  readonly text?: string;
  readonly error?: MachineError;
}

const MIB = 2 ** 20;
const STATS_PERIOD_MS = 500;
const FAKE_MIPS = 312;
const KEEPING_MS = 1000;

const LOADING: readonly Step[] = [
  { afterMs: 0, phase: 'load' },
  { afterMs: 0, progress: { what: 'engine', loadedBytes: 200_000, totalBytes: 200_000 } },
  { afterMs: 0, progress: { what: 'kernel', loadedBytes: 0, totalBytes: 12 * MIB } },
  { afterMs: 0, progress: { what: 'initrd', loadedBytes: 0, totalBytes: 2 * MIB } },
  { afterMs: 250, progress: { what: 'initrd', loadedBytes: 2 * MIB, totalBytes: 2 * MIB } },
  { afterMs: 250, progress: { what: 'kernel', loadedBytes: 5 * MIB, totalBytes: 12 * MIB } },
];

const KERNEL: readonly Step[] = [
  { afterMs: 100, progress: { what: 'kernel', loadedBytes: 12 * MIB, totalBytes: 12 * MIB } },
  { afterMs: 0, state: 'running' },
  { afterMs: 0, phase: 'kernel', text: '[    0.000000] Booting a fake guest for the tests of the page\r\n' },
  ...Array.from({ length: 30 }, (_, line) => ({
    afterMs: 10,
    text: `[    0.${(line * 2531).toString().padStart(6, '0')}] fake: initialised part ${line} of 30\r\n`,
  })),
];

const SHELL: readonly Step[] = [
  { afterMs: 100, phase: 'init', text: '[    0.812345] Run /init as init process\r\n' },
  {
    afterMs: 100,
    phase: 'ready',
    text: '\r\n\x1b[1;35m  bramble\x1b[0m fake guest\r\n\r\n\x1b[32mfake\x1b[0m:~# ',
  },
];

const PANIC: Step = {
  afterMs: 200,
  text: '[    0.901234] Kernel panic - not syncing: No working init found.\r\n',
  state: 'failed',
  error: {
    code: 'no-init',
    message: 'The kernel started but found no program to run as init.',
    hint: 'Give an initrd that contains /init, or name a root file system on the command line.',
    details: 'PC 0xffff800008123456\nKernel panic - not syncing: No working init found.',
  },
};

const BAD_KERNEL: Step = {
  afterMs: 100,
  state: 'failed',
  error: {
    code: 'bad-kernel',
    message: 'The kernel file is not an arm64 Linux Image.',
    hint: 'Choose the file that Debian calls vmlinuz, built for arm64.',
  },
};

const DISK_FULL: Step = {
  afterMs: 200,
  state: 'paused',
  error: {
    code: 'disk-full',
    message: 'What the guest writes to its disk cannot be kept: the storage is full. The machine is paused.',
    hint: 'Nothing is lost so far. Make room, then resume.',
  },
};

const DISK_LOST: Step = {
  afterMs: 200,
  state: 'failed',
  error: {
    code: 'disk-lost',
    message: 'Another tab has taken over the disk work, so this machine was stopped.',
    hint: 'What the guest had saved before is on the disk; what it wrote since is not.',
  },
};

/** Ways a boot can go, by the name that `?fake=` takes. */
export const SCENARIOS = {
  ready: [...LOADING, ...KERNEL, ...SHELL],
  loading: LOADING,
  booting: [...LOADING, ...KERNEL],
  'disk-full': [...LOADING, ...KERNEL, ...SHELL, DISK_FULL],
  'disk-lost': [...LOADING, ...KERNEL, ...SHELL, DISK_LOST],
  panic: [...LOADING, ...KERNEL, PANIC],
  'bad-kernel': [...LOADING, BAD_KERNEL],
} satisfies Record<string, readonly Step[]>;
export type ScenarioName = keyof typeof SCENARIOS;

export class FakeMachine implements Machine {
  state: MachineState = 'loading';
  /** Everything typed so far, for tests. */
  typed = '';
  consoleSize: readonly [number, number] | undefined;
  readonly #options: MachineOptions;
  readonly #scenario: readonly Step[];
  readonly #listeners = new Map<string, Set<(value: never) => void>>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #startedAtMs = 0;

  constructor(options: MachineOptions, scenario: readonly Step[]) {
    this.#options = options;
    this.#scenario = scenario;
  }

  on<K extends keyof MachineEvents>(event: K, listener: (value: MachineEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  async start(): Promise<void> {
    this.#stopTimers();
    this.#startedAtMs = Date.now();
    this.#setState('loading');
    let dueMs = 0;
    for (const step of this.#scenario) {
      dueMs += step.afterMs;
      this.#later(dueMs, () => this.#play(step));
    }
    this.#reportStats();
  }
  async pause(): Promise<void> {
    this.#setState('paused');
  }
  async resume(): Promise<void> {
    this.#setState('running');
  }
  async reset(): Promise<void> {
    await this.start();
  }
  async pressPowerKey(): Promise<void> {
    this.#emit('console', new TextEncoder().encode('\r\nreboot: Power down\r\n'));
    this.#emit('exit', { reason: 'power-off' });
    await this.powerOff();
  }
  async powerOff(): Promise<void> {
    this.#stopTimers();
    this.#setState('off');
  }
  type(input: string | Uint8Array): void {
    const text = typeof input === 'string' ? input : new TextDecoder().decode(input);
    this.typed += text;
    if (this.state !== 'running') return;
    const echo = text.replaceAll('\r', '\r\n\x1b[32mfake\x1b[0m:~# ').replaceAll('\x03', '^C');
    this.#emit('console', new TextEncoder().encode(echo));
    if (text.includes('\r')) this.#keepWrites();
  }
  resizeConsole(columns: number, rows: number): void {
    this.consoleSize = [columns, rows];
  }
  /** As if `reboot` had been typed. */
  guestResets(): void {
    this.#emit('exit', { reason: 'reset' });
    void this.start();
  }
  async stats(): Promise<MachineStats> {
    const wallSeconds = (Date.now() - this.#startedAtMs) / 1000;
    return {
      wallSeconds,
      busySeconds: wallSeconds / 2,
      instructionsInterpreted: Math.round(wallSeconds * FAKE_MIPS * 1e6 * 0.45),
      instructionsTranslated: 0,
      mips: this.state === 'running' ? FAKE_MIPS : 0,
      exceptions: Math.round(wallSeconds * 2400),
      interrupts: Math.round(wallSeconds * 250),
      tlbMisses: Math.round(wallSeconds * 9000),
      mmioAccesses: Math.round(wallSeconds * 1200),
      regionsCompiled: 0,
      bytesCompiled: 0,
      regionsAlive: 0,
      bytesAlive: 0,
      regionsChanged: 0,
      regionsEvicted: 0,
      regionsExtended: 0,
      decodedPages: 1800,
      memoryBytes: (this.#options.memoryMiB ?? 512) * MIB,
      sharedMemory: globalThis.crossOriginIsolated ?? false,
    };
  }
  async waitFor(): Promise<RegExpMatchArray> {
    throw new Error('the fake machine does not wait');
  }
  async destroy(): Promise<void> {
    this.#stopTimers();
    this.#listeners.clear();
  }

  /** As if every line wrote something to a disk. */
  #keepWrites(): void {
    this.#emit('writes', { areKept: false });
    this.#later(KEEPING_MS, () => this.#emit('writes', { areKept: true }));
  }

  #play(step: Step): void {
    if (step.progress) this.#emit('progress', step.progress);
    if (step.phase) this.#emit('phase', { phase: step.phase, elapsedMs: Date.now() - this.#startedAtMs });
    if (step.text) this.#emit('console', new TextEncoder().encode(step.text));
    if (step.error) this.#emit('error', step.error);
    if (step.state) this.#setState(step.state);
    if (step.state === 'failed') this.#stopTimers();
  }

  #reportStats(): void {
    this.#later(STATS_PERIOD_MS, async () => {
      this.#emit('stats', await this.stats());
      if (this.state !== 'off') this.#reportStats();
    });
  }

  #setState(state: MachineState): void {
    this.state = state;
    this.#emit('state', state);
  }

  #emit<K extends keyof MachineEvents>(event: K, value: MachineEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(value as never);
  }

  #later(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** `createMachine` of the library, played by a scenario. */
export function fakeCreateMachine(name: ScenarioName): (options: MachineOptions) => Promise<FakeMachine> {
  return async (options) => {
    const machine = new FakeMachine(options, SCENARIOS[name]);
    // After the caller had its turn to listen, as with the real library.
    setTimeout(() => void machine.start(), 0);
    return machine;
  };
}

export function isScenario(name: string): name is ScenarioName {
  return name in SCENARIOS;
}
