/** Programs over many floating-point cases, in two engines, against the BigInt algorithms. */
import { beforeAll, describe, expect, it } from 'vitest';
import { FPCR } from '../fp/environment.ts';
import { RandomWords } from '../fp/hard-operands.ts';
import { ORACLE_ROWS } from '../fp/oracle-rows.ts';
import { TestEngine } from '../fp/test-engine.ts';
import { answerBytes, FloatBatch } from './float-batch.ts';
import { scalarForm, vectorForms } from './float-forms.ts';
import { FloatMachine } from './float-machine.ts';
import { directAnswer } from './float-reference.ts';

const SEED = 0xba7c;
/** Every rounding mode, with all starts of FPSR, from boundaries and at random. */
const CHUNKS = 32;
const CHUNK_LENGTH = 8;

const ROWS = [
  'FADD h',
  'FMADD d',
  'FSQRT s',
  'FCMP d',
  'FCVTZS x d',
  'UCVTF s x',
  'FJCVTZS w d',
  'FCMLA s #90',
  'BFDOT s b',
];
const rowOf = (name: string) => {
  const row = ORACLE_ROWS.find((one) => one.name === name);
  if (!row) throw new Error(`no row ${name}`);
  return row;
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function filled(form: FloatBatch['form'], never = 0): FloatBatch {
  const batch = new FloatBatch(form, CHUNKS, CHUNK_LENGTH);
  batch.fill({ random: new RandomWords(SEED), never }, 0);
  return batch;
}

describe.each(['interpret', 'translate when warm'] as const)('a program in the engine "%s"', (engine) => {
  let machine: FloatMachine;
  beforeAll(async () => {
    machine = await FloatMachine.create(engine);
  });

  it.each(ROWS)('answers cases of %s as the BigInt algorithms do', (name) => {
    const batch = filled(scalarForm(rowOf(name)));
    const size = answerBytes(batch.form);
    const answers = machine.run(batch);
    const exact = new TestEngine(true);
    for (let at = 0; at < batch.executions; at++)
      expect(hex(answers.subarray(at * size, (at + 1) * size)), `case ${at}`).toBe(
        hex(directAnswer(exact, batch, at)),
      );
  });

  it('answers every lane of a vector as the BigInt algorithms do, and adds up their exceptions', () => {
    const row = rowOf('FADD s');
    const form = vectorForms(row).find(({ assembly }) => assembly === 'fadd v0.4s, v1.4s, v2.4s');
    expect(form).toBeDefined();
    if (!form) return;
    const batch = filled(form);
    const answers = new Int32Array(machine.run(batch).slice().buffer);
    const answerWords = answerBytes(form) / 4;
    const exact = new TestEngine(true);
    for (let at = 0; at < batch.executions; at++) {
      const operands = new Int32Array(batch.questionOf(at).slice().buffer);
      const { fpcr, fpsr } = batch.modesOf(at);
      const lanes = [0, 1, 2, 3].map((lane) =>
        exact.answer(row, fpcr, Int32Array.of(operands[lane] ?? 0, 0, operands[4 + lane] ?? 0, 0)),
      );
      const expected = [
        ...lanes.map(({ value }) => Number(value) | 0),
        lanes.reduce((all, one) => all | one.fpsr, fpsr),
      ];
      const from = at * answerWords;
      expect([...answers.subarray(from, from + 5)], `execution ${at}`).toEqual(expected);
    }
  });
});

describe('a batch', () => {
  it('has every rounding mode, and never the bits of FPCR that are ruled out', () => {
    const batch = filled(scalarForm(rowOf('FADD s')), FPCR.FZ);
    const modes = Array.from({ length: batch.executions }, (_, i) => batch.modesOf(i));
    expect(new Set(modes.map(({ fpcr }) => (fpcr & FPCR.RMODE) >>> FPCR.RMODE_SHIFT)).size).toBe(4);
    expect(new Set(modes.map(({ fpsr }) => fpsr)).size).toBe(3);
    expect(modes.every(({ fpcr }) => (fpcr & FPCR.FZ) === 0)).toBe(true);
  });
});
