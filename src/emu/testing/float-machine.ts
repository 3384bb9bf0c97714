/**
 * Runs the programs of float-batch.ts in an engine of ours, at EL1, over its own RAM. The addresses are also where
 * the oracle command puts program and cases in QEMU.
 */
import { assert } from '../base/assert.ts';
import { assemble } from '../isa/assembler.ts';
import { CODE_RAM, type CodeEngine, CodeMachine, PAGE } from './code-machine.ts';
import type { FloatBatch } from './float-batch.ts';

const RAM_BYTES = 0x200_0000;
/** The program. */
export const FLOAT_CODE = CODE_RAM + PAGE;
/** Chunks and questions; answers follow at the next page. */
export const FLOAT_DATA = CODE_RAM + 0x10_0000;
/** What the machine's tables and vectors take at the end of RAM, with a page to spare. */
const RESERVED_BYTES = 8 * PAGE;
/** Bytes of questions and answers together. */
export const FLOAT_DATA_BYTES = RAM_BYTES - (FLOAT_DATA - CODE_RAM) - RESERVED_BYTES;
const SLICE_FUEL = 100_000;

/** Enables floating point, makes the new program visible, calls it and waits. */
const STUB = `
    mov x9, #0x300000
    msr cpacr_el1, x9
    ic iallu
    dsb sy
    isb
    bl ${FLOAT_CODE - CODE_RAM}
    wfi`;

/** Where the answers to a batch begin. */
export function answersAddress(batch: FloatBatch): number {
  return Math.ceil((FLOAT_DATA + batch.bytes.length) / PAGE) * PAGE;
}

export class FloatMachine {
  private readonly machine: CodeMachine;

  private constructor(machine: CodeMachine) {
    this.machine = machine;
  }

  static async create(engine: CodeEngine): Promise<FloatMachine> {
    const machine = await CodeMachine.create(engine, RAM_BYTES, SLICE_FUEL);
    machine.bytesAt(CODE_RAM, PAGE).set(assemble(STUB).bytes);
    return new FloatMachine(machine);
  }

  /** The answers to a batch, in the machine's memory: the next run changes them. */
  run(batch: FloatBatch): Uint8Array {
    const answersAt = answersAddress(batch);
    assert(answersAt + batch.answersLength <= FLOAT_DATA + FLOAT_DATA_BYTES, 'the batch fits into RAM');
    const { machine } = this;
    machine.bytesAt(FLOAT_CODE, PAGE).set(batch.program);
    machine.bytesAt(FLOAT_DATA, batch.bytes.length).set(batch.bytes);
    const answers = machine.bytesAt(answersAt, batch.answersLength);
    answers.fill(0);
    const questionsAt = FLOAT_DATA + batch.questionsAt;
    const ended = machine.run(CODE_RAM, FLOAT_DATA, batch.chunks, questionsAt, answersAt);
    assert(ended, `the program of ${batch.form.assembly} reaches its end`);
    return answers;
  }
}
