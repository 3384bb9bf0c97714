/**
 * A whole machine: memory, one CPU with its interpreter, and the virt board, run in slices by a host.
 * Everything happens on the calling thread; between slices the host may wait for whatever it likes.
 */
import { Cpu } from '../cpu/cpu.ts';
import { CPU_PROFILES, DEFAULT_CPU } from '../cpu/profiles.ts';
import { ATTENTION_INTERRUPT } from '../cpu/runtime.ts';
import { AFFINITY_STATE, PSCI_RESULT } from '../devices/psci.ts';
import { Interpreter } from '../interpreter/interpreter.ts';
import { AT_ONCE, Jit, NORMAL } from '../jit/jit.ts';
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK, FETCH_AREA, RAM_OFFSET, TLB_AREA, wasmPagesFor } from '../layout/memory-map.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import {
  type EngineStats,
  type MachineConfig,
  MachineConfigError,
  type MachinePorts,
  type RunnableMachine,
  type SliceResult,
} from './contract.ts';
import { createVirtBoard, type VirtBoard } from './virt-board.ts';
import { affinityOfCpu, RAM_BASE } from './virt-map.ts';

const MIB = 1024 * 1024;
const LEAST_RAM = 32 * MIB;
/** wasm's 4 GiB less the engine's own area and some air. */
const MOST_RAM = 3072 * MIB;
/**
 * Instructions between looks at the clock: about a millisecond. Also what lets the host's compiler replace
 * the interpreter's function, which it does only when the function is entered.
 */
const FUEL_PER_TURN = 400_000;
/** While translated code is awaited, which takes over after the turn: interpreted floating point takes a millisecond. */
const FUEL_WHILE_AWAITING = 50_000;
const LEAST_FUEL = 1000;
/** A guest that keeps the engine busy (faults, device accesses) gets less fuel, so that a turn ends after so long. */
const MOST_TURN_NS = 4_000_000;
const PAGE_BITS = 12;
const PAGE_BYTES = 1 << PAGE_BITS;
/** Guessed speed for the distance to the next timer interrupt; a wrong guess costs a little lateness. */
const INSTRUCTIONS_PER_NS = 0.3;
const NS_PER_MS = 1_000_000;

/** @throws {MachineConfigError} */
export async function createVirtualMachine(
  config: MachineConfig,
  ports: MachinePorts,
): Promise<VirtualMachine> {
  const memory = allocate(config);
  const machine = new VirtualMachine(memory, config, ports);
  await machine.load(config);
  return machine;
}

function allocate({ ramBytes, sharedMemory }: MachineConfig): GuestMemory {
  if (ramBytes < LEAST_RAM || ramBytes > MOST_RAM) {
    throw new MachineConfigError(
      'memory',
      `A machine takes ${LEAST_RAM / MIB} to ${MOST_RAM / MIB} MiB of memory, not ${ramBytes / MIB}.`,
    );
  }
  const pages = wasmPagesFor(ramBytes);
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: sharedMemory });
    return new GuestMemory(memory, RAM_BASE, ramBytes, RAM_OFFSET);
  } catch (error) {
    throw new MachineConfigError(
      'memory',
      `The browser did not give ${ramBytes / MIB} MiB of memory (${String(error)}).`,
      'Close other tabs or give the machine less memory.',
    );
  }
}

/** When each engine mode translates; undefined: never. */
const TRANSLATION = { interpret: undefined, normal: NORMAL, translate: AT_ONCE } as const;

type Ending = 'off' | 'reset';

export class VirtualMachine implements RunnableMachine {
  private readonly memory: GuestMemory;
  private readonly ports: MachinePorts;
  private readonly board: VirtBoard;
  private readonly cpu: Cpu;
  private readonly attention: Int32Array;
  private interpreter: Interpreter | undefined;
  private jit: Jit | undefined;
  private ending: Ending | undefined;
  /** The guest asked to sleep through PSCI CPU_SUSPEND. */
  private suspended = false;
  private instructions = 0;
  private mostFuel = FUEL_PER_TURN / 10;

