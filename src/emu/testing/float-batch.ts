/**
 * Many cases of one instruction in memory, and the program that answers them: a loop of loads, the instruction and
 * stores. Whoever runs the same program over the same bytes, QEMU or an engine of ours, must write the same answers.
 *
 * FPCR, and FPSR before each execution, are set for a chunk of cases at a time: FPSR either clear, or with IXC set,
 * where generated code lets the host compute, or with UFC too, where it does so for tiny results as well.
 */
import { assert } from '../base/assert.ts';
import { boundaryCases, boundaryOperands } from '../fp/boundary-operands.ts';
import { FPCR, FPSR, ROUNDING } from '../fp/environment.ts';
import { HardOperands, hardFpcr, type RandomWords } from '../fp/hard-operands.ts';
import { assemble } from '../isa/assembler.ts';
import { type FloatForm, LANE_BYTES } from './float-forms.ts';

/** Executions in a chunk. */
export const CHUNK = 256;
/** FPCR and FPSR of a chunk: 64 bits each. */
const CHUNK_BYTES = 16;
const MOST_OPERANDS = 3;
const FLAG_BYTES = 8;
/** A prime, so that steps of this size reach every combination before one comes again. */
const COMBINATION_STEP = 7_368_787;
/** FPSR before the executions of a chunk, in turns. */
const FLAGS = [0, FPSR.IXC, 0, FPSR.IXC | FPSR.UFC];
const MODES = [ROUNDING.TIEEVEN, ROUNDING.POSINF, ROUNDING.NEGINF, ROUNDING.ZERO];
const WORD = 4;
const HALF_WORD = 2;

/** Bytes of one operand, and of the result: a whole vector register, or half of one. */
export function registerBytes({ lanes }: FloatForm): 8 | 16 {
  return lanes === 1 ? 8 : 16;
}

const hasFlags = ({ row }: FloatForm) => row.result === 'nzcv' || row.group === 'FJCVTZS';

/** Bytes of one answer: the result, then FPSR with NZCV above it. */
export function answerBytes(form: FloatForm): number {
  return registerBytes(form) + FLAG_BYTES;
}

/**
 * A function (chunks, their number, questions, answers): `cases` executions with each chunk's modes. It changes X0 to
 * X17 and the vector registers that a function may change.
 */
