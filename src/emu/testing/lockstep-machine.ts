/**
 * Two whole machines with the same guest, one that interprets and one that translates, kept at the same
 * instruction: everything the guest can see must agree wherever both stand at the same instruction count.
 *
 * The machines share a clock that moves only at these meeting points, by the instructions executed since; timers
 * and interrupts are looked at there and nowhere else. So both runs are the same, instruction by instruction,
 * and the first difference is a mistake of one engine.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Entropy } from '../base/ports.ts';
import { readNzcv } from '../cpu/pstate.ts';
import { ATTENTION_INTERRUPT } from '../cpu/runtime.ts';
import { CpuState, cellOffset } from '../cpu/state.ts';
import { RandomWords } from '../fp/hard-operands.ts';
import { CPU, type CpuField } from '../layout/cpu-state.ts';
import { CPU_BLOCK, RAM_OFFSET, wasmPagesFor } from '../layout/memory-map.ts';
import { CELL_OFFSET, type CellName } from '../layout/system-register-cells.ts';
import type { MachineConfig, SliceResult } from '../machine/contract.ts';
import { RAM_BASE } from '../machine/virt-map.ts';
import { VirtualMachine } from '../machine/virtual-machine.ts';
import { GuestMemory } from '../memory/guest-memory.ts';

const NS_PER_INSTRUCTION = 2;
const NS_PER_MS = 1_000_000;
const BOOT_SECONDS = 1_700_000_000;
const ENTROPY_SEED = 42;
/** Turns that the machines may take to meet, and that they may stand still. */
const MEETING_TURNS = 1000;
const TURNS_PER_STRIDE = 8;
const STRIDE = 13;
const GENERAL_REGISTERS = 31;
const VECTOR_HALVES = 64;

/** Fields of the state block that the guest can see, apart from registers and flags. */
const FIELDS: readonly CpuField[] = [
  'PC',
  'EL',
  'SPSEL',
  'DAIF',
  'PAN',
  'UAO',
  'SS',
  'IL',
  'SSBS',
  'BTYPE',
  'FPCR',
  'FPSR',
  'SP_EL0',
  'SP_EL1',
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'EVENT_REGISTER',
  'INTERRUPT_LINES',
];
const NARROW = new Set<CpuField>(FIELDS.filter((name) => !/^(PC|SP_EL|TPIDR)/.test(name)));

/** 64-bit cells, alone or in a row. */
const WIDE_CELLS: readonly { readonly name: string; readonly offset: number; readonly wide: number }[] = [
  { name: 'X', offset: CPU.X, wide: GENERAL_REGISTERS + 1 },
  { name: 'V half ', offset: CPU.V, wide: VECTOR_HALVES },
  ...(Object.keys(CELL_OFFSET) as CellName[]).map((name) => ({ name, offset: cellOffset(name), wide: 1 })),
];

class SharedClock implements Clock {
  private now = 0;
  nowNs(): number {
    return this.now;
  }
  advance(ns: number): void {
    this.now += Math.ceil(ns);
  }
}

function seededEntropy(): Entropy {
  const random = new RandomWords(ENTROPY_SEED);
  return {
    fill: (target) => {
      for (let i = 0; i < target.length; i++) target[i] = random.next();
    },
  };
}

export class LockstepSide {
  readonly name: string;
  readonly machine: VirtualMachine;
  readonly memory: GuestMemory;
  readonly state: CpuState;
  readonly ram: Uint8Array;
  console = '';
  result: SliceResult | undefined;

  constructor(name: string, config: MachineConfig, clock: Clock) {
    this.name = name;
    const pages = wasmPagesFor(config.ramBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.memory = new GuestMemory(memory, RAM_BASE, config.ramBytes, RAM_OFFSET);
    this.state = new CpuState(memory, CPU_BLOCK);
    this.ram = new Uint8Array(memory.buffer, RAM_OFFSET, config.ramBytes);
    const decoder = new TextDecoder();
    this.machine = new VirtualMachine(this.memory, config, {
      clock,
      wallClock: { nowSeconds: () => BOOT_SECONDS + Math.floor(clock.nowNs() / (1000 * NS_PER_MS)) },
      entropy: seededEntropy(),
      log: { write: () => {} },
      consoleOutput: (bytes) => {
        this.console += decoder.decode(bytes, { stream: true });
      },
    });
  }

  get executed(): number {
    const { instructionsInterpreted, instructionsTranslated } = this.machine.stats();
    return instructionsInterpreted + instructionsTranslated;
  }

  /**
   * Runs at least `fuel` instructions, unless the guest waits or ends. An interrupt that comes meanwhile waits for
   * the next meeting: engines notice it at different instructions.
   */
  run(fuel: number): void {
    this.setAttention(false);
    if (this.result === undefined) this.result = this.machine.execute(fuel);
  }

  takeInterrupts(): void {
    this.machine.poll();
    this.setAttention(true);
    this.machine.takeInterrupts();
  }

  private setAttention(on: boolean): void {
    const other = this.state.get(CPU.ATTENTION) & ~ATTENTION_INTERRUPT;
    this.state.set(CPU.ATTENTION, on ? other | ATTENTION_INTERRUPT : other);
  }
}

export interface LockstepOptions {
  readonly config: MachineConfig;
  readonly engine: 'normal' | 'translate';
  /** Instructions from one meeting to the next, about. */
  readonly every: number;
  /** Meetings from one comparison of RAM to the next. */
  readonly compareRamEvery: number;
}

export class Lockstep {
  readonly interpreting: LockstepSide;
  readonly translating: LockstepSide;
  readonly clock = new SharedClock();
  meetings = 0;
  private readonly options: LockstepOptions;
  private lastMeeting = 0;

