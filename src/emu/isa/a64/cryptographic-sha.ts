/**
 * Arm ARM C4.1.97: Cryptographic three-register SHA and two-register SHA: SHA-1 (FEAT_SHA1) and SHA-256 (FEAT_SHA256),
 * four rounds or four words of the message schedule an instruction. The names are those of FIPS 180-4.
 */
import type { I32, V128 } from '../../ir/ir.ts';
import type { FeatureName } from '../features.ts';
import { type Row, row } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { gather, lanesIn, lanewise, orV, shuffleLanes, V_BITS, xorV, zeroV } from './simd-shared.ts';

const WORDS = lanesIn(V_BITS, 2);
const WORD_BITS = 32;
const ROUNDS = 4;

/** The four words of a register, the lowest first. */
type Words = readonly [I32, I32, I32, I32];
const wordsOf = (b: Semantics, v: V128): Words => {
  const lane = (index: number) => b.numeric<'i32'>('i32x4.extract_lane', [v], [index]);
  return [lane(0), lane(1), lane(2), lane(3)];
};
function fromWords(b: Semantics, words: Words): V128 {
  const first = b.numeric<'v128'>('i32x4.splat', [words[0]]);
  return words
    .slice(1)
    .reduce((v, word, at) => b.numeric<'v128'>('i32x4.replace_lane', [v, word], [at + 1]), first);
}
const rotateLeft = (b: Semantics, x: I32, by: number): I32 => b.rotr(x, b.i32(WORD_BITS - by));
const sum = (b: Semantics, ...terms: readonly I32[]): I32 => terms.reduce((all, one) => b.add(all, one));

// ---- Functions of three words ----

type Mixer = (b: Semantics, x: I32, y: I32, z: I32) => I32;
/** Bits of y where x is one, else of z. */
const choose: Mixer = (b, x, y, z) => b.xor(z, b.and(x, b.xor(y, z)));
const parity: Mixer = (b, x, y, z) => b.xor(x, b.xor(y, z));
const majority: Mixer = (b, x, y, z) => b.or(b.and(x, y), b.and(b.or(x, y), z));

// ---- Hash rounds ----

/** SHA1C, SHA1P, SHA1M: Qd is a … d, Sn is e, Vm is the words with their constant added. */
function sha1Rounds(b: Semantics, mix: Mixer, abcd: V128, first: I32, schedule: V128): V128 {
  let [a, bb, c, d] = wordsOf(b, abcd);
  let e = first;
  for (const word of wordsOf(b, schedule)) {
    const next = sum(b, e, rotateLeft(b, a, 5), mix(b, bb, c, d), word);
    [a, bb, c, d, e] = [next, a, rotateLeft(b, bb, 30), c, d];
  }
  return fromWords(b, [a, bb, c, d]);
}

/** The big sigma functions: sums of three rotations to the right. */
const BIG_SIGMA_0 = [2, 13, 22] as const;
const BIG_SIGMA_1 = [6, 11, 25] as const;
const rotations = (b: Semantics, x: I32, amounts: readonly number[]): I32 =>
  amounts.map((by) => b.rotr(x, b.i32(by))).reduce((all, one) => b.xor(all, one));

/** SHA256H gives a … d after four rounds, SHA256H2 e … h. */
function sha256Rounds(b: Semantics, abcd: V128, efgh: V128, schedule: V128, part: 'abcd' | 'efgh'): V128 {
  let [a, bb, c, d] = wordsOf(b, abcd);
  let [e, f, g, h] = wordsOf(b, efgh);
  for (const word of wordsOf(b, schedule)) {
    const t1 = sum(b, h, rotations(b, e, BIG_SIGMA_1), choose(b, e, f, g), word);
    const t2 = b.add(rotations(b, a, BIG_SIGMA_0), majority(b, a, bb, c));
    [a, bb, c, d, e, f, g, h] = [b.add(t1, t2), a, bb, c, b.add(d, t1), e, f, g];
  }
  return fromWords(b, part === 'abcd' ? [a, bb, c, d] : [e, f, g, h]);
}

// ---- Message schedules ----

/** Lanes of x from `from` on, then those of y: the register that starts there in both. */
const wordsFrom = (b: Semantics, x: V128, y: V128, from: number): V128 =>
  shuffleLanes(b, WORDS, x, y, (at) => at + from);
const shiftRight = (b: Semantics, x: V128, by: number): V128 => lanewise(b, WORDS, 'shr_u', x, b.i32(by));
const rotateRight = (b: Semantics, x: V128, by: number): V128 =>
  orV(b, shiftRight(b, x, by), lanewise(b, WORDS, 'shl', x, b.i32(WORD_BITS - by)));

/** The small sigma functions: two rotations and a shift. */
interface SmallSigma {
  readonly rotations: readonly [number, number];
  readonly shift: number;
}
const SMALL_SIGMA_0: SmallSigma = { rotations: [7, 18], shift: 3 };
const SMALL_SIGMA_1: SmallSigma = { rotations: [17, 19], shift: 10 };
function smallSigma(b: Semantics, { rotations: [first, second], shift }: SmallSigma, x: V128): V128 {
  return xorV(b, xorV(b, rotateRight(b, x, first), rotateRight(b, x, second)), shiftRight(b, x, shift));
}

