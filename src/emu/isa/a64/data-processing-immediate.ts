/** Arm ARM C4.1.93, "Data Processing -- Immediate". */
import { bitFieldMask, decodeBitMask } from '../bitmask.ts';
import { signed } from '../pattern.ts';
import { i64, type RawFields, type Row, row, s32, u16 } from '../row.ts';
import type { Semantics } from '../semantics.ts';
import { addFlags, subFlags } from './shared.ts';

/** imm12, shifted left by 12 when sh is set. */
const shiftedImm12 = s32(['sh', 'imm12'], ({ sh = 0, imm12 = 0 }) => imm12 << (sh ? 12 : 0));

const addSubtract: Row[] = [
  row(
    'ADD (immediate)',
    'sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5',
    'add <Rd|SP>, <Rn|SP>, #<imm12:hex>{, lsl #<12*sh>}',
    {
      hot: true,
      operands: { imm: shiftedImm12 },
      execute: ({ sf, Rn, Rd, imm }, b) => b.setRSP(Rd, b.add(b.RSP(sf, Rn), b.sized(sf, imm))),
    },
  ),
  row(
    'ADDS (immediate)',
    'sf:1 0 1 100010 sh:1 imm12:12 Rn:5 Rd:5',
    'adds <Rd>, <Rn|SP>, #<imm12:hex>{, lsl #<12*sh>}',
    {
      hot: true,
      operands: { imm: shiftedImm12 },
      execute: ({ sf, Rn, Rd, imm }, b) => b.setR(Rd, addFlags(b, sf, b.RSP(sf, Rn), b.sized(sf, imm))),
    },
  ),
  row(
    'SUB (immediate)',
    'sf:1 1 0 100010 sh:1 imm12:12 Rn:5 Rd:5',
    'sub <Rd|SP>, <Rn|SP>, #<imm12:hex>{, lsl #<12*sh>}',
    {
      hot: true,
      operands: { imm: shiftedImm12 },
      execute: ({ sf, Rn, Rd, imm }, b) => b.setRSP(Rd, b.sub(b.RSP(sf, Rn), b.sized(sf, imm))),
    },
  ),
  row(
    'SUBS (immediate)',
    'sf:1 1 1 100010 sh:1 imm12:12 Rn:5 Rd:5',
    'subs <Rd>, <Rn|SP>, #<imm12:hex>{, lsl #<12*sh>}',
    {
      hot: true,
      operands: { imm: shiftedImm12 },
      execute: ({ sf, Rn, Rd, imm }, b) => b.setR(Rd, subFlags(b, sf, b.RSP(sf, Rn), b.sized(sf, imm))),
    },
  ),
];

const PAGE_BITS = 12n;
const adrImmediate = (f: RawFields) => BigInt(signed(((f.immhi ?? 0) << 2) | (f.immlo ?? 0), 21));

const pcRelative: Row[] = [
  row('ADR', '0 immlo:2 10000 immhi:19 Rd:5', 'adr <Xd>, <label21>', {
    hot: true,
    operands: { offset: s32(['immlo', 'immhi'], (f) => Number(adrImmediate(f))) },
    execute: ({ Rd, offset }, b) => b.setX(Rd, b.add(b.pc(), offset)),
  }),
  row('ADRP', '1 immlo:2 10000 immhi:19 Rd:5', 'adrp <Xd>, <page21>', {
    hot: true,
    operands: { offset: i64(['immlo', 'immhi'], (f) => adrImmediate(f) << PAGE_BITS) },
    execute: ({ Rd, offset }, b) => b.setX(Rd, b.add(b.and(b.pc(), b.i64(-1n << PAGE_BITS)), offset)),
  }),
];

/** The mask of a logical immediate; `valid` has refused reserved encodings. */
const logicalMask = i64(
  ['N', 'immr', 'imms'],
  ({ N = 0, immr = 0, imms = 0 }) => decodeBitMask(N, imms, immr) ?? 0n,
);
const logicalValid = ({ sf = 0, N = 0, immr = 0, imms = 0 }: RawFields) =>
  (sf === 1 || N === 0) && decodeBitMask(N, imms, immr) !== undefined;

