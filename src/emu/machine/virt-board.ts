/**
 * The virt board: chips on a bus, wired to an interrupt controller, by the rows of virt-map.ts.
 *
 * Whoever runs the machine calls `poll` between slices of guest code (console output and the alarm clock are
 * settled there) and calls `psci.call` for HVC and SMC. Disks, the console and the random source take virtio
 * slots from the highest one down, in that order, so that the first disk is where QEMU puts its first device.
 */
import type { Entropy, InterruptLine, Log, Stateful, WallClock } from '../base/ports.ts';
import type { CpuInterfacePorts } from '../devices/gicv3/cpu-interface.ts';
import { GICR_SIZE_PER_CPU, Gicv3 } from '../devices/gicv3/gicv3.ts';
import { Pl011 } from '../devices/pl011.ts';
import { Pl031 } from '../devices/pl031.ts';
import { Pl061 } from '../devices/pl061.ts';
import { createPsci, type Psci, type PsciPorts } from '../devices/psci.ts';
import { VirtioBlock } from '../devices/virtio/block.ts';
import { VirtioConsole } from '../devices/virtio/console.ts';
import type { VirtioDevice } from '../devices/virtio/device.ts';
import { emptySlot } from '../devices/virtio/empty-slot.ts';
import { VirtioEntropy } from '../devices/virtio/entropy.ts';
import { MmioTransport } from '../devices/virtio/mmio-transport.ts';
import { PhysicalBus } from '../memory/bus.ts';
import { type DiskConfig, MachineConfigError } from './contract.ts';
import type { BootFacts } from './device-tree.ts';
import { type BootEntry, type BootFiles, type BootMemory, loadGuest } from './linux-boot.ts';
import { virtDeviceTree } from './virt-device-tree.ts';
import {
  affinityOfCpu,
  GIC_DISTRIBUTOR,
  GIC_REDISTRIBUTORS,
  GPIO,
  POWER_KEY_PIN,
  PPI,
  RTC,
  UART,
  VIRTIO_SLOTS,
  virtioSlot,
} from './virt-map.ts';

/** Console bytes are handed on in portions of at most this size. */
const CONSOLE_BUFFER_BYTES = 4096;
/** Slots left for disks beside the virtio console and the random source. */
const MOST_DISKS = VIRTIO_SLOTS - 2;
const DEFAULT_CPU_COMPATIBLE = 'arm,armv8';

export interface VirtBoardConfig {
  readonly memory: BootMemory;
  readonly cpus: number;
  readonly disks: readonly DiskConfig[];
  /** Which device host input goes to: ttyAMA0 (`serial`, the default) or hvc0. Output of both is shown. */
  readonly console?: 'serial' | 'virtio';
  /** Whether the CPUs have PMUv3, which the device tree then mentions. */
  readonly hasPmu?: boolean;
  /** The device tree's name of the CPU model. */
  readonly cpuCompatible?: string;
}

export interface VirtBoardPorts {
  readonly wallClock: WallClock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly consoleOutput: (bytes: Uint8Array) => void;
  /** Interrupt inputs of each CPU. */
  readonly cpuInterruptLines: readonly CpuInterfacePorts[];
  readonly psci: PsciPorts;
}

/** Private interrupt inputs of one CPU, driven by its timers and its PMU. */
export type CpuPpis = Readonly<Record<keyof typeof PPI, InterruptLine>>;

/** Collects bytes and hands them on in portions. */
class ConsoleBuffer {
  private readonly bytes = new Uint8Array(CONSOLE_BUFFER_BYTES);
  private length = 0;
  private readonly output: (bytes: Uint8Array) => void;

  constructor(output: (bytes: Uint8Array) => void) {
    this.output = output;
  }

  put(byte: number): void {
    this.bytes[this.length++] = byte;
    if (this.length === CONSOLE_BUFFER_BYTES) this.flush();
  }

  putAll(bytes: Uint8Array): void {
    for (const byte of bytes) this.put(byte);
  }

  flush(): void {
    if (this.length === 0) return;
    const portion = this.bytes.slice(0, this.length);
    this.length = 0;
    this.output(portion);
  }
}

export class VirtBoard {
  readonly bus = new PhysicalBus();
  readonly gic: Gicv3;
  readonly psci: Psci;
  readonly ppis: readonly CpuPpis[];
  private readonly config: VirtBoardConfig;
  private readonly ports: VirtBoardPorts;
  private readonly consoleBuffer: ConsoleBuffer;
  private readonly uart: Pl011;
  private readonly rtc: Pl031;
  private readonly gpio: Pl061;
  private readonly virtioConsole: VirtioConsole;
  /** By slot number. */
  private readonly virtio: ReadonlyMap<number, MmioTransport>;