  constructor(memory: GuestMemory, config: MachineConfig, ports: MachinePorts) {
    this.memory = memory;
    this.ports = ports;
    this.attention = new Int32Array(memory.memory.buffer, CPU_BLOCK + CPU.ATTENTION, 1);
    // The board and the CPU name each other's lines, which are therefore reached late.
    const cpu = (): Cpu => this.cpu;
    const profile = CPU_PROFILES[config.cpu ?? DEFAULT_CPU];
    const board = createVirtBoard(
      { memory, cpus: config.cpus, cpuCompatible: profile.compatible, disks: config.disks },
      {
        ...ports,
        cpuInterruptLines: [
          {
            irq: { setLevel: (high) => cpu().irqLine.setLevel(high) },
            fiq: { setLevel: (high) => cpu().fiqLine.setLevel(high) },
          },
        ],
        psci: {
          cpuOn: () => PSCI_RESULT.invalidParameters,
          cpuOff: () => PSCI_RESULT.denied,
          cpuSuspend: () => {
            this.suspended = true;
            this.stopSlice();
          },
          affinityState: (affinity) =>
            affinity === BigInt(affinityOfCpu(0)) ? AFFINITY_STATE.on : undefined,
          systemOff: () => this.end('off'),
          systemReset: () => this.end('reset'),
        },
      },
    );
    this.board = board;
    const gic = board.gic.cpuInterfaces[0];
    const ppis = board.ppis[0];
    if (!ppis || !gic) throw new Error('internal error: the board has no first CPU');
    this.cpu = new Cpu(
      {
        memory,
        bus: board.bus,
        gic,
        firmware: { conduit: 'hvc', call: (...registers) => board.psci.call(...registers) },
        clock: ports.clock,
        entropy: ports.entropy,
        log: ports.log,
        codeCache: {
          invalidatePhysicalLine: (address, bytes) =>
            this.interpreter?.cache.invalidatePhysicalLine(address, bytes),
          invalidateAll: () => this.interpreter?.cache.invalidateAll(),
          contextChanged: () => {},
        },
        physicalTimerLine: ppis.physicalTimer,
        virtualTimerLine: ppis.virtualTimer,
      },
      {
        affinity: affinityOfCpu(0),
        profile,
        placement: { block: CPU_BLOCK, tlb: TLB_AREA, fetch: FETCH_AREA },
        fastPathChecksAlignment: false,
      },
    );
  }

  /** Puts the guest into RAM and the CPU at its entry. @throws {MachineConfigError} */
  async load(files: MachineConfig): Promise<void> {
    const [boot] = await Promise.all([this.board.load(files), this.makeEngine(files)]);
    // A thread that starts takes a processor from whatever else starts.
    if (this.ports.translator) this.jit?.translateElsewhere(this.ports.translator);
    this.cpu.reset(boot.entry);
    this.cpu.setX(0, boot.deviceTreeAddress);
  }

  private async makeEngine({ cpu, engine, interpreter, profile }: MachineConfig): Promise<void> {
    const { features } = CPU_PROFILES[cpu ?? DEFAULT_CPU];
    this.interpreter = await Interpreter.create(this.memory, this.cpu, features, interpreter);
    const translation = TRANSLATION[engine];
    if (translation) this.jit = new Jit(this.interpreter, this.memory, translation, this.ports);
    if (this.jit) this.jit.nameRegions = profile ?? false;
  }

  runSlice(maxMs: number): SliceResult {
    const { clock } = this.ports;
    const end = clock.nowNs() + maxMs * NS_PER_MS;
    let result: SliceResult | undefined;
    do result = this.turn();
    while (!result && clock.nowNs() < end && !this.jit?.answerWaits);
    this.poll();
    return result ?? { kind: 'ran' };
  }

  /** One turn of the loop: interrupts, guest code up to the next timer event; a result when it must end. */
  private turn(): SliceResult | undefined {
    const { clock } = this.ports;
    this.takeInterrupts();
    const before = this.instructions;
    const start = clock.nowNs();
    const result = this.execute(this.fuel());
    this.pace(this.instructions - before, clock.nowNs() - start);
    return result;
  }

