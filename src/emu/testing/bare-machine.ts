/**
 * A CPU with its memory and interpreter and nothing around: user programs run at EL0 under a flat mapping of
 * the arena, every exception ends in a WFI at EL1.
 */
import { assert } from '../base/assert.ts';
import type { Log } from '../base/ports.ts';
import { Cpu } from '../cpu/cpu.ts';
import { CPU_PROFILES, type CpuProfile } from '../cpu/profiles.ts';
import { type CodeCache, systemKey } from '../cpu/runtime.ts';
import { cellOffset } from '../cpu/state.ts';
import { SYSTEM_REGISTERS } from '../cpu/system-registers/table.ts';
import { Interpreter } from '../interpreter/interpreter.ts';
import { AT_ONCE, Jit, type JitOptions } from '../jit/jit.ts';
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK, FETCH_AREA, RAM_OFFSET, TLB_AREA, wasmPagesFor } from '../layout/memory-map.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import {
  CODE_BASE,
  CODE_BYTES,
  END_WORD,
  initialScratch,
  RAM_BASE,
  RAM_BYTES,
  SCRATCH_BASE,
  SCRATCH_BYTES,
  SLOT_WORDS,
  slotAddress,
  TABLES_BASE,
  THREAD_ID,
  VECTORS_BASE,
} from './arena.ts';
import { type End, newState, type Outcome, type ProcessorState, STATE } from './processor-state.ts';

const PAGE = 0x1000;
const WORD = 4;
const GENERAL_REGISTERS = 31;
const VECTOR_WORDS = 64;

/** Descriptors (Arm ARM D8.3): table or page, AF, and for pages AP, PXN and UXN. */
const TABLE = 3n;
const PAGE_DESCRIPTOR = 3n | (1n << 10n) | (3n << 8n);
const AP_USER = 1n << 6n;
const AP_READ_ONLY = 1n << 7n;
const UXN = 1n << 54n;
const PXN = 1n << 53n;
const TABLE_ENTRIES = 512;

/** What the recorded programs were compared with, QEMU 7.2, has all but FEAT_LSE2: atomics must be aligned. */
const PROFILE: CpuProfile = {
  ...CPU_PROFILES.max,
  features: new Set([...CPU_PROFILES.max.features].filter((feature) => feature !== 'FEAT_LSE2')),
};

const REGIONS = [
  { base: CODE_BASE, bytes: CODE_BYTES, attributes: AP_USER | AP_READ_ONLY | PXN },
  { base: SCRATCH_BASE, bytes: SCRATCH_BYTES, attributes: AP_USER | UXN | PXN },
  { base: VECTORS_BASE, bytes: PAGE, attributes: AP_READ_ONLY | UXN },
] as const;

/** System registers before the first program. */
const SETUP = [
  { name: 'MAIR_EL1', value: 0xffn },
  // T0SZ 16, EPD1, IPS 48 bits, TBI0, as Linux has it for processes.
  { name: 'TCR_EL1', value: 16n | (1n << 23n) | (5n << 32n) | (1n << 37n) },
  { name: 'TTBR0_EL1', value: BigInt(TABLES_BASE) },
  { name: 'VBAR_EL1', value: BigInt(VECTORS_BASE) },
  { name: 'CPACR_EL1', value: 3n << 20n },
  // M, C, I, DZE, UCT, UCI. The oracle does not check the alignment of SP.
  { name: 'SCTLR_EL1', value: 1n | (1n << 2n) | (1n << 12n) | (1n << 14n) | (1n << 15n) | (1n << 26n) },
] as const;

const WFI = 0xd503207f;
/** More than any test program executes. */
const FUEL = 20_000;

const EC_SHIFT = 26;
const FAULT_STATUS_MASK = 0x3f;
const ALIGNMENT_FAULT = 0x21;
/** Exception class from EL0 → the signal that Linux makes of it. */
const ENDS: Readonly<Record<number, End>> = {
  0: 'ill',
  14: 'ill',
  24: 'ill',
  32: 'segv',
  34: 'bus',
  36: 'segv',
  60: 'trap',
};
const ADDRESS_MASK = (1n << 56n) - 1n;

/** A run's outcome, and how many instructions it took. */
export interface RunOutcome extends Outcome {
  readonly executed: number;
}

/** How a bare machine executes: every test runs in every mode. */
export type EngineMode = 'interpret' | 'translate';
export const ENGINE_MODES: readonly EngineMode[] = ['interpret', 'translate'];