  constructor(config: VirtBoardConfig, ports: VirtBoardPorts) {
    this.config = config;
    this.ports = ports;
    this.consoleBuffer = new ConsoleBuffer(ports.consoleOutput);
    const affinities = Array.from({ length: config.cpus }, (_, index) => affinityOfCpu(index));
    this.gic = new Gicv3({ affinities, cpuLines: ports.cpuInterruptLines });
    this.ppis = affinities.map((_, cpu) => this.ppisOf(cpu));
    this.psci = createPsci(ports.psci);
    this.uart = new Pl011({
      interrupt: this.gic.spi(UART.spi),
      output: (byte) => this.consoleBuffer.put(byte),
    });
    this.rtc = new Pl031({ interrupt: this.gic.spi(RTC.spi), wallClock: ports.wallClock });
    this.gpio = new Pl061(this.gic.spi(GPIO.spi));
    this.virtioConsole = new VirtioConsole((bytes) => this.consoleBuffer.putAll(bytes));
    this.mapChips();
    this.virtio = this.mapVirtio();
  }

  /** Everything on the board that holds guest-visible state, by a stable name. */
  get components(): Readonly<Record<string, Stateful>> {
    const slots = [...this.virtio].map(([slot, transport]) => [`virtio${slot}`, transport] as const);
    return { gic: this.gic, uart: this.uart, rtc: this.rtc, gpio: this.gpio, ...Object.fromEntries(slots) };
  }

  /** Settles what happens between slices of guest code; cheap. */
  poll(): void {
    this.consoleBuffer.flush();
    this.rtc.poll();
  }

  /** How long the machine may sleep without missing the board's own events; undefined means for ever. */
  nextEventMs(): number | undefined {
    const seconds = this.rtc.secondsToAlarm();
    return seconds === undefined ? undefined : seconds * 1000;
  }

  consoleInput(bytes: Uint8Array): void {
    if (this.config.console === 'virtio') this.virtioConsole.receive(bytes);
    else this.uart.receive(bytes);
  }

  /** Tells the guest the size of its window; only the virtio console can. */
  resizeConsole(columns: number, rows: number): void {
    this.virtioConsole.resize(columns, rows);
  }

  pressPowerKey(): void {
    this.gpio.pressMomentarily(POWER_KEY_PIN);
  }

  /** The board's own device tree for a boot with these facts. */
  deviceTree(facts: BootFacts): Uint8Array {
    const { cpus, cpuCompatible = DEFAULT_CPU_COMPATIBLE, hasPmu = false } = this.config;
    return virtDeviceTree({ cpus, cpuCompatible, hasPmu, entropy: this.ports.entropy }, facts);
  }

  /** Puts a guest into RAM. @throws {MachineConfigError} */
  load(files: BootFiles): Promise<BootEntry> {
    return loadGuest(this.config.memory, files, (facts) => this.deviceTree(facts));
  }

  private ppisOf(cpu: number): CpuPpis {
    const line = (name: keyof typeof PPI): InterruptLine => this.gic.ppi(cpu, PPI[name]);
    return {
      securePhysicalTimer: line('securePhysicalTimer'),
      physicalTimer: line('physicalTimer'),
      virtualTimer: line('virtualTimer'),
      hypTimer: line('hypTimer'),
      pmu: line('pmu'),
    };
  }

  private mapChips(): void {
    const redistributorBytes = this.config.cpus * GICR_SIZE_PER_CPU;
    this.bus.map({ name: 'gic distributor', ...GIC_DISTRIBUTOR }, this.gic.distributor);
    this.bus.map(
      { name: 'gic redistributors', base: GIC_REDISTRIBUTORS.base, size: redistributorBytes },
      this.gic.redistributors,
    );
    this.bus.map({ name: 'pl011', ...UART }, this.uart);
    this.bus.map({ name: 'pl031', ...RTC }, this.rtc);
    this.bus.map({ name: 'pl061', ...GPIO }, this.gpio);
  }

  private mapVirtio(): ReadonlyMap<number, MmioTransport> {
    const { disks, memory } = this.config;
    const { entropy, log } = this.ports;
    const devices: VirtioDevice[] = [
      ...disks.map(({ store, serial }) => new VirtioBlock(store, serial, log)),
      this.virtioConsole,
      new VirtioEntropy(entropy),
    ];
    const used = new Map<number, MmioTransport>();
    for (let slot = VIRTIO_SLOTS - 1; slot >= 0; slot--) {
      const device = devices.shift();
      const row = virtioSlot(slot);
      const transport =
        device && new MmioTransport(device, { memory, interrupt: this.gic.spi(row.spi), log });
      if (transport) used.set(slot, transport);
      this.bus.map({ name: `virtio${slot}`, ...row }, transport ?? emptySlot);
    }
    return used;
  }
}

/** @throws {MachineConfigError} */
export function createVirtBoard(config: VirtBoardConfig, ports: VirtBoardPorts): VirtBoard {
  if (config.disks.length > MOST_DISKS) {
    throw new MachineConfigError('bad-disk', `A machine takes at most ${MOST_DISKS} disks.`);
  }
  return new VirtBoard(config, ports);
}
