/**
 * The interpreter of one vCPU: instantiates the generated modules over the machine's memory and connects
 * them to the CPU's runtime. `run` executes a slice.
 */

import { assert } from '../base/assert.ts';
import { settleLazyFlags } from '../codegen/settle-flags.ts';
import { ATTENTION_ATOMIC, ATTENTION_STEP, type CpuRuntime, STEP_ONE, WAIT } from '../cpu/runtime.ts';
import { FP_SLOT_WORDS, FpLaneCalls } from '../fp/lane-calls.ts';
import { a64Decoder, decoderFor } from '../isa/a64/index.ts';
import { writeCrcTables } from '../isa/crc.ts';
import type { Decoder } from '../isa/decoder.ts';
import type { FeatureSet } from '../isa/features.ts';
import { writeVectorTables } from '../isa/vector-tables.ts';
import { CPU } from '../layout/cpu-state.ts';
import {
  CPU_BLOCK,
  FETCH_AREA,
  FETCH_ARRAY_SIZE,
  FETCH_ENTRIES,
  FETCH_ENTRY_SIZE,
  HANDLER_SLOTS,
  RECORD_SIZE,
  TLB_BANKS,
} from '../layout/memory-map.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { IMPORT_MODULE } from '../wasm/module-builder.ts';
import { accessModule } from './access-module.ts';
import { coldHandlerModule } from './cold-handler.ts';
import { CounterReader } from './counter-reader.ts';
import { DecodeCache } from './decode-cache.ts';
import { HandlerTable } from './handler-table.ts';
import { buildInterpreterImage, type InterpreterImage, readInterpreterImage } from './interpreter-image.ts';
import type { LoopImports } from './interpreter-module.ts';
import type { HELPERS, HelperName } from './runtime-imports.ts';
import { warmUp } from './warm-up.ts';

/** Arguments of helpers by their number. */
type Arguments = [
  [],
  [number],
  [number, number],
  [number, number, number],
  [number, number, number, number],
  [number, number, number, number, number],
  [number, number, number, number, number, number],
];
type Helpers = {
  readonly [K in HelperName]: (
    record: number,
    ...args: Arguments[(typeof HELPERS)[K][0]]
  ) => (typeof HELPERS)[K][1] extends true ? number : unknown;
};
type FpHelperName = Exclude<Extract<HelperName, `fp${string}`>, 'fpTrap'>;

/** Bit of ATTENTION that ends a slice: the guest waits, or the machine ends. */
const ATTENTION_STOP = 2;
const PAGE_MASK = -4096;
/** Fetch entries of the TLB bank that stays empty. */
const NO_FETCH_ENTRIES = FETCH_AREA + (TLB_BANKS - 1) * FETCH_ARRAY_SIZE;

export interface SliceOutcome {
  /** Instructions executed. */
  readonly executed: number;
  /** The guest waits for an interrupt. */
  readonly waits: boolean;
}

export class Interpreter {
  readonly cache: DecodeCache;
  /** Functions by handler number; translated regions from FIRST_REGION_HANDLER on. */
  readonly handlers: WebAssembly.Table;
  /** What generated modules import: the helpers, memory and the table. */
  readonly imports: WebAssembly.ModuleImports;
  /** Called with a record that branches have reached often. */
  onHot: (record: number) => void = () => {};
  /** Called now and then with the records of an indirect jump that left its region, and of its target. */
  onJump: (record: number, target: number) => void = () => {};
  private readonly cpu: CpuRuntime;
  private readonly counter: CounterReader;
  private readonly state: Int32Array;
  private readonly run32: (fuel: number) => number;
  private waits = false;
  /** Software step: the word being run alone, once it has been fetched. */
  private alone: { word: number } | undefined;

