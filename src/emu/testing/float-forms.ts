/**
 * Instructions of floating point as programs execute them: the rows of fp/oracle-rows.ts, which are scalar, and the
 * vector instructions that do the same on every lane.
 */
import type { OperandKind, OracleRow } from '../fp/oracle-rows.ts';
import { assemble } from '../isa/assembler.ts';

export interface FloatForm {
  readonly row: OracleRow;
  /** Cases that one execution answers. */
  readonly lanes: number;
  readonly assembly: string;
  /** Where each of the row's operands stands, a register of the whole form's size. */
  readonly registers: readonly string[];
}

/** Bytes of a number, or pair of numbers, in its lane. */
export const LANE_BYTES: Readonly<Record<OperandKind, number>> = {
  h: 2,
  b: 2,
  s: 4,
  w: 4,
  hh: 4,
  bb: 4,
  d: 8,
  x: 8,
  ss: 8,
};

const isInteger = (kind: OperandKind | undefined) => kind === 'w' || kind === 'x';

export function scalarForm(row: OracleRow): FloatForm {
  const bank = isInteger(row.operands[0]) ? 'x' : 'd';
  return {
    row,
    lanes: 1,
    assembly: row.assembly.toLowerCase(),
    registers: row.operands.map((_, index) => `${bank}${index + 1}`),
  };
}

/** Vector instructions by the scalar row of their lanes, where the names differ. */
const VECTOR_NAMES: Readonly<Record<string, string>> = { FMADD: 'FMLA', FMSUB: 'FMLS' };
const ARRANGEMENTS = [
  { text: '4h', kind: 'h', lanes: 4 },
  { text: '8h', kind: 'h', lanes: 8 },
  { text: '2s', kind: 's', lanes: 2 },
  { text: '4s', kind: 's', lanes: 4 },
  { text: '2d', kind: 'd', lanes: 2 },
] as const;

function exists(assembly: string): boolean {
  try {
    return assemble(assembly).bytes.length > 0;
  } catch {
    return false;
  }
}

/** Every vector form of a row: sources in v1 and v2, result or accumulator, the row's third operand, in v0. */
export function vectorForms(row: OracleRow): FloatForm[] {
  const [name = ''] = row.name.split(' ');
  const { operands } = row;
  const registers = ['q1', 'q2', 'q0'].slice(0, operands.length);
  return ARRANGEMENTS.filter(({ kind }) => row.result === 'v0' && operands.every((k) => k === kind))
    .map(({ text, lanes }) => {
      const sources = [0, 1, 2].slice(0, Math.min(operands.length, 2) + 1);
      const list = sources.map((n) => `v${n}.${text}`).join(', ');
      return { row, lanes, registers, assembly: `${(VECTOR_NAMES[name] ?? name).toLowerCase()} ${list}` };
    })
    .filter(({ assembly }) => exists(assembly));
}
