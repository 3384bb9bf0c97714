#!/usr/bin/env node
/**
 * Compares src/emu/fp with QEMU: builds a static AArch64 program with one loop an instruction, feeds it
 * hard operands under every mode of FPCR, and compares results, FPSR and NZCV with both paths of ours.
 *
 *   npm run oracle:fp -- [--cases N] [--seed N] [--only GROUP] [--soak [--minutes N]] [--record FILE] [--per-row N]
 *
 * --cases is the number for each operation (a group: all formats and sizes of a mnemonic together) in each rounding
 * mode. Half of them, at most, are combinations of boundary operands, the others random. --soak takes one seed after
 * the other until it is stopped or the minutes are over, and keeps the totals in docs/soak-log.md.
 * --record writes N cases a row as the fixture of the unit tests instead. Needs qemu-aarch64,
 * aarch64-linux-gnu-gcc and a Node that runs TypeScript.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boundaryCases, boundaryOperands } from '../../src/emu/fp/boundary-operands.ts';
import { FPCR, FPSR, ROUNDING } from '../../src/emu/fp/environment.ts';
import { hardFpcr, hardOperands, RandomWords } from '../../src/emu/fp/hard-operands.ts';
import { ORACLE_ROWS } from '../../src/emu/fp/oracle-rows.ts';
import { FpSlowPath } from '../../src/emu/fp/slow-path.ts';
import { SoakLog } from './soak-log.mjs';

/** A question is FPCR and three operands, an answer v0, x0, FPSR and NZCV: four 64-bit words each. */
const RECORD_WORDS = 8;
const RECORD_BYTES = RECORD_WORDS * 4;
const HEADER_BYTES = 8;
const BATCH = 100_000;
const MEGABYTE = 2 ** 20;
const EXAMPLES_SHOWN = 4;
const NZCV_SHIFT = 28;
const MODES = [ROUNDING.TIEEVEN, ROUNDING.POSINF, ROUNDING.NEGINF, ROUNDING.ZERO];
const MS_PER_MINUTE = 60_000;
/** A prime, so that steps of this size reach every combination before one comes again. */
const COMBINATION_STEP = 7_368_787;

/**
 * Where QEMU (7.2) departs from the manual; docs/floating-point.md has the clauses. Such answers are
 * compared without NZCV, and not recorded.
 */
const NZCV_WRONG_IN_QEMU = {
  /** FPToFixedJS clears Z for an operand flushed to zero; QEMU sets it. */
  'FJCVTZS w d': (fpsr) => (fpsr & FPSR.IDC) !== 0,
};

function isWrongInQemu(row, fpsr) {
  return NZCV_WRONG_IN_QEMU[row.name]?.(fpsr) ?? false;
}

function oracleSource() {
  const functions = ORACLE_ROWS.map((row, index) => {
    const lines = row.assembly.toLowerCase().split('\n');
    return `static void run${index}(const struct question *q, struct answer *a, unsigned n) {
  for (unsigned i = 0; i < n; i++, q++, a++)
    __asm__ volatile(
      "ldp x3, x1, [%0]\\n ldr d1, [%0, 8]\\n ldr d2, [%0, 16]\\n ldr d3, [%0, 24]\\n"
      "movi v0.2d, #0\\n mov x0, #0\\n msr nzcv, xzr\\n msr fpsr, xzr\\n msr fpcr, x3\\n"
      "${lines.join('\\n ')}\\n"
      "msr fpcr, xzr\\n mrs x3, fpsr\\n mrs x4, nzcv\\n"
      "str d0, [%1]\\n stp x0, x3, [%1, 8]\\n str x4, [%1, 24]\\n"
      :: "r"(q), "r"(a) : "x0", "x1", "x3", "x4", "v0", "v1", "v2", "v3", "cc", "memory");
}`;
  });
  return `#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
struct question { uint64_t fpcr, a, b, c; };
struct answer { uint64_t v0, x0, fpsr, nzcv; };
${functions.join('\n')}
static void (*const runs[])(const struct question *, struct answer *, unsigned) = {
${ORACLE_ROWS.map((_, index) => `run${index}`).join(', ')} };
int main(void) {
  uint32_t header[2];
  while (fread(header, sizeof header, 1, stdin) == 1) {
    struct question *q = malloc(header[1] * sizeof *q);
    struct answer *a = malloc(header[1] * sizeof *a);
    if (fread(q, sizeof *q, header[1], stdin) != header[1]) return 1;
    runs[header[0]](q, a, header[1]);
    if (fwrite(a, sizeof *a, header[1], stdout) != header[1]) return 1;
    free(q);
    free(a);
  }
  return 0;
}
`;
}

