/**
 * virtio block device (virtio 1.2, 5.2) over a BlockStore. Requests may complete at once or later and in any
 * order; the store keeps the order of overlapping writes.
 *
 * Invariant: data reaches the driver's memory only at completion, and only if the queue was not reset since.
 * Requests in flight are saved by their descriptor heads and carried out again after a restore, which gives
 * the same result because their buffers belong to the device until then.
 */

import { BufferPool } from '../../base/buffer-pool.ts';
import type { Log, SavedState } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';
import type { BlockStore, MaybePromise } from '../../storage/block-store.ts';
import {
  type BlockRequest,
  ID_BYTES,
  MOST_RANGES,
  parseBlockRequest,
  SECTOR_BYTES,
  STATUS_IO_ERROR,
  STATUS_OK,
} from './block-request.ts';
import { DEVICE_TYPE, type VirtioDevice, type VirtioTransport } from './device.ts';
import { type DescriptorChain, MAX_QUEUE_SIZE, scatter, totalLength } from './queue.ts';

const REQUEST_QUEUE = 0;
const FEATURE = {
  segMax: 2,
  readOnly: 5,
  blockSize: 6,
  flush: 9,
  topology: 10,
  discard: 13,
  writeZeroes: 14,
} as const;

/** Configuration (5.2.4), as far as the offered features define it. */
const CONFIG_BYTES = 60;
const CAPACITY_AT = 0;
const SEG_MAX_AT = 12;
const BLOCK_SIZE_AT = 20;
const PHYSICAL_BLOCK_EXPONENT_AT = 24;
const MIN_IO_SIZE_AT = 26;
const OPTIMAL_IO_SIZE_AT = 28;
const QUEUE_COUNT_AT = 34;
const MAX_DISCARD_SECTORS_AT = 36;
const MAX_DISCARD_RANGES_AT = 40;
const DISCARD_ALIGNMENT_AT = 44;
const MAX_WRITE_ZEROES_SECTORS_AT = 48;
const MAX_WRITE_ZEROES_RANGES_AT = 52;
const WRITE_ZEROES_MAY_UNMAP_AT = 56;
/** Stores work best in blocks of 4 KiB: 2^3 sectors. */
const PHYSICAL_BLOCK_EXPONENT = 3;
/**
 * A request costs a round trip to another thread, so large ones pay: Linux reads ahead twice as much as this,
 * 512 instead of 128 kB (blk_apply_bdi_limits).
 */
const OPTIMAL_IO_BYTES = 256 << 10;
const MAX_RANGE_SECTORS = 0x3f_ffff;
/** A request's header and status take two descriptors of the queue. */
const SEG_MAX = MAX_QUEUE_SIZE - 2;
const STATE_VERSION = 1;

/** What a request leaves for the driver: data in front of the status byte. */
interface Outcome {
  readonly status: number;
  readonly data?: Uint8Array<ArrayBuffer>;
  /** The data's buffer serves for another request afterwards. */
  readonly isPooled?: true;
}

export class VirtioBlock implements VirtioDevice {
  readonly type = DEVICE_TYPE.block;
  readonly name = 'virtio-block';
  readonly features: readonly number[];
  readonly queueSizes = [MAX_QUEUE_SIZE];
  readonly configBytes = CONFIG_BYTES;
  private readonly store: BlockStore;
  private readonly serial: Uint8Array;
  private readonly log: Log;
  private configuration: Uint8Array;
  private readonly inFlight = new Set<number>();
  private readonly pool = new BufferPool();
  private transport!: VirtioTransport;

  constructor(store: BlockStore, serial: string, log: Log) {
    this.store = store;
    this.serial = new TextEncoder().encode(serial).slice(0, ID_BYTES);
    this.log = log;
    const { segMax, blockSize, flush, topology, readOnly, discard, writeZeroes } = FEATURE;
    const byAccess = store.readOnly ? [readOnly] : [discard, writeZeroes];
    this.features = [segMax, blockSize, flush, topology, ...byAccess];
    this.configuration = configurationOf(store);
    store.watchSize?.(() => {
      this.configuration = configurationOf(store);
      this.transport.configChanged();
    });
  }

  attach(transport: VirtioTransport): void {
    this.transport = transport;
  }

  config(): Uint8Array {
    return this.configuration;
  }

  /** Nothing in the configuration can be written with these features. */
  writeConfig(): void {}

  queueNotified(): void {
    const queue = this.transport.queue(REQUEST_QUEUE);
    for (;;) {
      const chain = queue.pop();
      if (chain === 'empty' || chain === 'broken') break;
      if (!this.submit(chain)) return;
    }
    this.transport.signalQueue(REQUEST_QUEUE);
  }

  reset(): void {
    this.inFlight.clear();
  }

  saveState(): SavedState {
    return { version: STATE_VERSION, inFlight: [...this.inFlight] };
  }

