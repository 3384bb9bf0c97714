/**
 * The rows' use of the host's arithmetic against the BigInt algorithms: hard operands in the default mode with
 * FPSR.IXC set, where the host decides most cases; scalars, and every lane of vectors.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { FPSR } from '../../fp/environment.ts';
import { hardOperands, type RandomWords as Random, RandomWords } from '../../fp/hard-operands.ts';
import { ORACLE_ROWS, type OracleRow } from '../../fp/oracle-rows.ts';
import { type Answer, TestEngine } from '../../fp/test-engine.ts';
import { slotAddress } from '../../testing/arena.ts';
import { BareMachine } from '../../testing/bare-machine.ts';
import { newState, STATE } from '../../testing/processor-state.ts';
import { assemble } from '../assembler.ts';
import { disassemble } from '../disassembler.ts';
import { insertFields } from '../pattern.ts';
import type { Row } from '../row.ts';
import { fpConversions } from './fp-conversions.ts';
import { fpScalar } from './fp-scalar.ts';
import { fpVector } from './fp-vector.ts';
import { fpVectorUnary } from './fp-vector-unary.ts';

const CASES = 150;
/** Sums of three bit ranges have the rarest mistakes. */
const FUSED_CASES = 2500;
const SEED = 0xf00d;
const IXC = BigInt(FPSR.IXC);

/** Registers as the oracle's rows have them. */
const REGISTERS: Readonly<Record<string, number>> = { Rd: 0, Rn: 1, Rm: 2, Ra: 3 };

/** The words of a row with those registers: every combination of the other fields. */
function* wordsOf(row: Row): Generator<number> {
  const free = row.pattern.fields.filter(({ name }) => !(name in REGISTERS));
  const bits = free.reduce((sum, { width }) => sum + width, 0);
  for (let all = 0; all < 1 << bits; all++) {
    const fields: Record<string, number> = { ...REGISTERS };
    let rest = all;
    for (const { name, width } of free) {
      fields[name] = rest & ((1 << width) - 1);
      rest >>>= width;
    }
    if (row.when(fields) && row.valid(fields)) yield insertFields(row.pattern, fields);
  }
}
const WORDS = new Map(
  [...fpScalar, ...fpConversions, ...fpVector, ...fpVectorUnary]
    .filter(({ pattern }) => !pattern.fields.some(({ name }) => name === 'cond' || name === 'imm8'))
    .flatMap((row) => [...wordsOf(row)].map((word) => [disassemble(word, 0n), word] as const)),
);

let machine: BareMachine;
beforeAll(async () => {
  machine = await BareMachine.create();
});

const LANE_BITS: Readonly<Record<string, bigint>> = { h: 16n, s: 32n, d: 64n, w: 32n, x: 64n };

/** Lanes in a register's two words. */
function pack(kind: string, lanes: readonly bigint[]): bigint {
  const bits = LANE_BITS[kind] ?? 0n;
  return lanes.reduce((all, lane, i) => all | (lane << (BigInt(i) * bits)), 0n);
}

interface Registers {
  /** V0 … V3, 128 bits each. */
  readonly v: readonly bigint[];
  readonly x1: bigint;
}

/** Executes the loaded instruction; `result` is a register of 128 bits, or NZCV. */
function execute({ v, x1 }: Registers, result: OracleRow['result']) {
  const state = newState();
  state[STATE.PC] = BigInt(slotAddress(0));
  state[STATE.FPSR] = IXC;
  state[STATE.X + 1] = x1;
  v.forEach((value, i) => {
    state[STATE.V + 2 * i] = BigInt.asUintN(64, value);
    state[STATE.V + 2 * i + 1] = value >> 64n;
  });
  const { state: after, end } = machine.run(state);
  expect(end).toBe('trap');
  const word = (index: number) => after[index] ?? 0n;
  const values = {
    v0: word(STATE.V) | (word(STATE.V + 1) << 64n),
    x0: word(STATE.X),
    nzcv: word(STATE.NZCV),
  };
  return { value: values[result], fpsr: word(STATE.FPSR), nzcv: values.nzcv };
}

function load(words: readonly number[]): void {
  machine.load(0, words);
  machine.synchronize();
}

const hex = (value: bigint) => value.toString(16);
const casesOf = (row: OracleRow) => (row.operands.length === 3 ? FUSED_CASES : CASES);

