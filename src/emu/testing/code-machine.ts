/**
 * A CPU with RAM that runs hand-written programs at EL1, for tests of code that changes: all of RAM is mapped at
 * its own addresses, readable, writable and executable; a window of pages at other addresses can be mapped
 * page by page. A program ends with WFI.
 */
import { assert } from '../base/assert.ts';
import type { Log } from '../base/ports.ts';
import { Cpu } from '../cpu/cpu.ts';
import { systemKey } from '../cpu/runtime.ts';
import { SYSTEM_REGISTERS } from '../cpu/system-registers/table.ts';
import { Interpreter } from '../interpreter/interpreter.ts';
import { assemble } from '../isa/assembler.ts';
import { AT_ONCE, Jit, type JitOptions } from '../jit/jit.ts';
import type { RegionEvent } from '../jit/region-events.ts';
import {
  type TranslationAnswer,
  type TranslationRequest,
  TranslationService,
  type TranslatorFactory,
} from '../jit/translator.ts';
import { CPU } from '../layout/cpu-state.ts';
import { CPU_BLOCK, FETCH_AREA, RAM_OFFSET, TLB_AREA, wasmPagesFor } from '../layout/memory-map.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { wfi } from './instructions.ts';

export const CODE_RAM = 0x4000_0000;
/** First address of the window. */
export const WINDOW = 0x8000_0000;
export const PAGE = 0x1000;

const WARM: JitOptions = { ...AT_ONCE, heat: 2, eager: false };
/** How code is executed: not translated, once reached a second time, elsewhere with answers that come late, or at once. */
export const CODE_ENGINES = {
  interpret: undefined,
  'translate when warm': WARM,
  'translate elsewhere': WARM,
  'translate at once': AT_ONCE,
} as const satisfies Record<string, JitOptions | undefined>;
export type CodeEngine = keyof typeof CODE_ENGINES;
export const CODE_ENGINE_NAMES = Object.keys(CODE_ENGINES) as CodeEngine[];

const DEFAULT_RAM = 0x20_0000;
const BLOCK_BYTES = 0x20_0000;
const WORD = 4;
const SLICE_FUEL = 500;
const SLICES = 20_000;
/** Slices that pass before the answer to a request comes. */
const ANSWER_AFTER = 3;

/** Arm ARM D8.3: valid table, block and page descriptors; AF, inner shareable, UXN. */
const TABLE = 3n;
const ATTRIBUTES = (1n << 10n) | (3n << 8n) | (1n << 54n);
const BLOCK_DESCRIPTOR = 1n | ATTRIBUTES;
const PAGE_DESCRIPTOR = 3n | ATTRIBUTES;
const GIB_SHIFT = 30;

const SCTLR_M = 1n;
const SCTLR_C = 1n << 2n;
const SCTLR_I = 1n << 12n;
const RUNTIME_SCTLR = SCTLR_M | SCTLR_C | SCTLR_I;

const SILENT: Log = { write: () => {} };

export class CodeMachine {
  readonly cpu: Cpu;
  jit: Jit | undefined;
  /** What became of translated code. */
  readonly regionEvents: RegionEvent[] = [];
  /** The host's clock. */
  nowNs = 0;
  readonly ramBytes: number;
  private readonly sliceFuel: number;
  private readonly memory: GuestMemory;
  private readonly view: DataView;
  private interpreter: Interpreter | undefined;
  private readonly requests: {
    readonly request: TranslationRequest;
    readonly service: TranslationService;
    readonly due: number;
  }[] = [];
  private answer: (answer: TranslationAnswer) => void = () => {};
  private slices = 0;

