/**
 * One round: every engine boots alone, one after the other; then all guests live side by side, idle but
 * for the one whose turn it is, and every workload runs on each of them before the next begins. So what
 * else the machine does, and how warm it is, meets all engines alike.
 */
import { join } from 'node:path';
import { type EngineName, guestCommand } from './engines.ts';
import { BenchGuest } from './guest.ts';
import type { GuestImage } from './guest-image.ts';
import type { BenchOptions } from './options.ts';
import { type Failure, parseBenchLine, type Sample } from './results.ts';
import { BOOTS, type BootName, type Workload } from './workloads.ts';

const BOOT_TIMEOUT_SECONDS = 300;
const WORKLOAD_TIMEOUT_SECONDS = 120;
const SETTLE_SECONDS = 5;
const IDLE_SECONDS = 10;
const BYTES_PER_MIB = 2 ** 20;
const PERCENT = 100;

export interface RoundSetting {
  readonly number: number;
  readonly engines: readonly EngineName[];
  readonly options: BenchOptions;
  readonly image: GuestImage;
  /** For files that engines write. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

export interface RoundResult {
  readonly samples: Sample[];
  readonly failures: Failure[];
  readonly hosts: Map<EngineName, string>;
}

/** Runs a round; what fails is told in the result. */
export async function runRound(setting: RoundSetting): Promise<RoundResult> {
  const round = new Round(setting);
  await round.run();
  return round.result;
}

interface LiveGuest {
  readonly guest: BenchGuest;
  /** From the start of the process to the prompt. */
  readonly bootSeconds: number;
  /** Whether its boot counts: not when it took the place of a guest that failed. */
  readonly isMeasured: boolean;
}

class Round {
  readonly result: RoundResult = { samples: [], failures: [], hosts: new Map() };
  readonly #setting: RoundSetting;
  readonly #engines: readonly EngineName[];
  readonly #alive = new Map<EngineName, LiveGuest>();

  constructor(setting: RoundSetting) {
    this.#setting = setting;
    // Nobody is always the first to run on a machine that has just been idle.
    const first = setting.number % setting.engines.length;
    this.#engines = [...setting.engines.slice(first), ...setting.engines.slice(0, first)];
  }

  async run(): Promise<void> {
    const { boots, workloads } = this.#setting.options;
    if (boots.includes('boot_with_tests')) await this.#bootOnly('boot_with_tests');
    if (workloads.length > 0 || boots.includes('boot')) {
      for (const engine of this.#engines) await this.#boot(engine);
      for (const workload of workloads) {
        for (const engine of this.#engines) await this.#measure(engine, workload);
      }
      if (boots.includes('boot')) await this.#measureIdle();
      for (const engine of this.#engines) await this.#close(engine, 'boot');
    }
  }

  async #bootOnly(boot: BootName): Promise<void> {
    for (const engine of this.#engines) {
      await this.#boot(engine, boot);
      await this.#close(engine, boot);
    }
  }

  async #boot(engine: EngineName, boot: BootName = 'boot', isMeasured = true): Promise<void> {
    const { image, options, folder } = this.#setting;
    const append = BOOTS.find(({ name }) => name === boot)?.append ?? '';
    const stats = join(folder, `stats-${engine}.json`);
    const guest = new BenchGuest(guestCommand(engine, image, append, options.engine, stats));
    await this.#attempt(engine, boot, async () => {
      const bootSeconds = await guest.booted(BOOT_TIMEOUT_SECONDS);
      this.#alive.set(engine, { guest, bootSeconds, isMeasured });
      const bytes = guest.usage()?.residentBytes;
      if (boot === 'boot' && isMeasured && bytes !== undefined) {
        this.#add(engine, 'memory_after_boot', 'footprint', bytes / BYTES_PER_MIB, 'MiB');
      }
    });
    if (!this.#alive.has(engine)) await guest.kill();
  }

  async #measure(engine: EngineName, workload: Workload): Promise<void> {
    const guest = this.#alive.get(engine)?.guest;
    if (!guest) return;
    const { scale } = this.#setting.options;
    const command = workload.command((count) => Math.max(1, Math.round(count * scale)));
    const succeeded = await this.#attempt(engine, workload.name, async () => {
      const line = parseBenchLine(await guest.run(`SCALE=${scale} ${command}`, WORKLOAD_TIMEOUT_SECONDS));
      // A benchmark of instructions that this CPU lacks prints nothing.
      if (line) this.#add(engine, workload.name, workload.class, line.value, line.unit, line.checksum);
    });
    if (succeeded) return;
    // What hung, crashed or printed nonsense once says nothing about the other workloads: they get a new guest.
    this.#alive.delete(engine);
    await guest.kill();
    await this.#boot(engine, 'boot', false);
  }

  /** Processor time of guests whose shell waits for input. */
  async #measureIdle(): Promise<void> {
    await seconds(SETTLE_SECONDS);
    const before = new Map(
      [...this.#alive].map(([engine, { guest }]) => [engine, guest.usage()?.cpuSeconds]),
    );
    await seconds(IDLE_SECONDS);
    for (const [engine, { guest }] of this.#alive) {
      const [start, end] = [before.get(engine), guest.usage()?.cpuSeconds];
      if (start === undefined || end === undefined) continue;
      this.#add(engine, 'idle_cpu', 'footprint', ((end - start) / IDLE_SECONDS) * PERCENT, '%');
    }
  }

  async #close(engine: EngineName, boot: BootName): Promise<void> {
    const live = this.#alive.get(engine);
    if (!live) return;
    this.#alive.delete(engine);
    await this.#attempt(engine, boot, async () => {
      const { startupSeconds, host } = await live.guest.close();
      if (host !== undefined) this.result.hosts.set(engine, host);
      if (!live.isMeasured || !this.#setting.options.boots.includes(boot)) return;
      this.#add(engine, boot, 'boot', live.bootSeconds - startupSeconds, 's');
    });
  }

  /** Whether `action` succeeded; its failure becomes part of the result. */
  async #attempt(engine: EngineName, workload: string, action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : String(failure);
      this.result.failures.push({ engine, workload, round: this.#setting.number, message });
      this.#setting.say(`${engine}: ${workload} failed: ${message}`);
      return false;
    }
  }

  #add(
    engine: EngineName,
    workload: string,
    workloadClass: Sample['class'],
    value: number,
    unit: string,
    checksum?: string,
  ): void {
    const round = this.#setting.number;
    const sample = { workload, class: workloadClass, engine, round, value, unit };
    this.result.samples.push(checksum === undefined ? sample : { ...sample, checksum });
    this.#setting.say(`round ${round}: ${workload} ${engine} ${value.toPrecision(4)} ${unit}`);
  }
}

const MS_PER_SECOND = 1000;
const seconds = (count: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, count * MS_PER_SECOND));