function buildOracle(directory) {
  const source = join(directory, 'oracle.c');
  const program = join(directory, 'oracle');
  writeFileSync(source, oracleSource());
  const flags = ['-O1', '-static', '-march=armv8.6-a+fp16+fp16fml+bf16', '-o', program, source];
  execFileSync('aarch64-linux-gnu-gcc', flags, { stdio: 'inherit' });
  return program;
}

/** Random operands in any mode. */
const randomCase = (row, random) => ({
  fpcr: hardFpcr(random),
  operands: hardOperands(row.operands, random),
});

/** `count` cases of a row in each rounding mode, the first of each from boundary operands as far as there are any. */
function* casesOf(row, { count, seed, random }) {
  const combinations = boundaryCases(row.operands);
  const boundary = Math.min(combinations, Math.floor(count / 2));
  for (const mode of MODES)
    for (let n = 0; n < count; n++) {
      const fpcr = (hardFpcr(random) & ~FPCR.RMODE) | (mode << FPCR.RMODE_SHIFT);
      const combination = ((seed * boundary + n) * COMBINATION_STEP) % combinations;
      const operands =
        n < boundary ? boundaryOperands(row.operands, combination) : hardOperands(row.operands, random);
      yield { fpcr, operands };
    }
}

function* batchesOf(cases) {
  let batch = [];
  for (const one of cases) {
    batch.push(one);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Questions as the oracle reads them, behind a header of row number and count. */
function encodeQuestions(index, cases) {
  const buffer = Buffer.alloc(HEADER_BYTES + cases.length * RECORD_BYTES);
  buffer.writeUInt32LE(index, 0);
  buffer.writeUInt32LE(cases.length, 4);
  cases.forEach(({ fpcr, operands }, i) => {
    const at = HEADER_BYTES + i * RECORD_BYTES;
    buffer.writeUInt32LE(fpcr >>> 0, at);
    operands.forEach((bits, n) => {
      buffer.writeBigUInt64LE(bits, at + 8 + 8 * n);
    });
  });
  return buffer;
}

function ask(program, questions) {
  const { stdout, status, stderr } = spawnSync('qemu-aarch64', ['-cpu', 'max', program], {
    input: questions,
    maxBuffer: 64 * MEGABYTE,
  });
  if (status !== 0) throw new Error(`the oracle failed: ${stderr}`);
  return new Int32Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.length));
}

/** Our two paths, with FPCR and FPSR in plain variables. */
function makeEngine(exactOnly) {
  const result = new Int32Array(2);
  const registers = { fpcr: 0, fpsr: 0 };
  const ports = {
    readFpcr: () => registers.fpcr,
    orFpsr: (exceptions) => {
      registers.fpsr |= exceptions;
    },
  };
  return { slowPath: new FpSlowPath(result, ports, { exactOnly }), result, registers };
}

function hex(high, low) {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}

/** What our engine answers to the question at `at`, in words, and whether it is the oracle's answer. */
function check(row, engine, questions, at, answers, answerAt) {
  engine.registers.fpcr = questions[at];
  engine.registers.fpsr = 0;
  engine.result[0] = engine.result[1] = 0;
  const words = questions.subarray(at + 2, at + RECORD_WORDS);
  const nzcv = row.run(engine.slowPath, words, engine.result, questions[at]);
  const valueAt = answerAt + (row.result === 'x0' ? 2 : 0);
  const sameValue =
    row.result === 'nzcv' ||
    (engine.result[0] === answers[valueAt] && engine.result[1] === answers[valueAt + 1]);
  const fpsr = answers[answerAt + 4];
  const sameFlags =
    nzcv === undefined || isWrongInQemu(row, fpsr) || nzcv === answers[answerAt + 6] >>> NZCV_SHIFT;
  if (sameValue && sameFlags && engine.registers.fpsr === fpsr) return undefined;
  const ours = `${hex(engine.result[1], engine.result[0])} fpsr=${engine.registers.fpsr.toString(16)} nzcv=${nzcv}`;
  const theirs = `${hex(answers[valueAt + 1], answers[valueAt])} fpsr=${fpsr.toString(16)} nzcv=${answers[answerAt + 6] >>> NZCV_SHIFT}`;
  return `ours ${ours} | qemu ${theirs}`;
}

function questionText(questions, at) {
  const operands = [2, 4, 6].map((n) => hex(questions[at + n + 1], questions[at + n]));
  return `fpcr=${(questions[at] >>> 0).toString(16)} ${operands.join(' ')}`;
}

