import { describe, expect, it } from 'vitest';
import { roundToOdd } from './exact-error.ts';
import { addReals, bitLength, divideReals, FRACTION, shiftRight, squareRootReal } from './real.ts';

describe('bitLength', () => {
  it('counts when the host rounds the number up to a power of two', () => {
    for (let bits = 1; bits < 300; bits++) {
      const power = 1n << BigInt(bits);
      expect(bitLength(power - 1n)).toBe(bits);
      expect(bitLength(power)).toBe(bits + 1);
      expect(bitLength(power + 1n)).toBe(bits + 1);
    }
  });

  it('is zero when the number is zero', () => {
    expect(bitLength(0n)).toBe(0);
  });
});

describe('addReals', () => {
  it('leaves a sticky bit when the operands are far apart', () => {
    const large = { negative: false, mantissa: 1n, exponent: 2000 };
    const small = { negative: true, mantissa: 3n, exponent: -1000 };
    const sum = addReals(small, large);
    expect(sum.negative).toBe(false);
    expect(bitLength(sum.mantissa) + sum.exponent).toBe(2000);
    expect(sum.mantissa & 1n).toBe(1n);
  });

  it('takes the sign of the larger magnitude when signs differ', () => {
    const three = { negative: false, mantissa: 3n, exponent: 0 };
    const minusFour = { negative: true, mantissa: 1n, exponent: 2 };
    expect(addReals(three, minusFour)).toEqual({ negative: true, mantissa: 1n, exponent: 0 });
  });
});

describe('divideReals and squareRootReal', () => {
  it('mark with the last bit that something was cut off', () => {
    const one = { negative: false, mantissa: 1n, exponent: 0 };
    const three = { negative: false, mantissa: 3n, exponent: 0 };
    expect(divideReals(one, three, 30).mantissa & 1n).toBe(1n);
    expect(divideReals(three, one, 30).mantissa & 1n).toBe(0n);
    expect(squareRootReal({ negative: false, mantissa: 9n, exponent: -4 }, 30)).toEqual({
      negative: false,
      mantissa: 3n << 30n,
      exponent: -32,
    });
    expect(squareRootReal({ negative: false, mantissa: 1n, exponent: 1 }, 30).mantissa & 1n).toBe(1n);
  });
});

describe('shiftRight', () => {
  it('tells where the discarded bits lie', () => {
    const fractions = [0b1000n, 0b1001n, 0b1010n, 0b1011n].map((value) => shiftRight(value, 2).fraction);
    expect(fractions).toEqual([FRACTION.ZERO, FRACTION.BELOW_HALF, FRACTION.HALF, FRACTION.ABOVE_HALF]);
  });

  it('says below half when everything is discarded', () => {
    expect(shiftRight(7n, 1000)).toEqual({ quotient: 0n, fraction: FRACTION.BELOW_HALF });
  });
});

describe('roundToOdd', () => {
  it('keeps exact and odd values', () => {
    expect(roundToOdd(2, 0)).toBe(2);
    expect(roundToOdd(1 + 2 ** -52, 2 ** -60)).toBe(1 + 2 ** -52);
  });

  it('moves an even value towards the error', () => {
    expect(roundToOdd(1, 2 ** -80)).toBe(1 + 2 ** -52);
    expect(roundToOdd(1, -(2 ** -80))).toBe(1 - 2 ** -53);
    expect(roundToOdd(-1, -(2 ** -80))).toBe(-1 - 2 ** -52);
    expect(roundToOdd(2 ** 32, -1e-9)).toBe(2 ** 32 - 2 ** -21);
  });
});
