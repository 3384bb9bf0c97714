/** Collects what the guest prints one character at a time, so that it travels once per slice. */

const FIRST_CAPACITY_BYTES = 1024;

export class OutputBuffer {
  #bytes = new Uint8Array(FIRST_CAPACITY_BYTES);
  #length = 0;

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  /** What was collected, as an array of its own; undefined when there is nothing. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#length === 0) return undefined;
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
