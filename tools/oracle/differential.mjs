#!/usr/bin/env node
/**
 * Compares our CPU with QEMU on random programs made from the instruction table: registers, flags, vectors,
 * FPSR, memory, and how the program ends.
 *
 *   npm run oracle:differential -- [--seed N] [--count N] [--row NAME] [--feature FEAT_NAME] [--dense]
 *     [--states N] [--engine interpret|translate] [--save] [--record N] [--soak [--minutes N]]
 *
 * --count is the number of instructions to execute; --dense fills programs with selected rows only; --states runs
 * each program from so many states. --soak takes one seed after the other, --count instructions each, until it is
 * stopped or the minutes are over, and keeps the totals in docs/soak-log.md. Failures are reduced to the words and registers that
 * matter; --save adds them to src/emu/testing/vectors/found.vectors.json, which the unit tests run.
 * --record N writes new vectors instead: N for each selected row, into the file of its feature; when all rows are
 * selected, also some longer programs. Needs qemu-aarch64 and aarch64-linux-gnu-gcc.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { a64Decoder } from '../../src/emu/isa/a64/index.ts';
import { disassemble } from '../../src/emu/isa/disassembler.ts';
import { crossesPages, SLOTS, slotAddress, slotAt } from '../../src/emu/testing/arena.ts';
import { BareMachine, ENGINE_MODES } from '../../src/emu/testing/bare-machine.ts';
import { outcomeDifferences, STATE, WORD_NAMES } from '../../src/emu/testing/processor-state.ts';
import { ProgramGenerator } from '../../src/emu/testing/random-program.ts';
import { reduceOnce } from '../../src/emu/testing/reduce.ts';
import { formatVector, formatVectors, quiet, vectorFileOf } from '../../src/emu/testing/vector-text.ts';
import { SoakLog } from './soak-log.mjs';
import { missingTools, UserModeOracle } from './user-mode.mjs';

const vectorFile = (name) => new URL(`../../src/emu/testing/vectors/${name}.vectors.json`, import.meta.url);
const FOUND = vectorFile('found');
const RECORDED_LONGER = vectorFile('programs');
const LONGER_PROGRAMS = 40;
const SHOWN_DIFFERENCES = 8;
const SHOWN_FAILURES_PER_ROW = 1;
const SHOWN_FAILURES = 40;
/** Rows such as HVC never end otherwise than by an exception. */
const FAULT_ATTEMPTS = 4;
const PROGRAMS_PER_BATCH = SLOTS;
const MS_PER_MINUTE = 60_000;

const word = (value) => value.toString(16).padStart(8, '0');

const ALL_SLOTS = Array.from({ length: SLOTS }, (_, slot) => slot);

/** Runs the same programs in both, each from `states` states; gives our outcome, theirs and the differences. */
function compare(machine, oracle, candidates, { slots = ALL_SLOTS, states = 1 } = {}) {
  const programs = candidates.flatMap((program, i) => {
    machine.load(slots[i], program.words);
    const start = BigInt(slotAddress(slots[i]));
    return Array.from({ length: states }, (_, n) => ({
      ...program,
      state: (n === 0 ? program.state : program.anotherState()).with(STATE.PC, start),
    }));
  });
  machine.synchronize();
  const outcomes = programs.map(({ state }) => machine.run(state));
  // A program that does not end here would keep the oracle for ever.
  const theirs = oracle.ask(
    programs.map((program, i) => (outcomes[i].end === 'timeout' ? { ...program, words: [] } : program)),
  );
  return programs.map((program, i) => {
    const [ours, expected] = [outcomes[i], theirs[i]];
    return { program, ours, expected, differences: outcomeDifferences(ours, expected) };
  });
}

/** The slots that lie in one or in two pages, as the program's does. */
function slotsLike({ state }) {
  const crosses = crossesPages(slotAt(state[STATE.PC]));
  return ALL_SLOTS.filter((slot) => crossesPages(slot) === crosses);
}

