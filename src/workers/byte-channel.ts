/**
 * One direction of a byte stream between threads: through a ring where memory can be shared, by
 * transferred buffers elsewhere. Both ways keep order, lose nothing, and tell the sender when the
 * receiver cannot keep up (`congested`), so that a guest that prints without end cannot fill memory.
 */
import { ByteRing } from './byte-ring.ts';
import type { ByteMessage } from './protocol.ts';

/** Posts a message to the other side, handing over the buffers in `transfer`. */
export type PostByteMessage = (message: ByteMessage, transfer: Transferable[]) => void;

/** Without a ring: so many bytes may be under way before the sender is congested. */
const UNDER_WAY_LIMIT_BYTES = 1 << 18;
const RING_CAPACITY_BITS = 16;

/** Shared memory for one direction. */
export function createRingBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(ByteRing.bufferBytes(RING_CAPACITY_BITS));
}

export class ByteSender {
  /** Called when a sender that was congested has room again. */
  onRoom: () => void = () => {};
  readonly #post: PostByteMessage;
  readonly #ring: ByteRing | undefined;
  /** Bytes that found no room in the ring, in order. */
  #backlog: Uint8Array[] = [];
  #underWayBytes = 0;

  constructor(post: PostByteMessage, buffer?: SharedArrayBuffer) {
    this.#post = post;
    this.#ring = buffer && new ByteRing(buffer);
  }

  /** Whether the caller should stop producing until `onRoom`. Sending stays possible. */
  get congested(): boolean {
    return this.#backlog.length > 0 || this.#underWayBytes > UNDER_WAY_LIMIT_BYTES;
  }

  /** Sends all of `bytes`, whose buffer belongs to the channel from now on. */
  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    if (this.#ring) {
      this.#backlog.push(bytes);
      this.#drain(this.#ring);
      return;
    }
    this.#underWayBytes += bytes.length;
    this.#post({ kind: 'bytes', bytes }, [bytes.buffer]);
  }

  /** Takes what the receiver answers. */
  handle(message: ByteMessage): void {
    if (message.kind !== 'taken') return;
    const wasCongested = this.congested;
    if (this.#ring) this.#drain(this.#ring);
    else this.#underWayBytes -= message.count;
    if (wasCongested && !this.congested) this.onRoom();
  }

  #drain(ring: ByteRing): void {
    this.#pushBacklog(ring);
    if (this.#backlog.length === 0) return;
    ring.markStalled();
    this.#pushBacklog(ring);
  }

  #pushBacklog(ring: ByteRing): void {
    for (let bytes = this.#backlog[0]; bytes; bytes = this.#backlog[0]) {
      const { accepted, readerMustWake } = ring.push(bytes);
      if (readerMustWake) this.#post({ kind: 'ready' }, []);
      if (accepted < bytes.length) {
        this.#backlog[0] = bytes.subarray(accepted);
        return;
      }
      this.#backlog.shift();
    }
  }
}

export class ByteReceiver {
  readonly #post: PostByteMessage;
  readonly #ring: ByteRing | undefined;
  readonly #deliver: (bytes: Uint8Array) => void;

  /** `deliver` gets the bytes in order, in arrays of its own. */
  constructor(post: PostByteMessage, deliver: (bytes: Uint8Array) => void, buffer?: SharedArrayBuffer) {
    this.#post = post;
    this.#deliver = deliver;
    this.#ring = buffer && new ByteRing(buffer);
  }

  /** Takes what the sender says. */
  handle(message: ByteMessage): void {
    if (message.kind === 'bytes') {
      this.#deliver(message.bytes);
      this.#post({ kind: 'taken', count: message.bytes.length }, []);
    } else if (message.kind === 'ready' && this.#ring) {
      this.#takeAll(this.#ring);
    }
  }

  #takeAll(ring: ByteRing): void {
    let total = 0;
    for (let bytes = ring.take(); bytes; bytes = ring.take()) {
      this.#deliver(bytes);
      total += bytes.length;
    }
    if (ring.releaseStalledWriter()) this.#post({ kind: 'taken', count: total }, []);
  }
}