function floatProgram(form: FloatForm, cases: number): Uint8Array {
  const bytes = registerBytes(form);
  const result = { v0: bytes === 16 ? 'q0' : 'd0', x0: 'x0', nzcv: 'xzr' }[form.row.result];
  const source = `
    mov x9, x0
    mov x10, x1
    mov x15, x2
    mov x16, x3
  chunk:
    ldp x12, x13, [x9], #${CHUNK_BYTES}
    msr fpcr, x12
    mov w14, #${cases}
  case:
    ${form.registers.map((name) => `ldr ${name}, [x15], #${bytes}`).join('\n')}
    msr fpsr, x13
    ${form.assembly}
    mrs x3, fpsr
    ${hasFlags(form) ? 'mrs x4, nzcv\norr x3, x3, x4' : ''}
    str ${result}, [x16], #${bytes}
    str x3, [x16], #${FLAG_BYTES}
    sub w14, w14, #1
    cbnz w14, case
    sub x10, x10, #1
    cbnz x10, chunk
    msr fpcr, xzr
    ret`;
  return assemble(source).bytes;
}

/** What cases are made of. */
export interface CaseSource {
  readonly random: RandomWords;
  /** Bits of FPCR that stay clear. */
  readonly never?: number;
}

export class FloatBatch {
  readonly form: FloatForm;
  readonly chunks: number;
  /** Executions in a chunk. */
  readonly chunkLength: number;
  readonly program: Uint8Array;
  /** Chunks, then questions, as they stand in memory. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly answersLength: number;
  readonly #modes: Uint32Array;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #case = new Int32Array(2 * MOST_OPERANDS);

  constructor(form: FloatForm, chunks: number, chunkLength = CHUNK) {
    this.form = form;
    this.chunks = chunks;
    this.chunkLength = chunkLength;
    this.program = floatProgram(form, chunkLength);
    const executions = chunks * chunkLength;
    const chunksLength = chunks * CHUNK_BYTES;
    const length = chunksLength + executions * this.#questionBytes;
    this.bytes = new Uint8Array(length);
    this.answersLength = executions * answerBytes(form);
    this.#modes = new Uint32Array(this.bytes.buffer, 0, chunksLength / WORD);
    this.#words = new Int32Array(this.bytes.buffer, chunksLength);
    this.#halves = new Uint16Array(this.bytes.buffer, chunksLength);
  }

  get executions(): number {
    return this.chunks * this.chunkLength;
  }
  get cases(): number {
    return this.executions * this.form.lanes;
  }
  get questionsAt(): number {
    return this.chunks * CHUNK_BYTES;
  }
  get #questionBytes(): number {
    return this.form.row.operands.length * registerBytes(this.form);
  }

  /**
   * New cases: the rounding modes and FLAGS in turn; half of the chunks have combinations of boundary operands, from
   * number `combination` on. Gives the combination to go on with.
   */
  fill({ random, never = 0 }: CaseSource, combination: number): number {
    const { operands } = this.form.row;
    const combinations = boundaryCases(operands);
    const step = COMBINATION_STEP % combinations;
    const hard = new HardOperands(operands, random);
    let next = combination % combinations;
    for (let chunk = 0, execution = 0; chunk < this.chunks; chunk++) {
      const mode = MODES[chunk % MODES.length]!;
      const others = hardFpcr(random) & ~FPCR.RMODE & ~never;
      const parity = Math.floor(chunk / MODES.length);
      this.setModes(chunk, others | (mode << FPCR.RMODE_SHIFT), FLAGS[parity % FLAGS.length]!);
      const fromBoundary = Math.floor(parity / FLAGS.length) % 2 === 0;
      for (let i = 0; i < this.chunkLength; i++, execution++) {
        for (let lane = 0; lane < this.form.lanes; lane++) {
          if (fromBoundary) {
            boundaryOperands(operands, next, this.#case);
            next = next + step < combinations ? next + step : next + step - combinations;
          } else hard.next(this.#case);
          this.#put(execution, lane);
        }
      }
    }
    return next;
  }

  setModes(chunk: number, fpcr: number, fpsr: number): void {
    this.#modes[(chunk * CHUNK_BYTES) / WORD] = fpcr;
    this.#modes[(chunk * CHUNK_BYTES) / WORD + 2] = fpsr;
  }

  /** Sets the operands of an execution: low and high word of each in turn. */
  setOperands(execution: number, words: ArrayLike<number>): void {
    this.#case.set(words);
    this.#put(execution, 0);
  }

  modesOf(execution: number): { readonly fpcr: number; readonly fpsr: number } {
    const at = (Math.floor(execution / this.chunkLength) * CHUNK_BYTES) / WORD;
    return { fpcr: this.#modes[at]!, fpsr: this.#modes[at + 2]! };
  }

  /** The operands of an execution of a scalar form: low and high word of each in turn. */
  operandsOf(execution: number): Int32Array {
    assert(this.form.lanes === 1, 'operands of lanes are not taken apart');
    const at = (execution * this.#questionBytes) / WORD;
    return this.#words.subarray(at, at + this.#questionBytes / WORD);
  }

  /** All of an execution's operands, as they stand in memory. */
  questionOf(execution: number): Uint8Array {
    const at = this.questionsAt + execution * this.#questionBytes;
    return this.bytes.subarray(at, at + this.#questionBytes);
  }

  #put(execution: number, lane: number): void {
    const { row, lanes } = this.form;
    const at = execution * this.#questionBytes;
    const bytes = registerBytes(this.form);
    for (let index = 0; index < row.operands.length; index++) {
      const low = this.#case[2 * index]!;
      const size = lanes === 1 ? bytes : LANE_BYTES[row.operands[index]!];
      const place = at + index * bytes + lane * size;
      if (size === HALF_WORD) this.#halves[place / HALF_WORD] = low;
      else this.#words[place / WORD] = low;
      if (size > WORD) this.#words[place / WORD + 1] = this.#case[2 * index + 1]!;
    }
  }
}
