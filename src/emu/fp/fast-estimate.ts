/**
 * FRECPE, FRSQRTE and FRECPX of normal numbers on the word that holds sign, exponent and the top of the fraction:
 * with a normal result they raise nothing, whatever FPCR says (Arm ARM shared/functions/float: FPRecipEstimate,
 * FPRSqrtEstimate, FPRecpX).
 */
import { recipEstimate, recipSqrtEstimate } from './estimate.ts';
import type { UnaryName } from './operations.ts';

/** Where a format has its fields in that word. */
export interface TopWord {
  readonly signMask: number;
  readonly fractionBits: number;
  readonly exponentOnes: number;
  readonly bias: number;
}

const deriveTopWord = (width: number, exponentBits: number): TopWord => ({
  signMask: 1 << (width - 1),
  fractionBits: width - 1 - exponentBits,
  exponentOnes: 2 ** exponentBits - 1,
  bias: 2 ** (exponentBits - 1) - 1,
});
export const HALF_TOP: TopWord = deriveTopWord(16, 5);
export const BFLOAT_TOP: TopWord = deriveTopWord(16, 8);
export const SINGLE_TOP: TopWord = deriveTopWord(32, 8);
/** The high word: its fraction has the bits that estimates look at. */
export const DOUBLE_TOP: TopWord = deriveTopWord(32, 11);

/** The top word of the result; undefined when the operand or the result is not normal. */
export type FastEstimate = (operand: number, top: TopWord) => number | undefined;

const ESTIMATE_BITS = 8;
const LEADING_ONE = 1 << ESTIMATE_BITS;
const ESTIMATE_MASK = LEADING_ONE - 1;

function exponentField(operand: number, { fractionBits, exponentOnes }: TopWord): number {
  return (operand >>> fractionBits) & exponentOnes;
}
const isNormal = (field: number, { exponentOnes }: TopWord) => field > 0 && field < exponentOnes;
/** The leading one and the eight bits after it. */
const leadingNine = (operand: number, { fractionBits }: TopWord) =>
  LEADING_ONE | ((operand >>> (fractionBits - ESTIMATE_BITS)) & ESTIMATE_MASK);
const pack = (sign: number, field: number, estimate: number, { fractionBits }: TopWord) =>
  sign | (field << fractionBits) | ((estimate & ESTIMATE_MASK) << (fractionBits - ESTIMATE_BITS));

export const FAST_ESTIMATES: Partial<Record<UnaryName, FastEstimate>> = {
  FRECPE: (operand, top) => {
    const field = exponentField(operand, top);
    const result = 2 * top.bias - 1 - field;
    if (!isNormal(field, top) || result <= 0) return undefined;
    return pack(operand & top.signMask, result, recipEstimate(leadingNine(operand, top)), top);
  },
  FRSQRTE: (operand, top) => {
    const field = exponentField(operand, top);
    if (!isNormal(field, top) || (operand & top.signMask) !== 0) return undefined;
    const exponent = field - top.bias;
    const nine = leadingNine(operand, top);
    // The value is scaled by a power of four into [0.25, 1): an even exponent leaves it below a half.
    const scaled = (exponent & 1) === 0 ? nine >> 1 : nine;
    return pack(0, top.bias + ((-exponent - 1) >> 1), recipSqrtEstimate(scaled), top);
  },
  FRECPX: (operand, top) => {
    const field = exponentField(operand, top);
    if (!isNormal(field, top)) return undefined;
    return (operand & top.signMask) | ((top.exponentOnes - field) << top.fractionBits);
  },
};
