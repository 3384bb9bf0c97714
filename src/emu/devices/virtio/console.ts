/**
 * virtio console (virtio 1.2, 5.3) with one port: bytes in, bytes out, the window's size, and the emergency
 * write register for output before queues exist. Host input waits here until the guest offers buffers.
 */
import type { SavedState } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';
import { DEVICE_TYPE, type VirtioDevice, type VirtioTransport } from './device.ts';
import { gather, MAX_QUEUE_SIZE, scatter, totalLength } from './queue.ts';

const RECEIVE_QUEUE = 0;
const TRANSMIT_QUEUE = 1;
const FEATURE_SIZE = 0;
const FEATURE_EMERGENCY_WRITE = 2;

/** Configuration: cols, rows (16 bits each), max_nr_ports, emerg_wr (32 bits each). */
const CONFIG_BYTES = 12;
const COLUMNS_AT = 0;
const ROWS_AT = 2;
const MAX_PORTS_AT = 4;
const EMERGENCY_WRITE_AT = 8;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 25;
/** One chain never holds more than this, or its driver is broken: output must not stall the machine. */
const LARGEST_OUTPUT_BYTES = 16 << 20;
const STATE_VERSION = 1;

export class VirtioConsole implements VirtioDevice {
  readonly type = DEVICE_TYPE.console;
  readonly name = 'virtio-console';
  readonly features = [FEATURE_SIZE, FEATURE_EMERGENCY_WRITE];
  readonly queueSizes = [MAX_QUEUE_SIZE, MAX_QUEUE_SIZE];
  readonly configBytes = CONFIG_BYTES;
  private readonly output: (bytes: Uint8Array) => void;
  private transport!: VirtioTransport;
  private columns = DEFAULT_COLUMNS;
  private rows = DEFAULT_ROWS;
  /** Whether the size is the host's, not the default. */
  private isSized = false;
  /** Whether the driver, since its last reset, has had its chance to learn the size. */
  private hasStarted = false;
  private waiting: Uint8Array = new Uint8Array(0);

  constructor(output: (bytes: Uint8Array) => void) {
    this.output = output;
  }

  attach(transport: VirtioTransport): void {
    this.transport = transport;
  }

  /** Host input. */
  receive(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.waiting.length + bytes.length);
    joined.set(this.waiting);
    joined.set(bytes, this.waiting.length);
    this.waiting = joined;
    this.deliver();
  }

  /** The console's window has another size now. */
  resize(columns: number, rows: number): void {
    if (columns === this.columns && rows === this.rows) return;
    this.columns = columns & 0xffff;
    this.rows = rows & 0xffff;
    this.isSized = true;
    this.transport.configChanged();
  }

  config(): Uint8Array {
    const config = new Uint8Array(CONFIG_BYTES);
    const view = new DataView(config.buffer);
    view.setUint16(COLUMNS_AT, this.columns, true);
    view.setUint16(ROWS_AT, this.rows, true);
    view.setUint32(MAX_PORTS_AT, 1, true);
    return config;
  }

  writeConfig(offset: number, value: number): void {
    if (offset === EMERGENCY_WRITE_AT) this.output(Uint8Array.of(value));
  }

  queueNotified(index: number): void {
    // Linux looks at the size only when it changes: tell a driver that has just started.
    if (this.isSized && !this.hasStarted) this.transport.configChanged();
    this.hasStarted = true;
    if (index === TRANSMIT_QUEUE) this.transmit();
    else this.deliver();
  }

  reset(): void {
    this.hasStarted = false;
  }

  saveState(): SavedState {
    const { columns, rows, isSized, hasStarted } = this;
    const waiting = this.waiting.slice();
    return { version: STATE_VERSION, columns, rows, isSized, hasStarted, waiting };
  }

  restoreState(state: SavedState): void {
    const reader = new StateReader(this.name, state, STATE_VERSION);
    const waiting = reader.bytes('waiting').slice();
    this.columns = reader.number('columns');
    this.rows = reader.number('rows');
    this.isSized = reader.boolean('isSized');
    this.hasStarted = reader.boolean('hasStarted');
    this.waiting = waiting;
  }

  private transmit(): void {
    const queue = this.transport.queue(TRANSMIT_QUEUE);
    for (;;) {
      const chain = queue.pop();
      if (chain === 'empty' || chain === 'broken') break;
      if (totalLength(chain.readable) > LARGEST_OUTPUT_BYTES) {
        this.transport.fail('a write is unreasonably large');
        return;
      }
      this.output(gather(chain.readable));
      queue.push(chain.head, 0);
    }
    this.transport.signalQueue(TRANSMIT_QUEUE);
  }

  private deliver(): void {
    const queue = this.transport.queue(RECEIVE_QUEUE);
    while (this.waiting.length > 0) {
      const chain = queue.pop();
      if (chain === 'empty' || chain === 'broken') break;
      const taken = scatter(chain.writable, this.waiting);
      this.waiting = this.waiting.subarray(taken);
      queue.push(chain.head, taken);
    }
    this.transport.signalQueue(RECEIVE_QUEUE);
  }
}
