/**
 * A disk in use whose user can be held up for an instant: nothing is under way then and everything is durable, so
 * the layers below may change. Invariant: requests are carried out in the order in which they came, those that came
 * meanwhile over whatever store is there afterwards.
 */
import type { BlockStore, MaybePromise } from './block-store.ts';
import type { ChunkedStore } from './chunked-store.ts';

export class HeldStore implements BlockStore {
  readonly readOnly: boolean;
  private inner: ChunkedStore;
  private readonly underWay = new Set<Promise<void>>();
  /** Resolves when requests may go on. */
  private hold: Promise<void> | undefined;

  constructor(inner: ChunkedStore) {
    this.inner = inner;
    this.readOnly = inner.readOnly;
  }

  get size(): number {
    return this.inner.size;
  }

  /** Whether there are writes that a crash would lose. */
  get isDirty(): boolean {
    return this.inner.isDirty;
  }

  grow(size: number): void {
    this.inner.grow(size);
  }

  read(offset: number, target: Uint8Array): MaybePromise<void> {
    return this.ask((store) => store.read(offset, target));
  }

  write(offset: number, source: Uint8Array): MaybePromise<void> {
    // The caller may use its bytes again once the call has returned.
    const bytes = this.hold ? source.slice() : source;
    return this.ask((store) => store.write(offset, bytes));
  }

  flush(): MaybePromise<void> {
    return this.ask((store) => store.flush());
  }

  discard(offset: number, length: number): MaybePromise<void> {
    return this.ask((store) => store.discard(offset, length));
  }

  /**
   * Runs `work` with the store at rest; what it gives takes the place of that store.
   * When it fails, or when something cannot be kept, all is as before.
   */
  async atRest(work: (kept: ChunkedStore) => Promise<ChunkedStore>): Promise<void> {
    while (this.hold) await this.hold;
    let goOn = (): void => {};
    this.hold = new Promise((resolve) => {
      goOn = resolve;
    });
    try {
      await Promise.allSettled(this.underWay);
      await this.inner.flush();
      const next = await work(this.inner);
      next.grow(this.inner.size);
      this.inner = next;
    } finally {
      this.hold = undefined;
      goOn();
    }
  }

  tidy(): MaybePromise<void> {
    return this.ask((store) => store.tidy());
  }

  close(): void {
    this.inner.close();
  }

  private ask(request: (store: ChunkedStore) => MaybePromise<void>): MaybePromise<void> {
    if (this.hold) return this.hold.then(() => this.ask(request));
    const result = request(this.inner);
    if (result) this.note(result);
    return result;
  }

  private note(work: Promise<void>): void {
    this.underWay.add(work);
    const ended = (): void => void this.underWay.delete(work);
    work.then(ended, ended);
  }
}
