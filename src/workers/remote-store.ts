/**
 * A block store on a server: sectors are fetched by range (RFC 9110 14.2) when the guest reads them, and
 * sent back by PUT with Content-Range (RFC 9110 14.5) when it writes; POST asks for durability.
 *
 * Invariant: many requests are under way, but overlapping ones keep the order of the calls, and a request for
 * durability follows every write that came before.
 */
import { type BlockStore, StorageError } from '../emu/storage/block-store.ts';
import { OverlapOrder } from './overlap-order.ts';

const STATUS_PARTIAL_CONTENT = 206;
const ZEROS_BYTES = 1 << 20;

export class RemoteStore implements BlockStore {
  readonly size: number;
  readonly readOnly = false;
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #order = new OverlapOrder();

  constructor(url: string, size: number, fetchFrom: typeof fetch) {
    this.#url = url;
    this.size = size;
    this.#fetch = fetchFrom;
  }

  read(offset: number, target: Uint8Array): Promise<void> {
    this.#check(offset, target.length);
    return this.#order.run({ offset, length: target.length, changes: false }, async () => {
      const range = `bytes=${offset}-${offset + target.length - 1}`;
      const response = await this.#request({ headers: { Range: range } });
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (response.status !== STATUS_PARTIAL_CONTENT || bytes.length !== target.length) {
        throw new StorageError('io', `the server did not answer the range ${range}`);
      }
      target.set(bytes);
    });
  }

  write(offset: number, source: Uint8Array): Promise<void> {
    this.#check(offset, source.length);
    const last = offset + source.length - 1;
    // The guest may change its buffer once the call has returned.
    const body = new Uint8Array(source);
    const headers = { 'Content-Range': `bytes ${offset}-${last}/${this.size}` };
    return this.#order.run(
      { offset, length: source.length, changes: true },
      async () => void (await this.#request({ method: 'PUT', headers, body })),
    );
  }

  flush(): Promise<void> {
    // What it makes durable is what it could read.
    return this.#order.run(
      { offset: 0, length: this.size, changes: false },
      async () => void (await this.#request({ method: 'POST' })),
    );
  }

  async discard(offset: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += ZEROS_BYTES) {
      await this.write(offset + done, new Uint8Array(Math.min(ZEROS_BYTES, length - done)));
    }
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.size) {
      throw new StorageError('out-of-range', `bytes ${offset} to ${offset + length} of ${this.size}`);
    }
  }

  async #request(init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await this.#fetch(this.#url, init);
    } catch (failure) {
      throw new StorageError('io', `the server of the disk cannot be reached: ${String(failure)}`);
    }
    if (response.ok) return response;
    throw new StorageError('io', `the server of the disk answered ${response.status} ${response.statusText}`);
  }
}