  private constructor(options: LockstepOptions) {
    this.options = options;
    const { config, engine } = options;
    this.interpreting = new LockstepSide('interpret', { ...config, engine: 'interpret' }, this.clock);
    this.translating = new LockstepSide(engine, { ...config, engine }, this.clock);
  }

  static async create(options: LockstepOptions): Promise<Lockstep> {
    const pair = new Lockstep(options);
    await pair.interpreting.machine.load({ ...options.config, engine: 'interpret' });
    await pair.translating.machine.load({ ...options.config, engine: options.engine });
    return pair;
  }

  /** Runs both to their next meeting; what differs there, as lines, or 'over' when the guest has ended. */
  advance(): string[] | 'over' {
    const { interpreting, translating, clock } = this;
    interpreting.takeInterrupts();
    translating.takeInterrupts();
    translating.run(this.options.every);
    if (!this.meet())
      return [`the machines do not meet: ${interpreting.executed} and ${translating.executed} instructions`];
    this.meetings++;
    clock.advance((interpreting.executed - this.lastMeeting) * NS_PER_INSTRUCTION);
    this.lastMeeting = interpreting.executed;
    const differences = this.compare();
    if (differences.length > 0) return differences;
    return this.endTurn() ? 'over' : [];
  }

  /** Lets the one behind catch up until both have executed the same number of instructions. */
  private meet(): boolean {
    const { interpreting, translating } = this;
    for (let turn = 0; turn < MEETING_TURNS; turn++) {
      const ahead = translating.executed - interpreting.executed;
      if (ahead === 0) return true;
      // In a loop they may stop at different places each time: now and then go further, out of it.
      const further = turn % TURNS_PER_STRIDE === TURNS_PER_STRIDE - 1 ? turn * STRIDE : 0;
      (ahead > 0 ? interpreting : translating).run(Math.abs(ahead) + further);
    }
    return false;
  }

  /** A guest that waits sleeps until its next event; true when it has switched itself off. */
  private endTurn(): boolean {
    const { result } = this.interpreting;
    this.interpreting.result = undefined;
    this.translating.result = undefined;
    if (result?.kind === 'idle') this.clock.advance((result.wakeAfterMs ?? 1) * NS_PER_MS + 1);
    return result?.kind === 'off' || result?.kind === 'reset';
  }

  compare(): string[] {
    const ours = this.translating;
    const theirs = this.interpreting;
    const lines: string[] = [];
    const check = (name: string, a: bigint | number | string, b: bigint | number | string) => {
      if (a !== b) lines.push(`${name}: ${ours.name} ${show(a)}, ${theirs.name} ${show(b)}`);
    };
    const [a, b] = [ours.state, theirs.state];
    check('turn', ours.result?.kind ?? 'ran', theirs.result?.kind ?? 'ran');
    for (const name of FIELDS)
      if (NARROW.has(name)) check(name, a.get(CPU[name]), b.get(CPU[name]));
      else check(name, a.wide(CPU[name]), b.wide(CPU[name]));
    check('NZCV', readNzcv(a), readNzcv(b));
    for (const { name, offset, wide } of WIDE_CELLS)
      for (let at = offset; at < offset + 8 * wide; at += 8)
        if (a.get(at) !== b.get(at) || a.high(at) !== b.high(at))
          check(`${name}${wide > 1 ? (at - offset) / 8 : ''}`, a.wide(at), b.wide(at));
    check('console', ours.console, theirs.console);
    if (this.meetings % this.options.compareRamEvery === 0) lines.push(...this.compareRam());
    return lines;
  }

  compareRam(): string[] {
    const [a, b] = [this.translating.ram, this.interpreting.ram].map(
      (ram) => new Int32Array(ram.buffer, ram.byteOffset, ram.length / 4),
    );
    assert(a && b, 'two machines');
    for (let i = 0; i < a.length; i++)
      if (a[i] !== b[i])
        return [`memory at ${(RAM_BASE + 4 * i).toString(16)}: ${show(a[i] ?? 0)}, ${show(b[i] ?? 0)}`];
    return [];
  }
}

function show(value: bigint | number | string): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(-200))
    : `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}