  private constructor(memory: GuestMemory, cpu: CpuRuntime, image: InterpreterImage, decoder: Decoder) {
    this.cpu = cpu;
    this.state = new Int32Array(memory.memory.buffer);
    const shared = isShared(memory.memory);
    const table = new WebAssembly.Table({ initial: HANDLER_SLOTS, element: 'anyfunc' });
    const helpers = this.helpers();
    const accesses = new WebAssembly.Instance(new WebAssembly.Module(accessModule(shared)), {
      [IMPORT_MODULE]: { ...helpers, memory: memory.memory },
    });
    const imports = { ...helpers, ...accesses.exports, memory: memory.memory, handlers: table };
    const handlers = new HandlerTable(image.handlers, (number, handler) => {
      const module = new WebAssembly.Module(coldHandlerModule(handler, shared));
      const { exports } = new WebAssembly.Instance(module, { [IMPORT_MODULE]: imports });
      table.set(number, exports.handler as () => void);
    });
    this.cache = new DecodeCache(memory, handlers, decoder);
    this.counter = new CounterReader(cpu.counter);
    const loop: LoopImports = {
      decode: (record) => this.cache.decode(record),
      fetch: () => this.fetch(),
      hot: (record) => this.onHot(record),
    };
    this.handlers = table;
    this.imports = imports;
    const instance = new WebAssembly.Instance(image.module, { [IMPORT_MODULE]: { ...imports, ...loop } });
    this.run32 = instance.exports.run as (fuel: number) => number;
  }

  /**
   * Makes an interpreter of a CPU with these features; without, of one that has all. `made` is its image, if
   * somebody has it already.
   */
  static async create(
    memory: GuestMemory,
    cpu: CpuRuntime,
    features?: FeatureSet,
    made?: WebAssembly.Module,
  ): Promise<Interpreter> {
    writeCrcTables(memory.memory);
    writeVectorTables(memory.memory);
    const image = await imageFor(isShared(memory.memory), made);
    const decoder = features ? decoderFor(features) : a64Decoder;
    return new Interpreter(memory, cpu, image, decoder);
  }

  /** Runs about `fuel` instructions, fewer when something wants attention; only one while stepping. */
  run(fuel: number): SliceOutcome {
    const attention = this.state[(CPU_BLOCK + CPU.ATTENTION) >> 2];
    return attention === ATTENTION_STEP ? this.step() : this.runFreely(fuel);
  }

  private runFreely(fuel: number): SliceOutcome {
    this.waits = false;
    this.counter.beginSlice();
    const left = this.run32(fuel);
    const attention = this.state[(CPU_BLOCK + CPU.ATTENTION) >> 2] ?? 0;
    if (attention & ATTENTION_ATOMIC) this.cpu.finishAtomic();
    const aside = this.state[(CPU_BLOCK + CPU.FUEL) >> 2] ?? 0;
    this.state[(CPU_BLOCK + CPU.FUEL) >> 2] = 0;
    this.setAttention(ATTENTION_STOP, false);
    return { executed: fuel - left - aside / RECORD_SIZE, waits: this.waits };
  }

  /**
   * Software step. The fetch TLB is hidden, so that PC leads to a page of records with one instruction, after
   * which the loop finds its fuel used up. A waiting instruction that is stepped does not wait.
   */
  private step(): SliceOutcome {
    const { cpu, state } = this;
    const fetchTlb = (CPU_BLOCK + CPU.FETCH_TLB) >> 2;
    const before = state[fetchTlb] as number;
    const answer = cpu.softwareStep();
    this.setAttention(ATTENTION_STEP, false);
    if (answer !== STEP_ONE) return { executed: 0, waits: false };
    const alone = { word: 0 };
    this.alone = alone;
    state[fetchTlb] = NO_FETCH_ENTRIES;
    const { executed } = this.runFreely(1);
    if (state[fetchTlb] === NO_FETCH_ENTRIES) state[fetchTlb] = before;
    this.alone = undefined;
    cpu.softwareStepped(isLoadExclusive(alone.word));
    return { executed, waits: false };
  }

  /** Instructions that translated code has executed since the CPU was reset. */
  get translatedInstructions(): number {
    const at = (CPU_BLOCK + CPU.COUNT_TRANSLATED) >> 2;
    const bytes = (this.state[at + 1] ?? 0) * 2 ** 32 + ((this.state[at] ?? 0) >>> 0);
    return bytes / RECORD_SIZE;
  }

  /** Ends the running slice at the next resync; for calls that the guest makes into the runtime. */
  requestStop(): void {
    this.setAttention(ATTENTION_STOP, true);
  }

