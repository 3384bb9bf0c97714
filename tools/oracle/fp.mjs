#!/usr/bin/env node
/**
 * Compares floating point with QEMU: the same program answers the same cases in both, result, FPSR and NZCV of each.
 *
 *   npm run oracle:fp -- [--cases N] [--seed N] [--only GROUP] [--from GROUP]
 *     [--engine interpret|translate] [--soak [--minutes N]] [--record FILE] [--per-row N]
 *
 * --cases is the number for each operation (a group: all formats and sizes of a mnemonic together), its rounding modes
 * sharing them; --from begins with a later operation. Where vector instructions do the same on lanes, three quarters of
 * the cases are theirs. Half of the cases are combinations of boundary operands, the others random. Without --engine,
 * batches are interpreted and translated in turn. A share of the scalar cases is asked of src/emu/fp directly, too, with
 * and without the host's arithmetic. --soak takes one seed after the other until it is stopped or the minutes are over,
 * and keeps the totals in docs/soak-log.md. --record writes N cases a row as the fixture of the unit tests instead.
 * Needs qemu-aarch64 and aarch64-linux-gnu-gcc.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { FPCR } from '../../src/emu/fp/environment.ts';
import { HardOperands, hardFpcr, RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { ORACLE_ROWS } from '../../src/emu/fp/oracle-rows.ts';
import { TestEngine } from '../../src/emu/fp/test-engine.ts';
import { answerBytes, CHUNK, FloatBatch, registerBytes } from '../../src/emu/testing/float-batch.ts';
import { scalarForm, vectorForms } from '../../src/emu/testing/float-forms.ts';
import { FloatMachine } from '../../src/emu/testing/float-machine.ts';
import { directAnswer } from '../../src/emu/testing/float-reference.ts';
import { FloatOracle } from './fp-qemu.mjs';
import { SoakLog } from './soak-log.mjs';

/** In a batch. */
const MOST_CHUNKS = 1024;
/** Of so many scalar cases one is also asked of src/emu/fp. */
const DIRECT_STEP = 29;
const EXAMPLES_SHOWN = 4;
const NZCV_SHIFT = 28;
const FPSR_BITS = 0x0fff_ffff;
const MS_PER_MINUTE = 60_000;
/** The words of a case: low and high of three operands. */
const CASE_WORDS = 6;
const COMBINATIONS_PER_SEED = 1_000_003;
const OPERATIONS_PER_SEED = 1000;
/** Odd, with bits everywhere: seeds that follow one another start far apart. */
const SEED_SPREAD = 0x9e37_79b1;

const ENGINES = { interpret: 'interpret', translate: 'translate when warm' };

/** QEMU 7.2 sets Z for an operand that it has flushed to zero; docs/floating-point.md has the clause. */
const NEVER_SET = { FJCVTZS: FPCR.FZ };

const hex = (bytes) => Buffer.from(bytes).reverse().toString('hex');

/** What of our answers differs from the oracle's: numbers of executions. */
function* differingExecutions(batch, ours, theirs) {
  if (Buffer.compare(ours, theirs) === 0) return;
  const size = answerBytes(batch.form);
  for (let at = 0, execution = 0; at < ours.length; at += size, execution++)
    if (Buffer.compare(ours.subarray(at, at + size), theirs.subarray(at, at + size)) !== 0) yield execution;
}

function answerText(batch, answers, execution) {
  const at = execution * answerBytes(batch.form);
  const value = registerBytes(batch.form);
  return `${hex(answers.subarray(at, at + value))} fpsr+nzcv=${answers.readUInt32LE(at + value).toString(16)}`;
}

class Comparison {
  /** Cases by the path that answered them. */
  counts = { cases: 0, vectors: 0, direct: 0 };
  differences = 0;
  #oracle;
  #machines;
  #direct = { host: new TestEngine(false), exact: new TestEngine(true) };
  #batches = 0;

  constructor(oracle, machines) {
    this.#oracle = oracle;
    this.#machines = machines;
  }