/** The last word needs the first one of this very result: rotated once more, it is added afterwards. */
function sha1Update1(b: Semantics, d: V128, n: V128): V128 {
  const rotated = rotateRight(b, xorV(b, d, wordsFrom(b, n, zeroV(b), 1)), WORD_BITS - 1);
  const last = gather(b, [rotateRight(b, rotated, WORD_BITS - 1), zeroV(b)], LOWEST_WORD_ON_TOP);
  return xorV(b, rotated, last);
}
/** Zeros, and bytes 0 … 3 of the first source above them. */
const LOWEST_WORD_ON_TOP = Array.from({ length: V_BITS / 8 }, (_, at) => (at < 12 ? 16 : at - 12));

const sha1Update0 = (b: Semantics, d: V128, n: V128, m: V128): V128 =>
  xorV(b, xorV(b, d, m), wordsFrom(b, d, n, 2));

const sha256Update0 = (b: Semantics, d: V128, n: V128): V128 =>
  lanewise(b, WORDS, 'add', d, smallSigma(b, SMALL_SIGMA_0, wordsFrom(b, d, n, 1)));

/** The upper two words need the lower two of the result. */
function sha256Update1(b: Semantics, d: V128, n: V128, m: V128): V128 {
  const known = lanewise(b, WORDS, 'add', d, wordsFrom(b, n, m, 1));
  const add = (x: V128) => lanewise(b, WORDS, 'add', known, smallSigma(b, SMALL_SIGMA_1, x));
  const lower = add(wordsFrom(b, m, m, 2));
  const upper = add(shuffleLanes(b, WORDS, lower, lower, (at) => at % 2));
  return shuffleLanes(b, WORDS, lower, upper, (at) => (at < 2 ? at : at + ROUNDS));
}

// ---- Rows ----

interface ThreeRegister {
  readonly name: string;
  readonly opcode: string;
  readonly feature: FeatureName;
  /** How Rd, Rn and Rm are written. */
  readonly operands: string;
  readonly op: (b: Semantics, d: V128, n: V128, m: V128) => V128;
}
const sha1Hash =
  (mix: Mixer): ThreeRegister['op'] =>
  (b, d, n, m) =>
    sha1Rounds(b, mix, d, wordsOf(b, n)[0], m);
const SHA1_HASH = 'q<Rd>, s<Rn>, <Vm>.4s';
const SHA256_HASH = 'q<Rd>, q<Rn>, <Vm>.4s';
const UPDATE = '<Vd>.4s, <Vn>.4s, <Vm>.4s';

// biome-ignore format: a table
const THREE_REGISTER: readonly ThreeRegister[] = [
  { name: 'sha1c', opcode: '000', feature: 'FEAT_SHA1', operands: SHA1_HASH, op: sha1Hash(choose) },
  { name: 'sha1p', opcode: '001', feature: 'FEAT_SHA1', operands: SHA1_HASH, op: sha1Hash(parity) },
  { name: 'sha1m', opcode: '010', feature: 'FEAT_SHA1', operands: SHA1_HASH, op: sha1Hash(majority) },
  { name: 'sha1su0', opcode: '011', feature: 'FEAT_SHA1', operands: UPDATE, op: sha1Update0 },
  { name: 'sha256h', opcode: '100', feature: 'FEAT_SHA256', operands: SHA256_HASH, op: (b, d, n, m) => sha256Rounds(b, d, n, m, 'abcd') },
  { name: 'sha256h2', opcode: '101', feature: 'FEAT_SHA256', operands: SHA256_HASH, op: (b, d, n, m) => sha256Rounds(b, n, d, m, 'efgh') },
  { name: 'sha256su1', opcode: '110', feature: 'FEAT_SHA256', operands: UPDATE, op: sha256Update1 },
];

const threeRegister: Row[] = THREE_REGISTER.map(({ name, opcode, feature, operands, op }) =>
  row(name.toUpperCase(), `01011110 00 0 Rm:5 0 ${opcode as '000'} 00 Rn:5 Rd:5`, `${name} ${operands}`, {
    fp: true,
    feature,
    execute: ({ Rm, Rn, Rd }, b) => b.setV(Rd, op(b, b.V(Rd), b.V(Rn), b.V(Rm))),
  }),
);

const sha1FixedRotate = row('SHA1H', '01011110 00 10100 00000 10 Rn:5 Rd:5', 'sha1h s<Rd>, s<Rn>', {
  fp: true,
  feature: 'FEAT_SHA1',
  execute: ({ Rn, Rd }, b) => b.setS(Rd, rotateLeft(b, b.lowV<'i32'>('i32', Rn), 30)),
});

// biome-ignore format: a table
const TWO_REGISTER = [
  { name: 'sha1su1', opcode: '00001', feature: 'FEAT_SHA1', op: sha1Update1 },
  { name: 'sha256su0', opcode: '00010', feature: 'FEAT_SHA256', op: sha256Update0 },
] as const;
const twoRegister: Row[] = TWO_REGISTER.map(({ name, opcode, feature, op }) =>
  row(name.toUpperCase(), `01011110 00 10100 ${opcode} 10 Rn:5 Rd:5`, `${name} <Vd>.4s, <Vn>.4s`, {
    fp: true,
    feature,
    execute: ({ Rn, Rd }, b) => b.setV(Rd, op(b, b.V(Rd), b.V(Rn))),
  }),
);

export const cryptographicSha: readonly Row[] = [...threeRegister, sha1FixedRotate, ...twoRegister];
