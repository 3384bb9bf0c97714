/**
 * A small virtio driver for tests: guest memory, a transport behind a bus, and split queues filled the way a
 * guest fills them (virtio 1.2, 2.7 and 3.1). It can also be told to break the rules.
 */
import type { DmaMemory, Log } from '../base/ports.ts';
import type { VirtioDevice } from '../devices/virtio/device.ts';
import { MmioTransport } from '../devices/virtio/mmio-transport.ts';
import * as register from '../devices/virtio/registers.ts';
import { BusDriver, RecordedLine } from './device-harness.ts';

const RAM_BASE = 0x4000_0000;
const RAM_SIZE = 1 << 20;
const DESCRIPTORS_AT = 0x0000;
const AVAIL_AT = 0x2000;
const USED_AT = 0x3000;
const QUEUE_STRIDE = 0x4000;
const BUFFERS_AT = 0x4_0000;

export class TestRam implements DmaMemory {
  readonly bytes = new Uint8Array(RAM_SIZE);
  readonly data = new DataView(this.bytes.buffer);
  view(address: number, length: number): Uint8Array | undefined {
    const start = address - RAM_BASE;
    if (start < 0 || length < 0 || start + length > RAM_SIZE) return undefined;
    return this.bytes.subarray(start, start + length);
  }
}

export class RecordedLog implements Log {
  readonly lines: string[] = [];
  write(severity: string, component: string, message: string): void {
    this.lines.push(`${severity} ${component}: ${message}`);
  }
}

export interface Buffer {
  /** What the device shall read, or how many bytes it may write. */
  readonly content: Uint8Array | number;
  /** Overrides for malformed chains. */
  readonly address?: number;
  readonly flags?: number;
  readonly next?: number;
}

export const DESC_NEXT = 1;
export const DESC_WRITE = 2;
export const DESC_INDIRECT = 4;
const ALL_FEATURES = 0xffff_ffff;

export class VirtioDriver {
  readonly ram = new TestRam();
  readonly line = new RecordedLine();
  readonly log = new RecordedLog();
  readonly transport: MmioTransport;
  readonly registers: BusDriver;
  readonly queueSize: number;
  private nextBuffer = BUFFERS_AT;
  private readonly nextDescriptor: number[] = [];

  constructor(device: VirtioDevice, queueSize = 16) {
    this.queueSize = queueSize;
    this.transport = new MmioTransport(device, { memory: this.ram, interrupt: this.line, log: this.log });
    this.registers = new BusDriver(this.transport, register.VIRTIO_MMIO_WINDOW_SIZE);
  }

  /** Negotiates what is offered (masked) and starts the device with its queues. */
  start({ queues = 1, featureMask = ALL_FEATURES }: { queues?: number; featureMask?: number } = {}): void {
    const { registers } = this;
    registers.write(register.STATUS, 0);
    registers.write(register.STATUS, 1);
    registers.write(register.STATUS, 3);
    for (const word of [0, 1]) {
      registers.write(register.DEVICE_FEATURES_SEL, word);
      const offered = registers.read(register.DEVICE_FEATURES);
      registers.write(register.DRIVER_FEATURES_SEL, word);
      registers.write(register.DRIVER_FEATURES, word === 0 ? offered & featureMask : offered);
    }
    registers.write(register.STATUS, 11);
    for (let queue = 0; queue < queues; queue++) this.setUpQueue(queue);
    registers.write(register.STATUS, 15);
  }

  setUpQueue(queue: number): void {
    const base = RAM_BASE + queue * QUEUE_STRIDE;
    const { registers } = this;
    this.ram.bytes.fill(0, queue * QUEUE_STRIDE, (queue + 1) * QUEUE_STRIDE);
    this.nextDescriptor[queue] = 0;
    registers.write(register.QUEUE_SEL, queue);
    registers.write(register.QUEUE_NUM, this.queueSize);
    registers.write(register.QUEUE_DESC_LOW, base + DESCRIPTORS_AT);
    registers.write(register.QUEUE_DESC_HIGH, 0);
    registers.write(register.QUEUE_DRIVER_LOW, base + AVAIL_AT);
    registers.write(register.QUEUE_DRIVER_HIGH, 0);
    registers.write(register.QUEUE_DEVICE_LOW, base + USED_AT);
    registers.write(register.QUEUE_DEVICE_HIGH, 0);
    registers.write(register.QUEUE_READY, 1);
  }