const logical: Row[] = [
  row('AND (immediate)', 'sf:1 00 100100 N:1 immr:6 imms:6 Rn:5 Rd:5', 'and <Rd|SP>, <Rn>, #<bitmask>', {
    hot: true,
    valid: logicalValid,
    operands: { imm: logicalMask },
    execute: ({ sf, Rn, Rd, imm }, b) => b.setRSP(Rd, b.and(b.R(sf, Rn), b.sized(sf, imm))),
  }),
  row('ORR (immediate)', 'sf:1 01 100100 N:1 immr:6 imms:6 Rn:5 Rd:5', 'orr <Rd|SP>, <Rn>, #<bitmask>', {
    hot: true,
    valid: logicalValid,
    operands: { imm: logicalMask },
    execute: ({ sf, Rn, Rd, imm }, b) => b.setRSP(Rd, b.or(b.R(sf, Rn), b.sized(sf, imm))),
  }),
  row('EOR (immediate)', 'sf:1 10 100100 N:1 immr:6 imms:6 Rn:5 Rd:5', 'eor <Rd|SP>, <Rn>, #<bitmask>', {
    hot: true,
    valid: logicalValid,
    operands: { imm: logicalMask },
    execute: ({ sf, Rn, Rd, imm }, b) => b.setRSP(Rd, b.xor(b.R(sf, Rn), b.sized(sf, imm))),
  }),
  row('ANDS (immediate)', 'sf:1 11 100100 N:1 immr:6 imms:6 Rn:5 Rd:5', 'ands <Rd>, <Rn>, #<bitmask>', {
    hot: true,
    valid: logicalValid,
    operands: { imm: logicalMask },
    execute: ({ sf, Rn, Rd, imm }, b) => {
      const result = b.and(b.R(sf, Rn), b.sized(sf, imm));
      b.setFlags('logic', sf ? 64 : 32, [result]);
      b.setR(Rd, result);
    },
  }),
];

const wideImmediate = ({ imm16 = 0, hw = 0 }: RawFields) => BigInt(imm16) << BigInt(hw * 16);
const wideValid = ({ sf = 0, hw = 0 }: RawFields) => sf === 1 || hw < 2;

const moveWide: Row[] = [
  row('MOVN', 'sf:1 00 100101 hw:2 imm16:16 Rd:5', 'movn <Rd>, #<imm16:hex>{, lsl #<16*hw>}', {
    hot: true,
    valid: wideValid,
    operands: { imm: i64(['hw', 'imm16'], (f) => ~wideImmediate(f)) },
    execute: ({ sf, Rd, imm }, b) => b.setR(Rd, b.sized(sf, imm)),
  }),
  row('MOVZ', 'sf:1 10 100101 hw:2 imm16:16 Rd:5', 'movz <Rd>, #<imm16:hex>{, lsl #<16*hw>}', {
    hot: true,
    valid: wideValid,
    operands: { imm: i64(['hw', 'imm16'], wideImmediate) },
    execute: ({ sf, Rd, imm }, b) => b.setR(Rd, b.sized(sf, imm)),
  }),
  row('MOVK', 'sf:1 11 100101 hw:2 imm16:16 Rd:5', 'movk <Rd>, #<imm16:hex>{, lsl #<16*hw>}', {
    hot: true,
    when: wideValid,
    operands: { imm: i64(['imm16'], ({ imm16 = 0 }) => BigInt(imm16)) },
    execute: ({ sf, hw, Rd, imm }, b) => {
      const old = b.oldR(sf, Rd);
      const at = b.constant(old, hw * 16);
      const kept = b.and(old, b.constant(old, ~(0xffffn << BigInt(hw * 16))));
      b.setR(Rd, b.or(kept, b.shl(b.sized(sf, imm), at)));
    },
  }),
];

const width = (sf: number) => (sf ? 64 : 32);
const bitFieldValid = ({ sf = 0, N = 0, immr = 0, imms = 0 }: RawFields) =>
  N === sf && (sf === 1 || (immr < 32 && imms < 32));
