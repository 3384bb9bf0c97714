/**
 * GICv3 (Arm IHI 0069H) without LPIs or ITS: one distributor, and a redistributor and a CPU interface for
 * each CPU. One security state (DS = 1) and affinity routing only (ARE = 1), as on QEMU's virt board.
 * GICR_WAKER's handshake is answered but does not hold interrupts back.
 */
import type { AccessSize, InterruptLine, MmioDevice, SavedState, Stateful } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';
import { Arbiter, FIRST_PPI, PRIVATE_INTERRUPTS, SPI_COUNT } from './arbiter.ts';
import { CpuInterface, type CpuInterfacePorts } from './cpu-interface.ts';
import { readFrame, writeFrame } from './interrupt-bank.ts';

export const GICD_WINDOW_SIZE = 0x1_0000;
/** RD_base and SGI_base, 64 KiB each. */
export const GICR_SIZE_PER_CPU = 0x2_0000;

const GICD_CTLR = 0x0000;
const GICD_TYPER = 0x0004;
const GICD_IIDR = 0x0008;
const GICD_IROUTER = 0x6000;
const GICD_IROUTER_END = 0x8000;
const GICR_CTLR = 0x0000;
const GICR_IIDR = 0x0004;
const GICR_TYPER_LOW = 0x0008;
const GICR_TYPER_HIGH = 0x000c;
const GICR_WAKER = 0x0014;
const SGI_BASE = 0x1_0000;
/** First of the twelve identification registers at the end of a 64 KiB frame. */
const IDENTIFICATION = 0xffd0;

/** GICD_CTLR: the group enables can be written; ARE and DS are fixed to one; writes complete at once. */
const CTLR_GROUP_ENABLES = 3;
const CTLR_FIXED = (1 << 4) | (1 << 6);
/** GICD_TYPER: ITLinesNumber, IDbits = 16 bits, A3V, No1N. */
const TYPER = ((PRIVATE_INTERRUPTS + SPI_COUNT) / 32 - 1) | (0xf << 19) | (1 << 24) | (1 << 25);
/** Implementer 0x43b (JEP106 of Arm), no product and revision. */
const IIDR = 0x43b;
/** GICR_TYPER: Last in the low word, Processor_Number from bit 8; the high word is the affinity. */
const GICR_TYPER_LAST = 1 << 4;
const GICR_TYPER_PROCESSOR_SHIFT = 8;
const WAKER_PROCESSOR_SLEEP = 1 << 1;
const WAKER_CHILDREN_ASLEEP = 1 << 2;
/** PIDR4–7, PIDR0–3, CIDR0–3; PIDR2 says architecture revision 3. */
const ID_BYTES_TAIL = [0xb4, 0x3b, 0x00, 0x0d, 0xf0, 0x05, 0xb1] as const;
const PIDR0_DISTRIBUTOR = 0x92;
const PIDR0_REDISTRIBUTOR = 0x93;
const STATE_VERSION = 1;

function readIdentification(offset: number, part: number): number {
  return [0x44, 0, 0, 0, part, ...ID_BYTES_TAIL][(offset - IDENTIFICATION) >> 2] ?? 0;
}

class Distributor implements MmioDevice {
  private readonly arbiter: Arbiter;
  constructor(arbiter: Arbiter) {
    this.arbiter = arbiter;
  }

  read(offset: number, size: AccessSize): number {
    if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END) return this.readRoute(offset, size);
    switch (offset) {
      case GICD_CTLR:
        return CTLR_FIXED | this.arbiter.enabledGroups;
      case GICD_TYPER:
        return TYPER;
      case GICD_IIDR:
        return IIDR;
      default:
        if (offset >= IDENTIFICATION) return readIdentification(offset, PIDR0_DISTRIBUTOR);
        return readFrame(this.arbiter.spis, offset, size);
    }
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset === GICD_CTLR) this.arbiter.enabledGroups = value & CTLR_GROUP_ENABLES;
    else if (offset >= GICD_IROUTER && offset < GICD_IROUTER_END) this.writeRoute(offset, size, value);
    else if (writeFrame(this.arbiter.spis, offset, size, value)) this.arbiter.refreshAll();
  }

  /** GICD_IROUTER<n>: Aff2.Aff1.Aff0 in the low word, Aff3 in the high one; IRM is zero as No1N says. */
  private readRoute(offset: number, size: AccessSize): number {
    const spi = ((offset - GICD_IROUTER) >> 3) - PRIVATE_INTERRUPTS;
    if (size !== 4 || spi < 0 || spi >= SPI_COUNT) return 0;
    const affinity = this.arbiter.route(spi);
    return offset & 4 ? affinity >>> 24 : affinity & 0xff_ffff;
  }

  private writeRoute(offset: number, size: AccessSize, value: number): void {
    const spi = ((offset - GICD_IROUTER) >> 3) - PRIVATE_INTERRUPTS;
    if (size !== 4 || spi < 0 || spi >= SPI_COUNT) return;
    const affinity = this.arbiter.route(spi);
    const changed =
      offset & 4 ? (affinity & 0xff_ffff) | (value << 24) : (affinity & 0xff00_0000) | (value & 0xff_ffff);
    this.arbiter.setRoute(spi, changed >>> 0);
  }
}