  restoreState(state: SavedState): void {
    const heads = new StateReader(this.name, state, STATE_VERSION).numbers('inFlight');
    this.inFlight.clear();
    const queue = this.transport.queue(REQUEST_QUEUE);
    if (!queue.ready) return;
    for (const head of heads) {
      const chain = queue.chainAt(head);
      if (!chain) this.transport.fail('a request in flight cannot be found in the restored memory');
      else this.submit(chain);
    }
    this.transport.signalQueue(REQUEST_QUEUE);
  }

  /** Starts a request; a finished one is pushed but not signalled. False when the driver broke the protocol. */
  private submit(chain: DescriptorChain): boolean {
    const request = parseBlockRequest(chain, this.store);
    if (!request) {
      this.transport.fail('a request has no header or no room for its status');
      return false;
    }
    this.inFlight.add(chain.head);
    const { epoch } = this.transport.queue(REQUEST_QUEUE);
    const outcome = this.attempt(request);
    if (!(outcome instanceof Promise)) {
      this.complete(chain, epoch, outcome);
      return true;
    }
    void outcome
      .catch((error: unknown) => this.failed(request, error))
      .then((late) => {
        this.complete(chain, epoch, late);
        if (epoch === this.transport.queue(REQUEST_QUEUE).epoch) this.transport.signalQueue(REQUEST_QUEUE);
      });
    return true;
  }

  private attempt(request: BlockRequest): MaybePromise<Outcome> {
    try {
      return this.perform(request);
    } catch (error) {
      return this.failed(request, error);
    }
  }

  private perform(request: BlockRequest): MaybePromise<Outcome> {
    switch (request.kind) {
      case 'read': {
        const data = this.pool.take(request.length);
        return afterwards(this.store.read(request.offset, data), { status: STATUS_OK, data, isPooled: true });
      }
      case 'write':
        return afterwards(this.write(request.offset, request.data), { status: STATUS_OK });
      case 'flush':
        return afterwards(this.store.flush(), { status: STATUS_OK });
      case 'clear': {
        const parts = request.ranges.map(({ offset, length }) => this.store.discard(offset, length));
        const isLater = parts.some((part) => part instanceof Promise);
        return afterwards(isLater ? Promise.all(parts).then(() => {}) : undefined, { status: STATUS_OK });
      }
      case 'get-id': {
        const data = new Uint8Array(request.length);
        data.set(this.serial.subarray(0, request.length));
        return { status: STATUS_OK, data };
      }
      case 'refuse':
        return { status: request.status };
    }
  }

  /** A driver that has not accepted flushes expects writes to be durable when they end (5.2.5.1). */
  private write(offset: number, data: Uint8Array): MaybePromise<void> {
    const written = this.store.write(offset, data);
    if (this.transport.hasFeature(FEATURE.flush)) return written;
    return written instanceof Promise ? written.then(() => this.store.flush()) : this.store.flush();
  }

  private failed(request: BlockRequest, error: unknown): Outcome {
    const reason = error instanceof Error ? error.message : String(error);
    this.log.write('warning', this.name, `${request.kind} failed: ${reason}`);
    return { status: STATUS_IO_ERROR };
  }

  private complete(chain: DescriptorChain, epoch: number, { status, data, isPooled }: Outcome): void {
    const queue = this.transport.queue(REQUEST_QUEUE);
    if (queue.epoch !== epoch) return;
    this.inFlight.delete(chain.head);
    const written = data ? scatter(chain.writable, data) : 0;
    if (data && isPooled) this.pool.give(data);
    // The status byte is the last one that the device may write (5.2.6).
    scatter(chain.writable, Uint8Array.of(status), totalLength(chain.writable) - 1);
    queue.push(chain.head, written + 1);
  }
}

function afterwards(work: MaybePromise<void>, outcome: Outcome): MaybePromise<Outcome> {
  return work instanceof Promise ? work.then(() => outcome) : outcome;
}

function configurationOf({ size }: BlockStore): Uint8Array {
  const bytes = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(CAPACITY_AT, BigInt(Math.floor(size / SECTOR_BYTES)), true);
  view.setUint32(SEG_MAX_AT, SEG_MAX, true);
  view.setUint32(BLOCK_SIZE_AT, SECTOR_BYTES, true);
  view.setUint8(PHYSICAL_BLOCK_EXPONENT_AT, PHYSICAL_BLOCK_EXPONENT);
  view.setUint16(MIN_IO_SIZE_AT, 1 << PHYSICAL_BLOCK_EXPONENT, true);
  view.setUint32(OPTIMAL_IO_SIZE_AT, OPTIMAL_IO_BYTES / SECTOR_BYTES, true);
  view.setUint16(QUEUE_COUNT_AT, 1, true);
  view.setUint32(MAX_DISCARD_SECTORS_AT, MAX_RANGE_SECTORS, true);
  view.setUint32(MAX_DISCARD_RANGES_AT, MOST_RANGES, true);
  view.setUint32(DISCARD_ALIGNMENT_AT, 1, true);
  view.setUint32(MAX_WRITE_ZEROES_SECTORS_AT, MAX_RANGE_SECTORS, true);
  view.setUint32(MAX_WRITE_ZEROES_RANGES_AT, MOST_RANGES, true);
  view.setUint8(WRITE_ZEROES_MAY_UNMAP_AT, 1);
  return bytes;
}
