import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteRing } from './byte-ring.ts';

const ring = (bits: number): ByteRing => new ByteRing(new ArrayBuffer(ByteRing.bufferBytes(bits)));

describe('ByteRing', () => {
  it('gives back what was pushed, in order, for any interleaving of pushes and takes', () => {
    const steps = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant('take' as const)));
    fc.assert(
      fc.property(steps, (sequence) => {
        const small = ring(4);
        const pushed: number[] = [];
        const taken: number[] = [];
        for (const step of [...sequence, 'take' as const]) {
          if (step === 'take') taken.push(...(small.take() ?? []));
          else pushed.push(...step.subarray(0, small.push(step).accepted));
        }
        expect(taken).toEqual(pushed);
        expect(small.fill).toBe(0);
      }),
    );
  });

  it('accepts no more than fits when it is nearly full', () => {
    const small = ring(2);
    expect(small.push(Uint8Array.of(1, 2, 3))).toEqual({ accepted: 3, readerMustWake: true });
    expect(small.push(Uint8Array.of(4, 5))).toEqual({ accepted: 1, readerMustWake: false });
    expect(small.push(Uint8Array.of(6))).toEqual({ accepted: 0, readerMustWake: false });
    expect(small.take()).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it('asks to wake the reader when the reader had taken everything', () => {
    const small = ring(4);
    expect(small.push(Uint8Array.of(1)).readerMustWake).toBe(true);
    expect(small.push(Uint8Array.of(2)).readerMustWake).toBe(false);
    small.take();
    expect(small.push(Uint8Array.of(3)).readerMustWake).toBe(true);
  });

  it('keeps counting when the counters pass 2^32', () => {
    const buffer = new ArrayBuffer(ByteRing.bufferBytes(3));
    new Int32Array(buffer).fill(-2, 0, 2);
    const wrapping = new ByteRing(buffer);
    expect(wrapping.push(Uint8Array.of(1, 2, 3, 4, 5)).accepted).toBe(5);
    expect(wrapping.fill).toBe(5);
    expect(wrapping.take()).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
  });

  it('tells the reader about a stalled writer exactly once', () => {
    const small = ring(2);
    small.markStalled();
    expect(small.releaseStalledWriter()).toBe(true);
    expect(small.releaseStalledWriter()).toBe(false);
  });

  it('refuses a capacity that is not a power of two', () => {
    expect(() => new ByteRing(new ArrayBuffer(16 + 12))).toThrow(RangeError);
  });
});
