/**
 * A split virtqueue as the device sees it (virtio 1.2, 2.7): takes descriptor chains from the available ring
 * and returns them in the used ring, with indirect descriptors and event indexes.
 *
 * The driver's memory is not trusted: a chain is walked and checked as a whole before the device sees it, and
 * what is malformed breaks the queue (the transport then asks for a reset) instead of throwing. Walks are
 * bounded by the queue size, so loops end.
 */
import type { DmaMemory, SavedState, Stateful } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';

export const MAX_QUEUE_SIZE = 256;

const DESCRIPTOR_BYTES = 16;
const DESC_NEXT = 1;
const DESC_WRITE = 2;
const DESC_INDIRECT = 4;
/** Both rings start with flags and index, 16 bits each. */
const RING_HEADER_BYTES = 4;
const RING_INDEX_AT = 2;
const AVAIL_ENTRY_BYTES = 2;
const USED_ENTRY_BYTES = 8;
const EVENT_BYTES = 2;
const AVAIL_NO_INTERRUPT = 1;
const U16 = 0xffff;
const STATE_VERSION = 1;

/** What the driver offers in one chain: first what the device reads, then what it writes. */
export interface DescriptorChain {
  readonly head: number;
  readonly readable: readonly Uint8Array[];
  readonly writable: readonly Uint8Array[];
}

export type PopResult = DescriptorChain | 'empty' | 'broken';

/** Little-endian access to one area of the driver's memory. */
class Area {
  private readonly view: DataView;
  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u16(at: number): number {
    return this.view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.view.getUint32(at, true);
  }
  setU16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }
  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }
}

interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
}

/** Where the driver put a queue; addresses are guest-physical. */
export interface QueueLayout {
  size: number;
  descriptors: number;
  driver: number;
  device: number;
}

export class Virtqueue implements Stateful {
  readonly maxSize: number;
  readonly layout: QueueLayout;
  private readonly memory: DmaMemory;
  /** Counts resets: what was taken before one must not be returned after it. */
  private resets = 0;
  private enabled = false;
  private broken = false;
  /** Whether VIRTIO_F_EVENT_IDX was negotiated. */
  private usesEventIndex = false;
  private nextAvail = 0;
  private nextUsed = 0;
  /** The used index at the last decision about an interrupt. */
  private signalledUsed = 0;
  private table: Area | undefined;
  private avail: Area | undefined;
  private used: Area | undefined;

  constructor(memory: DmaMemory, maxSize: number) {
    this.memory = memory;
    this.maxSize = maxSize;
    this.layout = { size: maxSize, descriptors: 0, driver: 0, device: 0 };
  }

  get ready(): boolean {
    return this.enabled;
  }

  get isBroken(): boolean {
    return this.broken;
  }

  get epoch(): number {
    return this.resets;
  }

  /** The driver declares the queue complete. False when its layout cannot be used (2.7, 4.2.2.2). */
  enable(usesEventIndex: boolean): boolean {
    this.usesEventIndex = usesEventIndex;
    const isPowerOfTwo = (this.layout.size & (this.layout.size - 1)) === 0;
    if (this.layout.size === 0 || this.layout.size > this.maxSize || !isPowerOfTwo) return false;
    if (!this.mapAreas()) return false;
    this.enabled = true;
    return true;
  }

  /** Back to the state after power-on. */
  reset(): void {
    this.resets++;
    this.enabled = false;
    this.broken = false;
    this.nextAvail = 0;
    this.nextUsed = 0;
    this.signalledUsed = 0;
    Object.assign(this.layout, { size: this.maxSize, descriptors: 0, driver: 0, device: 0 });
  }

  /** Whether the driver has offered chains that were not taken yet. */
  hasAvailable(): boolean {
    return this.enabled && !this.broken && this.avail!.u16(RING_INDEX_AT) !== this.nextAvail;
  }

  /** Takes the next chain. 'broken' (once and for ever, until reset) when the driver's data is malformed. */
  pop(): PopResult {
    if (!this.enabled || this.broken) return this.broken ? 'broken' : 'empty';
    const offered = (this.avail!.u16(RING_INDEX_AT) - this.nextAvail) & U16;
    if (offered === 0) {
      this.askForNotification();
      return 'empty';
    }
    if (offered > this.layout.size) return this.breakDown();
    const slot = this.nextAvail & (this.layout.size - 1);
    const chain = this.chainAt(this.avail!.u16(RING_HEADER_BYTES + AVAIL_ENTRY_BYTES * slot));
    if (!chain) return this.breakDown();
    this.nextAvail = (this.nextAvail + 1) & U16;
    return chain;
  }

  /** The chain that starts at descriptor `head`, or undefined when it is malformed. */
  chainAt(head: number): DescriptorChain | undefined {
    const found = this.collect(head);
    if (!found) return undefined;
    const readable: Uint8Array[] = [];
    const writable: Uint8Array[] = [];
    for (const { address, length, flags } of found) {
      const isWritable = (flags & DESC_WRITE) !== 0;
      if (!isWritable && writable.length > 0) return undefined;
      const bytes = this.memory.view(address, length);
      if (!bytes) return undefined;
      (isWritable ? writable : readable).push(bytes);
    }
    return { head, readable, writable };
  }

  /** Returns a chain, of which the device wrote `written` bytes. */
  push(head: number, written: number): void {
    if (!this.enabled || this.broken) return;
    const entry = RING_HEADER_BYTES + USED_ENTRY_BYTES * (this.nextUsed & (this.layout.size - 1));
    this.used!.setU32(entry, head);
    this.used!.setU32(entry + 4, written);
    this.nextUsed = (this.nextUsed + 1) & U16;
    this.used!.setU16(RING_INDEX_AT, this.nextUsed);
  }

