/**
 * The questions that tests and tools/oracle/fp.mjs put to another implementation: one row an instruction,
 * with its assembly text for the oracle and the call of the slow path that must give the same answer.
 * Operands are in v1, v2, v3 or x1; results in v0 or x0.
 */
import { ROUNDING } from './environment.ts';
import { unsignedRecipEstimate, unsignedRSqrtEstimate } from './estimate.ts';
import {
  BINARY_ROWS,
  type BinaryName,
  FP_BINARY,
  FP_FORMAT,
  FP_TERNARY,
  FP_UNARY,
  type FusedName,
  UNARY_ROWS,
  type UnaryName,
} from './operations.ts';
import { COMPLEX_ROWS } from './oracle-complex-rows.ts';
import { WIDENING_ROWS } from './oracle-widening-rows.ts';
import { type FpSlowPath, ROUNDING_CURRENT } from './slow-path.ts';

/** What an operand is made like: one or two floats of a format (b: BFloat16), or an integer in x1. */
export type OperandKind = 'h' | 'b' | 's' | 'd' | 'hh' | 'bb' | 'ss' | 'w' | 'x';

/** A row's operands as words: low and high of each in turn. */
export type OperandWords = ArrayLike<number>;

export interface OracleRow {
  /** Unique: mnemonic and operand kinds. */
  readonly name: string;
  /** Rows of one class share a budget of cases. */
  readonly group: string;
  readonly assembly: string;
  readonly operands: readonly OperandKind[];
  /** The register that holds the result, or PSTATE.NZCV. */
  readonly result: 'v0' | 'x0' | 'nzcv';
  /** Returns NZCV where it is part of the answer. */
  readonly run: (
    slowPath: FpSlowPath,
    words: OperandWords,
    result: Int32Array,
    fpcr: number,
  ) => number | undefined;
}

const FUSED_NAMES: readonly FusedName[] = ['FMADD', 'FMSUB', 'FNMADD', 'FNMSUB'];
const KINDS = ['h', 's', 'd'] as const;
type FloatKind = (typeof KINDS)[number];
const FORMAT_OF = { h: FP_FORMAT.HALF, s: FP_FORMAT.SINGLE, d: FP_FORMAT.DOUBLE } as const;
const WIDTH_OF = { w: 32, x: 64 } as const;

function word(words: OperandWords, index: number): number {
  return words[index] ?? 0;
}

/** FRINT32x and FRINT64x have no half-precision form. */
function kindsOf(name: UnaryName): readonly FloatKind[] {
  return name.startsWith('FRINT3') || name.startsWith('FRINT6') ? ['s', 'd'] : KINDS;
}

function unaryRow(name: UnaryName, k: FloatKind): OracleRow {
  return {
    name: `${name} ${k}`,
    group: name,
    assembly: `${name} ${k}0, ${k}1`,
    operands: [k],
    result: 'v0',
    run: (slowPath, w) => {
      slowPath.unary(FP_UNARY[name], FORMAT_OF[k], word(w, 0), word(w, 1));
      return undefined;
    },
  };
}

function binaryRow(name: BinaryName, k: FloatKind): OracleRow {
  return {
    name: `${name} ${k}`,
    group: name,
    assembly: `${name} ${k}0, ${k}1, ${k}2`,
    operands: [k, k],
    result: 'v0',
    run: (slowPath, w) => {
      const format = FORMAT_OF[k];
      slowPath.binary(FP_BINARY[name], format, word(w, 0), word(w, 1), word(w, 2), word(w, 3));
      return undefined;
    },
  };
}

/** Factors in v1 and v2, the addend in v3. */
function ternaryRow(name: FusedName, k: FloatKind): OracleRow {
  return {
    name: `${name} ${k}`,
    group: name,
    assembly: `${name} ${k}0, ${k}1, ${k}2, ${k}3`,
    operands: [k, k, k],
    result: 'v0',
    run: (slowPath, w) => {
      const [a, aHigh, b, bHigh, c, cHigh] = [0, 1, 2, 3, 4, 5].map((index) => word(w, index));
      slowPath.ternary(FP_TERNARY[name], FORMAT_OF[k], c!, cHigh!, a!, aHigh!, b!, bHigh!);
      return undefined;
    },
  };
}

function compareRow(name: 'FCMP' | 'FCMPE', k: FloatKind): OracleRow {
  const signalling = name === 'FCMPE' ? 1 : 0;
  return {
    name: `${name} ${k}`,
    group: name,
    assembly: `${name} ${k}1, ${k}2`,
    operands: [k, k],
    result: 'nzcv',
    run: (slowPath, w) =>
      slowPath.compare(FORMAT_OF[k], signalling, word(w, 0), word(w, 1), word(w, 2), word(w, 3)),
  };
}

function convertRow(mnemonic: 'FCVT' | 'FCVTXN', from: FloatKind, to: FloatKind): OracleRow {
  const rounding = mnemonic === 'FCVTXN' ? ROUNDING.ODD : ROUNDING_CURRENT;
  return {
    name: `${mnemonic} ${to} ${from}`,
    group: mnemonic,
    assembly: `${mnemonic} ${to}0, ${from}1`,
    operands: [from],
    result: 'v0',
    run: (slowPath, w) => {
      slowPath.convert(FORMAT_OF[from], FORMAT_OF[to], rounding, word(w, 0), word(w, 1));
      return undefined;
    },
  };
}

