/** Smaller programs to try when one fails: an instruction less, a register less. */
import { type ProcessorState, STATE } from './processor-state.ts';
import type { TestProgram } from './random-program.ts';

const NOP = 0xd503201f;

function without(state: ProcessorState, index: number): ProcessorState {
  const copy = state.slice();
  copy[index] = 0n;
  return copy;
}

/** Programs that are a little smaller. An instruction becomes a NOP, so that distances stay. */
export function* reduceOnce(program: TestProgram): Generator<TestProgram> {
  const { words, state } = program;
  if (words.length > 1) yield { ...program, words: words.slice(0, words.length >> 1) };
  if (words.length > 1) yield { ...program, words: words.slice(0, -1) };
  if (words[0] === NOP) yield { ...program, words: words.slice(1) };
  for (let i = 0; i < words.length; i++)
    if (words[i] !== NOP) yield { ...program, words: words.with(i, NOP) };
  for (let i = 0; i < state.length; i++)
    if (state[i] !== 0n && i !== STATE.PC) yield { ...program, state: without(state, i) };
}