/** Compares cases of a row; gives how many there were and how many differed. */
function compareRow(program, row, cases, engines) {
  let compared = 0;
  let differences = 0;
  const index = ORACLE_ROWS.indexOf(row);
  for (const batch of batchesOf(cases)) {
    compared += batch.length;
    const buffer = encodeQuestions(index, batch);
    const answers = ask(program, buffer);
    const questions = new Int32Array(
      buffer.buffer.slice(buffer.byteOffset + HEADER_BYTES, buffer.byteOffset + buffer.length),
    );
    for (let at = 0; at < questions.length; at += RECORD_WORDS) {
      for (const [name, engine] of Object.entries(engines)) {
        const difference = check(row, engine, questions, at, answers, at);
        if (difference === undefined) continue;
        if (differences++ < EXAMPLES_SHOWN) {
          console.log(`  ${row.name} [${name}] ${questionText(questions, at)}: ${difference}`);
        }
      }
    }
  }
  return { cases: compared, differences };
}

/** The fixture: for each row, lines of FPCR, operands, result, FPSR and NZCV in hexadecimal. */
function recordVectors(program, file, perRow, random) {
  const trim = (text) => text.replace(/^0+(?=.)/, '');
  const vectors = ORACLE_ROWS.map((row, index) => {
    const cases = Array.from({ length: perRow }, () => randomCase(row, random));
    const buffer = encodeQuestions(index, cases);
    const answers = ask(program, buffer);
    const lines = [];
    for (let i = 0; i < perRow; i++) {
      const at = HEADER_BYTES + i * RECORD_BYTES;
      const operands = row.operands.map((_, n) => buffer.readBigUInt64LE(at + 8 + 8 * n).toString(16));
      const from = i * RECORD_WORDS + (row.result === 'x0' ? 2 : 0);
      const value = row.result === 'nzcv' ? '0' : trim(hex(answers[from + 1], answers[from]));
      const fpsr = answers[i * RECORD_WORDS + 4];
      if (isWrongInQemu(row, fpsr)) continue;
      const nzcv = (answers[i * RECORD_WORDS + 6] >>> NZCV_SHIFT).toString(16);
      lines.push(
        [buffer.readUInt32LE(at).toString(16), ...operands, value, fpsr.toString(16), nzcv].join(' '),
      );
    }
    return `${JSON.stringify(row.name)}:${JSON.stringify(lines)}`;
  });
  writeFileSync(file, `{\n${vectors.join(',\n')}\n}\n`);
}

/** Every operation in every rounding mode; gives how many cases there were and how many differed. */
function compareAll(program, engines, { seed, cases, only }) {
  const random = new RandomWords(seed);
  const totals = { cases: 0, differences: 0 };
  for (const [group, rows] of Map.groupBy(ORACLE_ROWS, (row) => row.group)) {
    if (only !== undefined && group !== only) continue;
    const count = Math.ceil(cases / rows.length);
    const before = { ...totals };
    for (const row of rows) {
      const result = compareRow(program, row, casesOf(row, { count, seed, random }), engines);
      totals.cases += result.cases;
      totals.differences += result.differences;
    }
    const [compared, differing] = [totals.cases - before.cases, totals.differences - before.differences];
    console.log(`${group}: ${compared} cases, ${differing} differences`);
  }
  return totals;
}

/** One seed after the other; the log has the totals after each. */
function soak(program, engines, options, minutes) {
  const what = ['floating point, four rounding modes', options.only, `--cases ${options.cases}`]
    .filter(Boolean)
    .join(', ');
  const log = new SoakLog(what, 'cases');
  const end = performance.now() + minutes * MS_PER_MINUTE;
  let differences = 0;
  for (let { seed } = options; performance.now() < end; seed++) {
    const totals = compareAll(program, engines, { ...options, seed });
    log.add(seed, totals.cases, totals.differences);
    differences += totals.differences;
  }
  return differences;
}

function main() {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      soak: { type: 'boolean', default: false },
      minutes: { type: 'string', default: 'Infinity' },
      record: { type: 'string' },
      'per-row': { type: 'string', default: '20' },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'bramble-fp-'));
  try {
    const program = buildOracle(directory);
    if (values.record !== undefined) {
      recordVectors(program, values.record, Number(values['per-row']), new RandomWords(Number(values.seed)));
      return 0;
    }
    const engines = { fast: makeEngine(false), exact: makeEngine(true) };
    const options = { seed: Number(values.seed), cases: Number(values.cases), only: values.only };
    const differences = values.soak
      ? soak(program, engines, options, Number(values.minutes))
      : compareAll(program, engines, options).differences;
    return differences === 0 ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

process.exitCode = main();