const rotation = u16(['immr'], ({ immr = 0 }) => immr);
const fieldMask = i64(['imms', 'immr', 'N'], ({ N = 0, imms = 0, immr = 0 }) =>
  bitFieldMask(N ? 64 : 32, imms, immr),
);
/** SBFM as a pair of shifts: left until the field's sign is on top, then right to its place. */
const signedLeft = u16(['imms', 'N'], ({ N = 0, imms = 0 }) => width(N) - 1 - imms);
const signedRight = u16(['imms', 'immr', 'N'], ({ N = 0, imms = 0, immr = 0 }) =>
  imms >= immr ? width(N) - 1 - imms + immr : immr - imms - 1,
);

const bitField: Row[] = [
  row('SBFM', 'sf:1 00 100110 N:1 immr:6 imms:6 Rn:5 Rd:5', 'sbfm <Rd>, <Rn>, #<immr>, #<imms>', {
    hot: true,
    valid: bitFieldValid,
    operands: { left: signedLeft, right: signedRight },
    execute: ({ sf, Rn, Rd, left, right }, b) =>
      b.setR(Rd, b.shrS(b.shl(b.R(sf, Rn), b.amount(sf, left)), b.amount(sf, right))),
  }),
  row('BFM', 'sf:1 01 100110 N:1 immr:6 imms:6 Rn:5 Rd:5', 'bfm <Rd>, <Rn>, #<immr>, #<imms>', {
    hot: true,
    valid: bitFieldValid,
    operands: { rotate: rotation, mask: fieldMask },
    execute: ({ sf, Rn, Rd, rotate, mask }, b) => {
      const old = b.oldR(sf, Rd);
      const moved = b.rotr(b.R(sf, Rn), b.amount(sf, rotate));
      // old XOR ((old XOR moved) AND mask): the mask is loaded once.
      b.setR(Rd, b.xor(old, b.and(b.xor(old, moved), b.sized(sf, mask))));
    },
  }),
  row('UBFM', 'sf:1 10 100110 N:1 immr:6 imms:6 Rn:5 Rd:5', 'ubfm <Rd>, <Rn>, #<immr>, #<imms>', {
    hot: true,
    valid: bitFieldValid,
    operands: { rotate: rotation, mask: fieldMask },
    execute: ({ sf, Rn, Rd, rotate, mask }, b) =>
      b.setR(Rd, b.and(b.rotr(b.R(sf, Rn), b.amount(sf, rotate)), b.sized(sf, mask))),
  }),
];

const extract: Row[] = [
  row('EXTR', 'sf:1 00 100111 N:1 0 Rm:5 imms:6 Rn:5 Rd:5', 'extr <Rd>, <Rn>, <Rm>, #<imms>', {
    hot: true,
    valid: ({ sf = 0, N = 0, imms = 0 }) => N === sf && (sf === 1 || imms < 32),
    operands: { lsb: u16(['imms', 'N'], ({ imms = 0 }) => imms) },
    execute: ({ sf, Rn, Rm, Rd, lsb }, b) =>
      b.setR(Rd, extractPair(b, sf, b.R(sf, Rn), b.R(sf, Rm), b.amount(sf, lsb))),
  }),
];

/** (high:low) >> lsb, with lsb below the width. */
function extractPair<T extends ReturnType<Semantics['R']>>(
  b: Semantics,
  sf: number,
  high: T,
  low: T,
  lsb: T,
): T {
  const top = b.constant(lsb, width(sf) - 1);
  // Shifting in two steps keeps lsb = 0 right, where one shift by the width would do nothing.
  const upper = b.shl(b.shl(high, b.constant(lsb, 1)), b.sub(top, lsb));
  return b.or(b.shrU(low, lsb), upper);
}

export const dataProcessingImmediate: readonly Row[] = [
  ...pcRelative,
  ...addSubtract,
  ...logical,
  ...moveWide,
  ...bitField,
  ...extract,
];
