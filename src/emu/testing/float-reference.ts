/** What src/emu/fp itself answers to the cases of a batch, laid out as programs write their answers. */
import type { TestEngine } from '../fp/test-engine.ts';
import { answerBytes, type FloatBatch } from './float-batch.ts';

const NZCV_SHIFT = 28;

/** The answer to an execution of a scalar form. */
export function directAnswer(engine: TestEngine, batch: FloatBatch, execution: number): Uint8Array {
  const { row } = batch.form;
  const { fpcr, fpsr } = batch.modesOf(execution);
  const { value, fpsr: raised, nzcv = 0 } = engine.answer(row, fpcr, batch.operandsOf(execution));
  const answer = new DataView(new ArrayBuffer(answerBytes(batch.form)));
  answer.setBigUint64(0, row.result === 'nzcv' ? 0n : value, true);
  answer.setInt32(8, fpsr | raised | (nzcv << NZCV_SHIFT), true);
  return new Uint8Array(answer.buffer);
}