  /** Writes descriptors for buffers from `at` on, and returns where the buffers are. */
  writeDescriptors(at: number, first: number, buffers: readonly Buffer[]): number[] {
    return buffers.map(({ content, address, flags, next }, index) => {
      const length = typeof content === 'number' ? content : content.length;
      const place = this.nextBuffer;
      this.nextBuffer += (length + 15) & -16;
      if (this.nextBuffer > RAM_SIZE) throw new Error('test ran out of guest memory');
      if (typeof content !== 'number') this.ram.bytes.set(content, place);
      const byDefault =
        (typeof content === 'number' ? DESC_WRITE : 0) | (index < buffers.length - 1 ? DESC_NEXT : 0);
      const descriptor = at + 16 * (first + index);
      this.ram.data.setBigUint64(descriptor, BigInt(address ?? RAM_BASE + place), true);
      this.ram.data.setUint32(descriptor + 8, length, true);
      this.ram.data.setUint16(descriptor + 12, flags ?? byDefault, true);
      this.ram.data.setUint16(descriptor + 14, next ?? first + index + 1, true);
      return place;
    });
  }

  /** Offers a chain without telling the device; returns its head and where its buffers are. */
  offer(queue: number, buffers: readonly Buffer[]): { head: number; places: number[] } {
    let head = this.nextDescriptor[queue]!;
    if (head + buffers.length > this.queueSize) head = 0;
    this.nextDescriptor[queue] = head + buffers.length;
    const places = this.writeDescriptors(queue * QUEUE_STRIDE + DESCRIPTORS_AT, head, buffers);
    this.announce(queue, head);
    return { head, places };
  }

  /** The same with the descriptors in an indirect table. */
  offerIndirect(queue: number, buffers: readonly Buffer[]): { head: number; places: number[] } {
    const table = this.nextBuffer;
    this.nextBuffer += 16 * buffers.length;
    const places = this.writeDescriptors(table, 0, buffers);
    const pointer = {
      content: new Uint8Array(16 * buffers.length),
      address: RAM_BASE + table,
      flags: DESC_INDIRECT,
    };
    const { head } = this.offer(queue, [pointer]);
    return { head, places };
  }

  /** Puts a head into the available ring. */
  announce(queue: number, head: number): void {
    const avail = queue * QUEUE_STRIDE + AVAIL_AT;
    const index = this.ram.data.getUint16(avail + 2, true);
    this.ram.data.setUint16(avail + 4 + 2 * (index % this.queueSize), head, true);
    this.ram.data.setUint16(avail + 2, index + 1, true);
  }

  /** The driver's wish for an interrupt: `used_event` with event indexes, flags without. */
  setUsedEvent(queue: number, value: number): void {
    this.ram.data.setUint16(queue * QUEUE_STRIDE + AVAIL_AT + 4 + 2 * this.queueSize, value, true);
  }

  setAvailFlags(queue: number, value: number): void {
    this.ram.data.setUint16(queue * QUEUE_STRIDE + AVAIL_AT, value, true);
  }

  notify(queue: number): void {
    this.registers.write(register.QUEUE_NOTIFY, queue);
  }

  /** Everything in the used ring: [head, written] each. */
  used(queue: number): [number, number][] {
    const ring = queue * QUEUE_STRIDE + USED_AT;
    const count = this.ram.data.getUint16(ring + 2, true);
    return Array.from({ length: count }, (_, index) => {
      const entry = ring + 4 + 8 * (index % this.queueSize);
      return [this.ram.data.getUint32(entry, true), this.ram.data.getUint32(entry + 4, true)];
    });
  }

  bytesAt(place: number, length: number): Uint8Array {
    return this.ram.bytes.slice(place, place + length);
  }

  get status(): number {
    return this.registers.read(register.STATUS);
  }

  /** What an interrupt handler does; returns the causes. */
  acknowledge(): number {
    const causes = this.registers.read(register.INTERRUPT_STATUS);
    this.registers.write(register.INTERRUPT_ACK, causes);
    return causes;
  }
}
