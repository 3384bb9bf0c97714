/**
 * Runs the same programs on bare machines with different engines and says what differs. All guest-visible
 * state must agree, and so must the number of instructions.
 */
import { assert } from '../base/assert.ts';
import { CODE_BASE, CODE_BYTES, END_WORD } from './arena.ts';
import type { BareMachine, RunOutcome } from './bare-machine.ts';
import { FLOW_BYTES, type FlowProgram } from './lockstep-program.ts';
import { STATE, WORD_NAMES } from './processor-state.ts';

const WORD_BYTES = 4;
/** Programs that fit into the arena at once. */
export const FLOW_SLOTS = Math.floor(CODE_BYTES / FLOW_BYTES);

export function flowAddress(slot: number): number {
  return CODE_BASE + slot * FLOW_BYTES;
}

/** Puts programs into the arena of a machine, one a slot. */
export function loadFlows(machine: BareMachine, programs: readonly FlowProgram[]): void {
  assert(programs.length <= FLOW_SLOTS, 'the programs fit into the arena');
  programs.forEach(({ words }, slot) => {
    const rest = new Array<number>(FLOW_BYTES / WORD_BYTES - words.length).fill(END_WORD);
    machine.loadAt(flowAddress(slot), [...words, ...rest]);
  });
  machine.synchronize();
}

export function runFlow(machine: BareMachine, program: FlowProgram, slot: number, fuel?: number): RunOutcome {
  const start = BigInt(flowAddress(slot) + program.entry);
  return machine.run(program.state.with(STATE.PC, start), fuel);
}

/** Lines for everything in which two outcomes differ; none when they agree or when one ran out of fuel. */
export function strictDifferences(ours: RunOutcome, expected: RunOutcome): string[] {
  if (ours.end === 'timeout' || expected.end === 'timeout') return [];
  const lines: string[] = [];
  const compare = (name: string, a: unknown, b: unknown) => {
    if (a !== b) lines.push(`${name}: ${show(a)}, expected ${show(b)}`);
  };
  compare('end', ours.end, expected.end);
  compare('address', ours.address, expected.address);
  WORD_NAMES.forEach((name, i) => {
    compare(name, ours.state[i], expected.state[i]);
  });
  compare('memory', memoryText(ours), memoryText(expected));
  compare('instructions', ours.executed, expected.executed);
  return lines;
}

const show = (value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : String(value));
const memoryText = ({ memory }: RunOutcome) =>
  memory.map(([offset, value]) => `${offset.toString(16)}=${value.toString(16)}`).join(' ');
