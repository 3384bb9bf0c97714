/**
 * The virtio MMIO transport, version 2 (virtio 1.2, 4.2): registers in front of a device, feature
 * negotiation, status, queues and the interrupt.
 *
 * Invariant: the interrupt line is high while InterruptStatus has a bit set, and rises anew with every cause
 * and with every acknowledgement that leaves one, so that edge-triggered inputs lose nothing either.
 */
import type {
  AccessSize,
  DmaMemory,
  InterruptLine,
  Log,
  MmioDevice,
  SavedState,
  Stateful,
} from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';
import { FEATURE, type VirtioDevice, type VirtioTransport } from './device.ts';
import { type QueueLayout, Virtqueue } from './queue.ts';
import * as register from './registers.ts';

/** Device status bits (2.1). */
export const STATUS_ACKNOWLEDGE = 1;
export const STATUS_DRIVER = 2;
export const STATUS_DRIVER_OK = 4;
export const STATUS_FEATURES_OK = 8;
export const STATUS_NEEDS_RESET = 64;
const STATUS_MASK = 0xff;

const INTERRUPT_QUEUE = 1;
const INTERRUPT_CONFIG = 2;
const TRANSPORT_FEATURES = [FEATURE.indirectDescriptors, FEATURE.eventIndex, FEATURE.version1] as const;
const FEATURE_WORDS = 2;
/** Length of a shared memory region that does not exist (4.2.2). */
const NO_REGION = 0xffff_ffff;
const STATE_VERSION = 1;

export interface MmioTransportPorts {
  readonly memory: DmaMemory;
  readonly interrupt: InterruptLine;
  readonly log: Log;
}

/** Feature bit numbers as two words. */
function featureWords(bits: readonly number[]): readonly [number, number] {
  const words: [number, number] = [0, 0];
  for (const bit of bits) words[bit < 32 ? 0 : 1] |= 1 << (bit & 31);
  return [words[0] >>> 0, words[1] >>> 0];
}

/** Registers that hold one half of a queue address. */
const ADDRESS_REGISTERS: Readonly<
  Record<number, { readonly field: Exclude<keyof QueueLayout, 'size'>; readonly isHigh: boolean }>
> = {
  [register.QUEUE_DESC_LOW]: { field: 'descriptors', isHigh: false },
  [register.QUEUE_DESC_HIGH]: { field: 'descriptors', isHigh: true },
  [register.QUEUE_DRIVER_LOW]: { field: 'driver', isHigh: false },
  [register.QUEUE_DRIVER_HIGH]: { field: 'driver', isHigh: true },
  [register.QUEUE_DEVICE_LOW]: { field: 'device', isHigh: false },
  [register.QUEUE_DEVICE_HIGH]: { field: 'device', isHigh: true },
};
const WORD = 2 ** 32;

export class MmioTransport implements MmioDevice, VirtioTransport, Stateful {
  private readonly device: VirtioDevice;
  private readonly ports: MmioTransportPorts;
  private readonly offered: readonly [number, number];
  private readonly queues: readonly Virtqueue[];
  private readonly accepted = new Uint32Array(FEATURE_WORDS);
  private deviceFeaturesSelect = 0;
  private driverFeaturesSelect = 0;
  private queueSelect = 0;
  private status = 0;
  private interruptStatus = 0;
  private generation = 0;

  constructor(device: VirtioDevice, ports: MmioTransportPorts) {
    this.device = device;
    this.ports = ports;
    this.offered = featureWords([...device.features, ...TRANSPORT_FEATURES]);
    this.queues = device.queueSizes.map((size) => new Virtqueue(ports.memory, size));
    device.attach(this);
  }

  queue(index: number): Virtqueue {
    return this.queues[index]!;
  }

  signalQueue(index: number): void {
    const queue = this.queues[index]!;
    if (queue.isBroken) this.fail(`queue ${index} is malformed`);
    if (queue.needsInterrupt()) this.interrupt(INTERRUPT_QUEUE);
  }

  configChanged(): void {
    this.generation = (this.generation + 1) >>> 0;
    if (this.status & STATUS_DRIVER_OK) this.interrupt(INTERRUPT_CONFIG);
  }

