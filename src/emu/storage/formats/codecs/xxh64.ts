/**
 * XXH64 with seed 0, the sum behind Zstandard frames (of which they store the low half). 64-bit lanes are two
 * 32-bit halves: with BigInt the sum would take several times as long as decoding.
 */
import type { Checksum } from './checksums.ts';

const STRIPE_BYTES = 32;
const LANES = 4;
/** The primes as high and low half. */
const P1 = [0x9e37_79b1, 0x85eb_ca87] as const;
const P2 = [0xc2b2_ae3d, 0x27d4_eb4f] as const;
const P3 = [0x1656_67b1, 0x9e37_79f9] as const;
const P4 = [0x85eb_ca77, 0xc2b2_ae63] as const;
const P5 = [0x27d4_eb2f, 0x1656_67c5] as const;
type Prime = readonly [number, number];

const MASK = (1n << 64n) - 1n;
const big = ([high, low]: Prime): bigint => (BigInt(high) << 32n) | BigInt(low);

export class Xxh64 implements Checksum {
  /** Low and high half of each lane. */
  private readonly lanes = new Int32Array(2 * LANES);
  private readonly rest = new Uint8Array(STRIPE_BYTES);
  private restBytes = 0;
  private total = 0;

  constructor() {
    const starts = [big(P1) + big(P2), big(P2), 0n, -big(P1)];
    for (const [lane, start] of starts.entries()) {
      this.lanes[2 * lane] = Number(BigInt.asIntN(32, start));
      this.lanes[2 * lane + 1] = Number(BigInt.asIntN(32, start >> 32n));
    }
  }

  update(bytes: Uint8Array): void {
    this.total += bytes.length;
    let at = 0;
    if (this.restBytes > 0) {
      at = Math.min(bytes.length, STRIPE_BYTES - this.restBytes);
      this.rest.set(bytes.subarray(0, at), this.restBytes);
      this.restBytes += at;
      if (this.restBytes < STRIPE_BYTES) return;
      this.stripes(this.rest, 0, STRIPE_BYTES);
      this.restBytes = 0;
    }
    const stop = bytes.length - ((bytes.length - at) % STRIPE_BYTES);
    this.stripes(bytes, at, stop);
    this.rest.set(bytes.subarray(stop));
    this.restBytes = bytes.length - stop;
  }

  /** The low half, as frames store it. */
  digest(): Uint8Array {
    const value = Number(BigInt.asUintN(32, this.value()));
    return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
  }

  /** The whole sum. */
  value(): bigint {
    let sum = this.total >= STRIPE_BYTES ? this.merged() : big(P5);
    sum = (sum + BigInt(this.total)) & MASK;
    const view = new DataView(this.rest.buffer, 0, this.restBytes);
    let at = 0;
    for (; at + 8 <= this.restBytes; at += 8) {
      sum ^= round(0n, view.getBigUint64(at, true));
      sum = (rotate(sum, 27n) * big(P1) + big(P4)) & MASK;
    }
    if (at + 4 <= this.restBytes) {
      sum ^= (BigInt(view.getUint32(at, true)) * big(P1)) & MASK;
      sum = (rotate(sum, 23n) * big(P2) + big(P3)) & MASK;
      at += 4;
    }
    for (; at < this.restBytes; at++) {
      sum ^= (BigInt(view.getUint8(at)) * big(P5)) & MASK;
      sum = (rotate(sum, 11n) * big(P1)) & MASK;
    }
    sum = ((sum ^ (sum >> 33n)) * big(P2)) & MASK;
    sum = ((sum ^ (sum >> 29n)) * big(P3)) & MASK;
    return sum ^ (sum >> 32n);
  }

  private merged(): bigint {
    const lanes = Array.from({ length: LANES }, (_, lane) => {
      const low = BigInt.asUintN(32, BigInt(this.lanes[2 * lane]!));
      return (BigInt.asUintN(32, BigInt(this.lanes[2 * lane + 1]!)) << 32n) | low;
    });
    const rotations = [1n, 7n, 12n, 18n];
    let sum = lanes.reduce((total, lane, at) => (total + rotate(lane, rotations[at]!)) & MASK, 0n);
    for (const lane of lanes) sum = ((sum ^ round(0n, lane)) * big(P1) + big(P4)) & MASK;
    return sum;
  }

  /** hot: lane = rotate(lane + input * P2, 31) * P1, in halves. */
  private stripes(bytes: Uint8Array, from: number, to: number): void {
    const { lanes } = this;
    const [p1High, p1Low] = P1;
    const [p2High, p2Low] = P2;
    for (let lane = 0; lane < LANES; lane++) {
      let low = lanes[2 * lane]!;
      let high = lanes[2 * lane + 1]!;
      for (let at = from + 8 * lane; at < to; at += STRIPE_BYTES) {
        const inputLow = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
        const inputHigh =
          bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
        const productLow = Math.imul(inputLow, p2Low);
        const productHigh =
          (highProduct(inputLow, p2Low) + Math.imul(inputLow, p2High) + Math.imul(inputHigh, p2Low)) | 0;
        const sumLow = (low + productLow) | 0;
        const carry = sumLow >>> 0 < low >>> 0 ? 1 : 0;
        const sumHigh = (high + productHigh + carry) | 0;
        const rotatedLow = (sumLow << 31) | (sumHigh >>> 1);
        const rotatedHigh = (sumHigh << 31) | (sumLow >>> 1);
        low = Math.imul(rotatedLow, p1Low);
        high =
          (highProduct(rotatedLow, p1Low) + Math.imul(rotatedLow, p1High) + Math.imul(rotatedHigh, p1Low)) |
          0;
      }
      lanes[2 * lane] = low;
      lanes[2 * lane + 1] = high;
    }
  }
}

/** The high half of the product of two unsigned 32-bit numbers; no partial sum exceeds 32 bits. */
function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const other = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) | 0;
}

function rotate(value: bigint, count: bigint): bigint {
  return ((value << count) | (value >> (64n - count))) & MASK;
}

function round(sum: bigint, input: bigint): bigint {
  return (rotate((sum + input * big(P2)) & MASK, 31n) * big(P1)) & MASK;
}