  /** Whether what was pushed since the last call should interrupt the driver (2.7.7, 2.7.10). */
  needsInterrupt(): boolean {
    if (!this.enabled || this.broken || this.nextUsed === this.signalledUsed) return false;
    const before = this.signalledUsed;
    this.signalledUsed = this.nextUsed;
    if (!this.usesEventIndex) return (this.avail!.u16(0) & AVAIL_NO_INTERRUPT) === 0;
    const event = this.avail!.u16(RING_HEADER_BYTES + AVAIL_ENTRY_BYTES * this.layout.size);
    return ((this.nextUsed - event - 1) & U16) < ((this.nextUsed - before) & U16);
  }

  saveState(): SavedState {
    const { enabled, broken, usesEventIndex, nextAvail, nextUsed, signalledUsed } = this;
    const { size, descriptors, driver, device } = this.layout;
    const layout = [size, descriptors, driver, device];
    return {
      version: STATE_VERSION,
      layout,
      enabled,
      broken,
      usesEventIndex,
      nextAvail,
      nextUsed,
      signalledUsed,
    };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader('virtqueue', state, STATE_VERSION);
    const [size, descriptors, driver, device] = reader.numbers('layout', 4);
    Object.assign(this.layout, { size, descriptors, driver, device });
    this.broken = reader.boolean('broken');
    this.usesEventIndex = reader.boolean('usesEventIndex');
    this.nextAvail = reader.number('nextAvail');
    this.nextUsed = reader.number('nextUsed');
    this.signalledUsed = reader.number('signalledUsed');
    this.enabled = reader.boolean('enabled') && this.mapAreas();
  }

  private mapAreas(): boolean {
    const { size, descriptors, driver, device } = this.layout;
    const table = this.memory.view(descriptors, DESCRIPTOR_BYTES * size);
    const avail = this.memory.view(driver, RING_HEADER_BYTES + AVAIL_ENTRY_BYTES * size + EVENT_BYTES);
    const used = this.memory.view(device, RING_HEADER_BYTES + USED_ENTRY_BYTES * size + EVENT_BYTES);
    if (!table || !avail || !used) return false;
    this.table = new Area(table);
    this.avail = new Area(avail);
    this.used = new Area(used);
    return true;
  }

  /** With event indexes: the driver shall notify when it offers the next chain (2.7.10). */
  private askForNotification(): void {
    if (!this.usesEventIndex) return;
    this.used!.setU16(RING_HEADER_BYTES + USED_ENTRY_BYTES * this.layout.size, this.nextAvail);
  }

  private breakDown(): 'broken' {
    this.broken = true;
    return 'broken';
  }

  /** The descriptors of a chain; an indirect one stands for its whole table and ends the chain (2.7.5.3). */
  private collect(head: number): Descriptor[] | undefined {
    const chain = this.walk(this.table!, this.layout.size, head);
    const last = chain?.at(-1);
    if (!chain || !last || chain.slice(0, -1).some(({ flags }) => flags & DESC_INDIRECT)) return undefined;
    if (!(last.flags & DESC_INDIRECT)) return chain;
    if (last.length === 0 || last.length % DESCRIPTOR_BYTES !== 0) return undefined;
    const bytes = this.memory.view(last.address, last.length);
    if (!bytes) return undefined;
    const inner = this.walk(new Area(bytes), last.length / DESCRIPTOR_BYTES, 0);
    if (!inner || inner.some(({ flags }) => flags & DESC_INDIRECT)) return undefined;
    return [...chain.slice(0, -1), ...inner];
  }

  private walk(table: Area, entries: number, head: number): Descriptor[] | undefined {
    const chain: Descriptor[] = [];
    // A driver must not make chains longer than the queue, whether direct or indirect (2.7.5.3.1).
    const longest = Math.min(entries, this.layout.size);
    for (let index = head; ; ) {
      if (index >= entries || chain.length === longest) return undefined;
      const at = DESCRIPTOR_BYTES * index;
      const descriptor = {
        address: table.u32(at) + table.u32(at + 4) * 2 ** 32,
        length: table.u32(at + 8),
        flags: table.u16(at + 12),
        next: table.u16(at + 14),
      };
      chain.push(descriptor);
      if (!(descriptor.flags & DESC_NEXT)) return chain;
      if (descriptor.flags & DESC_INDIRECT) return undefined;
      index = descriptor.next;
    }
  }
}

export function totalLength(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** Copies up to `limit` bytes at `from` of a scattered buffer into one of our own (never shared memory). */
export function gather(
  parts: readonly Uint8Array[],
  from = 0,
  limit = totalLength(parts) - from,
): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, Math.min(limit, totalLength(parts) - from)));
  let skip = from;
  let at = 0;
  for (const part of parts) {
    const piece = part.subarray(Math.min(skip, part.length), Math.min(part.length, skip + bytes.length - at));
    bytes.set(piece, at);
    at += piece.length;
    skip = Math.max(0, skip - part.length);
  }
  return bytes;
}

/** Copies `bytes` into a scattered buffer, as far as it has room; returns how many went in. */
export function scatter(parts: readonly Uint8Array[], bytes: Uint8Array, from = 0): number {
  let skip = from;
  let at = 0;
  for (const part of parts) {
    const room = part.subarray(Math.min(skip, part.length));
    const piece = bytes.subarray(at, at + room.length);
    room.set(piece);
    at += piece.length;
    skip = Math.max(0, skip - part.length);
  }
  return at;
}
