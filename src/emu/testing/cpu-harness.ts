/**
 * A vCPU with nothing around it: RAM, an empty bus, a clock that tests move, and everything it says written
 * down. System registers are reached by name, through MRS and MSR as a guest would.
 */

import { Cpu } from '../cpu/cpu.ts';
import { CPU_PROFILES, type CpuName } from '../cpu/profiles.ts';
import type { CpuPorts, StepResult } from '../cpu/runtime.ts';
import { systemKey } from '../cpu/runtime.ts';
import { SYSTEM_OPERATIONS } from '../cpu/system-operations.ts';
import { SYSTEM_REGISTERS } from '../cpu/system-registers/table.ts';
import { CPU, SLOT_ZERO } from '../layout/cpu-state.ts';
import { CPU_BLOCK, FETCH_AREA, RAM_OFFSET, TLB_AREA, wasmPagesFor } from '../layout/memory-map.ts';
import { PhysicalBus } from '../memory/bus.ts';
import { GuestMemory } from '../memory/guest-memory.ts';
import { RecordedLine } from './device-harness.ts';

export const RAM_BASE = 0x4000_0000;
export const RAM_SIZE = 0x80_0000;
/** A register of the file that harness methods use for MRS, MSR and SYS. */
const SCRATCH_REGISTER = 9;

export class CpuHarness {
  readonly memory: GuestMemory;
  readonly bus = new PhysicalBus();
  readonly cpu: Cpu;
  readonly physicalTimer = new RecordedLine();
  readonly virtualTimer = new RecordedLine();
  /** What the CPU told the log, the code cache, the GIC and the firmware, in order. */
  readonly said: string[] = [];
  nowNs = 0;
  private readonly view: DataView;

  constructor(fastPathChecksAlignment = false, cpu: CpuName = 'max') {
    const memory = new WebAssembly.Memory({ initial: wasmPagesFor(RAM_SIZE) });
    this.memory = new GuestMemory(memory, RAM_BASE, RAM_SIZE, RAM_OFFSET);
    this.view = new DataView(memory.buffer);
    const placement = { block: CPU_BLOCK, tlb: TLB_AREA, fetch: FETCH_AREA };
    this.cpu = new Cpu(this.ports(), {
      affinity: 0,
      profile: CPU_PROFILES[cpu],
      placement,
      fastPathChecksAlignment,
    });
    this.cpu.reset(RAM_BASE);
    this.said.length = 0;
  }

  private ports(): CpuPorts {
    const note = (text: string) => this.said.push(text);
    return {
      memory: this.memory,
      bus: this.bus,
      gic: {
        readRegister: (name) => {
          note(`gic read ${name}`);
          return 0x55;
        },
        writeRegister: (name, lo, hi) => note(`gic write ${name} ${lo} ${hi}`) > 0,
      },
      firmware: {
        conduit: 'hvc',
        call: (...x) => {
          note(`firmware ${x.join(' ')}`);
          return 0xffff_ffff_ffff_ffffn;
        },
      },
      clock: { nowNs: () => this.nowNs },
      entropy: { fill: (target) => target.fill(0x5a) },
      log: { write: (severity, component, message) => note(`${severity} ${component}: ${message}`) },
      codeCache: {
        invalidatePhysicalLine: (address, bytes) => note(`line 0x${address.toString(16)} ${bytes}`),
        invalidateAll: () => note('invalidate all'),
        contextChanged: () => {},
      },
      physicalTimerLine: this.physicalTimer,
      virtualTimerLine: this.virtualTimer,
    };
  }

  /** A 32- or 64-bit field of the state block. */
  field(name: keyof typeof CPU): number {
    return this.view.getInt32(CPU_BLOCK + CPU[name], true);
  }

  setField(name: keyof typeof CPU, value: number): void {
    this.view.setInt32(CPU_BLOCK + CPU[name], value, true);
  }

  get pc(): bigint {
    return this.view.getBigUint64(CPU_BLOCK + CPU.PC, true);
  }

  set pc(value: bigint) {
    this.view.setBigUint64(CPU_BLOCK + CPU.PC, value, true);
  }

  x(index: number): bigint {
    return this.view.getBigUint64(CPU_BLOCK + CPU.X + index * 8, true);
  }

