/**
 * Rows for oracle-rows.ts of instructions that multiply narrow numbers and add to singles (FEAT_FHM, FEAT_BF16), and of
 * BFCVT: factors in v1 and v2, the addend in v3; FMOV clears the lanes beside the first.
 */
import { FpEnvironment, ROUNDING } from './environment.ts';
import { HALF, SINGLE, withSign } from './format.ts';
import { FP_FORMAT, FP_TERNARY } from './operations.ts';
import type { OperandWords, OracleRow } from './oracle-rows.ts';
import { fpRound } from './round.ts';
import { ROUNDING_CURRENT } from './slow-path.ts';
import { fpUnpack } from './unpack.ts';

const word = (words: OperandWords, index: number): number => words[index] ?? 0;

/** FPMulAddH: a half as a single, NaNs as they are; FZ16 flushes without an exception. */
function widenHalf(half: number, fpcr: number): number {
  const env = new FpEnvironment(fpcr);
  const bits = BigInt(half);
  const negative = (bits & HALF.signBit) !== 0n;
  const { type, mantissa, exponent } = fpUnpack(HALF, bits, env);
  if (type === 'normal' || type === 'denormal')
    return Number(fpRound(SINGLE, { negative, mantissa, exponent }, new FpEnvironment(), ROUNDING.TIEEVEN));
  if (type === 'zero') return Number(withSign(SINGLE, negative, 0n));
  const payload = (bits & HALF.fractionMask) << (SINGLE.fractionShift - HALF.fractionShift);
  return Number(withSign(SINGLE, negative, SINGLE.infinity | payload));
}

const multiplyLongRows: readonly OracleRow[] = (['FMLAL', 'FMLSL'] as const).map((name) => ({
  name: `${name} s h`,
  group: name,
  assembly: `fmov s0, s3\n${name} v0.2s, v1.2h, v2.2h\nfmov s0, s0`,
  operands: ['h', 'h', 's'],
  result: 'v0',
  run: (slowPath, w, _result, fpcr) => {
    const op = name === 'FMLAL' ? FP_TERNARY.FMADD : FP_TERNARY.FMSUB;
    const [x, y] = [widenHalf(word(w, 0), fpcr), widenHalf(word(w, 2), fpcr)];
    slowPath.ternary(op, FP_FORMAT.SINGLE, word(w, 4), 0, x, 0, y, 0);
    return undefined;
  },
}));

const BFLOAT_BITS = 16;
const bfloatRows: readonly OracleRow[] = [
  {
    name: 'BFCVT b s',
    group: 'BFCVT',
    assembly: 'bfcvt h0, s1',
    operands: ['s'],
    result: 'v0',
    run: (slowPath, w) => {
      slowPath.convert(FP_FORMAT.SINGLE, FP_FORMAT.BFLOAT, ROUNDING_CURRENT, word(w, 0), 0);
      return undefined;
    },
  },
  {
    name: 'BFMLALB s b',
    group: 'BFMLALB',
    assembly: 'fmov s0, s3\nbfmlalb v0.4s, v1.8h, v2.8h\nfmov s0, s0',
    operands: ['b', 'b', 's'],
    result: 'v0',
    run: (slowPath, w) => {
      const [x, y] = [word(w, 0) << BFLOAT_BITS, word(w, 2) << BFLOAT_BITS];
      slowPath.ternary(FP_TERNARY.FMADD, FP_FORMAT.SINGLE, word(w, 4), 0, x, 0, y, 0);
      return undefined;
    },
  },
  {
    name: 'BFDOT s b',
    group: 'BFDOT',
    assembly: 'fmov s0, s3\nbfdot v0.2s, v1.4h, v2.4h\nfmov s0, s0',
    operands: ['bb', 'bb', 's'],
    result: 'v0',
    run: (slowPath, w) => {
      slowPath.ternary(FP_TERNARY.BFDOT, FP_FORMAT.SINGLE, word(w, 4), 0, word(w, 0), 0, word(w, 2), 0);
      return undefined;
    },
  },
];

export const WIDENING_ROWS: readonly OracleRow[] = [...multiplyLongRows, ...bfloatRows];