  /** `count` cases of a form. */
  compareForm(form, count, { seed, random }) {
    const never = NEVER_SET[form.row.group] ?? 0;
    const chunks = Math.ceil(count / form.lanes / CHUNK);
    const batches = Math.ceil(chunks / MOST_CHUNKS);
    const batch = new FloatBatch(form, Math.ceil(chunks / batches));
    let combination = seed * COMBINATIONS_PER_SEED;
    for (let n = 0; n < batches; n++) {
      combination = batch.fill({ random, never }, combination);
      this.#compare(batch, this.#oracle.ask(batch));
    }
  }

  #compare(batch, theirs) {
    const [engine, machine] = this.#machines[this.#batches++ % this.#machines.length];
    const ours = Buffer.from(machine.run(batch));
    const different = [...differingExecutions(batch, ours, theirs)];
    for (const execution of different.slice(0, EXAMPLES_SHOWN))
      this.#show(batch, execution, `${engine} ${answerText(batch, ours, execution)}`, theirs);
    this.differences += different.length;
    this.counts.cases += batch.cases;
    if (batch.form.lanes > 1) this.counts.vectors += batch.cases;
    else this.#askDirectly(batch, theirs);
  }

  #askDirectly(batch, theirs) {
    const size = answerBytes(batch.form);
    for (
      let execution = this.#batches % DIRECT_STEP;
      execution < batch.executions;
      execution += DIRECT_STEP
    ) {
      this.counts.direct++;
      const expected = theirs.subarray(execution * size, (execution + 1) * size);
      for (const [name, engine] of Object.entries(this.#direct)) {
        const answer = directAnswer(engine, batch, execution);
        if (Buffer.compare(answer, expected) === 0) continue;
        if (this.differences++ < EXAMPLES_SHOWN)
          this.#show(batch, execution, `${name} ${hex(answer)}`, theirs);
      }
    }
  }

  #show(batch, execution, ours, theirs) {
    const { fpcr, fpsr } = batch.modesOf(execution);
    const modes = `fpcr=${fpcr.toString(16)} fpsr=${fpsr.toString(16)}`;
    const operands = hex(batch.questionOf(execution));
    const theirText = answerText(batch, theirs, execution);
    console.log(`  ${batch.form.assembly}: ${modes} ${operands}: ours ${ours} | qemu ${theirText}`);
  }
}

/** Every form of a group of rows with its share of the cases: vectors, which are faster, have three quarters. */
function sharesOf(rows, cases) {
  const vectors = rows.flatMap(vectorForms);
  const scalarCases = vectors.length > 0 ? cases / 4 : cases;
  return [
    ...rows.map((row) => ({ form: scalarForm(row), count: scalarCases / rows.length })),
    ...vectors.map((form) => ({ form, count: (cases - scalarCases) / vectors.length })),
  ];
}

/** The operations asked for: each has random operands of its own, so that it can be repeated alone. */
function operationsOf({ only, from }) {
  const groups = [...Map.groupBy(ORACLE_ROWS, (row) => row.group)];
  const operations = groups.map(([group, rows], index) => ({ group, rows, index }));
  for (const group of [only, from])
    if (group !== undefined && !operations.some((one) => one.group === group))
      throw new Error(`no operation is called ${group}`);
  const first = Math.max(
    0,
    operations.findIndex(({ group }) => group === from),
  );
  return operations.slice(first).filter(({ group }) => only === undefined || group === only);
}

/** Compares an operation and says how many cases there were and how many differed. */
function compareOperation(comparison, { group, rows, index }, { seed, cases }) {
  const random = new RandomWords(Math.imul(seed * OPERATIONS_PER_SEED + index + 1, SEED_SPREAD));
  const { differences } = comparison;
  const before = comparison.counts.cases;
  for (const { form, count } of sharesOf(rows, cases)) comparison.compareForm(form, count, { seed, random });
  const result = {
    cases: comparison.counts.cases - before,
    differences: comparison.differences - differences,
  };
  console.log(`${group}: ${result.cases} cases, ${result.differences} differences`);
  return result;
}

