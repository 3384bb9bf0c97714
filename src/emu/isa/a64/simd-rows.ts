/** Which sizes and arrangements the rows of the AdvSIMD groups have. */
import type { RawFields } from '../row.ts';
import { LANE_LETTERS } from './simd-shared.ts';

const DOUBLE = 3;

/** Scalar forms: the size is one of `letters`. */
export const laneSizes =
  (letters: string) =>
  ({ size = 0 }: RawFields): boolean =>
    letters.includes(LANE_LETTERS[size] ?? ' ');

/** Vector forms: the size is one of `letters`, and a vector has more than one lane (no 1D). */
export const vectorSizes =
  (letters: string) =>
  ({ size = 0, Q = 0 }: RawFields): boolean =>
    letters.includes(LANE_LETTERS[size] ?? ' ') && (size !== DOUBLE || Q === 1);
