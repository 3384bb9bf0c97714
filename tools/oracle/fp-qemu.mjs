/** QEMU's user mode as an oracle for floating point: builds fp.c, and asks it the batches of testing/float-batch.ts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PAGE } from '../../src/emu/testing/code-machine.ts';
import {
  answersAddress,
  FLOAT_CODE,
  FLOAT_DATA,
  FLOAT_DATA_BYTES,
} from '../../src/emu/testing/float-machine.ts';

const SOURCE = new URL('fp.c', import.meta.url).pathname;
const MACROS = {
  CODE_BASE: FLOAT_CODE,
  CODE_BYTES: PAGE,
  DATA_BASE: FLOAT_DATA,
  DATA_BYTES: FLOAT_DATA_BYTES,
};

export class FloatOracle {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'bramble-fp-'));
    this.program = join(this.directory, 'oracle');
    this.questions = join(this.directory, 'questions');
    this.answers = join(this.directory, 'answers');
    const macros = Object.entries(MACROS).map(([name, value]) => `-D${name}=0x${value.toString(16)}ull`);
    const flags = ['-O1', '-static', ...macros, '-o', this.program, SOURCE];
    execFileSync('aarch64-linux-gnu-gcc', flags, { stdio: 'inherit' });
  }

  /** QEMU's answers to a batch. */
  ask(batch) {
    const code = batch.program;
    const questionsAt = FLOAT_DATA + batch.questionsAt;
    const header = [code.length, batch.bytes.length, batch.chunks, questionsAt, answersAddress(batch)];
    const words = BigUint64Array.from([...header, batch.answersLength].map(BigInt));
    // Files and not pipes: their bytes are copied once.
    writeFileSync(this.questions, Buffer.concat([Buffer.from(words.buffer), code, batch.bytes]));
    const input = openSync(this.questions, 'r');
    const output = openSync(this.answers, 'w');
    try {
      const { status } = spawnSync('qemu-aarch64', ['-cpu', 'max', this.program], {
        stdio: [input, output, 'inherit'],
      });
      if (status !== 0) throw new Error(`the oracle failed (${status})`);
    } finally {
      closeSync(input);
      closeSync(output);
    }
    return readFileSync(this.answers);
  }

  close() {
    rmSync(this.directory, { recursive: true });
  }
}