/** All redistributors, one after the other. */
class Redistributors implements MmioDevice {
  private readonly arbiter: Arbiter;
  readonly wakers: Uint8Array;

  constructor(arbiter: Arbiter) {
    this.arbiter = arbiter;
    this.wakers = new Uint8Array(arbiter.affinities.length).fill(WAKER_PROCESSOR_SLEEP);
  }

  read(offset: number, size: AccessSize): number {
    const cpu = Math.floor(offset / GICR_SIZE_PER_CPU);
    const register = offset % GICR_SIZE_PER_CPU;
    const isLast = cpu === this.wakers.length - 1;
    switch (register) {
      case GICR_CTLR:
        return 0;
      case GICR_IIDR:
        return IIDR;
      case GICR_TYPER_LOW:
        return (cpu << GICR_TYPER_PROCESSOR_SHIFT) | (isLast ? GICR_TYPER_LAST : 0);
      case GICR_TYPER_HIGH:
        return this.arbiter.affinities[cpu] ?? 0;
      case GICR_WAKER:
        return this.wakers[cpu]! & WAKER_PROCESSOR_SLEEP ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
      default:
        break;
    }
    if (register >= SGI_BASE) return readFrame(this.arbiter.privates[cpu]!, register - SGI_BASE, size);
    return register >= IDENTIFICATION ? readIdentification(register, PIDR0_REDISTRIBUTOR) : 0;
  }

  write(offset: number, size: AccessSize, value: number): void {
    const cpu = Math.floor(offset / GICR_SIZE_PER_CPU);
    const register = offset % GICR_SIZE_PER_CPU;
    if (register === GICR_WAKER) this.wakers[cpu] = value & WAKER_PROCESSOR_SLEEP;
    else if (
      register >= SGI_BASE &&
      writeFrame(this.arbiter.privates[cpu]!, register - SGI_BASE, size, value)
    ) {
      this.arbiter.refresh(cpu);
    }
  }
}

export interface Gicv3Config {
  /** Affinity of each CPU, as MPIDR_EL1 tells it: Aff3.Aff2.Aff1.Aff0, a byte each. */
  readonly affinities: readonly number[];
  /** Interrupt inputs of each CPU, in the same order. */
  readonly cpuLines: readonly CpuInterfacePorts[];
}

export class Gicv3 implements Stateful {
  /** Maps at GICD_base, GICD_WINDOW_SIZE bytes. */
  readonly distributor: MmioDevice;
  /** Maps at the first GICR_base, GICR_SIZE_PER_CPU bytes a CPU. */
  readonly redistributors: MmioDevice;
  readonly cpuInterfaces: readonly CpuInterface[];
  private readonly arbiter: Arbiter;
  private readonly wakers: Uint8Array;

  constructor({ affinities, cpuLines }: Gicv3Config) {
    this.arbiter = new Arbiter(affinities);
    const redistributors = new Redistributors(this.arbiter);
    this.wakers = redistributors.wakers;
    this.distributor = new Distributor(this.arbiter);
    this.redistributors = redistributors;
    this.cpuInterfaces = cpuLines.map((lines, cpu) => new CpuInterface(this.arbiter, cpu, lines));
  }

  /** Shared peripheral interrupt `number`, 0 … 255 (INTID 32 and up). */
  spi(number: number): InterruptLine {
    return this.arbiter.spi(number);
  }

  /** Private peripheral interrupt `number`, 0 … 15 (INTID 16 … 31), of one CPU. */
  ppi(cpu: number, number: number): InterruptLine {
    return this.arbiter.ppi(cpu, FIRST_PPI + number);
  }

  saveState(): SavedState {
    return {
      version: STATE_VERSION,
      interrupts: this.arbiter.saveState(),
      wakers: this.wakers.slice(),
      cpuInterfaces: this.cpuInterfaces.map((part) => part.saveState()),
    };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader('gicv3', state, STATE_VERSION);
    const parts = reader.nestedList('cpuInterfaces', this.cpuInterfaces.length);
    this.wakers.set(reader.bytes('wakers', this.wakers.length));
    this.arbiter.restoreState(reader.nested('interrupts'));
    for (const [cpu, part] of this.cpuInterfaces.entries()) part.restoreState(parts[cpu]!);
  }
}
