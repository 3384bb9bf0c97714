/**
 * A whole machine that runs a bare-metal program in assembly language, with a clock of its own: for tests that
 * look at a guest from its serial port. Time passes as the engine asks for it, and at once while the guest waits.
 */
import type { Clock, Entropy } from '../base/ports.ts';
import { assemble } from '../isa/assembler.ts';
import type { MachineConfig, SliceResult } from '../machine/contract.ts';
import { createVirtualMachine, type VirtualMachine } from '../machine/virtual-machine.ts';
import { seededWords } from './device-harness.ts';

export type Engine = MachineConfig['engine'];
export const ENGINES: readonly Engine[] = ['interpret', 'normal', 'translate'];

const MIB = 1024 * 1024;
const NS_PER_MS = 1_000_000;
/** How much later it is each time someone looks at the clock. */
const NS_PER_LOOK = NS_PER_MS;
const SLICE_MS = 5;
/** A guest that has not ended after so many slices never will. */
const MOST_SLICES = 5000;

class TestClock implements Clock {
  private now = 0;
  nowNs(): number {
    this.now += NS_PER_LOOK;
    return this.now;
  }
  passMs(ms: number): void {
    this.now += Math.ceil(ms * NS_PER_MS);
  }
}

const words = seededWords(1);
const entropy: Entropy = {
  fill: (target) => {
    for (let i = 0; i < target.length; i++) target[i] = words();
  },
};

/** How a run ended: the guest's doing, or that it waits for nothing but input, or ran for too long. */
export type RunEnd = 'off' | 'reset' | 'waits' | 'runs';

export class RawGuest {
  /** What the serial port has sent. */
  output = '';
  readonly log: string[] = [];
  machine!: VirtualMachine;
  private readonly clock = new TestClock();

  /** Assembles `source` and makes a machine with it. */
  static create(source: string, engine: Engine): Promise<RawGuest> {
    return RawGuest.boot({ kernel: assemble(source).bytes, engine });
  }

  static async boot(
    config: Partial<MachineConfig> & Pick<MachineConfig, 'kernel' | 'engine'>,
    clock?: Clock,
  ): Promise<RawGuest> {
    const guest = new RawGuest();
    guest.machine = await createVirtualMachine(
      {
        board: 'virt',
        cpus: 1,
        ramBytes: 32 * MIB,
        sharedMemory: false,
        commandLine: '',
        disks: [],
        ...config,
      },
      {
        clock: clock ?? guest.clock,
        wallClock: { nowSeconds: () => 0 },
        entropy,
        log: {
          write: (severity, component, message) => guest.log.push(`${severity} ${component}: ${message}`),
        },
        consoleOutput: (bytes) => {
          guest.output += new TextDecoder('latin1').decode(bytes);
        },
      },
    );
    return guest;
  }

  type(text: string): void {
    this.machine.consoleInput(new TextEncoder().encode(text));
  }

  /** Runs until the guest ends, waits for input only, or `done` says so. */
  run(done: () => boolean = () => false, mostSlices = MOST_SLICES): RunEnd {
    for (let slice = 0; slice < mostSlices && !done(); slice++) {
      const result: SliceResult = this.machine.runSlice(SLICE_MS);
      if (result.kind === 'off' || result.kind === 'reset') return result.kind;
      if (result.kind !== 'idle') continue;
      if (result.wakeAfterMs === undefined) return 'waits';
      this.clock.passMs(result.wakeAfterMs);
    }
    return 'runs';
  }
}