  fail(reason: string): void {
    if (this.status & STATUS_NEEDS_RESET) return;
    this.ports.log.write('warning', this.device.name, `stopped until the driver resets it: ${reason}`);
    this.status |= STATUS_NEEDS_RESET;
    if (this.status & STATUS_DRIVER_OK) this.interrupt(INTERRUPT_CONFIG);
  }

  read(offset: number, size: AccessSize): number {
    if (offset >= register.CONFIG) return this.readConfig(offset - register.CONFIG, size);
    // Registers are 32 bits wide and take aligned 32-bit accesses only (4.2.2.2).
    if (size !== 4) return 0;
    switch (offset) {
      case register.MAGIC_VALUE:
        return register.MAGIC;
      case register.VERSION:
        return register.MMIO_VERSION;
      case register.DEVICE_ID:
        return this.device.type;
      case register.VENDOR_ID:
        return register.VENDOR;
      case register.DEVICE_FEATURES:
        return this.offered[this.deviceFeaturesSelect] ?? 0;
      case register.QUEUE_NUM_MAX:
        return this.selectedQueue?.maxSize ?? 0;
      case register.QUEUE_READY:
        return this.selectedQueue?.ready ? 1 : 0;
      case register.INTERRUPT_STATUS:
        return this.interruptStatus;
      case register.STATUS:
        return this.status;
      case register.SHM_LEN_LOW:
      case register.SHM_LEN_HIGH:
      case register.SHM_BASE_LOW:
      case register.SHM_BASE_HIGH:
        return NO_REGION;
      case register.CONFIG_GENERATION:
        return this.generation;
      default:
        return 0;
    }
  }

  write(offset: number, size: AccessSize, value: number): void {
    if (offset >= register.CONFIG) this.writeConfig(offset - register.CONFIG, size, value);
    else if (size === 4) this.writeRegister(offset, value >>> 0);
  }

  saveState(): SavedState {
    const { deviceFeaturesSelect, driverFeaturesSelect, queueSelect, status, interruptStatus, generation } =
      this;
    return {
      version: STATE_VERSION,
      registers: [
        deviceFeaturesSelect,
        driverFeaturesSelect,
        queueSelect,
        status,
        interruptStatus,
        generation,
      ],
      accepted: [...this.accepted],
      queues: this.queues.map((queue) => queue.saveState()),
      device: this.device.saveState(),
    };
  }

  /** RAM must have been restored before: queues and requests in flight live there. */
  restoreState(state: SavedState): void {
    const reader = new StateReader(this.device.name, state, STATE_VERSION);
    const queues = reader.nestedList('queues', this.queues.length);
    const [deviceSelect, driverSelect, queueSelect, status, interruptStatus, generation] = reader.numbers(
      'registers',
      6,
    ) as [number, number, number, number, number, number];
    this.accepted.set(reader.numbers('accepted', FEATURE_WORDS));
    this.deviceFeaturesSelect = deviceSelect;
    this.driverFeaturesSelect = driverSelect;
    this.queueSelect = queueSelect;
    this.status = status;
    this.interruptStatus = interruptStatus;
    this.generation = generation;
    for (const [index, queue] of this.queues.entries()) queue.restoreState(queues[index]!);
    this.updateInterrupt();
    this.device.restoreState(reader.nested('device'));
  }

  private get selectedQueue(): Virtqueue | undefined {
    return this.queues[this.queueSelect];
  }

  private writeRegister(offset: number, value: number): void {
    switch (offset) {
      case register.DEVICE_FEATURES_SEL:
        this.deviceFeaturesSelect = value;
        break;
      case register.DRIVER_FEATURES_SEL:
        this.driverFeaturesSelect = value;
        break;
      case register.DRIVER_FEATURES:
        this.acceptFeatures(value);
        break;
      case register.QUEUE_SEL:
        this.queueSelect = value;
        break;
      case register.QUEUE_NUM:
      case register.QUEUE_READY:
      case register.QUEUE_DESC_LOW:
      case register.QUEUE_DESC_HIGH:
      case register.QUEUE_DRIVER_LOW:
      case register.QUEUE_DRIVER_HIGH:
      case register.QUEUE_DEVICE_LOW:
      case register.QUEUE_DEVICE_HIGH:
        this.writeQueueRegister(offset, value);
        break;
      case register.QUEUE_NOTIFY:
        this.notify(value);
        break;
      case register.INTERRUPT_ACK:
        this.interruptStatus &= ~value;
        this.updateInterrupt();
        break;
      case register.STATUS:
        this.writeStatus(value & STATUS_MASK);
        break;
      default:
        break;
    }
  }

