/** Keeps what was read or decoded last, up to a number of bytes; what is being read is read once. */

export class ByteCache {
  private readonly limitBytes: number;
  /** In the order of their last use. */
  private readonly entries = new Map<
    number,
    { readonly bytes: number; readonly value: Promise<Uint8Array> }
  >();
  private heldBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** The value of `key`, loaded by `load` unless it is held; `bytes` is its size. A failure is not kept. */
  get(key: number, bytes: number, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const held = this.entries.get(key);
    if (held) {
      this.entries.delete(key);
      this.entries.set(key, held);
      return held.value;
    }
    const value = load();
    const entry = { bytes, value };
    this.entries.set(key, entry);
    this.heldBytes += bytes;
    value.catch(() => {
      if (this.entries.get(key) === entry) this.drop(key, bytes);
    });
    for (const [oldKey, old] of this.entries) {
      if (this.heldBytes <= this.limitBytes || oldKey === key) break;
      this.drop(oldKey, old.bytes);
    }
    return value;
  }

  private drop(key: number, bytes: number): void {
    this.entries.delete(key);
    this.heldBytes -= bytes;
  }
}
