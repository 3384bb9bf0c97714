import { describe, expect, it } from 'vitest';
import { NZCV } from './compare.ts';
import { FPCR, FPSR, ROUNDING } from './environment.ts';
import { FP_BINARY, FP_FORMAT, FP_TERNARY, FP_UNARY } from './operations.ts';
import { ROUNDING_CURRENT } from './slow-path.ts';
import { TestEngine } from './test-engine.ts';

const bits = new DataView(new ArrayBuffer(8));

/** The low and high word of a double. */
function words(value: number): [number, number] {
  bits.setFloat64(0, value);
  return [bits.getInt32(4), bits.getInt32(0)];
}

function asDouble(pattern: bigint): number {
  bits.setBigUint64(0, pattern);
  return bits.getFloat64(0);
}

const { HALF, SINGLE, DOUBLE } = FP_FORMAT;
const SIGNALLING_NAN: [number, number] = [1, 0x7ff0_0000];

describe('FpSlowPath', () => {
  it('adds exceptions to FPSR and keeps earlier ones', () => {
    const engine = new TestEngine();
    engine.slowPath.binary(FP_BINARY.FDIV, DOUBLE, ...words(1), ...words(0));
    expect(engine.fpsr).toBe(FPSR.DZC);
    engine.slowPath.binary(FP_BINARY.FADD, DOUBLE, ...words(0.1), ...words(0.2));
    expect(engine.fpsr).toBe(FPSR.DZC | FPSR.IXC);
    expect(asDouble(engine.value())).toBe(0.1 + 0.2);
  });

  it('raises nothing when a result is exact', () => {
    const engine = new TestEngine();
    engine.slowPath.binary(FP_BINARY.FADD, DOUBLE, ...words(0.5), ...words(0.25));
    engine.slowPath.binary(FP_BINARY.FMUL, DOUBLE, ...words(3), ...words(1 / 1024));
    engine.slowPath.binary(FP_BINARY.FDIV, DOUBLE, ...words(21), ...words(7));
    engine.slowPath.unary(FP_UNARY.FSQRT, DOUBLE, ...words(1 / 16));
    expect(engine.fpsr).toBe(0);
  });

  it('rounds as FPCR says when the mode changes between operations', () => {
    const engine = new TestEngine();
    const third = () => {
      engine.slowPath.binary(FP_BINARY.FDIV, DOUBLE, ...words(1), ...words(3));
      return engine.value();
    };
    const nearest = third();
    engine.fpcr = ROUNDING.POSINF << FPCR.RMODE_SHIFT;
    expect(third()).toBe(nearest + 1n);
    engine.fpcr = ROUNDING.ZERO << FPCR.RMODE_SHIFT;
    expect(third()).toBe(nearest);
  });

  it('keeps the payload and sign of a NaN operand when DN is clear, and drops them when set', () => {
    const engine = new TestEngine();
    engine.slowPath.binary(FP_BINARY.FADD, DOUBLE, ...words(1), 1, 0xfff0_0000 | 0);
    expect(engine.value()).toBe(0xfff8_0000_0000_0001n);
    expect(engine.fpsr).toBe(FPSR.IOC);
    engine.fpcr = FPCR.DN;
    engine.slowPath.binary(FP_BINARY.FADD, DOUBLE, ...words(1), 1, 0xfff0_0000 | 0);
    expect(engine.value()).toBe(0x7ff8_0000_0000_0000n);
  });

  it('ignores what lies above the operands and clears what lies above the result when they are half', () => {
    const engine = new TestEngine();
    const one = 0xdead_3c00 | 0;
    engine.slowPath.binary(FP_BINARY.FADD, HALF, one, -1, one, -1);
    expect(engine.value()).toBe(0x4000n);
    engine.slowPath.binary(FP_BINARY.FADD, SINGLE, 0x3f80_0000, -1, 0x3f80_0000, -1);
    expect(engine.value()).toBe(0x4000_0000n);
  });

  it('returns the unordered flags and signals only as asked when an operand is a NaN', () => {
    const engine = new TestEngine();
    const quiet = words(Number.NaN);
    expect(engine.slowPath.compare(DOUBLE, 0, ...quiet, ...words(1))).toBe(NZCV.UNORDERED);
    expect(engine.fpsr).toBe(0);
    expect(engine.slowPath.compare(DOUBLE, 1, ...quiet, ...words(1))).toBe(NZCV.UNORDERED);
    expect(engine.fpsr).toBe(FPSR.IOC);
    engine.fpsr = 0;
    expect(engine.slowPath.compare(DOUBLE, 0, ...SIGNALLING_NAN, ...words(1))).toBe(NZCV.UNORDERED);
    expect(engine.fpsr).toBe(FPSR.IOC);
  });

  it('rounds a fused operation once when the product is halfway and the addend decides', () => {
    const engine = new TestEngine();
    // (2^27 + 1) × (2^26 + 1) has 54 bits, the last one set: the addend decides which way it goes.
    const factor = words(2 ** 27 + 1);
    const run = (addend: number) => {
      engine.slowPath.ternary(FP_TERNARY.FMADD, DOUBLE, ...words(addend), ...factor, ...words(2 ** 26 + 1));
      return asDouble(engine.value());
    };
    const exact = (2n ** 27n + 1n) * (2n ** 26n + 1n);
    expect(exact & 1n).toBe(1n);
    expect(run(2 ** -200)).toBe(Number(exact + 1n));
    expect(run(-(2 ** -200))).toBe(Number(exact - 1n));
    expect(engine.fpsr).toBe(FPSR.IXC);
  });

  it('saturates and raises only IOC when an integer does not fit', () => {
    const engine = new TestEngine();
    engine.slowPath.toFixed(DOUBLE, 32, 0, 0, ROUNDING.ZERO, ...words(2 ** 31 + 0.5));
    expect(engine.value()).toBe(0x7fff_ffffn);
    expect(engine.fpsr).toBe(FPSR.IOC);
    engine.slowPath.toFixed(DOUBLE, 64, 0, 1, ROUNDING.ZERO, ...words(-1));
    expect(engine.value()).toBe(0n);
  });

  it('has no infinity in the alternative half format when AHP is set', () => {
    const engine = new TestEngine();
    engine.fpcr = FPCR.AHP;
    engine.slowPath.convert(DOUBLE, HALF, ROUNDING_CURRENT, ...words(Number.POSITIVE_INFINITY));
    expect(engine.value()).toBe(0x7fffn);
    expect(engine.fpsr).toBe(FPSR.IOC);
    engine.slowPath.convert(HALF, DOUBLE, ROUNDING_CURRENT, 0x7fff, 0);
    expect(asDouble(engine.value())).toBe(131008);
  });

  it('flushes denormals with their own exceptions when FZ is set', () => {
    const engine = new TestEngine();
    engine.fpcr = FPCR.FZ;
    engine.slowPath.binary(FP_BINARY.FADD, DOUBLE, 1, 0, ...words(0));
    expect(engine.value()).toBe(0n);
    expect(engine.fpsr).toBe(FPSR.IDC);
    engine.fpsr = 0;
    engine.slowPath.binary(FP_BINARY.FMUL, DOUBLE, ...words(2 ** -1000), ...words(2 ** -60));
    expect(engine.value()).toBe(0n);
    expect(engine.fpsr).toBe(FPSR.UFC);
  });
});