  setX(index: number, value: bigint): void {
    this.view.setBigUint64(CPU_BLOCK + CPU.X + index * 8, value, true);
  }

  // System instructions.

  mrs(name: string, rt = SCRATCH_REGISTER): StepResult {
    return this.cpu.systemRead(registerKey(name), rt);
  }

  msr(name: string, value: bigint, rt = SCRATCH_REGISTER): StepResult {
    this.setX(rt, BigInt.asUintN(64, value));
    return this.cpu.systemWrite(registerKey(name), rt);
  }

  /** The value that MRS gives. */
  get(name: string): bigint {
    this.mrs(name);
    return this.x(SCRATCH_REGISTER);
  }

  operate(name: string, operand?: bigint): StepResult {
    const row = SYSTEM_OPERATIONS.find((operation) => operation.name === name);
    if (!row) throw new Error(`no operation ${name}`);
    if (operand === undefined) return this.cpu.systemOperation(systemKey(...row.encoding), SLOT_ZERO);
    this.setX(SCRATCH_REGISTER, BigInt.asUintN(64, operand));
    return this.cpu.systemOperation(systemKey(...row.encoding), SCRATCH_REGISTER);
  }

  /** Goes to EL0 at `pc` by ERET. */
  enterEl0(pc = BigInt(RAM_BASE), spsr = 0n): StepResult {
    this.msr('ELR_EL1', pc);
    this.msr('SPSR_EL1', spsr);
    return this.cpu.eret();
  }

  /** ESR_EL1 as its fields, from the state block: readable at any level. */
  syndrome(): { ec: number; il: number; iss: number } {
    const saved = this.cpu.saveState().registers as { readonly ESR_EL1: bigint };
    const esr = Number(saved.ESR_EL1);
    return { ec: esr >>> 26, il: (esr >>> 25) & 1, iss: esr & 0x1ff_ffff };
  }

  // Memory accesses at virtual addresses; undefined after a data abort.

  read(va: bigint, access: number): bigint | undefined {
    const at = this.cpu.readSlow(Number(BigInt.asIntN(32, va)), Number(BigInt.asIntN(32, va >> 32n)), access);
    return at === 0 ? undefined : this.bytesAt(at >>> 0, access & 0x7f);
  }

  write(va: bigint, access: number, value: bigint): boolean {
    for (let i = 0; i < (access & 0x7f); i++) {
      this.view.setUint8(CPU_BLOCK + CPU.SCRATCH + i, Number((value >> BigInt(8 * i)) & 0xffn));
    }
    const [lo, hi] = [Number(BigInt.asIntN(32, va)), Number(BigInt.asIntN(32, va >> 32n))];
    return this.cpu.writeSlow(lo, hi, access) === 1;
  }

  rmw(va: bigint, access: number): number {
    return this.cpu.rmwAddress(Number(BigInt.asIntN(32, va)), Number(BigInt.asIntN(32, va >> 32n)), access);
  }

  private bytesAt(at: number, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.view.getUint8(at + i));
    return value;
  }

  /** What the fast path would do: whether the array that `pointer` names maps `va`, and to which physical address. */
  lookUp(pointer: 'TLB_READ' | 'TLB_WRITE' | 'TLB_READ_UNPRIVILEGED', va: bigint): number | undefined {
    const lo = Number(BigInt.asIntN(32, va));
    const at = this.field(pointer) + ((lo >>> 12) & 2047) * 16;
    if (this.view.getBigUint64(at, true) !== (BigInt.asUintN(64, va) & ~0xfffn)) return undefined;
    const linear = (lo + this.view.getInt32(at + 8, true)) >>> 0;
    return linear - RAM_OFFSET + RAM_BASE;
  }

  // Guest-physical RAM.

  poke(address: number, value: bigint): void {
    this.view.setBigUint64(RAM_OFFSET + address - RAM_BASE, BigInt.asUintN(64, value), true);
  }

  peek(address: number): bigint {
    return this.view.getBigUint64(RAM_OFFSET + address - RAM_BASE, true);
  }
}

export function registerKey(name: string): number {
  const row = SYSTEM_REGISTERS.find((register) => register.name === name);
  if (!row) throw new Error(`no system register ${name}`);
  return systemKey(...row.encoding);
}