  /** Decoded page of PC; remembers it in the fetch TLB when fetches may be cached. */
  private fetch(): number {
    const page = this.cpu.fetchAddress();
    if (page === 0) return 0;
    if (this.alone) return this.fetchAlone(this.alone, page);
    if (this.cpu.fetchesAlone()) return this.cache.decodeAlone(this.linearPc(page));
    const cached = this.cpu.instructionCacheEnabled();
    // Without an instruction cache stores are visible to fetches at the next branch to another page.
    const records = this.cache.recordsOf(page, !cached);
    if (!cached) {
      // The next ISB must come here again.
      this.state[(CPU_BLOCK + CPU.CODE_CHANGED) >> 2] = 1;
      return records;
    }
    const pcLo = this.state[(CPU_BLOCK + CPU.PC) >> 2] ?? 0;
    const entry =
      (this.state[(CPU_BLOCK + CPU.FETCH_TLB) >> 2] ?? 0) +
      ((pcLo >>> 12) % FETCH_ENTRIES) * FETCH_ENTRY_SIZE;
    this.state[entry >> 2] = pcLo & PAGE_MASK;
    this.state[(entry >> 2) + 1] = this.state[(CPU_BLOCK + CPU.PC + 4) >> 2] ?? 0;
    this.state[(entry >> 2) + 2] = records;
    return records;
  }

  /** Where the instruction at PC is, in the page that holds it. */
  private linearPc(page: number): number {
    return page + ((this.state[(CPU_BLOCK + CPU.PC) >> 2] ?? 0) & ~PAGE_MASK);
  }

  private fetchAlone(alone: { word: number }, page: number): number {
    const at = this.linearPc(page);
    alone.word = this.state[at >> 2] ?? 0;
    return this.cache.decodeAlone(at);
  }

  /** PC = address of the instruction in `record` + `bytes`. hot: runs at every call into the runtime. */
  private setPc(record: number, bytes = 0): void {
    const { state } = this;
    const bias = (CPU_BLOCK + CPU.PC_BIAS) >> 2;
    const lo = ((state[bias] as number) >>> 0) + (record >>> 2) + bytes;
    state[(CPU_BLOCK + CPU.PC) >> 2] = lo | 0;
    state[(CPU_BLOCK + CPU.PC + 4) >> 2] = (state[bias + 1] as number) + (lo > 0xffffffff ? 1 : 0);
  }

  private setAttention(bit: number, on: boolean): void {
    const at = (CPU_BLOCK + CPU.ATTENTION) >> 2;
    const value = this.state[at] ?? 0;
    this.state[at] = on ? value | bit : value & ~bit;
  }

  /** The runtime as generated code imports it: each function gets the record first. */
  private helpers(): Helpers {
    const { cpu, state } = this;
    const lazyFlags = (CPU_BLOCK + CPU.LAZY_FLAGS_KIND) >> 2;
    const codeChanged = (CPU_BLOCK + CPU.CODE_CHANGED) >> 2;
    const cells = { words: state, wide: new BigInt64Array(state.buffer) };
    const scratch = new Float64Array(state.buffer, CPU_BLOCK + CPU.SCRATCH, 1);
    const at = (record: number) => {
      this.setPc(record);
      if (state[lazyFlags]) settleLazyFlags(cells);
      return cpu;
    };
    // Only a fault looks at the flags that translated code leaves as operands for an access.
    cpu.beforeDataAbort = () => settleLazyFlags(cells);
    const accessed = (result: number) => {
      if (result === 0) settleLazyFlags(cells);
      else state[lazyFlags] = 0;
      return result;
    };
    const access = (record: number) => {
      this.setPc(record);
      return cpu;
    };
    const step = (result: number) => {
      if (result === WAIT) {
        this.waits = true;
        this.setAttention(ATTENTION_STOP, true);
      }
      return result;
    };
    return {
      readSlow: (r, lo, hi, word) => accessed(access(r).readSlow(lo, hi, word)),
      writeSlow: (r, lo, hi, word) => accessed(access(r).writeSlow(lo, hi, word)),
      rmwAddress: (r, lo, hi, word) => accessed(access(r).rmwAddress(lo, hi, word)),
      probe: (_, lo, hi, word) => cpu.probe(lo, hi, word),
      systemRead: (r, key, rt) => step(at(r).systemRead(key, rt)),
      systemWrite: (r, key, rt) => step(at(r).systemWrite(key, rt)),
      systemOperation: (r, key, rt) => step(at(r).systemOperation(key, rt)),
      systemImmediate: (r, field, value) => step(at(r).systemImmediate(field, value)),
      supervisorCall: (r, imm) => step(at(r).supervisorCall(imm)),
      hypervisorCall: (r, imm) => step(at(r).hypervisorCall(imm)),
      secureMonitorCall: (r, imm) => step(at(r).secureMonitorCall(imm)),
      breakpoint: (r, imm) => step(at(r).breakpoint(imm)),
      halt: (r, imm) => step(at(r).halt(imm)),
      undefined: (r) => step(at(r).undefinedInstruction(this.cache.wordAt(r))),
      fpTrap: (r) => step(at(r).fpTrap()),
      spAlignment: (r) => step(at(r).spAlignment()),
      eret: (r) => step(at(r).eret()),
      branchTarget: (r, lo, hi, type) => step(at(r).branchTarget(lo, hi, type)),
      eretToScratch: (r) => step(at(r).eretToScratch()),
      waitForInterrupt: (r) => step(at(r).waitForInterrupt()),
      waitForEvent: (r) => step(at(r).waitForEvent()),
      sendEvent: (r) => step(at(r).sendEvent()),
      instructionBarrier: (r) => {
        this.setPc(r, INSTRUCTION_BYTES);
        state[codeChanged] = 0;
        return 0;
      },
      counter: (_, fuel) => {
        scratch[0] = this.counter.read(fuel);
      },
      jumped: (record, target) => this.onJump(record, target),
      ...this.floatingPoint(),
    };
  }

