/**
 * Test programs with their expected outcome as text, one line each, in files by row:
 * `slot:words|registers that are not zero at the start|end address|registers and memory that changed`.
 */
import { assert } from '../base/assert.ts';
import type { Row } from '../isa/row.ts';
import { slotAt } from './arena.ts';
import {
  type End,
  newState,
  type Outcome,
  type ProcessorState,
  STATE,
  WORD_NAMES,
} from './processor-state.ts';
import type { TestProgram } from './random-program.ts';

export interface Vector {
  readonly row: string;
  /** Where the program stood when it was recorded: results may hold code addresses. */
  readonly slot: number;
  readonly words: readonly number[];
  readonly state: ProcessorState;
  /** PC is relative to the start of the program. */
  readonly expected: Outcome;
}

const INDEX_OF = new Map(WORD_NAMES.map((name, index) => [name, index]));
const MEMORY = 'm';

/** Clears the registers that no instruction of the program names. */
export function quiet(program: TestProgram): TestProgram {
  const named = new Set<number>();
  // Register fields start at bits 0, 5, 10 and 16; lists take up to three more.
  for (const word of program.words)
    for (const low of [0, 5, 10, 16])
      for (let step = 0; step < 4; step++) named.add((((word >>> low) & 31) + step) % 32);
  const state = newState();
  for (const i of [STATE.SP, STATE.NZCV, STATE.FPCR, STATE.FPSR]) state[i] = program.state[i] ?? 0n;
  for (const r of named) {
    if (r < STATE.SP) state[STATE.X + r] = program.state[STATE.X + r] ?? 0n;
    for (const half of [0, 1]) state[STATE.V + 2 * r + half] = program.state[STATE.V + 2 * r + half] ?? 0n;
  }
  return { ...program, state };
}

const settings = (state: ProcessorState, against: ProcessorState) =>
  [...state]
    .map((value, i) => (value === against[i] ? '' : `${WORD_NAMES[i]}=${value.toString(16)}`))
    .filter(Boolean)
    .join(' ');

/** `program.state` holds the PC that the outcome was made with. */
export function formatVector(program: TestProgram, { end, address, state, memory }: Outcome): string {
  const start = program.state[STATE.PC] ?? 0n;
  const initial = program.state.slice();
  initial[STATE.PC] = 0n;
  const final = state.slice();
  final[STATE.PC] = BigInt.asUintN(64, (final[STATE.PC] ?? 0n) - start);
  const changes = [
    settings(final, initial),
    ...memory.map(([offset, value]) => `${MEMORY}${offset.toString(16)}=${value.toString(16)}`),
  ];
  const words = program.words.map((word) => word.toString(16));
  return [
    `${slotAt(start).toString(16)}:${words.join(' ')}`,
    settings(initial, newState()),
    `${end} ${address.toString(16)}`,
    changes.filter(Boolean).join(' '),
  ].join('|');
}

function parseSettings(text: string, state: ProcessorState, memory: [number, bigint][]): void {
  for (const setting of text.split(' ').filter(Boolean)) {
    const [name = '', digits = ''] = setting.split('=');
    const value = BigInt(`0x${digits}`);
    const index = INDEX_OF.get(name);
    if (index !== undefined) state[index] = value;
    else {
      assert(name.startsWith(MEMORY), `bad name ${name} in a vector`);
      memory.push([Number.parseInt(name.slice(MEMORY.length), 16), value]);
    }
  }
}

function parseVector(row: string, line: string): Vector {
  const [program = '', initial = '', ending = '', changes = ''] = line.split('|');
  const [slot = '', words = ''] = program.split(':');
  const state = newState();
  parseSettings(initial, state, []);
  const expected = state.slice();
  const memory: [number, bigint][] = [];
  parseSettings(changes, expected, memory);
  const [end = '', address = ''] = ending.split(' ');
  return {
    row,
    slot: Number.parseInt(slot, 16),
    words: words.split(' ').map((word) => Number.parseInt(word, 16)),
    state,
    expected: { end: end as End, address: BigInt(`0x${address}`), state: expected, memory },
  };
}

/** The file of a row's vectors: its feature's; without one, or where it differs by word, that of the base. */
export function vectorFileOf({ feature }: Row): string {
  return typeof feature === 'string' ? feature : 'rows';
}

/** The content of a vector file: lines by the row they were made for. */
export type VectorFile = Readonly<Record<string, readonly string[]>>;

export function parseVectors(file: VectorFile): Vector[] {
  return Object.entries(file).flatMap(([row, lines]) => lines.map((line) => parseVector(row, line)));
}

/** A vector file as text, one vector a line. */
export function formatVectors(file: VectorFile): string {
  const rows = Object.entries(file).map(
    ([row, lines]) =>
      `${JSON.stringify(row)}: [\n${lines.map((line) => JSON.stringify(line)).join(',\n')}\n]`,
  );
  return `{\n${rows.join(',\n')}\n}\n`;
}