/** Reduces a failing program as long as something smaller fails, too. */
function reduce(machine, oracle, program) {
  let smallest = program;
  const slots = slotsLike(program);
  for (;;) {
    const smaller = [...reduceOnce(smallest)].slice(0, slots.length);
    const results = compare(machine, oracle, smaller, { slots });
    // A loop that lost its counter fails, too, but says nothing.
    const failing = results.find(({ differences, ours }) => differences.length > 0 && ours.end !== 'timeout');
    if (!failing) return smallest;
    smallest = failing.program;
  }
}

function describe({ program, ours, expected, differences }) {
  console.log(`  ${program.row.name}: ends with ${ours.end}, expected ${expected.end}`);
  for (const value of program.words) console.log(`    ${word(value)}  ${disassemble(value, 0n)}`);
  const set = [...program.state].map((value, i) => (value ? `${WORD_NAMES[i]}=0x${value.toString(16)}` : ''));
  console.log(`    from ${set.filter(Boolean).join(' ')}`);
  for (const line of differences.slice(0, SHOWN_DIFFERENCES)) console.log(`    ${line}`);
}

function selectRows(generator, { row: name = '', feature }) {
  const rows = generator.rows.filter(
    (row) =>
      row.name.toLowerCase().includes(name.toLowerCase()) &&
      (feature === undefined || row.feature === feature),
  );
  if (rows.length === 0)
    throw new Error(`no row${feature ? ` of ${feature}` : ''} has "${name}" in its name`);
  return rows;
}

/** Runs `count` instructions and says what differs. */
function search({ machine, oracle }, generator, random, { count, rows, save, states, dense, soak: long }) {
  const failuresOf = new Map();
  let executed = 0;
  let failures = 0;
  let programs = 0;
  let next = 0;
  while (executed < count) {
    const batch = Array.from({ length: PROGRAMS_PER_BATCH }, () =>
      generator.generate(rows[next++ % rows.length], dense || long || random.below(2) === 0),
    );
    for (const result of compare(machine, oracle, batch, { states })) {
      executed += result.ours.executed;
      programs++;
      if (result.differences.length === 0) continue;
      failures++;
      failuresOf.set(result.program.row, [...(failuresOf.get(result.program.row) ?? []), result.program]);
    }
  }
  const shown = [...failuresOf.values()].flatMap((found) => found.slice(0, SHOWN_FAILURES_PER_ROW));
  for (const program of shown.slice(0, SHOWN_FAILURES)) report(machine, oracle, program, save);
  const tested = `${executed} instructions in ${programs} programs over ${rows.length} rows`;
  if (machine.regionsCompiled > 0) console.log(`${machine.regionsCompiled} regions were translated`);
  console.log(`${tested}: ${failures} differences in programs made for ${failuresOf.size} rows`);
  return { executed, programs, failures };
}

/** The generator for a seed, and the rows that programs are made for. */
function prepare(seed, values) {
  const random = new RandomWords(seed);
  const all = new ProgramGenerator(a64Decoder, random);
  const rows = selectRows(all, values);
  const generator = values.dense
    ? new ProgramGenerator(a64Decoder, random, (row) => rows.includes(row))
    : all;
  return { random, generator, rows };
}

/** One seed after the other; the log has the totals after each. */
function soak(machines, values, options) {
  const size = `--count ${values.count} --states ${values.states}`;
  const what = ['differential', values.engine, values.feature, values.row, values.dense && 'dense', size];
  const log = new SoakLog(what.filter(Boolean).join(', '), 'instructions');
  const end = values.minutes ? performance.now() + Number(values.minutes) * MS_PER_MINUTE : Infinity;
  let failures = 0;
  for (let seed = Number(values.seed); performance.now() < end; seed++) {
    const { random, generator, rows } = prepare(seed, values);
    const totals = search(machines, generator, random, { ...options, rows });
    failures += totals.failures;
    log.add(seed, totals.executed, totals.failures);
  }
  return failures;
}

function report(machine, oracle, program, save) {
  const smallest = reduce(machine, oracle, program);
  const [result] = compare(machine, oracle, [smallest], { slots: slotsLike(program) });
  describe(result);
  if (!save) return;
  const known = readVectors(FOUND);
  const { name } = result.program.row;
  const lines = new Set([...(known[name] ?? []), formatVector(result.program, result.expected)]);
  writeFileSync(FOUND, formatVectors({ ...known, [name]: [...lines] }));
}

