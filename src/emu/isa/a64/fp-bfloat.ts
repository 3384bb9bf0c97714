/**
 * FEAT_BF16: conversions to BFloat16 (FPConvertBF, which FPCR rules) and dot products (BFDotAdd, which ignores
 * FPCR and FPSR). Arm ARM C7.2, BFCVT, BFCVTN, BFDOT, BFMMLA; BFMLALB and BFMLALT: fp-multiply-long.ts.
 */
import { FP_FORMAT, FP_TERNARY } from '../../fp/operations.ts';
import { ROUNDING_CURRENT } from '../../fp/slow-path.ts';
import type { I32, V128 } from '../../ir/ir.ts';
import { type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { type Bits, packLanes, words } from './fp-half.ts';
import { lowHalves } from './fp-lanes.ts';
import {
  attempt,
  bitsOf,
  both,
  either,
  exactly,
  type Float,
  isOrdinary,
  isVector,
  isZero,
  read,
  type Shape,
  scalar,
  vector,
  write,
} from './fp-shared.ts';

const SINGLE = scalar(false);
const SINGLES = vector(false, 1);

const BFLOAT_BITS = 16;
const BFLOAT_MASK = 0xffffn;
/** What half a unit in the last place of a BFloat16 is less one, in the fraction of a single. */
const BELOW_HALF_UNIT = 0x7fffn;
/** Singles from here on round to infinity. */
const OVERFLOW = 0x7f7f_8000n;
const MAGNITUDE = 0x7fff_ffffn;

/** FPConvertBF on one or four singles, results in the low halves of 32-bit lanes. */
function toBfloat(b: Semantics, s: Shape, x: Float): Bits {
  const is = words(b, s);
  const bits = bitsOf(b, s, x) as Bits;
  // To nearest, ties to even; a carry moves into the exponent.
  const odd = is.and(is.shift('shr_u', bits, BFLOAT_BITS), 1n);
  const result = is.shift('shr_u', is.op('add', is.add(bits, BELOW_HALF_UNIT), odd), BFLOAT_BITS);
  const inRange = is.op('lt_u', is.and(bits, MAGNITUDE), is.constant(OVERFLOW));
  const usual = both(b, isOrdinary(b, s, x), inRange);
  const args = [FP_FORMAT.SINGLE, FP_FORMAT.BFLOAT, ROUNDING_CURRENT, s.lanes];
  const exact = (): Bits => {
    if (!isVector(s)) return is.and(exactly(b, 'fpConvert', args, [x], 'i32'), BFLOAT_MASK);
    return b.numeric<'v128'>('i32x4.extend_low_i16x8_u', [exactly(b, 'fpConvert', args, [x], 'v128')]);
  };
  return attempt(b, { result, usual, also: () => either(b, usual, isZero(b, s, x)) }, exact);
}

const conversions: readonly Row[] = [
  row('BFCVT', '0 0 0 11110 01 1 000110 10000 Rn:5 Rd:5', 'bfcvt h<Rd>, s<Rn>', {
    fp: true,
    feature: 'FEAT_BF16',
    execute: ({ Rn, Rd }, b) => b.setS(Rd, toBfloat(b, SINGLE, read(b, SINGLE, Rn)) as I32),
  }),
  row('BFCVTN', '0 Q:1 0 01110 10 10000 10110 10 Rn:5 Rd:5', 'bfcvtn<Q:|2> <Vd>.<Q:4h|8h>, <Vn>.4s', {
    fp: true,
    feature: 'FEAT_BF16',
    execute: ({ Q, Rn, Rd }, b) => {
      const halves = packLanes(b, [toBfloat(b, SINGLES, b.V(Rn))], 'u');
      if (Q) b.setV(Rd, lowHalves(b, b.V(Rd), halves));
      else write(b, vector(false, 0), Rd, halves);
    },
  }),
];

// ---- Dot products ----

/** BFDotAdd in every 32-bit lane: `x` and `y` hold pairs of BFloat16 numbers. */
function dotAdd(b: Semantics, lanes: number, addend: V128, x: V128, y: V128): V128 {
  return exactly(b, 'fpTernary', [FP_TERNARY.BFDOT, FP_FORMAT.SINGLE, lanes], [addend, x, y], 'v128');
}

const WORD_BYTES = 4;
/** Words of a vector in another order. */
function inOrder(b: Semantics, x: V128, order: readonly number[]): V128 {
  const bytes = order.flatMap((word) => [0, 1, 2, 3].map((byte) => WORD_BYTES * word + byte));
  return b.numeric('i8x16.shuffle', [x, x], bytes);
}

const dotProducts: readonly Row[] = [
  row(
    'BFDOT (vector)',
    '0 Q:1 1 01110 01 0 Rm:5 1 1111 1 Rn:5 Rd:5',
    'bfdot <Vd>.<Q:2s|4s>, <Vn>.<Q:4h|8h>, <Vm>.<Q:4h|8h>',
    {
      fp: true,
      feature: 'FEAT_BF16',
      execute: ({ Q, Rm, Rn, Rd }, b) => {
        const s = vector(false, Q);
        write(b, s, Rd, dotAdd(b, s.lanes, b.V(Rd), b.V(Rn), b.V(Rm)));
      },
    },
  ),
  row(
    'BFDOT (by element)',
    '0 Q:1 0 01111 01 L:1 Rm:5 1111 H:1 0 Rn:5 Rd:5',
    'bfdot <Vd>.<Q:2s|4s>, <Vn>.<Q:4h|8h>, <Vm>.2h[<H.L>]',
    {
      fp: true,
      feature: 'FEAT_BF16',
      operands: { offset: u16(['H', 'L'], ({ H = 0, L = 0 }) => WORD_BYTES * (2 * H + L)) },
      execute: ({ Q, Rm, Rn, Rd, offset }, b) => {
        const s = vector(false, Q);
        const pair = b.laneV<'v128'>('v128.32splat', Rm, offset);
        write(b, s, Rd, dotAdd(b, s.lanes, b.V(Rd), b.V(Rn), pair));
      },
    },
  ),
  // Two by four times four by two: a row of Vn with a row of Vm, the first two pairs before the others.
  row('BFMMLA', '0 1 1 01110 01 0 Rm:5 1 1101 1 Rn:5 Rd:5', 'bfmmla <Vd>.4s, <Vn>.8h, <Vm>.8h', {
    fp: true,
    feature: 'FEAT_BF16',
    execute: ({ Rm, Rn, Rd }, b) => {
      const [x, y] = [b.V(Rn), b.V(Rm)];
      const first = dotAdd(b, 4, b.V(Rd), inOrder(b, x, [0, 0, 2, 2]), inOrder(b, y, [0, 2, 0, 2]));
      b.setV(Rd, dotAdd(b, 4, first, inOrder(b, x, [1, 1, 3, 3]), inOrder(b, y, [1, 3, 1, 3])));
    },
  }),
];

export const fpBfloat: readonly Row[] = [...conversions, ...dotProducts];
