/** Random numbers that a seed determines (xorshift32), for trees, changes and mutations in tests. */

export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed + 1, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0 || 1;
  }

  /** 32 bits. */
  next(): number {
    let state = this.state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state >>> 0;
    return this.state;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }

  /** Bytes with enough repetition in them to be compressed. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const value = this.next();
      const end = Math.min(length, at + 1 + (value & 31));
      for (; at < end; at++) bytes[at] = (value >>> 8) + (value & 0x100 ? at : 0);
    }
    return bytes;
  }
}
