/**
 * Both sides of the threads that decode blocks of .xz files. They are opened when there is a first block, each
 * decodes one after another, and a block goes to the one that has the least to do.
 */
import { decodeXzBlock, type XzBlockJob, type XzThreads } from '../emu/storage/formats/codecs/xz.ts';
import { ImageError, type ImageErrorKind } from '../emu/storage/formats/image-error.ts';

/** What browsers' workers and Node's threads have in common here. */
export interface XzPort {
  post(message: ToXzThread, transfer: ArrayBuffer[]): void;
  onMessage(listener: (message: FromXzThread) => void): void;
  /** The thread did not start, or ended. */
  onFailure(listener: (reason: string) => void): void;
  close(): void;
}

export interface ToXzThread extends XzBlockJob {
  readonly id: number;
}

export type FromXzThread =
  | { readonly id: number; readonly contents: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly kind: ImageErrorKind; readonly reason: string; readonly offset?: number };

interface Waiting {
  resolve(contents: Uint8Array): void;
  reject(failure: Error): void;
}

interface Thread {
  readonly port: XzPort;
  /** Jobs that it has not answered, by their number. */
  readonly waiting: Map<number, Waiting>;
}

/** Contents that wait to be used again, beyond those that are being decoded. */
const MOST_SPARE = 4;

/** Decodes in up to `count` threads; whoever opens them closes them. */
export class XzThreadPool implements XzThreads {
  readonly count: number;
  readonly #open: () => XzPort;
  readonly #threads: Thread[] = [];
  /** Memory for contents: without them a large image leaves garbage faster than it is collected. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #lastId = 0;

  constructor(open: () => XzPort, count: number) {
    this.#open = open;
    this.count = count;
  }

  decode(job: XzBlockJob): Promise<Uint8Array> {
    const id = ++this.#lastId;
    const { waiting, port } = this.#leastBusy();
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      const { bytes, uncompressedBytes, checkId, offset } = job;
      const room = this.#takeSpare(uncompressedBytes);
      const message = { id, bytes, uncompressedBytes, checkId, offset, ...(room && { room }) };
      port.post(message, room ? [bytes.buffer, room.buffer] : [bytes.buffer]);
    });
  }

  /** Takes back a part of what was decoded, which the caller does not need any more. */
  recycle({ buffer, byteOffset, length }: Uint8Array): void {
    const isLast = byteOffset + length === buffer.byteLength;
    if (!isLast || this.#spare.length >= MOST_SPARE || !(buffer instanceof ArrayBuffer)) return;
    this.#spare.push(new Uint8Array(buffer));
  }

  #takeSpare(bytes: number): Uint8Array<ArrayBuffer> | undefined {
    const index = this.#spare.findIndex(({ length }) => length === bytes);
    return index < 0 ? undefined : this.#spare.splice(index, 1)[0];
  }

  /** Ends the threads; what they were decoding is never answered. */
  close(): void {
    for (const { port } of this.#threads.splice(0)) port.close();
  }

  #leastBusy(): Thread {
    const idle = this.#threads.find(({ waiting }) => waiting.size === 0);
    if (idle) return idle;
    if (this.#threads.length < this.count) return this.#start();
    return this.#threads.reduce((least, thread) =>
      thread.waiting.size < least.waiting.size ? thread : least,
    );
  }

  #start(): Thread {
    const thread: Thread = { port: this.#open(), waiting: new Map() };
    thread.port.onMessage((message) => {
      const waiting = thread.waiting.get(message.id);
      thread.waiting.delete(message.id);
      if ('contents' in message) waiting?.resolve(message.contents);
      else waiting?.reject(new ImageError(message.kind, message.reason, message.offset));
    });
    thread.port.onFailure((reason) => {
      const at = this.#threads.indexOf(thread);
      if (at >= 0) this.#threads.splice(at, 1);
      for (const { reject } of thread.waiting.values())
        reject(new Error(`a decoder thread failed: ${reason}`));
    });
    this.#threads.push(thread);
    return thread;
  }
}

/** The thread's own side. */
export function answerXzJob({ id, ...job }: ToXzThread): FromXzThread {
  try {
    return { id, contents: decodeXzBlock(job) };
  } catch (failure) {
    if (!(failure instanceof ImageError)) throw failure;
    const { kind, reason, offset } = failure;
    return { id, kind, reason, ...(offset !== undefined && { offset }) };
  }
}

export function transferOf(answer: FromXzThread): ArrayBuffer[] {
  return 'contents' in answer ? [answer.contents.buffer] : [];
}
