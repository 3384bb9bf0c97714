/** A slow path with FPCR and FPSR in plain fields, asked by rows: what the tests of this folder share. */
import type { OracleRow } from './oracle-rows.ts';
import { FpSlowPath } from './slow-path.ts';

export interface Answer {
  readonly value: bigint;
  readonly fpsr: number;
  readonly nzcv: number | undefined;
}

export class TestEngine {
  fpcr = 0;
  fpsr = 0;
  readonly result = new Int32Array(2);
  readonly slowPath: FpSlowPath;

  constructor(exactOnly = false) {
    const ports = {
      readFpcr: () => this.fpcr,
      orFpsr: (exceptions: number) => {
        this.fpsr |= exceptions;
      },
    };
    this.slowPath = new FpSlowPath(this.result, ports, { exactOnly });
  }

  /** Executes a row's instruction with FPSR clear before it. */
  run(row: OracleRow, fpcr: number, operands: readonly bigint[]): Answer {
    return this.answer(row, fpcr, new Int32Array(BigUint64Array.from(operands).buffer));
  }

  /** The same for operands in words, low and high of each in turn. */
  answer(row: OracleRow, fpcr: number, words: Int32Array): Answer {
    this.fpcr = fpcr;
    this.fpsr = 0;
    this.result.fill(0);
    const nzcv = row.run(this.slowPath, words, this.result, fpcr);
    return { value: this.value(), fpsr: this.fpsr, nzcv };
  }

  /** The result's words as one pattern. */
  value(): bigint {
    return new BigUint64Array(this.result.buffer)[0]!;
  }
}
