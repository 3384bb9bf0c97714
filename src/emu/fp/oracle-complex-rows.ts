/**
 * Rows for oracle-rows.ts of FCADD and FCMLA (FEAT_FCMA) on one complex number, the real part in the lower half: the
 * sums of C7.2 written out, part by part.
 */
import { FP_BINARY, FP_FORMAT, FP_TERNARY } from './operations.ts';
import type { OperandWords, OracleRow } from './oracle-rows.ts';
import type { FpSlowPath } from './slow-path.ts';

const FORMATS = [
  { kind: 'hh', letter: 'h', format: FP_FORMAT.HALF, bits: 16, arrangement: '4h', last: 'fmov s0, s0' },
  { kind: 'ss', letter: 's', format: FP_FORMAT.SINGLE, bits: 32, arrangement: '2s', last: 'fmov d0, d0' },
] as const;
type ComplexFormat = (typeof FORMATS)[number];

/** The parts of operand `index`, real and imaginary. */
function partsOf({ bits }: ComplexFormat, words: OperandWords, index: number): readonly [number, number] {
  const low = words[2 * index] ?? 0;
  if (bits === 32) return [low, words[2 * index + 1] ?? 0];
  const mask = (1 << bits) - 1;
  return [low & mask, (low >>> bits) & mask];
}
const negate = ({ bits }: ComplexFormat, part: number): number => part ^ (1 << (bits - 1));

/** Calls `real` and `imaginary`, which leave their results in `result`, and puts both there. */
function both({ bits }: ComplexFormat, result: Int32Array, real: () => void, imaginary: () => void): void {
  real();
  const low = result[0] ?? 0;
  imaginary();
  const high = result[0] ?? 0;
  result[0] = bits === 32 ? low : low | (high << bits);
  result[1] = bits === 32 ? high : 0;
}

function addRow(f: ComplexFormat, rotation: 90 | 270): OracleRow {
  const { kind, letter, format, arrangement: t, last } = f;
  return {
    name: `FCADD ${letter} #${rotation}`,
    group: 'FCADD',
    assembly: `fcadd v0.${t}, v1.${t}, v2.${t}, #${rotation}\n${last}`,
    operands: [kind, kind],
    result: 'v0',
    run: (slowPath, w, result) => {
      const [real, imaginary] = partsOf(f, w, 0);
      const [otherReal, otherImaginary] = partsOf(f, w, 1);
      const add = (x: number, y: number) => slowPath.binary(FP_BINARY.FADD, format, x, 0, y, 0);
      const turned = rotation === 90;
      both(
        f,
        result,
        () => add(real, turned ? negate(f, otherImaginary) : otherImaginary),
        () => add(imaginary, turned ? otherReal : negate(f, otherReal)),
      );
      return undefined;
    },
  };
}

/** Which part of the first operand multiplies which of the second, negated or not, for the real and imaginary sum. */
const ROTATIONS = {
  0: { first: 0, second: [0, 1], negated: [false, false] },
  90: { first: 1, second: [1, 0], negated: [true, false] },
  180: { first: 0, second: [0, 1], negated: [true, true] },
  270: { first: 1, second: [1, 0], negated: [false, true] },
} as const;

function multiplyAddRow(f: ComplexFormat, rotation: keyof typeof ROTATIONS): OracleRow {
  const { kind, letter, format, arrangement: t, last } = f;
  const { first, second, negated } = ROTATIONS[rotation];
  const multiplyAdd = (slowPath: FpSlowPath, w: OperandWords, part: 0 | 1) => {
    const factor = partsOf(f, w, 1)[second[part]];
    const other = negated[part] ? negate(f, factor) : factor;
    slowPath.ternary(
      FP_TERNARY.FMADD,
      format,
      partsOf(f, w, 2)[part],
      0,
      partsOf(f, w, 0)[first],
      0,
      other,
      0,
    );
  };
  return {
    name: `FCMLA ${letter} #${rotation}`,
    group: 'FCMLA',
    assembly: `fmov d0, d3\nfcmla v0.${t}, v1.${t}, v2.${t}, #${rotation}\n${last}`,
    operands: [kind, kind, kind],
    result: 'v0',
    run: (slowPath, w, result) => {
      both(
        f,
        result,
        () => multiplyAdd(slowPath, w, 0),
        () => multiplyAdd(slowPath, w, 1),
      );
      return undefined;
    },
  };
}

export const COMPLEX_ROWS: readonly OracleRow[] = FORMATS.flatMap((f) => [
  ...([90, 270] as const).map((rotation) => addRow(f, rotation)),
  ...([0, 90, 180, 270] as const).map((rotation) => multiplyAddRow(f, rotation)),
]);