  /** Chooses the most fuel of the next turn from what the last one took. */
  private pace(executed: number, elapsedNs: number): void {
    if (executed < LEAST_FUEL) return;
    const wanted = (executed * MOST_TURN_NS) / Math.max(elapsedNs, 1);
    this.mostFuel = Math.max(LEAST_FUEL, Math.min(FUEL_PER_TURN, wanted | 0));
  }

  /** Brings timers up to date and takes a pending interrupt. */
  takeInterrupts(): void {
    this.cpu.updateTimers();
    if ((this.attention[0] ?? 0) & ATTENTION_INTERRUPT) this.cpu.pollInterrupts();
  }

  /** Settles what the board does between slices: console output, the alarm clock. */
  poll(): void {
    this.board.poll();
  }

  /** Runs about `fuel` instructions; a result when the host must do something. */
  execute(fuel: number): SliceResult | undefined {
    const { cpu, interpreter } = this;
    if (!interpreter) throw new Error('internal error: the machine is not loaded');
    const { executed, waits } = interpreter.run(fuel);
    this.jit?.endSlice(executed);
    this.instructions += executed;
    if (this.ending) return { kind: this.ending };
    if (!waits && !this.suspended) return undefined;
    this.suspended = false;
    cpu.updateTimers();
    return cpu.wakesUp() ? undefined : { kind: 'idle', wakeAfterMs: this.sleepMs() };
  }

  consoleInput(bytes: Uint8Array): void {
    this.board.consoleInput(bytes);
  }

  resizeConsole(columns: number, rows: number): void {
    this.board.resizeConsole(columns, rows);
  }

  pressPowerKey(): void {
    this.board.pressPowerKey();
  }

  stats(): EngineStats {
    const translated = this.interpreter?.translatedInstructions ?? 0;
    return {
      ...this.cpu.counters(),
      instructionsInterpreted: this.instructions - translated,
      instructionsTranslated: translated,
      regionsCompiled: this.jit?.regionsCompiled ?? 0,
      bytesCompiled: this.jit?.bytesCompiled ?? 0,
      regionsAlive: this.jit?.regionsAlive ?? 0,
      bytesAlive: this.jit?.bytesAlive ?? 0,
      regionsChanged: this.jit?.dropped.changed ?? 0,
      regionsEvicted: this.jit?.dropped.evicted ?? 0,
      regionsExtended: this.jit?.dropped.extended ?? 0,
      decodedPages: this.interpreter?.cache.pagesDecoded ?? 0,
      memoryBytes: this.memory.memory.buffer.byteLength,
    };
  }

  /** The word at a virtual address, as the kernel would read it now; undefined where no RAM is. */
  wordAt(address: bigint): number | undefined {
    const page = this.cpu.physicalPage(
      Number(BigInt.asIntN(32, address)),
      Number(BigInt.asIntN(32, address >> 32n)),
    );
    const bytes = page === undefined ? undefined : this.memory.view(page, PAGE_BYTES);
    if (!bytes) return undefined;
    const offset = Number(BigInt.asUintN(PAGE_BITS, address));
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
  }

  /** The CPU's registers as text, for reports. */
  describe(): string {
    return this.cpu.describe();
  }

  /** Instructions until the next timer interrupt is due, within reason. */
  private fuel(): number {
    const deadline = this.cpu.nextTimerDeadlineNs();
    const most = Math.min(this.mostFuel, this.jit?.awaitsAnswers ? FUEL_WHILE_AWAITING : FUEL_PER_TURN);
    if (deadline === undefined) return most;
    const distance = (deadline - this.ports.clock.nowNs()) * INSTRUCTIONS_PER_NS;
    return Math.max(LEAST_FUEL, Math.min(most, distance | 0));
  }

  private sleepMs(): number | undefined {
    const deadline = this.cpu.nextWakeUpNs();
    const timerMs =
      deadline === undefined ? undefined : Math.max(0, deadline - this.ports.clock.nowNs()) / NS_PER_MS;
    const boardMs = this.board.nextEventMs();
    if (timerMs === undefined) return boardMs;
    return boardMs === undefined ? timerMs : Math.min(timerMs, boardMs);
  }

  private end(how: Ending): void {
    this.ending = how;
    this.stopSlice();
  }

  private stopSlice(): void {
    this.interpreter?.requestStop();
  }
}
