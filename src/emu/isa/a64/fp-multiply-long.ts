/**
 * Products of halves (FEAT_FHM) and of BFloat16 numbers (FEAT_BF16) added to singles: Arm ARM C7.2, FMLAL and
 * FMLSL (FPMulAddH), BFMLALB and BFMLALT (BFMulAddH). Widening is exact and keeps NaNs as they are, so both are
 * the fused operation on singles; FZ16 flushes halves without an exception.
 */
import { FPCR } from '../../fp/environment.ts';
import type { V128 } from '../../ir/ir.ts';
import { CPU } from '../../layout/cpu-state.ts';
import { type RawFields, type Register, type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { FUSED } from './fp-fused.ts';
import { hostParts } from './fp-half.ts';
import { HALF, patternConstant, read, SINGLE, vector, write } from './fp-shared.ts';

const HALVES = vector(HALF, 0);
const HALF_MAGNITUDE = 0x7fffn;
const HALF_SIGN = 0x8000n;
const LARGEST_DENORMAL = 0x03ffn;

/** Denormal halves as zeros of their sign. */
function flushDenormals(b: Semantics, x: V128): V128 {
  const constant = (bits: bigint) => patternConstant(b, HALVES, bits);
  const and = (p: V128, q: V128) => b.numeric<'v128'>('v128.and', [p, q]);
  const magnitude = and(x, constant(HALF_MAGNITUDE) as V128);
  const normal = b.numeric<'v128'>('i16x8.gt_u', [magnitude, constant(LARGEST_DENORMAL)]);
  return and(x, b.numeric<'v128'>('v128.or', [normal, constant(HALF_SIGN)]));
}

/** The four halves in the low part as singles (FPMulAddH's view of them). */
function widenHalves(b: Semantics, x: V128): V128 {
  const fz16 = b.and(b.stateLoad<'i32'>('i32', CPU.FPCR), b.i32(FPCR.FZ16));
  const operand = b.choose<'v128'>(
    fz16,
    () => flushDenormals(b, x),
    () => x,
    'unlikely',
  );
  return hostParts(b, HALVES, operand)[0] as V128;
}

const BYTES: readonly number[] = Array.from({ length: 16 }, (_, at) => at);
/** The lower or upper half of the 64 or 128 bits that count, over and over. */
function sourceHalf(b: Semantics, r: Register, q: number, top: number): V128 {
  const bytes = q ? 8 : 4;
  return b.numeric(
    'i8x16.shuffle',
    [b.V(r), b.V(r)],
    BYTES.map((at) => top * bytes + (at % bytes)),
  );
}

// ---- FMLAL, FMLSL ----

const MULTIPLY_LONG = [
  { name: 'FMLAL', a: '0', u: '0', top: 0, opcode: '11101', element: '0000', fused: FUSED.FMADD },
  { name: 'FMLSL', a: '1', u: '0', top: 0, opcode: '11101', element: '0100', fused: FUSED.FMSUB },
  { name: 'FMLAL2', a: '0', u: '1', top: 1, opcode: '11001', element: '1000', fused: FUSED.FMADD },
  { name: 'FMLSL2', a: '1', u: '1', top: 1, opcode: '11001', element: '1100', fused: FUSED.FMSUB },
] as const;

/** Byte offset of a 16-bit element H:L:M. */
const offset = u16(['H', 'L', 'M'], ({ H = 0, L = 0, M = 0 }: RawFields) => 2 * (4 * H + 2 * L + M));

const halves: readonly Row[] = MULTIPLY_LONG.flatMap(({ name, a, u, top, opcode, element, fused }) => {
  const mnemonic = name.toLowerCase();
  const multiply = (b: Semantics, Q: number, Rn: Register, Rd: Register, factor: V128) => {
    const s = vector(SINGLE, Q);
    const x = widenHalves(b, sourceHalf(b, Rn, Q, top));
    write(b, s, Rd, fused(b, s, read(b, s, Rd), x, widenHalves(b, factor)));
  };
  return [
    row(
      `${name} (vector)`,
      `0 Q:1 ${u} 01110 ${a} 0 1 Rm:5 ${opcode as '11101'} 1 Rn:5 Rd:5`,
      `${mnemonic} <Vd>.<Q:2s|4s>, <Vn>.<Q:2h|4h>, <Vm>.<Q:2h|4h>`,
      {
        fp: true,
        feature: 'FEAT_FHM',
        execute: ({ Q, Rm, Rn, Rd }, b) => multiply(b, Q, Rn, Rd, sourceHalf(b, Rm, Q, top)),
      },
    ),
    row(
      `${name} (by element)`,
      `0 Q:1 ${u} 01111 10 L:1 M:1 Rm:4 ${element as '0000'} H:1 0 Rn:5 Rd:5`,
      `${mnemonic} <Vd>.<Q:2s|4s>, <Vn>.<Q:2h|4h>, <Vm>.h[<H.L.M>]`,
      {
        fp: true,
        feature: 'FEAT_FHM',
        operands: { offset },
        execute: ({ Q, Rm, Rn, Rd, offset: at }, b) =>
          multiply(b, Q, Rn, Rd, b.laneV<'v128'>('v128.16splat', Rm, at)),
      },
    ),
  ];
});

// ---- BFMLALB, BFMLALT ----

const BFLOAT_BITS = 16;
const TOP_HALVES = 0xffff_0000n;
/** The even or odd BFloat16 numbers as singles: they are singles without the lower half. */
function widenBfloats(b: Semantics, x: V128, odd: number): V128 {
  if (!odd) return b.numeric('i32x4.shl', [x, b.i32(BFLOAT_BITS)]);
  return b.numeric('v128.and', [x, patternConstant(b, vector(SINGLE, 1), TOP_HALVES)]);
}
function multiplyBfloats(b: Semantics, Q: number, Rn: Register, Rd: Register, factor: V128): void {
  const s = vector(SINGLE, 1);
  write(b, s, Rd, FUSED.FMADD(b, s, read(b, s, Rd), widenBfloats(b, b.V(Rn), Q), factor));
}

const bfloats: readonly Row[] = [
  row(
    'BFMLALB, BFMLALT (vector)',
    '0 Q:1 1 01110 11 0 Rm:5 1 1111 1 Rn:5 Rd:5',
    'bfmlal<Q:b|t> <Vd>.4s, <Vn>.8h, <Vm>.8h',
    {
      fp: true,
      feature: 'FEAT_BF16',
      execute: ({ Q, Rm, Rn, Rd }, b) => multiplyBfloats(b, Q, Rn, Rd, widenBfloats(b, b.V(Rm), Q)),
    },
  ),
  row(
    'BFMLALB, BFMLALT (by element)',
    '0 Q:1 0 01111 11 L:1 M:1 Rm:4 1111 H:1 0 Rn:5 Rd:5',
    'bfmlal<Q:b|t> <Vd>.4s, <Vn>.8h, <Vm>.h[<H.L.M>]',
    {
      fp: true,
      feature: 'FEAT_BF16',
      operands: { offset },
      execute: ({ Q, Rm, Rn, Rd, offset: at }, b) =>
        multiplyBfloats(b, Q, Rn, Rd, widenBfloats(b, b.laneV<'v128'>('v128.16splat', Rm, at), 0)),
    },
  ),
];

export const fpMultiplyLong: readonly Row[] = [...halves, ...bfloats];