/** Clears the registers at the start without which the same changes happen. */
function withoutIdleRegisters(machine, program) {
  machine.load(0, program.words);
  machine.synchronize();
  const state = quiet(program).state.with(STATE.PC, BigInt(slotAddress(0)));
  const effect = () =>
    formatVector({ ...program, state }, machine.run(state))
      .split('|')
      .slice(3)
      .join('|');
  const wanted = effect();
  state.forEach((value, i) => {
    if (value === 0n || i === STATE.PC) return;
    state[i] = 0n;
    if (effect() !== wanted) state[i] = value;
  });
  return { ...program, state };
}

/** A program of one instruction, which reaches its end unless it may fault. */
function vectorProgram(machine, generator, row, mayFault) {
  for (let attempt = 0; ; attempt++) {
    const program = withoutIdleRegisters(machine, generator.generate(row, false));
    if (mayFault || attempt === FAULT_ATTEMPTS || machine.run(program.state).end === 'trap') return program;
  }
}

const readVectors = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});

/** Writes new lines for their rows into the files of those rows; other rows' lines stay. */
function replaceVectors(rows, lines) {
  for (const [name, group] of Map.groupBy(rows, vectorFileOf)) {
    const file = vectorFile(name);
    const known = readVectors(file);
    for (const row of group) known[row.name] = lines[row.name];
    const order = a64Decoder.rows.map((row) => row.name).filter((row) => row in known);
    writeFileSync(file, formatVectors(Object.fromEntries(order.map((row) => [row, known[row]]))));
  }
}

/** Writes vectors: `perRow` programs of one instruction for each row; some longer ones when these are all rows. */
function record(machine, oracle, generator, rows, perRow) {
  const single = rows.flatMap((row) =>
    // Only the first may fault.
    Array.from({ length: perRow }, (_, i) => vectorProgram(machine, generator, row, i === 0)),
  );
  replaceVectors(rows, expectedOutcomes(machine, oracle, single));
  console.log(`${single.length} vectors of ${rows.length} rows`);
  if (rows.length < generator.rows.length) return;
  const step = Math.ceil(rows.length / LONGER_PROGRAMS);
  const longer = rows
    .filter((_, i) => i % step === 0)
    .map((row) => withoutIdleRegisters(machine, generator.generate(row, true)));
  writeFileSync(RECORDED_LONGER, formatVectors(expectedOutcomes(machine, oracle, longer)));
  console.log(`${longer.length} longer programs`);
}

/** Vector lines by row; says where we differ. */
function expectedOutcomes(machine, oracle, programs) {
  const file = {};
  for (let at = 0; at < programs.length; at += SLOTS)
    for (const { program, expected, differences } of compare(
      machine,
      oracle,
      programs.slice(at, at + SLOTS),
    )) {
      (file[program.row.name] ??= []).push(formatVector(program, expected));
      if (differences.length > 0) console.log(`${program.row.name} differs: ${differences.join('; ')}`);
    }
  return file;
}

async function main() {
  const missing = missingTools();
  if (missing) {
    console.error(`oracle:differential: ${missing}`);
    return 2;
  }
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '100000' },
      row: { type: 'string' },
      feature: { type: 'string' },
      dense: { type: 'boolean', default: false },
      states: { type: 'string', default: '1' },
      soak: { type: 'boolean', default: false },
      minutes: { type: 'string' },
      save: { type: 'boolean', default: false },
      record: { type: 'string' },
      engine: { type: 'string', default: 'interpret' },
    },
  });
  if (!ENGINE_MODES.includes(values.engine)) throw new Error(`--engine is ${ENGINE_MODES.join(' or ')}`);
  const machine = await BareMachine.create(values.engine);
  const oracle = new UserModeOracle();
  const options = { ...values, count: Number(values.count), states: Number(values.states) };
  try {
    if (values.soak) return soak({ machine, oracle }, values, options) === 0 ? 0 : 1;
    const { random, generator, rows } = prepare(Number(values.seed), values);
    if (values.record) {
      record(machine, oracle, generator, rows, Number(values.record));
      return 0;
    }
    return search({ machine, oracle }, generator, random, { ...options, rows }).failures === 0 ? 0 : 1;
  } finally {
    oracle.close();
  }
}

process.exitCode = await main();