  private acceptFeatures(value: number): void {
    // Features are settled once FEATURES_OK is set (3.1.1).
    if (this.status & STATUS_FEATURES_OK || this.driverFeaturesSelect >= FEATURE_WORDS) return;
    this.accepted[this.driverFeaturesSelect] = value;
  }

  hasFeature(bit: number): boolean {
    return (this.accepted[bit >> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** FEATURES_OK stays clear when the driver took what was not offered, or refuses version 1 (2.2, 6.1). */
  private areFeaturesAcceptable(): boolean {
    const known = this.accepted.every((word, index) => (word & ~this.offered[index]!) === 0);
    return known && this.hasFeature(FEATURE.version1);
  }

  private writeQueueRegister(offset: number, value: number): void {
    const queue = this.selectedQueue;
    if (!queue) return;
    if (offset === register.QUEUE_READY) {
      if (value === 0) queue.reset();
      else if (!queue.ready && !queue.enable(this.hasFeature(FEATURE.eventIndex))) {
        this.fail(`queue ${this.queueSelect} has a bad size or address`);
      }
      return;
    }
    // A queue in use must not be changed (4.2.2.2).
    if (queue.ready) return;
    if (offset === register.QUEUE_NUM) {
      queue.layout.size = value;
      return;
    }
    const { field, isHigh } = ADDRESS_REGISTERS[offset]!;
    const address = queue.layout[field];
    queue.layout[field] = isHigh
      ? value * WORD + (address % WORD)
      : Math.floor(address / WORD) * WORD + value;
  }

  private get isRunning(): boolean {
    return (this.status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) === STATUS_DRIVER_OK;
  }

  private notify(index: number): void {
    if (!this.isRunning || !this.queues[index]?.ready) return;
    this.device.queueNotified(index);
    if (this.queues[index].isBroken) this.fail(`queue ${index} is malformed`);
  }

  private writeStatus(value: number): void {
    if (value === 0) {
      this.reset();
      return;
    }
    const wasRunning = this.isRunning;
    let status = value | (this.status & STATUS_NEEDS_RESET);
    const settlesFeatures = status & STATUS_FEATURES_OK && !(this.status & STATUS_FEATURES_OK);
    if (settlesFeatures && !this.areFeaturesAcceptable()) status &= ~STATUS_FEATURES_OK;
    this.status = status;
    if (wasRunning || !this.isRunning) return;
    // Chains offered before DRIVER_OK were not announced.
    for (let index = 0; index < this.queues.length; index++) this.notify(index);
  }

  private reset(): void {
    this.status = 0;
    this.interruptStatus = 0;
    this.accepted.fill(0);
    for (const queue of this.queues) queue.reset();
    this.device.reset();
    this.updateInterrupt();
  }

  private readConfig(offset: number, size: AccessSize): number {
    const config = this.device.config();
    let value = 0;
    for (let i = 0; i < size; i++) value |= (config[offset + i] ?? 0) << (8 * i);
    return value >>> 0;
  }

  private writeConfig(offset: number, size: AccessSize, value: number): void {
    for (let i = 0; i < size && offset + i < this.device.configBytes; i++) {
      this.device.writeConfig(offset + i, (value >>> (8 * i)) & 0xff);
    }
  }

  private interrupt(cause: number): void {
    this.interruptStatus |= cause;
    this.updateInterrupt();
  }

  private updateInterrupt(): void {
    this.ports.interrupt.setLevel(false);
    if (this.interruptStatus !== 0) this.ports.interrupt.setLevel(true);
  }
}
