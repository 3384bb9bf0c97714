/** virtio entropy device (virtio 1.2, 5.4): fills what the driver offers with random bytes. */
import type { Entropy, SavedState } from '../../base/ports.ts';
import { StateReader } from '../../base/saved-state.ts';
import { DEVICE_TYPE, type VirtioDevice, type VirtioTransport } from './device.ts';
import { MAX_QUEUE_SIZE, scatter, totalLength } from './queue.ts';

const REQUEST_QUEUE = 0;
/** A device may return less than was asked for (5.4.6.2); drivers ask again. */
const MOST_BYTES = 65536;
const STATE_VERSION = 1;

export class VirtioEntropy implements VirtioDevice {
  readonly type = DEVICE_TYPE.entropy;
  readonly name = 'virtio-entropy';
  readonly features: readonly number[] = [];
  readonly queueSizes = [MAX_QUEUE_SIZE];
  readonly configBytes = 0;
  private readonly entropy: Entropy;
  private transport!: VirtioTransport;

  constructor(entropy: Entropy) {
    this.entropy = entropy;
  }

  attach(transport: VirtioTransport): void {
    this.transport = transport;
  }

  config(): Uint8Array {
    return new Uint8Array(0);
  }

  writeConfig(): void {}

  queueNotified(): void {
    const queue = this.transport.queue(REQUEST_QUEUE);
    for (;;) {
      const chain = queue.pop();
      if (chain === 'empty' || chain === 'broken') break;
      const bytes = new Uint8Array(Math.min(totalLength(chain.writable), MOST_BYTES));
      this.entropy.fill(bytes);
      queue.push(chain.head, scatter(chain.writable, bytes));
    }
    this.transport.signalQueue(REQUEST_QUEUE);
  }

  reset(): void {}

  saveState(): SavedState {
    return { version: STATE_VERSION };
  }

  restoreState(state: SavedState): void {
    new StateReader(this.name, state, STATE_VERSION);
  }
}
