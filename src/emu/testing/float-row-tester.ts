/**
 * Floating-point instructions in a machine against the BigInt algorithms: hard operands, scalars and every lane
 * of vectors. FPSR.IXC is set at the start, so that in the default mode the host decides most cases.
 */
import { assert } from '../base/assert.ts';
import { FPSR } from '../fp/environment.ts';
import { hardOperands, RandomWords } from '../fp/hard-operands.ts';
import type { OperandKind, OracleRow } from '../fp/oracle-rows.ts';
import { TestEngine } from '../fp/test-engine.ts';
import { assemble } from '../isa/assembler.ts';
import { slotAddress } from './arena.ts';
import { BareMachine } from './bare-machine.ts';
import { type FloatForm, LANE_BYTES } from './float-forms.ts';
import { newState, STATE } from './processor-state.ts';

const SEED = 0xf00d;
const IXC = BigInt(FPSR.IXC);
const BITS_PER_BYTE = 8;

/** Lanes of a register. */
function pack(kind: OperandKind, lanes: readonly bigint[]): bigint {
  const bits = BigInt(BITS_PER_BYTE * LANE_BYTES[kind]);
  return lanes.reduce((all, lane, i) => all | (lane << (BigInt(i) * bits)), 0n);
}

const hex = (value: bigint) => value.toString(16);

interface Registers {
  /** V0 … V3, 128 bits each. */
  readonly v: readonly bigint[];
  readonly x1: bigint;
}

export class FloatRowTester {
  private readonly machine: BareMachine;
  private readonly fpcr: number;
  private readonly exact = new TestEngine(true);

  private constructor(machine: BareMachine, fpcr: number) {
    this.machine = machine;
    this.fpcr = fpcr;
  }

  static async create(fpcr = 0): Promise<FloatRowTester> {
    return new FloatRowTester(await BareMachine.create(), fpcr);
  }

  /** Runs a row's instruction on scalars, so many hard ones or these; lines for what differs. */
  scalarDifferences(row: OracleRow, cases: number | readonly (readonly bigint[])[]): string[] {
    this.load(row.assembly);
    const random = new RandomWords(SEED);
    const differences: string[] = [];
    const all =
      typeof cases === 'number'
        ? Array.from({ length: cases }, () => hardOperands(row.operands, random))
        : cases;
    for (const operands of all) {
      const answer = this.exact.run(row, this.fpcr, operands);
      const isInteger = row.operands[0] === 'w' || row.operands[0] === 'x';
      const registers = { v: [0n, ...operands], x1: isInteger ? (operands[0] ?? 0n) : 0n };
      const ours = this.execute(registers, row.result);
      const value = row.result === 'nzcv' ? BigInt(answer.nzcv ?? 0) : answer.value;
      const sameFlags = answer.nzcv === undefined || ours.nzcv === BigInt(answer.nzcv);
      const fpsr = IXC | BigInt(answer.fpsr);
      if (ours.value !== value || !sameFlags || ours.fpsr !== fpsr)
        differences.push(`${operands.map(hex)}: ${hex(ours.value)} ${ours.fpsr}, not ${hex(value)} ${fpsr}`);
    }
    return differences;
  }

  /** The same on every lane of a vector. */
  vectorDifferences({ row, lanes, assembly }: FloatForm, cases: number): string[] {
    const kind = row.operands[0]!;
    this.load(assembly);
    const random = new RandomWords(SEED);
    const differences: string[] = [];
    for (let i = 0; i < cases; i += lanes) {
      const operands = Array.from({ length: lanes }, () => hardOperands(row.operands, random));
      const answers = operands.map((lane) => this.exact.run(row, this.fpcr, lane));
      const column = (index: number) =>
        pack(
          kind,
          operands.map((lane) => lane[index] ?? 0n),
        );
      // The accumulator is the destination, and the exact rows' third operand.
      const ours = this.execute({ v: [column(2), column(0), column(1)], x1: 0n }, 'v0');
      const values = answers.map((answer) => answer.value);
      const value = pack(kind, values);
      const fpsr = answers.reduce((all, answer) => all | BigInt(answer.fpsr), IXC);
      if (ours.value !== value || ours.fpsr !== fpsr)
        differences.push(
          `${operands.map((lane) => lane.map(hex))}: ${hex(ours.value)} ${ours.fpsr}, not ${hex(value)} ${fpsr}`,
        );
    }
    return differences;
  }

  private load(assembly: string): void {
    const { bytes } = assemble(assembly.toLowerCase());
    this.machine.load(0, [...new Uint32Array(bytes.slice().buffer)]);
    this.machine.synchronize();
  }

  /** Executes what is loaded; `result` is a register of 128 bits, or NZCV. */
  private execute({ v, x1 }: Registers, result: OracleRow['result']) {
    const state = newState();
    state[STATE.PC] = BigInt(slotAddress(0));
    state[STATE.FPCR] = BigInt(this.fpcr);
    state[STATE.FPSR] = IXC;
    state[STATE.X + 1] = x1;
    v.forEach((value, i) => {
      state[STATE.V + 2 * i] = BigInt.asUintN(64, value);
      state[STATE.V + 2 * i + 1] = value >> 64n;
    });
    const { state: after, end } = this.machine.run(state);
    assert(end === 'trap', `the program ends with ${end}`);
    const word = (index: number) => after[index] ?? 0n;
    const values = {
      v0: word(STATE.V) | (word(STATE.V + 1) << 64n),
      x0: word(STATE.X),
      nzcv: word(STATE.NZCV),
    };
    return { value: values[result], fpsr: word(STATE.FPSR), nzcv: values.nzcv };
  }
}
