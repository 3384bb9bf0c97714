/**
 * What a virtio device is to its transport, and the transport to its device (virtio 1.2, chapter 2).
 * A device knows queues and its configuration space; it knows no registers and no interrupt line.
 */
import type { SavedState, Stateful } from '../../base/ports.ts';
import type { Virtqueue } from './queue.ts';

/** Bit numbers of the features that belong to no device type (chapter 6). */
export const FEATURE = {
  indirectDescriptors: 28,
  eventIndex: 29,
  version1: 32,
} as const;

/** Device types (chapter 5). */
export const DEVICE_TYPE = { block: 2, console: 3, entropy: 4 } as const;

/** What a device can ask of its transport. */
export interface VirtioTransport {
  queue(index: number): Virtqueue;
  /** Whether the driver has accepted a feature. */
  hasFeature(bit: number): boolean;
  /** Interrupts the driver if it wants to know about what was pushed to the queue. */
  signalQueue(index: number): void;
  /** The configuration space has changed: new generation, and an interrupt. */
  configChanged(): void;
  /** The driver broke the rules: the device stops until it is reset (2.1.2, DEVICE_NEEDS_RESET). */
  fail(reason: string): void;
}

export interface VirtioDevice extends Stateful {
  readonly type: number;
  readonly name: string;
  /** Bit numbers of the device's own features that it offers. */
  readonly features: readonly number[];
  /** The most entries each queue may have. */
  readonly queueSizes: readonly number[];
  readonly configBytes: number;
  /** The configuration space as it is now, `configBytes` long. */
  config(): Uint8Array;
  /** The driver writes a byte of the configuration space. */
  writeConfig(offset: number, value: number): void;
  /** Called once, before anything else. */
  attach(transport: VirtioTransport): void;
  /** The driver has offered chains in a queue, or is ready for the first time (DRIVER_OK). */
  queueNotified(index: number): void;
  /** The driver reset the device: whatever is in flight must not reach its memory any more. */
  reset(): void;
  saveState(): SavedState;
}
