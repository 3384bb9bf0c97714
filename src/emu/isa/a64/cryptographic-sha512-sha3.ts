/**
 * Arm ARM C4.1.97: Cryptographic three-register SHA 512, two-register SHA 512, four-register and XAR: SHA-512
 * (FEAT_SHA512), two rounds or two words of the schedule an instruction, and what SHA-3 needs (FEAT_SHA3).
 * The names are those of FIPS 180-4.
 */
import type { I64, V128 } from '../../ir/ir.ts';
import { type Row, row, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { andNotV, lanesIn, lanewise, orV, shuffleLanes, V_BITS, xorV } from './simd-shared.ts';

const DOUBLES = lanesIn(V_BITS, 3);
const DOUBLE_BITS = 64;

/** The low and the high half of a register. */
type Halves = readonly [low: I64, high: I64];
const halvesOf = (b: Semantics, v: V128): Halves => [
  b.numeric('i64x2.extract_lane', [v], [0]),
  b.numeric('i64x2.extract_lane', [v], [1]),
];
const fromHalves = (b: Semantics, [low, high]: Halves): V128 =>
  b.numeric('i64x2.replace_lane', [b.numeric('i64x2.splat', [low]), high], [1]);
const sum = (b: Semantics, ...terms: readonly I64[]): I64 => terms.reduce((all, one) => b.add(all, one));

// ---- SHA-512: hash rounds ----

/** The big sigma functions: sums of three rotations to the right. */
const BIG_SIGMA_0 = [28, 34, 39] as const;
const BIG_SIGMA_1 = [14, 18, 41] as const;
const bigSigma = (b: Semantics, x: I64, amounts: readonly number[]): I64 =>
  amounts.map((by) => b.rotr(x, b.i64(by))).reduce((all, one) => b.xor(all, one));
const choose = (b: Semantics, x: I64, y: I64, z: I64): I64 => b.xor(z, b.and(x, b.xor(y, z)));
const majority = (b: Semantics, x: I64, y: I64, z: I64): I64 => b.or(b.and(x, y), b.and(b.or(x, y), z));

/** T1 of two rounds, without d: Vd holds h and g with word and constant added, Vn f and g, Vm d and e. */
function sha512Hash1(b: Semantics, d: V128, n: V128, m: V128): V128 {
  const [[w0, w1], [x0, x1], [y0, y1]] = [halvesOf(b, d), halvesOf(b, n), halvesOf(b, m)];
  const first = sum(b, choose(b, y1, x0, x1), bigSigma(b, y1, BIG_SIGMA_1), w1);
  const e = b.add(first, y0);
  const second = sum(b, choose(b, e, y1, x0), bigSigma(b, e, BIG_SIGMA_1), w0);
  return fromHalves(b, [second, first]);
}

/** The new a of two rounds: Vd holds T1 of both, Vn c in its low half, Vm a and b. */
function sha512Hash2(b: Semantics, d: V128, n: V128, m: V128): V128 {
  const [[w0, w1], [c], [y0, y1]] = [halvesOf(b, d), halvesOf(b, n), halvesOf(b, m)];
  const first = sum(b, majority(b, y0, y1, c), bigSigma(b, y0, BIG_SIGMA_0), w1);
  const second = sum(b, majority(b, first, y0, y1), bigSigma(b, first, BIG_SIGMA_0), w0);
  return fromHalves(b, [second, first]);
}

// ---- Schedules and SHA-3, lane by lane ----

const add = (b: Semantics, x: V128, y: V128): V128 => lanewise(b, DOUBLES, 'add', x, y);
const shiftRight = (b: Semantics, x: V128, by: number): V128 => lanewise(b, DOUBLES, 'shr_u', x, b.i32(by));
const rotateRight = (b: Semantics, x: V128, by: number): V128 =>
  orV(b, shiftRight(b, x, by), lanewise(b, DOUBLES, 'shl', x, b.i32(DOUBLE_BITS - by)));

/** The small sigma functions: two rotations and a shift. */
const smallSigma0 = (b: Semantics, x: V128): V128 =>
  xorV(b, xorV(b, rotateRight(b, x, 1), rotateRight(b, x, 8)), shiftRight(b, x, 7));
const smallSigma1 = (b: Semantics, x: V128): V128 =>
  xorV(b, xorV(b, rotateRight(b, x, 19), rotateRight(b, x, 61)), shiftRight(b, x, 6));

/** The word after each of Vd's: the upper one, then Vn's lower. */
const sha512Update0 = (b: Semantics, d: V128, n: V128): V128 =>
  add(
    b,
    d,
    smallSigma0(
      b,
      shuffleLanes(b, DOUBLES, d, n, (at) => at + 1),
    ),
  );
const sha512Update1 = (b: Semantics, d: V128, n: V128, m: V128): V128 =>
  add(b, add(b, d, smallSigma1(b, n)), m);
const rotateAndXor = (b: Semantics, _: V128, n: V128, m: V128): V128 =>
  xorV(b, n, rotateRight(b, m, DOUBLE_BITS - 1));

// ---- Rows ----

// biome-ignore format: a table
const THREE_REGISTER = [
  { name: 'sha512h', opcode: '00', feature: 'FEAT_SHA512', operands: 'q<Rd>, q<Rn>, <Vm>.2d', op: sha512Hash1 },
  { name: 'sha512h2', opcode: '01', feature: 'FEAT_SHA512', operands: 'q<Rd>, q<Rn>, <Vm>.2d', op: sha512Hash2 },
  { name: 'sha512su1', opcode: '10', feature: 'FEAT_SHA512', operands: '<Vd>.2d, <Vn>.2d, <Vm>.2d', op: sha512Update1 },
  { name: 'rax1', opcode: '11', feature: 'FEAT_SHA3', operands: '<Vd>.2d, <Vn>.2d, <Vm>.2d', op: rotateAndXor },
] as const;
const threeRegister: Row[] = THREE_REGISTER.map(({ name, opcode, feature, operands, op }) =>
  row(name.toUpperCase(), `11001110011 Rm:5 1 0 00 ${opcode} Rn:5 Rd:5`, `${name} ${operands}`, {
    fp: true,
    feature,
    execute: ({ Rm, Rn, Rd }, b) => b.setV(Rd, op(b, b.V(Rd), b.V(Rn), b.V(Rm))),
  }),
);

const scheduleUpdate0 = row('SHA512SU0', '11001110110000001000 00 Rn:5 Rd:5', 'sha512su0 <Vd>.2d, <Vn>.2d', {
  fp: true,
  feature: 'FEAT_SHA512',
  execute: ({ Rn, Rd }, b) => b.setV(Rd, sha512Update0(b, b.V(Rd), b.V(Rn))),
});

// biome-ignore format: a table
const FOUR_REGISTER = [
  { name: 'eor3', opcode: '00', op: (b: Semantics, n: V128, m: V128, a: V128) => xorV(b, n, xorV(b, m, a)) },
  { name: 'bcax', opcode: '01', op: (b: Semantics, n: V128, m: V128, a: V128) => xorV(b, n, andNotV(b, m, a)) },
] as const;
const fourRegister: Row[] = FOUR_REGISTER.map(({ name, opcode, op }) =>
  row(
    name.toUpperCase(),
    `110011100 ${opcode} Rm:5 0 Ra:5 Rn:5 Rd:5`,
    `${name} <Vd>.16b, <Vn>.16b, <Vm>.16b, <Va>.16b`,
    {
      fp: true,
      feature: 'FEAT_SHA3',
      execute: ({ Rm, Ra, Rn, Rd }, b) => b.setV(Rd, op(b, b.V(Rn), b.V(Rm), b.V(Ra))),
    },
  ),
);

const xorAndRotate = row(
  'XAR',
  '11001110100 Rm:5 imm6:6 Rn:5 Rd:5',
  'xar <Vd>.2d, <Vn>.2d, <Vm>.2d, #<imm6>',
  {
    fp: true,
    feature: 'FEAT_SHA3',
    operands: { amount: u16(['imm6'], ({ imm6 = 0 }) => imm6) },
    execute: ({ Rm, Rn, Rd, amount }, b) => {
      const x = xorV(b, b.V(Rn), b.V(Rm));
      // Amounts count modulo 64: rotating by zero takes x twice.
      const left = lanewise(b, DOUBLES, 'shl', x, b.neg(amount));
      b.setV(Rd, orV(b, lanewise(b, DOUBLES, 'shr_u', x, amount), left));
    },
  },
);

export const cryptographicSha512Sha3: readonly Row[] = [
  ...threeRegister,
  scheduleUpdate0,
  ...fourRegister,
  xorAndRotate,
];
