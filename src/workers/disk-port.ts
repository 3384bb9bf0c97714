/**
 * A disk on another thread: what the two ends of its MessagePort say. Many requests are under way at a time;
 * the port keeps their order, and the store behind it that of overlapping writes.
 */
import { BufferPool } from '../emu/base/buffer-pool.ts';
import { type BlockStore, type MaybePromise, StorageError } from '../emu/storage/block-store.ts';

interface ReadRequest {
  readonly kind: 'read';
  readonly offset: number;
  readonly length: number;
  /** Memory for the answer, from an earlier one. */
  readonly room?: ArrayBuffer;
}

export type DiskRequest = { readonly id: number } & (
  | ReadRequest
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'flush' }
  | { readonly kind: 'discard'; readonly offset: number; readonly length: number }
);

export type DiskAnswer =
  | { readonly kind: 'done'; readonly id: number; readonly bytes?: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly error: StorageError['kind'];
      readonly message: string;
    }
  | { readonly kind: 'size'; readonly size: number };

/** The end that has the store. */
export function serveDisk(store: BlockStore, port: MessagePort): { resized(): void } {
  const answer = (message: DiskAnswer, transfer: Transferable[] = []): void =>
    port.postMessage(message, transfer);
  port.onmessage = ({ data: request }: MessageEvent<DiskRequest>) => {
    const { id } = request;
    const failed = (failure: unknown): void => {
      const isKnown = failure instanceof StorageError;
      const message = failure instanceof Error ? failure.message : String(failure);
      answer({ kind: 'failed', id, error: isKnown ? failure.kind : 'io', message });
    };
    try {
      const bytes = request.kind === 'read' ? roomFor(request) : undefined;
      const done = (): void =>
        bytes ? answer({ kind: 'done', id, bytes }, [bytes.buffer]) : answer({ kind: 'done', id });
      const work = carryOut(store, request, bytes);
      if (work instanceof Promise) work.then(done, failed);
      else done();
    } catch (failure) {
      failed(failure);
    }
  };
  return { resized: () => answer({ kind: 'size', size: store.size }) };
}

function roomFor({ length, room }: ReadRequest): Uint8Array<ArrayBuffer> {
  return room && room.byteLength >= length ? new Uint8Array(room, 0, length) : new Uint8Array(length);
}

function carryOut(
  store: BlockStore,
  request: DiskRequest,
  target: Uint8Array | undefined,
): MaybePromise<void> {
  switch (request.kind) {
    case 'read':
      return store.read(request.offset, target!);
    case 'write':
      return store.write(request.offset, request.bytes);
    case 'flush':
      return store.flush();
    case 'discard':
      return store.discard(request.offset, request.length);
    default:
      return request satisfies never;
  }
}

interface Waiting {
  readonly target?: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (failure: StorageError) => void;
}

type RequestBody = DiskRequest extends infer R ? (R extends DiskRequest ? Omit<R, 'id'> : never) : never;

/** The end that wants to use it. */
export class PortStore implements BlockStore {
  readonly readOnly: boolean;
  #size: number;
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  readonly #pool = new BufferPool();
  #sizeChanged: () => void = () => {};
  #lastId = 0;

  constructor(port: MessagePort, shape: { readonly size: number; readonly readOnly: boolean }) {
    this.#port = port;
    this.#size = shape.size;
    this.readOnly = shape.readOnly;
    port.onmessage = ({ data }: MessageEvent<DiskAnswer>) => this.#take(data);
  }

  get size(): number {
    return this.#size;
  }

  watchSize(listener: () => void): void {
    this.#sizeChanged = listener;
  }

  read(offset: number, target: Uint8Array): Promise<void> {
    const room = this.#pool.takeFree(target.length);
    const request = { kind: 'read', offset, length: target.length } as const;
    return room ? this.#ask({ ...request, room }, [room], target) : this.#ask(request, [], target);
  }

  write(offset: number, source: Uint8Array): Promise<void> {
    // The caller may use its bytes again once the call has returned.
    const bytes = source.slice();
    return this.#ask({ kind: 'write', offset, bytes }, [bytes.buffer]);
  }

  flush(): Promise<void> {
    return this.#ask({ kind: 'flush' });
  }

  discard(offset: number, length: number): Promise<void> {
    return this.#ask({ kind: 'discard', offset, length });
  }

  #ask(body: RequestBody, transfer: Transferable[] = [], target?: Uint8Array): Promise<void> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, ...(target && { target }) });
      this.#port.postMessage({ ...body, id } satisfies DiskRequest, transfer);
    });
  }

  #take(answer: DiskAnswer): void {
    if (answer.kind === 'size') {
      this.#size = answer.size;
      this.#sizeChanged();
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.kind === 'failed') {
      waiting?.reject(new StorageError(answer.error, answer.message));
      return;
    }
    if (answer.bytes) {
      waiting?.target?.set(answer.bytes);
      this.#pool.give(answer.bytes);
    }
    waiting?.resolve();
  }
}