/** The letter of FCVTxS and FCVTxU → rounding. */
const DIRECTIONS = {
  N: ROUNDING.TIEEVEN,
  P: ROUNDING.POSINF,
  M: ROUNDING.NEGINF,
  Z: ROUNDING.ZERO,
  A: ROUNDING.TIEAWAY,
} as const;

function toFixedRow(
  direction: keyof typeof DIRECTIONS,
  sign: 'S' | 'U',
  k: FloatKind,
  r: 'w' | 'x',
  fractionBits: number,
): OracleRow {
  const suffix = fractionBits === 0 ? '' : ` #${fractionBits}`;
  return {
    name: `FCVT${direction}${sign} ${r} ${k}${suffix}`,
    group: `FCVT${direction}${sign}${suffix === '' ? '' : ' fixed'}`,
    assembly: `FCVT${direction}${sign} ${r}0, ${k}1${suffix === '' ? '' : `,${suffix}`}`,
    operands: [k],
    result: 'x0',
    run: (slowPath, w) => {
      const unsigned = sign === 'U' ? 1 : 0;
      const rounding = DIRECTIONS[direction];
      slowPath.toFixed(FORMAT_OF[k], WIDTH_OF[r], fractionBits, unsigned, rounding, word(w, 0), word(w, 1));
      return undefined;
    },
  };
}

function fromFixedRow(sign: 'S' | 'U', k: FloatKind, r: 'w' | 'x', fractionBits: number): OracleRow {
  const suffix = fractionBits === 0 ? '' : ` #${fractionBits}`;
  return {
    name: `${sign}CVTF ${k} ${r}${suffix}`,
    group: `${sign}CVTF${suffix === '' ? '' : ' fixed'}`,
    assembly: `${sign}CVTF ${k}0, ${r}1${suffix === '' ? '' : `,${suffix}`}`,
    operands: [r],
    result: 'v0',
    run: (slowPath, w) => {
      const unsigned = sign === 'U' ? 1 : 0;
      slowPath.fromFixed(FORMAT_OF[k], WIDTH_OF[r], fractionBits, unsigned, word(w, 0), word(w, 1));
      return undefined;
    },
  };
}

/** FJCVTZS sets Z and clears N, C, V. */
const Z_SHIFT = 2;

const JAVASCRIPT_ROW: OracleRow = {
  name: 'FJCVTZS w d',
  group: 'FJCVTZS',
  assembly: 'FJCVTZS w0, d1',
  operands: ['d'],
  result: 'x0',
  run: (slowPath, w) => slowPath.toFixedJS(word(w, 0), word(w, 1)) << Z_SHIFT,
};

function unsignedEstimateRow(name: 'URECPE' | 'URSQRTE'): OracleRow {
  const estimate = name === 'URECPE' ? unsignedRecipEstimate : unsignedRSqrtEstimate;
  return {
    name: `${name} s`,
    group: name,
    // The shifts clear the second element, which is all ones.
    assembly: `${name} v0.2s, v1.2s\nshl d0, d0, #32\nushr d0, d0, #32`,
    operands: ['s'],
    result: 'v0',
    run: (_slowPath, w, result) => {
      result[0] = estimate(word(w, 0));
      result[1] = 0;
      return undefined;
    },
  };
}

/** Positions of the binary point that are tested, beside none. */
const FIXED_POINTS = { w: [1, 17, 32], x: [1, 33, 64] } as const;

function integerRows(): OracleRow[] {
  const rows: OracleRow[] = [];
  for (const sign of ['S', 'U'] as const) {
    for (const k of KINDS) {
      for (const r of ['w', 'x'] as const) {
        for (const direction of Object.keys(DIRECTIONS) as (keyof typeof DIRECTIONS)[]) {
          rows.push(toFixedRow(direction, sign, k, r, 0));
        }
        rows.push(fromFixedRow(sign, k, r, 0));
        for (const point of FIXED_POINTS[r]) {
          rows.push(toFixedRow('Z', sign, k, r, point), fromFixedRow(sign, k, r, point));
        }
      }
    }
  }
  return rows;
}

/** Every instruction whose answer this folder computes. */
export const ORACLE_ROWS: readonly OracleRow[] = [
  ...(Object.keys(UNARY_ROWS) as UnaryName[]).flatMap((name) => kindsOf(name).map((k) => unaryRow(name, k))),
  ...(Object.keys(BINARY_ROWS) as BinaryName[]).flatMap((name) => KINDS.map((k) => binaryRow(name, k))),
  ...FUSED_NAMES.flatMap((name) => KINDS.map((k) => ternaryRow(name, k))),
  ...(['FCMP', 'FCMPE'] as const).flatMap((name) => KINDS.map((k) => compareRow(name, k))),
  ...KINDS.flatMap((from) => KINDS.filter((to) => to !== from).map((to) => convertRow('FCVT', from, to))),
  convertRow('FCVTXN', 'd', 's'),
  ...integerRows(),
  JAVASCRIPT_ROW,
  ...WIDENING_ROWS,
  ...COMPLEX_ROWS,
  unsignedEstimateRow('URECPE'),
  unsignedEstimateRow('URSQRTE'),
];