  /** The exact paths of floating-point operations. They take no exception, so PC need not be exact. */
  private floatingPoint(): Pick<Helpers, FpHelperName> {
    const { cpu, state } = this;
    const scratch = (CPU_BLOCK + CPU.SCRATCH) >> 2;
    const fp = new FpLaneCalls(state.subarray(scratch, scratch + FP_SLOT_WORDS), {
      readFpcr: () => state[(CPU_BLOCK + CPU.FPCR) >> 2] as number,
      orFpsr: (exceptions) => cpu.raiseFpExceptions(exceptions),
    });
    return {
      fpUnary: (_, ...args) => fp.unary(...args),
      fpBinary: (_, ...args) => fp.binary(...args),
      fpTernary: (_, ...args) => fp.ternary(...args),
      fpCompare: (_, ...args) => fp.compare(...args),
      fpConvert: (_, ...args) => fp.convert(...args),
      fpToFixed: (_, ...args) => fp.toFixed(...args),
      fpFromFixed: (_, ...args) => fp.fromFixed(...args),
      fpToFixedJS: () => fp.toFixedJS(),
      fpIntegerEstimate: (_, ...args) => fp.integerEstimate(...args),
    };
  }
}

const INSTRUCTION_BYTES = 4;
/** LDXR, LDAXR, LDXP and LDAXP of every size: bits 29:24, o2 = 0, L = 1 (Arm ARM C4.1.96). */
const LOAD_EXCLUSIVE_MASK = 0x3fc0_0000;
const LOAD_EXCLUSIVE = 0x0840_0000;

function isLoadExclusive(word: number): boolean {
  return (word & LOAD_EXCLUSIVE_MASK) === LOAD_EXCLUSIVE;
}

function isShared({ buffer }: WebAssembly.Memory): boolean {
  return !(buffer instanceof ArrayBuffer);
}

const generated = new Map<boolean, Promise<InterpreterImage>>();

/** The image that was made, if it is of these rows and for this host; else one that is generated once a thread. */
async function imageFor(shared: boolean, made: WebAssembly.Module | undefined): Promise<InterpreterImage> {
  const given = made && readInterpreterImage(made);
  if (given) {
    warmUp(given, shared);
    return given;
  }
  const known = generated.get(shared) ?? generateImage(shared);
  generated.set(shared, known);
  return known;
}

async function generateImage(shared: boolean): Promise<InterpreterImage> {
  const image = readInterpreterImage(await WebAssembly.compile(buildInterpreterImage(shared, 'hot')));
  assert(image, 'a new image is of these rows');
  return image;
}