export class BareMachine {
  readonly cpu: Cpu;
  readonly log: string[] = [];
  private readonly logPort: Log = { write: (_severity, _component, message) => this.log.push(message) };
  private readonly memory: GuestMemory;
  private readonly view: DataView;
  private readonly initial = new Int32Array(initialScratch().buffer);
  private readonly scratch: Int32Array;
  private interpreter: Interpreter | undefined;
  private jit: Jit | undefined;

  private constructor() {
    const pages = wasmPagesFor(RAM_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.memory = new GuestMemory(memory, RAM_BASE, RAM_BYTES, RAM_OFFSET);
    this.view = new DataView(memory.buffer);
    this.scratch = new Int32Array(memory.buffer, this.linear(SCRATCH_BASE), SCRATCH_BYTES / WORD);
    this.cpu = this.makeCpu();
    this.mapArena();
    for (let at = 0; at < PAGE; at += WORD) this.view.setUint32(this.linear(VECTORS_BASE + at), WFI, true);
    this.configure();
    this.scratch.set(this.initial);
  }

  /** `image` is the interpreter's, if it is not to be generated. */
  static async create(
    mode: EngineMode | JitOptions = 'interpret',
    image?: WebAssembly.Module,
  ): Promise<BareMachine> {
    const machine = new BareMachine();
    machine.interpreter = await Interpreter.create(machine.memory, machine.cpu, undefined, image);
    const options = mode === 'translate' ? AT_ONCE : mode;
    if (options !== 'interpret')
      machine.jit = new Jit(machine.interpreter, machine.memory, options, { log: machine.logPort });
    return machine;
  }

  /** Pieces of programs that were translated. */
  get regionsCompiled(): number {
    return this.jit?.regionsCompiled ?? 0;
  }

  /** Instructions so far that translated code has executed. */
  get translatedInstructions(): number {
    return this.interpreter?.translatedInstructions ?? 0;
  }

  /** Puts a program into a slot; it takes effect with the next `synchronize`. */
  load(slot: number, words: readonly number[]): void {
    assert(words.length < SLOT_WORDS, 'the program does not fit into its slot');
    for (let i = 0; i < SLOT_WORDS; i++)
      this.view.setUint32(this.linear(slotAddress(slot) + i * WORD), words[i] ?? END_WORD, true);
  }

  /** Puts code of any length at an address, across slots. */
  loadAt(address: number, words: readonly number[]): void {
    words.forEach((word, i) => {
      this.view.setUint32(this.linear(address) + i * WORD, word, true);
    });
  }

  /** Makes new code visible to fetches. */
  synchronize(): void {
    this.interpreter?.cache.invalidateAll();
  }

  /**
   * Runs from a state, `sliceFuel` instructions at a time; scratch memory is as at the start before and
   * afterwards.
   */
  run(state: ProcessorState, sliceFuel = FUEL): RunOutcome {
    assert(this.interpreter, 'use BareMachine.create');
    this.writeState(state);
    let executed = 0;
    for (let waits = false; !waits && executed < FUEL; ) {
      const slice = this.interpreter.run(Math.min(sliceFuel, FUEL - executed));
      executed += slice.executed;
      waits = slice.waits;
    }
    const { end, address } = this.ending();
    const result = this.readState();
    if (end === 'timeout') {
      this.cpu.reset(0);
      this.configure();
    }
    return { end, address, state: result, memory: this.takeMemoryChanges(), executed };
  }

  private makeCpu(): Cpu {
    const line = { setLevel: () => {} };
    const codeCache: CodeCache = {
      invalidatePhysicalLine: (address, bytes) =>
        this.interpreter?.cache.invalidatePhysicalLine(address, bytes),
      invalidateAll: () => this.interpreter?.cache.invalidateAll(),
      contextChanged: () => {},
    };
    return new Cpu(
      {
        memory: this.memory,
        bus: { read: () => -1, write: () => false },
        gic: { readRegister: () => 0, writeRegister: () => true },
        firmware: { conduit: 'hvc', call: () => 0n },
        clock: { nowNs: () => 0 },
        entropy: { fill: (target) => target.fill(0x5a) },
        log: this.logPort,
        codeCache,
        physicalTimerLine: line,
        virtualTimerLine: line,
      },
      {
        affinity: 0,
        profile: PROFILE,
        placement: { block: CPU_BLOCK, tlb: TLB_AREA, fetch: FETCH_AREA },
        fastPathChecksAlignment: false,
      },
    );
  }

  /** Four levels of tables for the 2 MiB that RAM is. */
  private mapArena(): void {
    const level = (n: number) => TABLES_BASE + n * PAGE;
    const put = (table: number, index: number, value: bigint) =>
      this.view.setBigUint64(this.linear(table + (index % TABLE_ENTRIES) * 8), value, true);
    const [l0, l1, l2, l3] = [level(0), level(1), level(2), level(3)];
    put(l0, 0, BigInt(l1) | TABLE);
    put(l1, RAM_BASE >>> 30, BigInt(l2) | TABLE);
    put(l2, RAM_BASE >>> 21, BigInt(l3) | TABLE);
    for (const { base, bytes, attributes } of REGIONS)
      for (let page = base; page < base + bytes; page += PAGE)
        put(l3, page >>> 12, BigInt(page) | PAGE_DESCRIPTOR | attributes);
  }

  private configure(): void {
    for (const { name, value } of SETUP) this.writeRegister(name, value);
  }

  private linear(address: number): number {
    return address - RAM_BASE + RAM_OFFSET;
  }

  private writeRegister(name: string, value: bigint): void {
    const row = SYSTEM_REGISTERS.find((register) => register.name === name);
    assert(row, `no system register ${name}`);
    this.view.setBigUint64(CPU_BLOCK + CPU.X, value, true);
    this.cpu.systemWrite(systemKey(...row.encoding), 0);
  }

  private writeState(state: ProcessorState): void {
    const { view } = this;
    const word = (index: number) => state[index] ?? 0n;
    this.writeRegister('FPCR', word(STATE.FPCR));
    this.writeRegister('FPSR', word(STATE.FPSR));
    for (let i = 0; i < GENERAL_REGISTERS; i++)
      view.setBigUint64(CPU_BLOCK + CPU.X + 8 * i, word(STATE.X + i), true);
    for (let i = 0; i < VECTOR_WORDS; i++)
      view.setBigUint64(CPU_BLOCK + CPU.V + 8 * i, word(STATE.V + i), true);
    view.setBigUint64(CPU_BLOCK + CPU.SP_EL0, word(STATE.SP), true);
    view.setBigUint64(CPU_BLOCK + CPU.TPIDR_EL0, THREAD_ID, true);
    // An exception return enters the program: SPSR with EL0t and the flags.
    view.setBigUint64(CPU_BLOCK + cellOffset('ELR_EL1'), word(STATE.PC), true);
    view.setBigUint64(CPU_BLOCK + cellOffset('SPSR_EL1'), word(STATE.NZCV) << 28n, true);
    this.cpu.eret();
  }

  private ending(): { end: End; address: bigint } {
    const { state } = this.cpu;
    const vector = state.wide(CPU.PC) & -BigInt(PAGE);
    if (state.get(CPU.EL) === 0 || vector !== BigInt(VECTORS_BASE)) return { end: 'timeout', address: 0n };
    const syndrome = state.get(cellOffset('ESR_EL1')) >>> 0;
    const end = ENDS[syndrome >>> EC_SHIFT] ?? 'other';
    if (end !== 'segv' && end !== 'bus') return { end, address: 0n };
    const address = state.wide(cellOffset('FAR_EL1')) & ADDRESS_MASK;
    return { end: (syndrome & FAULT_STATUS_MASK) === ALIGNMENT_FAULT ? 'bus' : end, address };
  }

  private readState(): ProcessorState {
    const { state } = this.cpu;
    const out = newState();
    for (let i = 0; i < GENERAL_REGISTERS; i++) out[STATE.X + i] = state.wide(state.slot(i));
    for (let i = 0; i < VECTOR_WORDS; i++) out[STATE.V + i] = state.wide(CPU.V + 8 * i);
    out[STATE.SP] = state.wide(CPU.SP_EL0);
    out[STATE.PC] = state.wide(cellOffset('ELR_EL1'));
    out[STATE.NZCV] = (state.wide(cellOffset('SPSR_EL1')) >> 28n) & 0xfn;
    out[STATE.FPCR] = BigInt(state.get(CPU.FPCR) >>> 0);
    out[STATE.FPSR] = BigInt(state.get(CPU.FPSR) >>> 0);
    return out;
  }

  private takeMemoryChanges(): [number, bigint][] {
    const changes: [number, bigint][] = [];
    const base = this.linear(SCRATCH_BASE);
    for (let i = 0; i < this.initial.length; i += 2) {
      if (this.scratch[i] === this.initial[i] && this.scratch[i + 1] === this.initial[i + 1]) continue;
      changes.push([i * WORD, this.view.getBigUint64(base + i * WORD, true)]);
    }
    if (changes.length > 0) this.scratch.set(this.initial);
    return changes;
  }
}