function compareAll(comparison, options) {
  for (const operation of operationsOf(options)) compareOperation(comparison, operation, options);
}

/** One seed after the other; the log has the totals after each operation. */
function soak(comparison, options, minutes) {
  const what = ['floating point', options.only, options.engine, `--cases ${options.cases}`];
  const log = new SoakLog(what.filter(Boolean).join(', '), 'cases');
  const end = performance.now() + minutes * MS_PER_MINUTE;
  const operations = operationsOf(options);
  for (let { seed } = options; ; seed++)
    for (const operation of operations) {
      if (performance.now() >= end) return;
      const { cases, differences } = compareOperation(comparison, operation, { ...options, seed });
      const reached = seed > options.seed ? operations.at(-1) : operation;
      log.add(seed, cases, differences, `${operations[0].group} to ${reached.group}`);
    }
}

/** The fixture: for each row, lines of FPCR, operands, result, FPSR and NZCV in hexadecimal. */
function recordVectors(oracle, file, perRow, random) {
  const vectors = ORACLE_ROWS.map((row) => {
    const batch = new FloatBatch(scalarForm(row), perRow, 1);
    const operands = new HardOperands(row.operands, random);
    const words = new Int32Array(CASE_WORDS);
    for (let i = 0; i < perRow; i++) {
      operands.next(words);
      batch.setModes(i, hardFpcr(random) & ~(NEVER_SET[row.group] ?? 0), 0);
      batch.setOperands(i, words);
    }
    const answers = oracle.ask(batch);
    const lines = Array.from({ length: perRow }, (_, i) => vectorLine(batch, answers, i));
    return `${JSON.stringify(row.name)}:${JSON.stringify(lines)}`;
  });
  writeFileSync(file, `{\n${vectors.join(',\n')}\n}\n`);
}

function vectorLine(batch, answers, i) {
  const { row } = batch.form;
  const at = i * answerBytes(batch.form);
  const flags = answers.readUInt32LE(at + registerBytes(batch.form));
  const operands = new BigUint64Array(Uint8Array.from(batch.questionOf(i)).buffer);
  const value = row.result === 'nzcv' ? 0n : answers.readBigUInt64LE(at);
  const numbers = [batch.modesOf(i).fpcr, ...operands, value, flags & FPSR_BITS, flags >>> NZCV_SHIFT];
  return numbers.map((number) => number.toString(16)).join(' ');
}

async function createMachines(engine) {
  const names = engine === undefined ? Object.keys(ENGINES) : [engine];
  if (!names.every((name) => name in ENGINES))
    throw new Error(`--engine is ${Object.keys(ENGINES).join(' or ')}`);
  return Promise.all(names.map(async (name) => [name, await FloatMachine.create(ENGINES[name])]));
}

async function main() {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      from: { type: 'string' },
      engine: { type: 'string' },
      soak: { type: 'boolean', default: false },
      minutes: { type: 'string', default: 'Infinity' },
      record: { type: 'string' },
      'per-row': { type: 'string', default: '20' },
    },
  });
  const oracle = new FloatOracle();
  try {
    if (values.record !== undefined) {
      recordVectors(oracle, values.record, Number(values['per-row']), new RandomWords(Number(values.seed)));
      return 0;
    }
    const options = { ...values, seed: Number(values.seed), cases: Number(values.cases) };
    const comparison = new Comparison(oracle, await createMachines(values.engine));
    if (values.soak) soak(comparison, options, Number(values.minutes));
    else compareAll(comparison, options);
    const { cases, vectors, direct } = comparison.counts;
    console.log(
      `${cases} cases, ${vectors} of them in vectors, ${direct} also asked of src/emu/fp: ${comparison.differences} differences`,
    );
    return comparison.differences === 0 ? 0 : 1;
  } finally {
    oracle.close();
  }
}

process.exitCode = await main();