  private constructor(ramBytes: number, sliceFuel: number) {
    this.ramBytes = ramBytes;
    this.sliceFuel = sliceFuel;
    const pages = wasmPagesFor(ramBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.memory = new GuestMemory(memory, CODE_RAM, ramBytes, RAM_OFFSET);
    this.view = new DataView(memory.buffer);
    this.cpu = this.makeCpu();
    this.cpu.reset(CODE_RAM);
    this.mapRam();
    for (let at = 0; at < PAGE; at += WORD) this.write(this.vectors + at, [wfi]);
    this.setRegister('MAIR_EL1', 0xffn);
    // T0SZ 16, EPD1, IPS 40 bits.
    this.setRegister('TCR_EL1', 16n | (1n << 23n) | (2n << 32n));
    this.setRegister('TTBR0_EL1', BigInt(this.table(0)));
    this.setRegister('VBAR_EL1', BigInt(this.vectors));
    this.setRegister('SCTLR_EL1', RUNTIME_SCTLR);
  }

  static async create(
    engine: CodeEngine,
    ramBytes = DEFAULT_RAM,
    sliceFuel = SLICE_FUEL,
  ): Promise<CodeMachine> {
    const machine = new CodeMachine(ramBytes, sliceFuel);
    machine.interpreter = await Interpreter.create(machine.memory, machine.cpu);
    const options = CODE_ENGINES[engine];
    if (options)
      machine.jit = new Jit(machine.interpreter, machine.memory, options, {
        log: SILENT,
        onRegion: (event) => machine.regionEvents.push(event),
      });
    if (engine === 'translate elsewhere') machine.jit?.translateElsewhere(machine.lateTranslator());
    return machine;
  }

  /** Writes words without telling anyone, as a device would. */
  write(address: number, words: readonly number[]): void {
    words.forEach((word, i) => {
      this.view.setUint32(this.linear(address) + i * WORD, word, true);
    });
  }

  /** Writes a program in assembly language. */
  writeSource(address: number, source: string): void {
    const { bytes } = assemble(source, BigInt(address));
    this.bytesAt(address, bytes.length).set(bytes);
  }
  /** RAM itself: writes tell nobody. */
  bytesAt(address: number, length: number): Uint8Array {
    return new Uint8Array(this.view.buffer, this.linear(address), length);
  }

  /** Maps a page of the window; the guest must do its TLB maintenance. */
  mapWindow(page: number, physical: number, attributes = 0n): void {
    const descriptor = BigInt(physical) | PAGE_DESCRIPTOR | attributes;
    this.view.setBigUint64(this.linear(this.windowEntry(page)), descriptor, true);
  }
  /** Where the descriptor of a page of the window is, and what maps it to a physical page. */
  windowEntry(page: number): number {
    return this.table(3) + page * 8;
  }
  windowDescriptor(physical: number): bigint {
    return BigInt(physical) | PAGE_DESCRIPTOR;
  }

  x(index: number): bigint {
    return this.cpu.state.wide(this.cpu.state.slot(index));
  }
  setX(index: number, value: number | bigint): void {
    this.view.setBigUint64(CPU_BLOCK + CPU.X + index * 8, BigInt(value), true);
  }

  /** Enters a program with X0, X1, … and runs it to its WFI; false when it did not come there. */
  run(entry: number, ...registers: readonly (number | bigint)[]): boolean {
    assert(this.interpreter, 'use CodeMachine.create');
    registers.forEach((value, index) => {
      this.setX(index, value);
    });
    this.cpu.state.setNumber(CPU.PC, entry);
    for (let slice = 0; slice < SLICES; slice++) {
      this.answerRequests();
      const { executed, waits } = this.interpreter.run(this.sliceFuel);
      this.jit?.endSlice(executed);
      if (waits) return !this.faulted;
    }
    return false;
  }

  /** As a translator on another thread: what it answers was true when it was asked. */
  private lateTranslator(): TranslatorFactory {
    return (events, machine) => {
      this.answer = (answer) => events.answer(answer);
      const service = new TranslationService(machine);
      const request = (asked: readonly TranslationRequest[]) => {
        for (const one of structuredClone(asked))
          this.requests.push({ request: one, service, due: this.slices + ANSWER_AFTER });
      };
      return { request };
    };
  }

  private answerRequests(): void {
    this.slices++;
    while (this.requests[0] && this.requests[0].due <= this.slices) {
      const asked = this.requests.shift();
      if (asked) this.answer(asked.service.answer([asked.request]));
    }
  }

  /** Whether the last WFI was an exception vector's. */
  get faulted(): boolean {
    return (Number(this.cpu.state.wide(CPU.PC)) & -PAGE) === this.vectors;
  }

  setInstructionCache(on: boolean): void {
    this.setRegister('SCTLR_EL1', on ? RUNTIME_SCTLR : RUNTIME_SCTLR & ~SCTLR_I);
  }

  private get vectors(): number {
    return CODE_RAM + this.ramBytes - PAGE;
  }
  private table(n: number): number {
    return CODE_RAM + this.ramBytes - (n + 2) * PAGE;
  }
  private linear(address: number): number {
    return address - CODE_RAM + RAM_OFFSET;
  }

  /** Tables 0: level 0; 1: level 1; 2: level 2 of RAM; 3: level 3 of the window; 4: level 2 of the window. */
  private mapRam(): void {
    const put = (table: number, index: number, value: bigint) =>
      this.view.setBigUint64(this.linear(this.table(table) + index * 8), value, true);
    put(0, 0, BigInt(this.table(1)) | TABLE);
    put(1, CODE_RAM >>> GIB_SHIFT, BigInt(this.table(2)) | TABLE);
    put(1, WINDOW >>> GIB_SHIFT, BigInt(this.table(4)) | TABLE);
    put(4, 0, BigInt(this.table(3)) | TABLE);
    for (let at = 0; at < this.ramBytes; at += BLOCK_BYTES)
      put(2, at / BLOCK_BYTES, BigInt(CODE_RAM + at) | BLOCK_DESCRIPTOR);
  }

  private setRegister(name: string, value: bigint): void {
    const row = SYSTEM_REGISTERS.find((register) => register.name === name);
    assert(row, `no system register ${name}`);
    this.setX(0, value);
    this.cpu.systemWrite(systemKey(...row.encoding), 0);
  }

  private makeCpu(): Cpu {
    const line = { setLevel: () => {} };
    return new Cpu(
      {
        memory: this.memory,
        bus: { read: () => -1, write: () => false },
        gic: { readRegister: () => 0, writeRegister: () => true },
        firmware: { conduit: 'hvc', call: () => 0n },
        clock: { nowNs: () => this.nowNs },
        entropy: { fill: (target) => target.fill(0x5a) },
        log: { write: () => {} },
        codeCache: {
          invalidatePhysicalLine: (address, bytes) =>
            this.interpreter?.cache.invalidatePhysicalLine(address, bytes),
          invalidateAll: () => this.interpreter?.cache.invalidateAll(),
          contextChanged: () => {},
        },
        physicalTimerLine: line,
        virtualTimerLine: line,
      },
      {
        affinity: 0,
        placement: { block: CPU_BLOCK, tlb: TLB_AREA, fetch: FETCH_AREA },
        fastPathChecksAlignment: false,
      },
    );
  }
}