/** Runs a row's instruction on scalars; lines for what differs. */
function scalarDifferences(row: OracleRow, random: Random): string[] {
  const exact = new TestEngine(true);
  const differences: string[] = [];
  for (let i = 0; i < casesOf(row); i++) {
    const operands = hardOperands(row.operands, random);
    const answer = exact.run(row, 0, operands);
    const integer = row.operands[0] === 'w' || row.operands[0] === 'x';
    const registers = { v: [0n, ...operands], x1: integer ? (operands[0] ?? 0n) : 0n };
    const ours = execute(registers, row.result);
    const value = row.result === 'nzcv' ? BigInt(answer.nzcv ?? 0) : answer.value;
    const sameFlags = answer.nzcv === undefined || ours.nzcv === BigInt(answer.nzcv);
    if (ours.value !== value || !sameFlags || ours.fpsr !== (IXC | BigInt(answer.fpsr)))
      differences.push(
        `${operands.map(hex)}: ${hex(ours.value)} ${ours.fpsr}, not ${hex(value)} ${answer.fpsr}`,
      );
  }
  return differences;
}

describe('floating-point rows', () => {
  it.each(ORACLE_ROWS.map((row) => [row.name, row] as const))('give what BigInt gives for %s', (_, row) => {
    load([...new Uint32Array(assemble(row.assembly.toLowerCase()).bytes.slice().buffer)]);
    expect(scalarDifferences(row, new RandomWords(SEED))).toEqual([]);
  });
});

/** Vector instructions by the scalar row of their lanes, where the names differ. */
const VECTOR_NAMES: Readonly<Record<string, string>> = { FMADD: 'FMLA', FMSUB: 'FMLS' };
const ARRANGEMENTS = [
  { text: '4h', kind: 'h', lanes: 4 },
  { text: '8h', kind: 'h', lanes: 8 },
  { text: '2s', kind: 's', lanes: 2 },
  { text: '4s', kind: 's', lanes: 4 },
  { text: '2d', kind: 'd', lanes: 2 },
] as const;
const VECTORS = ORACLE_ROWS.flatMap((row) =>
  ARRANGEMENTS.filter(({ kind }) => row.result === 'v0' && row.operands.every((k) => k === kind)).map(
    ({ text, kind, lanes }) => {
      const [name = ''] = row.name.split(' ');
      const sources = [0, 1, 2].slice(0, Math.min(row.operands.length, 2) + 1);
      const registers = sources.map((n) => `v${n}.${text}`).join(', ');
      return { row, kind, lanes, text: `${(VECTOR_NAMES[name] ?? name).toLowerCase()} ${registers}` };
    },
  ),
).filter(({ text }) => WORDS.has(text));

/** The same on every lane of a vector. */
function vectorDifferences({ row, kind, lanes }: (typeof VECTORS)[number], random: Random): string[] {
  const exact = new TestEngine(true);
  const differences: string[] = [];
  for (let i = 0; i < casesOf(row) / lanes; i++) {
    const operands = Array.from({ length: lanes }, () => hardOperands(row.operands, random));
    const answers = operands.map((lane) => exact.run(row, 0, lane));
    // The accumulator is the destination, and the exact rows' third operand.
    const column = (index: number) =>
      pack(
        kind,
        operands.map((lane) => lane[index] ?? 0n),
      );
    const ours = execute({ v: [column(2), column(0), column(1)], x1: 0n }, 'v0');
    const value = pack(
      kind,
      answers.map((answer: Answer) => answer.value),
    );
    const fpsr = answers.reduce((all, answer) => all | BigInt(answer.fpsr), IXC);
    if (ours.value !== value || ours.fpsr !== fpsr)
      differences.push(
        `${operands.map((lane) => lane.map(hex))}: ${hex(ours.value)} ${ours.fpsr}, not ${hex(value)} ${fpsr}`,
      );
  }
  return differences;
}

describe('floating-point rows of vectors', () => {
  it('are there for all operations but those of scalars', () => {
    const operations = ORACLE_ROWS.filter(
      ({ result, operands }) => result === 'v0' && operands.every((kind) => kind === 's'),
    );
    const found = new Set(VECTORS.map(({ row }) => row.group));
    const missing = new Set(operations.map(({ group }) => group).filter((group) => !found.has(group)));
    expect([...missing]).toEqual(['FRECPX', 'FNMUL', 'FNMADD', 'FNMSUB', 'FCVT', 'BFCVT']);
  });

  it.each(VECTORS.map((vector) => [vector.text, vector] as const))(
    'give what BigInt gives for %s',
    (text, vector) => {
      load([WORDS.get(text) ?? 0]);
      expect(vectorDifferences(vector, new RandomWords(SEED))).toEqual([]);
    },
  );
});
